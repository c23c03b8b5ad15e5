/* SPDX-License-Identifier: MIT
 *
 * Who a client has proved to be, and until when. What rules ask, and what goes with a session from gateway to
 * gateway; the token itself is not in it.
 */
#pragma once

#include "common/buf.h"

#define IDENTITY_FOREVER UINT64_MAX

struct identity {
    struct buf user;    /* UTF-8, not empty */
    struct buf claims;  /* (str16 name, str16 value)*: texts, whole numbers, true and false */
    struct buf roles;   /* (str16)* */
    uint64_t expires_s; /* since 1970; IDENTITY_FOREVER: does not */
};

void identity_finish(struct identity *identity); /* leaves it empty */

void identity_add_claim(struct identity *identity, struct str name, struct str value);
void identity_add_role(struct identity *identity, struct str role);

/* At NULL when there is none. */
struct str identity_claim(const struct identity *identity, struct str name);
bool identity_has_role(const struct identity *identity, struct str role);

/* The blocks are whole: they came from a checkpoint. */
bool identity_is_whole(struct str claims, struct str roles);
