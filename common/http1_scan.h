/* SPDX-License-Identifier: MIT
 *
 * Pre-scan of an HTTP/1 head: request line and header lines byte by byte, before any parser sees
 * them, and the limits on them. Part of common/http1.c; nobody else includes it.
 */
#pragma once

#include "common/http1.h"

struct http1_refusal {
    unsigned status;    /* 0: not refused */
    const char *reason; /* a fixed sentence */
};

struct http1_scan {
    const struct http1_limits *limits; /* borrowed */
    struct http1_refusal refusal;
    const char *method; /* once it has been read */
    char word[8];       /* method or version under way */
    uint8_t word_len;
    uint8_t state;
    uint8_t minor; /* once the version has been read */
    bool is_done;  /* the empty line has been read */
    size_t bytes;  /* of head or trailer, all told */
    size_t target_bytes;
    size_t line_bytes;   /* name and value of the line under way */
    size_t header_bytes; /* of all lines, the trailer's included */
    size_t header_lines;
};

void http1_scan_head(struct http1_scan *scan, const struct http1_limits *limits);
void http1_scan_trailer(struct http1_scan *scan); /* behind a head: expects header lines again */

/* How many of the bytes are good and belong to the head; when fewer than `len`, the head is done or
 * `refusal` says what is wrong with the next byte. */
size_t http1_scan_bytes(struct http1_scan *scan, const char *bytes, size_t len);
bool http1_scan_is_midway(const struct http1_scan *scan); /* more came than an empty line */
