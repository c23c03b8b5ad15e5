/* SPDX-License-Identifier: MIT
 *
 * What a complete HTTP/1 head must say, beyond being well formed. Part of common/http1.c; nobody
 * else includes it.
 */
#pragma once

#include "common/http1.h"
#include "common/http1_scan.h"

struct http1_framing {
    bool is_chunked;
    unsigned long long content_length; /* 0 when absent */
};

/* `request` has method, minor, target, headers; fills the rest but for `body`. False: refused. */
bool http1_rules_apply(struct http1_request *request, struct http1_framing *out_framing,
                       struct http1_refusal *out_refusal) __attribute__((warn_unused_result));

/* Content-Length, Transfer-Encoding, Host: a trailer must not say them. */
bool http1_rules_forbid_in_trailer(struct str name);
