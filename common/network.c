/* SPDX-License-Identifier: MIT
 *
 * Networks. See network.h.
 */
#include "common/network.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/str.h"

#define MAPPED_BITS 96u

bool network_parse(const char *text, struct network *out)
{
    struct network network = {.bits = 0};
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
    if (len >= sizeof(address)) {
        return false;
    }
    memcpy(address, text, len);
    address[len] = '\0';
    unsigned front = 0;
    if (inet_pton(AF_INET, address, network.address + 12) == 1) {
        network.address[10] = network.address[11] = 0xff;
        front = MAPPED_BITS;
    } else if (inet_pton(AF_INET6, address, network.address) != 1) {
        return false;
    }
    unsigned long long bits = 128 - front;
    if (slash != NULL && !str_to_u64(str_of(slash + 1), 128 - front, &bits)) {
        return false;
    }
    network.bits = front + (unsigned)bits;
    *out = network;
    return true;
}

bool network_has(const struct network *network, const uint8_t address[ADDRESS_BYTES])
{
    unsigned whole = network->bits / 8;
    unsigned rest = network->bits % 8;
    if (memcmp(network->address, address, whole) != 0) {
        return false;
    }
    return rest == 0 || ((network->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}
