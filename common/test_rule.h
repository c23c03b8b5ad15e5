/* SPDX-License-Identifier: MIT
 *
 * Rules of the protocol that a build for tests can switch off, one at a time, to show that the tests see each of them.
 *
 * With the Meson option `test_rules`, TEST_RULE(name) is false in a program whose environment says
 * SLUICE_TEST_RULE_OFF=name. In every other build it is the constant true. tests/integration/rules.test.mjs has a row for
 * each rule; docs/link-protocol.md, "Rules the tests switch off", says the same in prose.
 */
#pragma once

#include <stdbool.h>

/* What holds, unless it is switched off. */
#define TEST_RULES(R)                                                                              \
    R(opens_once)           /* a session that has moved gets no second `o` */                      \
    R(cut_ends)             /* a receiver that was cut off ends its session */                     \
    R(eventsource_stays)    /* but that of an eventsource */                                       \
    R(alive_refuses)        /* YIELD is refused while a receiver is alive */                       \
    R(idle_yields)          /* and only then */                                                    \
    R(one_family)           /* another family of transports is refused */                          \
    R(unsent_moves)         /* YIELDED carries what no receiver has got */                         \
    R(half_frame_moves)     /* and the rest of a frame */                                          \
    R(half_character_moves) /* and of a character */                                               \
    R(log_moves)            /* CLAIMED MOVED is followed by what came since YIELD */               \
    R(log_is_cut)           /* but not by what the former holder has handled */                    \
    R(answers_move)         /* answers to requests are part of that */                             \
    R(groups_are_told)      /* and by the groups of its subscriptions */                           \
    R(claim_relays)         /* a send during its session's claim goes to the broker */             \
    R(relays_wait)          /* relays wait while a session is yielded or parked */                 \
    R(relays_in_order)      /* and go on in the order they came */                                 \
    R(relays_are_whole)     /* RELAY_DONE comes behind the checkpoint of the body */               \
    R(absent_is_told)       /* a relay that finds no session is told so */                         \
    R(rest_is_kept)         /* what is left at a session's end waits for the next claims */        \
    R(tombstone_answers)    /* a session's end is remembered */                                    \
    R(restart_waits)        /* a restarted broker waits for the gateways there were */             \
    R(repeats_are_known)    /* a message that is published again is delivered once */

#ifdef SLUICE_TEST_RULES
#include <stdlib.h>
#include <string.h>

#define TEST_RULE_ROW(name) TEST_RULE_##name,
enum test_rule { TEST_RULES(TEST_RULE_ROW) };
#undef TEST_RULE_ROW

static inline bool test_rule_is_on(enum test_rule rule)
{
#define TEST_RULE_ROW(name) #name,
    static const char *const names[] = {TEST_RULES(TEST_RULE_ROW)};
#undef TEST_RULE_ROW
    const char *off = getenv("SLUICE_TEST_RULE_OFF");
    return off == NULL || strcmp(off, names[rule]) != 0;
}

#define TEST_RULE(name) test_rule_is_on(TEST_RULE_##name)
#else
#define TEST_RULE(name) true
#endif
