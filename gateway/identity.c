/* SPDX-License-Identifier: MIT */
#include "gateway/identity.h"

#include "common/wire.h"

void identity_finish(struct identity *identity)
{
    buf_finish(&identity->user);
    buf_finish(&identity->claims);
    buf_finish(&identity->roles);
    *identity = (struct identity){0};
}

void identity_add_claim(struct identity *identity, struct str name, struct str value)
{
    wire_put_str16(&identity->claims, name);
    wire_put_str16(&identity->claims, value);
}

void identity_add_role(struct identity *identity, struct str role)
{
    wire_put_str16(&identity->roles, role);
}

struct str identity_claim(const struct identity *identity, struct str name)
{
    struct wire_reader reader;
    wire_reader_init(&reader, identity->claims.data, identity->claims.len);
    while (wire_left(&reader) > 0) {
        struct str each = wire_get_str16(&reader);
        struct str value = wire_get_str16(&reader);
        if (str_equal(each, name)) {
            return value;
        }
    }
    return (struct str){NULL, 0};
}

bool identity_has_role(const struct identity *identity, struct str role)
{
    struct wire_reader reader;
    wire_reader_init(&reader, identity->roles.data, identity->roles.len);
    while (wire_left(&reader) > 0) {
        if (str_equal(wire_get_str16(&reader), role)) {
            return true;
        }
    }
    return false;
}

bool identity_is_whole(struct str claims, struct str roles)
{
    struct wire_reader reader;
    wire_reader_init(&reader, claims.at, claims.len);
    while (!reader.failed && wire_left(&reader) > 0) {
        (void)wire_get_str16(&reader);
        (void)wire_get_str16(&reader);
    }
    bool is_whole = wire_done(&reader);
    wire_reader_init(&reader, roles.at, roles.len);
    while (!reader.failed && wire_left(&reader) > 0) {
        (void)wire_get_str16(&reader);
    }
    return is_whole && wire_done(&reader);
}
