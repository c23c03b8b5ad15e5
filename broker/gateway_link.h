/* SPDX-License-Identifier: MIT
 *
 * The broker's end of the links: one object per gateway, from accept to loss.
 */
#pragma once

#include <uv.h>

#include "broker/core.h"
#include "common/settings.h"
#include "common/turn.h"

#define GATEWAY_LINKS_MAX 256       /* open at a time; a further one is disconnected at once */
#define GATEWAY_LINK_HELLO_MS 5000  /* from accept to HELLO */
#define GATEWAY_LINK_CREDIT_PARTS 4 /* credit goes back when this part of the window is owed */

struct gateway_links { /* the first five are borrowed */
    const struct broker_settings *settings;
    uv_loop_t *loop;
    struct turn *turn;
    struct wheel *wheel;
    struct core *core;
    struct list_node all; /* owned */
    size_t count;
    uint64_t broker; /* drawn at our start */
    bool is_closing;
};

void gateway_links_init(struct gateway_links *links);

/* A connection waits at `server`. Logs whom it does not let in. */
void gateway_links_accept(struct gateway_links *links, uv_stream_t *server);

/* For each gateway whose link is up: its name, and the bytes that wait for it. */
typedef void (*gateway_queue_cb)(void *data, const struct peer *peer, struct str gateway,
                                 size_t bytes);
void gateway_links_each_queue(const struct gateway_links *links, gateway_queue_cb queue,
                              void *data);

/* What is queued leaves if it can at once; memory goes when the loop has run. */
void gateway_links_close(struct gateway_links *links);
