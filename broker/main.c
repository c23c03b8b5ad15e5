/* SPDX-License-Identifier: MIT
 *
 * sluice-broker: sessions, subscriptions and fan-out for the gateways of one host.
 *
 * Reading order: broker.c (the whole), gateway_link.c (one gateway), commands.c (what it may say), sessions.c and
 * handover.c, subscriptions.c and patterns.c, fanout.c. docs/link-protocol.md is the conversation in prose.
 */
#include "broker/broker.h"
#include "common/process.h"

int main(int argc, char **argv)
{
    struct settings settings;
    int exit_code = 0;
    (void)process_init();
    if (settings_load(&settings, argc, argv, SETTINGS_BROKER, &exit_code)) {
        exit_code = broker_run(&settings);
    }
    settings_finish(&settings);
    return exit_code;
}
