/* SPDX-License-Identifier: MIT
 *
 * Which gateways are linked, as files beside the socket: a broker that comes after one that died knows by them for
 * whom to wait.
 *
 * One file a gateway, <socket>.<number in hex>.gateway, with its name inside for whoever looks. Reading and writing block,
 * as little as local files do: at the start, and once in a link's life. What fails is logged and means no more than that
 * the next broker does not wait for that gateway.
 */
#pragma once

#include "common/buf.h"

/* The numbers that files say, u64 each in the machine's order, at most `count_max`. The files stay, for the case that this
 * broker dies before they are back. */
void known_gateways_read(const char *socket, size_t count_max, struct buf *out_numbers);
void known_gateways_add(const char *socket, uint64_t number, const char *name);
void known_gateways_remove(const char *socket, uint64_t number);
