/* SPDX-License-Identifier: MIT
 *
 * Who may come in: the keys of `gateway.auth`, and the verdict on what a client shows.
 */
#pragma once

#include "gateway/identity.h"

struct auth;
struct auth_settings;

/* Reads the key file that is configured; *out_auth is NULL where there is none. Returns 0, or ERR_ABSENT after what
 * is wrong with it was logged. The settings are borrowed. */
int auth_create(const struct auth_settings *settings, struct auth **out_auth)
    __attribute__((warn_unused_result));
void auth_destroy(struct auth *auth); /* takes NULL */

/* Reads the file again; keeps the old keys, and logs why, when it is wrong. Takes NULL. */
void auth_reload(struct auth *auth);

/* 0, or an enum jwt_error; fills `out`, which was empty, on 0. */
int auth_verify(const struct auth *auth, struct str token, struct identity *out)
    __attribute__((warn_unused_result));

/* The token in a header's value: without `Bearer `. Absent for nothing, blanks, and the `null` and `undefined` of
 * pages without one. */
struct str auth_token_of(struct str value);

/* Seconds since 1970. */
uint64_t auth_now_s(void);
