/* SPDX-License-Identifier: MIT
 *
 * Static files of gateway.pages, read into memory at start.
 *
 * Nothing of the file system is touched by a request. A folder's page is its index.html; the
 * path is compared as sent, so only names that need no percent-encoding can be reached.
 */
#pragma once

#include "gateway/http.h"

#define PAGES_FILES_MAX 256 /* of one entry of gateway.pages */
#define PAGES_FILE_BYTES_MAX (4u << 20)

struct gateway_settings;
struct pages;

/* 0, or a negative code after logging which folder or file cannot be served. Symbolic links and
 * names that begin with a dot are left out. */
int pages_create(const struct gateway_settings *settings, struct pages **out_pages)
    __attribute__((warn_unused_result));
void pages_destroy(struct pages *pages); /* takes NULL */

/* Answers the request: 200, 304, 301 to a folder's own path, 405, or 404. */
void pages_respond(const struct pages *pages, struct http *http,
                   const struct http1_request *request);
