/* SPDX-License-Identifier: MIT
 *
 * What a gateway that has greeted may say: one table, message type -> handler.
 */
#pragma once

#include "broker/core.h"

/* 0, or ERR_PROTOCOL: no such command, a malformed body, or what a gateway must not do. */
int commands_handle(struct core *core, struct peer *peer, uint8_t type, struct str body)
    __attribute__((warn_unused_result));

/* One that commands_handle() has held: it was looked at then. */
void commands_handle_held(struct core *core, struct peer *peer, uint8_t type, struct str body);

/* Its body counts against the gateway's window. */
bool commands_take_credit(uint8_t type);
