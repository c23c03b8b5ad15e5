/* SPDX-License-Identifier: MIT
 *
 * Who may send where, and subscribe to what: `gateway.rules`.
 *
 * The first rule whose `match` fits a destination decides; where there are rules, what none fits is denied. A
 * subscription to a pattern is allowed when every destination the pattern can match is: a rule that covers the
 * pattern decides; one that shares a part of it must allow that part, and the search goes on.
 *
 * In `match`, `{user}`, `{session}` and `{claim.x}` are values: they stand for their bytes and nothing else, and a rule
 * whose value is absent, empty or has a `/` fits nothing. Other names in braces, `*`, `?` and `**` are wildcards
 * as in proto/destination.h.
 */
#pragma once

#include "common/str.h"

struct gateway_settings;
struct identity;
struct rules;

enum rules_action { RULES_SEND, RULES_SUBSCRIBE };

struct rules_asker {
    const struct identity *identity; /* NULL: nobody */
    struct str session;              /* its public name */
};

/* NULL where there are no rules: all is allowed. */
struct rules *rules_create(const struct gateway_settings *settings);
void rules_destroy(struct rules *rules); /* takes NULL */

/* `destination` is checked already; `is_pattern`: it is subscribed to as one. */
bool rules_allow(struct rules *rules, enum rules_action action, struct str destination,
                 bool is_pattern, const struct rules_asker *asker);
