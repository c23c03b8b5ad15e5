/* SPDX-License-Identifier: MIT
 *
 * What broker_link.c and broker_answers.c know in common; nobody else includes this.
 */
#pragma once

#include "gateway/broker_link.h"
#include "gateway/outbox.h"
#include "gateway/recent.h"

enum broker_link_phase { LINK_DOWN, LINK_CONNECTING, LINK_GREETING, LINK_UP };

struct broker_link {
    struct runtime *runtime;
    const struct broker_settings *settings;
    const struct broker_link_handler *handler;
    void *data;
    struct link link; /* its pipe exists while has_pipe */
    uv_connect_t connect;
    struct wheel_entry timer; /* the next try, or the greeting's deadline */
    uint64_t retry_ms;
    uint64_t gateway; /* drawn at start: names us */
    uint64_t broker;  /* which one answered last; 0: none yet */
    uint64_t last_request;
    struct outbox outbox;
    struct recent recent;
    struct list_node waiters;    /* struct broker_link_waiter */
    struct buf scratch;          /* a body being encoded */
    struct buf gathered;         /* messages of the CHECKPOINT being made */
    struct link_checkpoint mark; /* that CHECKPOINT */
    uint64_t handled;            /* messages read on the link before this */
    bool is_gathering;
    bool is_handling;   /* a message from the broker */
    bool is_delivering; /* it is DELIVERED */
    broker_link_closed_cb closed;
    void *closed_data;
    enum broker_link_phase phase;
    bool has_pipe;
    bool is_restoring; /* up, but the last RESTORED has not come */
    bool is_released;  /* that of session 0 has */
    bool is_closing;
    bool is_waiting; /* `link_waits` was logged */
};

/* The broker greeted us. */
void broker_link_greeted(struct broker_link *link, const struct link_helloed *helloed);

/* Credit came, or the queue is shorter: those who stopped may go on. */
void broker_link_tell_waiters(struct broker_link *link);

/* One message from the broker: 0, or a negative code that loses the link. */
int broker_answers_take(struct broker_link *link, uint8_t type, struct str body)
    __attribute__((warn_unused_result));
