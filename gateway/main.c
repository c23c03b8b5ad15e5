/* SPDX-License-Identifier: MIT
 *
 * sluice-gateway: the clients' side.
 *
 * For a first reading: gateway.c (what there is, and in which order), then a message's way in:
 * listener.c, conn.c, http.c, router.c, websocket.c or a sockjs_*.c, session.c, stomp_session.c,
 * stomp_commands.c, broker_link.c; and out again: broker_answers.c, delivery.c, shared_frame.c,
 * session.c, and back to the transport.
 */
#include "common/process.h"
#include "common/settings.h"
#include "gateway/gateway.h"

int main(int argc, char **argv)
{
    struct settings settings;
    int exit_code = 0;
    size_t descriptors_max = process_init();
    if (settings_load(&settings, argc, argv, SETTINGS_GATEWAY, &exit_code)) {
        exit_code = gateway_run(&settings, descriptors_max);
    }
    settings_finish(&settings);
    return exit_code;
}
