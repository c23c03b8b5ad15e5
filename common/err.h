/* SPDX-License-Identifier: MIT
 *
 * Our negative codes, beside libuv's (which are negative errno values and its own -3000s and -4000s).
 */
#pragma once

enum err {
    ERR_CLOSED = -10001,   /* the object is closing or closed */
    ERR_LIMIT = -10002,    /* a configured limit would be exceeded */
    ERR_PROTOCOL = -10003, /* the peer broke the protocol's rules */
    ERR_VERSION = -10004,  /* no version in common */
    ERR_DENIED = -10005,   /* not allowed */
    ERR_ABSENT = -10006,   /* no such thing */
    ERR_BUSY = -10007,     /* somebody else holds it */
    ERR_AWAY = -10008,     /* the other program cannot be reached now */
    ERR_CONFIG = -10009,   /* the configuration is wrong; the message was printed */
};

/* A short lower-case name such as "limit"; libuv's own for its codes ("ECONNRESET"). */
const char *err_name(int code);
