/* SPDX-License-Identifier: MIT
 *
 * Addresses and the networks they are in; IPv4 as IPv6's mapped form (::ffff:a.b.c.d), so that there is one kind.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ADDRESS_BYTES 16u

struct network {
    uint8_t address[ADDRESS_BYTES];
    unsigned bits; /* of the front that count */
};

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32". */
bool network_parse(const char *text, struct network *out);
bool network_has(const struct network *network, const uint8_t address[ADDRESS_BYTES]);
