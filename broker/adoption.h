/* SPDX-License-Identifier: MIT
 *
 * Sends for sessions that nobody holds: which gateway is asked to take the session, so that they are not left to wait for
 * a receiver. docs/link-protocol.md, "Relay".
 */
#pragma once

#include "broker/sessions.h"

/* If sends wait for a session that is PARKED: ADOPT to `first` or, unless that stays, to another gateway that does. Asked
 * once, as long as that gateway is there. When none stays, sends by gateways that are about to stop are refused. */
void adoption_ask(struct session *session, const struct peer *first);

/* Gateways have come or gone, or one is about to stop: looks at every session that waits. */
void adoption_ask_all(struct sessions *sessions);
