/* SPDX-License-Identifier: MIT
 *
 * A session that comes without a receiver: somebody sends to it, and nobody holds it.
 *
 *   sessions_adopt(), when the broker says ADOPT: claims it, as for a receiver; session_move_in() then leaves it detached,
 *   and the sends that waited run here. A receiver that comes meanwhile has it (session_attach_here()).
 *
 * Nothing is answered where this gateway cannot have it: the send waits for a receiver then, wherever that comes.
 */
#include "common/settings.h"
#include "gateway/session_state.h"
#include "gateway/sessions.h"

/* The endpoint of a key: its path, a slash, the SockJS id. NULL: another gateway's. */
static const struct endpoint_settings *find_endpoint(const struct gateway_settings *settings,
                                                     struct str key)
{
    const char *slash = key.len == 0 ? NULL : memrchr(key.at, '/', key.len);
    struct str path = {key.at, slash == NULL ? 0 : (size_t)(slash - key.at)};
    for (size_t i = 0; slash != NULL && i < settings->endpoint_count; i++) {
        const struct endpoint_settings *endpoint = &settings->endpoints[i];
        if (endpoint->has_sockjs && str_equal(str_of(endpoint->path), path)) {
            return endpoint;
        }
    }
    return NULL;
}

void sessions_adopt(struct sessions *sessions, const struct link_adopt *adopt)
{
    const struct endpoint_settings *endpoint =
        find_endpoint(sessions->runtime->settings, adopt->key);
    if (endpoint == NULL || map_get(&sessions->by_key, adopt->key) != NULL ||
        sessions_are_full(sessions)) {
        return;
    }
    struct session *session =
        session_create(sessions, endpoint, &endpoint->limits, adopt->family, NULL, adopt->key);
    session->is_adopted = true;
}
