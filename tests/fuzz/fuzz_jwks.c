/* SPDX-License-Identifier: MIT
 *
 * Key sets from any bytes: taken whole or refused, never with both kinds of key.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "gateway/jwks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jwt_keys keys;
    jwt_keys_init(&keys);
    const char *wrong =
        jwks_read((struct str){(const char *)data, size}, JWT_ALL_ALGORITHMS, &keys);
    unsigned types = jwt_keys_types(&keys);
    assert(wrong != NULL || keys.count > 0);
    assert((types & 1u << JWT_KEY_SECRET) == 0 || types == 1u << JWT_KEY_SECRET);
    bool has_key;
    bool is_signed =
        jwt_keys_verify(&keys, JWT_HS256, (struct str){NULL, 0}, STR("x"), STR("x"), &has_key);
    assert(!is_signed);
    jwt_keys_finish(&keys);
    return 0;
}
