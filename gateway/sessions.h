/* SPDX-License-Identifier: MIT
 *
 * What the link tells the registry of sessions; the rest of its interface is session.h.
 */
#pragma once

#include "gateway/broker_link.h"
#include "gateway/session.h"

void sessions_claimed(struct sessions *sessions, const struct link_claimed *claimed);
void sessions_answered(struct sessions *sessions, const struct broker_answer *answer);
void sessions_expire(struct sessions *sessions, uint64_t request, uint64_t handle);
void sessions_yield(struct sessions *sessions, uint64_t request, uint64_t handle);
void sessions_relayed(struct sessions *sessions, const struct link_relayed *relayed);
void sessions_relay_done(struct sessions *sessions, uint64_t request, uint8_t result);
void sessions_deliver(struct sessions *sessions, const struct link_delivered *delivered);
void sessions_adopt(struct sessions *sessions, const struct link_adopt *adopt);
void sessions_gone(struct sessions *sessions, uint64_t handle, struct str reason);

/* A new link: broker_link_restore() for each session; then what came back. */
void sessions_restore(struct sessions *sessions);
void sessions_yield_again(struct sessions *sessions);
void sessions_restored(struct sessions *sessions, uint64_t handle, uint32_t subscription,
                       uint32_t group);
void sessions_restored_all(struct sessions *sessions);
