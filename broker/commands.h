/* SPDX-License-Identifier: MIT
 *
 * What a gateway that has greeted may say: one table, message type -> handler.
 */
#pragma once

#include "broker/core.h"

/* 0, or ERR_PROTOCOL: no such command, a malformed body, or what a gateway must not do. */
int commands_handle(struct core *core, struct peer *peer, uint8_t type, struct str body)
    __attribute__((warn_unused_result));

/* Its body counts against the gateway's window. */
bool commands_take_credit(uint8_t type);
