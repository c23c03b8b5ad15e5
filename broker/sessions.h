/* SPDX-License-Identifier: MIT
 *
 * Registry of sessions: by key, and by the number their holder gave them.
 *
 *             sessions_open()
 *                   |
 *    .----------> HELD <--------------------.     refused, or moved to another holder
 *    |            |  |  `--> YIELDING ------'     YIELD was asked
 *    |            |  `-----> EXPIRING ------'     EXPIRE was asked
 *    |            v
 *    `--------- PARKED                            its link was lost, in whichever state it was
 *
 * sessions_end() ends it from any state. sessions_close() does too, but for frames that no receiver has got: with
 * them it is held and parked on, until they are collected. A session has a holder, except parked. This file changes one session at
 * a time; what one session's change means for claims and relays is decided in handover.c.
 */
#pragma once

#include "broker/claims.h"
#include "broker/relays.h"
#include "broker/session_log.h"
#include "broker/session_subscriptions.h"
#include "broker/tombstones.h"

#define SESSION_NAME_BYTES 26 /* 128 random bits in base32 */
#define SESSIONS_CLOSED_BYTES_MAX                                                                  \
    (64u << 20) /* of all sessions that are closed; beyond: not kept */
#define SESSION_UNSENT_BYTES_MAX                                                                   \
    1048576 /* of a session that was yielded to nobody; beyond: it ends */

enum session_state { SESSION_HELD, SESSION_YIELDING, SESSION_EXPIRING, SESSION_PARKED };

/* What a session has with it from one holder to the next. Most never move: they share an empty one. */
struct session_passage {
    struct session *session;
    struct payload *unsent; /* owned; of one yielded, until its next holder has said CHECKPOINT */
    struct session_log log; /* of a session that can move: always on */
    struct payload *seen;   /* owned; hashes of messages it has got already, u64 each */
    size_t unseen;          /* bytes at the end of those hashes that it has not */
    uint64_t former;        /* id of the peer that yielded it and keeps a copy; 0: none */
    uint64_t former_handle;
    uint64_t adopter;         /* id of the peer that was asked ADOPT; 0: none */
    struct claim_list claims; /* that wait for the holder's answer */
    struct relay_list relays;
};

/* Of a session that has ended before its receivers had got everything. */
struct session_close {
    struct payload *unsent; /* owned */
    struct str reason;      /* the bytes behind the struct */
    uint32_t remember_ms;   /* of the tombstone that follows */
    uint16_t code;
};

struct session {
    struct list_node node; /* sessions::all */
    struct sessions *sessions;
    struct peer *holder; /* borrowed; NULL: parked */
    uint64_t handle;     /* the holder's number; key in peer::sessions */
    uint64_t question;   /* request of the YIELD or EXPIRE under way */
    enum session_state state;
    uint32_t moves;   /* how often it has changed hands */
    bool is_attached; /* the holder has a receiver */
    bool is_restored; /* its holder had it when it delivered peer::recent */
    bool can_move;    /* false: its checkpoint was too long to keep */
    uint8_t family;   /* enum link_family */
    uint32_t expire_ms;
    struct wheel_entry expiry;
    struct session_subscriptions subscriptions;
    struct payload *checkpoint;      /* owned; NULL: none yet */
    struct session_close *close;     /* owned; NULL: it lives */
    struct session_passage *passage; /* owned, once there is something in it */
    struct str key;                  /* owned; key in sessions::by_key unless empty; never shown */
    struct str name;                 /* public; the bytes behind the struct */
    struct str user;                 /* owned */
};

struct sessions_options { /* all borrowed */
    struct wheel *wheel;
    struct peers *peers;
    struct subscriptions *subscriptions;
    struct stats *stats;
    size_t sessions_max;
    size_t subscriptions_max; /* of one session */
    size_t log_bytes_max;     /* likewise */
};

struct sessions {
    struct sessions_options options;
    struct map by_key;
    struct list_node all; /* owned */
    size_t count;
    size_t parked_count; /* of those, without a holder */
    size_t closed_bytes; /* of session_close::unsent */
    uint64_t last_question;
    struct session_passage no_passage; /* stays empty */
    struct tombstones tombstones;
    struct relays relays;
};

/* What CLAIM and RESTORE say of a session. `name` empty: one is drawn. */
struct session_facts {
    uint64_t handle;
    struct str key;
    struct str name;
    struct str user;
    uint8_t family;
    uint32_t expire_ms;
    uint32_t moves;
};

void sessions_init(struct sessions *sessions, const struct sessions_options *options);
void sessions_finish(struct sessions *sessions); /* frees what is parked; no peer is left */
bool sessions_are_full(const struct sessions *sessions);

/* Lookups: NULL is a normal answer. */
struct session *sessions_find(const struct peer *peer, uint64_t handle);
struct session *sessions_find_key(const struct sessions *sessions, struct str key); /* not empty */

/* A new session, HELD and attached. Neither key nor handle is in use. */
struct session *sessions_open(struct sessions *sessions, struct peer *peer,
                              const struct session_facts *facts);

/* The session of a lost link, or one just yielded, goes to `peer` with its subscriptions: HELD, attached.
 * Its log goes with it. */
void sessions_hold(struct session *session, struct peer *peer, uint64_t handle, uint32_t expire_ms);

/* Out of its holder's hands and groups: PARKED, until sessions_hold() or `expire_ms` have passed. */
void sessions_park(struct session *session);

/* A key, an HTTP family, and no more to keep than may be kept. */
bool sessions_can_park(const struct session *session);

/* The holder has all that was yielded, and who yielded it may forget it. */
void sessions_confirm(struct session *session);

/* A log that was too short for a session that nobody holds ends it. True when that happened. */
bool sessions_judge(struct session *session);

/* The same for one that was just claimed: what was missed is not to be had any more. */
bool sessions_judge_claimed(struct session *session);

/* Its receiver is there again, or gone: then the holder is asked EXPIRE after `expire_ms`. */
void sessions_attach(struct session *session);
void sessions_detach(struct session *session);

/* Its own, to put something in; to look, session::passage is enough. */
struct session_passage *sessions_passage(struct session *session);

/* Asks the holder YIELD or EXPIRE; the answer counts if it carries the question's number. */
void sessions_ask(struct session *session, enum session_state state);
void sessions_await(struct session *session); /* YIELDED comes unasked, with request 0 */
bool sessions_is_answer(const struct session *session, uint64_t question, enum session_state state);
void sessions_refused(struct session *session); /* HELD again */

/* LINK_OK with the group; else LINK_DENIED or LINK_LIMIT and why. The session is held. */
enum link_result sessions_subscribe(struct session *session, uint32_t number, uint8_t ack,
                                    struct str destination, uint32_t *out_group,
                                    const char **out_reason);
void sessions_unsubscribe(struct session *session, uint32_t number); /* an unknown one is none */

/* What the next holder gets, what is unsent included. False: it is too long; the session has none then, and cannot
 * park. */
bool sessions_keep_checkpoint(struct session *session, struct str state);

/* The same by RESTORE, which is empty where it would be too long. */
void sessions_keep_restored(struct session *session, struct str state);

/* As yielded, whatever its length: for the claim that waits. sessions_settle() when that is served: what is too
 * long to be kept goes. */
void sessions_keep_yielded(struct session *session, struct str checkpoint, struct str unsent);
void sessions_settle(struct session *session);

/* From a time before this broker: it comes a second time. */
bool sessions_has_seen(const struct session *session, struct str message_id);

/* An answer its holder was just sent is noted where the session may move. */
void sessions_note_answer(struct session *session, const struct session_log_answer *answer);

/* What RESTORE says replaces what was kept of a parked session; its subscriptions go. */
void sessions_replace(struct session *session, const struct session_facts *facts);

/* It has ended, but for frames that no receiver has got: they wait, PARKED, with what the first DROP_SESSION of it
 * said. False: they cannot be kept, and sessions_end() is due. */
bool sessions_close(struct session *session, const struct link_drop_session *drop)
    __attribute__((warn_unused_result));

/* Ends it: waiting claims are answered CLOSED, relays ABSENT; a tombstone if it has a key and remember_ms. One that
 * was closed ends as it was closed. */
void sessions_end(struct session *session, uint16_t code, struct str reason, uint32_t remember_ms);
