/* SPDX-License-Identifier: MIT
 *
 * What the files of common/settings_*.c share with each other and with nobody else.
 */
#pragma once

#include "common/settings.h"

/* settings_table.c: every option there is. */
extern const struct option settings_rows[];
extern const size_t settings_row_count;

/* settings_listen.c: "http://127.0.0.1:8080" taken apart; NULL, or what is wrong with it ("expected …").
 * *out_host is the caller's to free. */
const char *settings_parse_listen(const char *url, enum listen_scheme *out_scheme, char **out_host,
                                  uint16_t *out_port, bool *out_is_loopback);
const char *settings_check_listen(const char *url);
const char *settings_check_admin_listen(const char *url);

/* settings_check.c: rules of one text, as option::check wants them. */
const char *settings_check_endpoint_path(const char *path);
const char *settings_check_pages_path(const char *path);
const char *settings_check_origin(const char *pattern);
const char *settings_check_library(const char *path);
const char *settings_check_name(const char *name);
const char *settings_check_network(const char *network);
const char *settings_check_store(const char *store);
const char *settings_check_kept(const char *match);

/* settings_auth.c: the same for gateway.auth and gateway.rules. */
const char *settings_check_match(const char *pattern);
const char *settings_check_permission(const char *json);
const char *settings_check_token_place(const char *place);
const char *settings_check_algorithm(const char *name);
bool settings_has_jwt(const struct auth_settings *auth);
void settings_derive_rules(struct gateway_settings *gateway);
void settings_finish_rules(struct gateway_settings *gateway);
void settings_check_auth(const struct gateway_settings *gateway, struct options *options,
                         void (*warn)(const char *path, const char *reason));

/* Fills what is derived, once all sources are in. */
void settings_derive(struct settings *settings);

/* The rules between options. Only those of `program` are judged: the other one may run with another
 * environment. Errors go to `options`; what is doubtful calls `warn`. Needs settings_derive(). */
typedef void (*settings_warn_cb)(const char *path, const char *reason);
void settings_check(const struct settings *settings, enum settings_program program,
                    struct options *options, settings_warn_cb warn);

/* settings_tls.c: a part of settings_check(). */
void settings_check_tls(const struct gateway_settings *gateway, struct options *options);

/* settings_help.c */
void settings_print_help(const struct options *options, enum settings_program program,
                         struct buf *out);
void settings_print_markdown(const struct options *options, struct buf *out);
const char *settings_program_name(enum settings_program program);
