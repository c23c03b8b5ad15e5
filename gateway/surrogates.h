/* SPDX-License-Identifier: MIT
 *
 * Surrogate halves in the text of SockJS messages: a client that cuts its frames by UTF-16 units
 * cuts inside characters. Lone halves come as their three WTF-8 bytes.
 */
#pragma once

#include "common/buf.h"

struct surrogates {
    uint8_t held[3]; /* a high half that ended the last message */
    bool has_held;
};

/* Joins a held half with the low half that begins `text`, holds back one that ends it, and makes
 * every other lone half U+FFFD. False when `text` is right as it is; else the text to go on with
 * is in `out`. */
bool surrogates_mend(struct surrogates *surrogates, struct str text, struct buf *out);
