/* SPDX-License-Identifier: MIT
 *
 * What session.c, session_inputs.c and sessions.c know in common; nobody else includes this.
 */
#pragma once

#include "common/map.h"
#include "gateway/broker_link.h"
#include "gateway/session.h"
#include "gateway/session_queue.h"

#define SESSION_RELAYS_KEPT 16
#define SESSION_UNSENT_BYTES_MAX                                                                   \
    ((size_t)24 << 20) /* of frames that leave with a session: a link message holds that */

struct sessions {
    struct runtime *runtime;
    struct broker_link *link; /* borrowed */
    const struct services *services;
    struct map by_handle;   /* u64 -> struct session, owned */
    struct map by_key;      /* struct session::key -> the same, for HTTP sessions */
    struct map sends;       /* u64 of session_input::data -> struct session_input with `done` */
    struct map relays;      /* u64 request -> struct session_relay, owned */
    struct map relayers;    /* u64 of session_relay::data -> the same, if `done` */
    struct map yielded;     /* u64 handle -> struct session_copy, owned */
    struct list_node waits; /* struct sessions_wait, owned */
    uint64_t last_handle;
    struct turn_entry judge;   /* at the turn's end, who is too slow */
    struct buf suspects;       /* handles, u64 each */
    struct turn_entry confirm; /* at the turn's end, what streams have written */
    struct buf streams;        /* handles, u64 each */
    size_t count;              /* without those in SESSION_CLOSING */
};

/* Messages that a client sent together: one body of an HTTP send, or one message of a transport. */
struct session_input {
    struct session_input *next; /* session::inputs */
    session_sent_cb done;       /* NULL: nobody waits, or he has gone */
    void *data;
    uint64_t data_key; /* of sessions::sends */
    uint64_t request;  /* of the end mark; 0: the service has not got it yet */
    uint64_t relay;    /* the body came from another gateway; 0: from our client */
    size_t count;      /* of messages */
    size_t bytes;      /* of all messages */
    bool is_binary;
    size_t lens[]; /* `count` lengths, then the messages */
};

/* The last relays that were run: a resent one is known by its number. */
struct session_relays {
    uint32_t count;
    uint64_t numbers[SESSION_RELAYS_KEPT];
};

struct session_farewell {
    unsigned code;
    uint64_t remember_ms;
    size_t len;
    char reason[];
};

struct session {
    struct sessions *sessions;
    struct transport *transport;  /* borrowed; NULL while detached */
    void *service;                /* owned through its ops; NULL before `o` and after the end */
    struct service_host host;     /* its name is ours */
    struct str key;               /* owned; absent for WebSocket and TCP */
    struct session_queue queue;   /* for a receiver that is away, or takes the frames itself */
    struct session_input *inputs; /* owned, oldest first */
    struct session_farewell *farewell; /* owned; since is_collected */
    struct wheel_entry timer;      /* CONNECTING: the claim's deadline; OPEN: SockJS heart-beat */
    struct session_yield *yield;   /* owned; the broker asked, the receiver is about to end */
    struct session_relays *relays; /* owned; NULL: none yet */
    uint64_t claim;                /* request */
    uint64_t confirmed;            /* number of the link */
    uint32_t own_popped;           /* session_queue::own_popped at the last checkpoint */
    uint32_t moves;                /* from gateway to gateway */
    uint64_t read_ms;
    uint64_t written_ms;
    uint8_t state; /* enum session_state */
    uint8_t family;
    uint8_t service_kind; /* enum endpoint_service */
    uint8_t pins;         /* calls under way that still use this object */
    bool is_over;         /* ended; goes when the last pin goes */
    bool is_collected;    /* but not before its receiver has what was queued: CLOSING */
    bool is_paused;
    bool is_suspect;       /* in sessions::suspects */
    bool is_offered;       /* the broker is to ask for it */
    bool is_written;       /* in sessions::streams */
    bool has_kept_own;     /* the last checkpoint has frames in it */
    bool is_state_refused; /* it was too long */
    uint8_t state_skips;   /* bodies until it is looked at again */
    uint8_t unconfirmed;   /* answers */
    bool is_adopted;       /* it comes without a receiver: that is no client who left */
};

/* Claims it. `transport` NULL: nobody has come yet, only HTTP families. */
struct session *session_create(struct sessions *sessions, const struct endpoint_settings *endpoint,
                               const struct limits_settings *limits, uint8_t family,
                               struct transport *transport, struct str key);
bool sessions_are_full(const struct sessions *sessions); /* or about to stop */

/* The session ends here: service closed, transport or next receiver told, the broker told to
 * remember it for `remember_ms`. What the client has not fetched is dropped with `drops_queue`. */
struct session_end {
    unsigned code;
    struct str reason;
    uint64_t remember_ms;
    bool drops_queue;
    bool is_silent;   /* the broker knows, or never knew */
    bool is_repeated; /* it ended at another gateway, where it was counted */
};
void session_finish(struct session *session, const struct session_end *end);
void session_close_now(struct session *session, unsigned code,
                       struct str reason); /* shutdown: in any state */
void session_lost(struct session *session,
                  struct str reason); /* the broker says it is not ours any more */
void session_attach_here(struct session *session, struct transport *transport);
const struct service_ops *session_service_ops(const struct session *session);

/* More is queued than may: judged when this turn's bytes have been offered to the kernel. */
void sessions_suspect(struct session *session);
void session_judge(struct session *session);

/* Pins keep the object through calls that may end it. */
void session_pin(struct session *session);
void session_unpin(struct session *session);

/* session.c, for session_claim.c */
void session_set_state(struct session *session, enum session_state state);
void session_unlink_transport(struct session *session);
void session_count_attached(struct session *session);
uint64_t session_remember_ms(const struct session *session); /* of a tombstone */
void session_end_response(struct session *session);          /* with `h`; it is detached */
void session_cut_off(struct session *session);               /* its receiver was aborted */
void session_rest(struct session *session);                  /* OPEN without a receiver: DETACHED */
void session_send_queued(struct session *session);

/* session_claim.c */
void session_claim_send(struct session *session);
void session_claim_answered(struct session *session, const struct link_claimed *claimed);

/* The object goes without a word to anybody. */
void session_vanish(struct session *session);

/* session_move.c: to another gateway, and from one */
void session_move_in(struct session *session, const struct link_claimed *claimed);
void session_put_checkpoint(const struct session *session, bool with_frames, struct buf *out);
void session_put_unsent(const struct session *session, struct buf *out); /* what is queued */
void session_take_unsent(struct session *session, struct str unsent);
void session_yield_settle(struct session *session); /* its receiver has ended: answers YIELD */
void session_yield_forget(struct session *session);
void session_offer(struct session *session); /* detached, in a gateway that drains */

/* Of the receiver that is attached; a dead one is detached first, which may end the session. */
enum outlook session_outlook(struct session *session);
bool sessions_drop_copy(struct sessions *sessions, uint64_t handle);
void sessions_drop_copies(struct sessions *sessions);
void sessions_restore_copies(struct sessions *sessions);

/* session_confirm.c: what the broker keeps, should this gateway be killed */
void session_push(struct session *session, struct shared_frame *frame); /* into the queue */
void session_put_state(struct session *session, struct buf *out); /* nothing: the last one stays */
void session_note_state(struct session *session); /* the broker has what is queued */
void session_confirm(struct session *session);    /* what is not queued any more was written */
void session_confirm_later(struct session *session);
void session_count_answer(struct session *session);
bool session_put_whole_state(struct session *session, struct buf *out); /* false: it is too long */
void session_put_restored_state(struct session *session, struct buf *out);
void session_renew_state(struct session *session);

/* session_relay.c: bodies of sends that go to another gateway, and that come from one */
void session_relay_out(struct sessions *sessions, struct str key, const struct str *messages,
                       size_t count, session_sent_cb done, void *data);
void session_relay_input(struct session *session, const struct session_input *input);
bool session_relay_answered(struct sessions *sessions, uint64_t request);
void session_relay_forget(struct sessions *sessions, uint64_t data_key);
void session_relays_finish(struct sessions *sessions); /* nobody is told any more */

/* session_beat.c: while a transport is attached; session::timer is its */
void session_beat_start(struct session *session);

/* session_inputs.c */
void session_note_relay(struct session *session, uint64_t relay);
void session_inputs_add(struct session *session, const struct str *messages, size_t count,
                        bool is_binary, session_sent_cb done, void *data);
bool session_inputs_must_wait(const struct session *session);
size_t session_inputs_bytes(const struct session *session); /* that the service has not got */
struct session_input *session_inputs_last(struct session *session);
void session_inputs_run(struct session *session); /* hands on what may be handed on */
bool session_inputs_answered(struct session *session, uint64_t request);
void session_inputs_finish(struct session *session);
void session_inputs_hand_over(struct session *session); /* the session goes to another gateway */
