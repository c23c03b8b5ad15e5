/* SPDX-License-Identifier: MIT
 *
 * How sessions come to a gateway, change hands and come back: claim, yield, relay, restore, loss.
 *
 * Functions that return int answer 0, or ERR_PROTOCOL when the gateway broke the rules and is to lose its link.
 */
#pragma once

#include "broker/sessions.h"

int handover_claim(struct sessions *sessions, struct peer *peer, const struct link_claim *claim)
    __attribute__((warn_unused_result));
void handover_yielded(struct peer *peer, const struct link_yielded *yielded);
void handover_refused(struct peer *peer, const struct link_refused *refused);

/* Its holder says that it has ended. */
void handover_drop(struct session *session, const struct link_drop_session *drop);

void handover_relay(struct sessions *sessions, struct peer *peer, const struct link_relay *relay);
enum link_result handover_checkpoint(struct sessions *sessions, struct peer *peer,
                                     const struct link_checkpoint *checkpoint);

int handover_restore(struct sessions *sessions, struct peer *peer,
                     const struct link_restore *restore) __attribute__((warn_unused_result));

/* The peer was taken out of peers before. It holds no session afterwards. */
void handover_lose_peer(struct sessions *sessions, struct peer *peer);
