/* SPDX-License-Identifier: MIT
 *
 * What the configuration says, as plain structs; read once at start, constant afterwards.
 *
 *   main() calls settings_load(); it reads defaults, then the file, the environment and the command
 *   line (later wins), checks all of it, and says whether to run or to exit, and with which code;
 *   settings_finish() frees the strings and lists at the end.
 *
 * Every string and list here is owned by `struct settings`. What each value means, its default, its
 * bounds and what happens beyond it stand in one place: the rows of common/settings_table.c, from which
 * docs/configuration.md is written.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/log.h"
#include "common/options.h"

enum settings_program { SETTINGS_BROKER = 1, SETTINGS_GATEWAY = 2 };

struct log_settings {
    enum log_level level;
    enum log_format format;
};

enum destination_kind { DESTINATION_TOPIC };

/* Where a program answers its operators. */
struct admin_settings {
    char *listen; /* as configured; NULL: nowhere */
    char *host;   /* derived, as is the port; NULL with `listen` */
    uint16_t port;
};

/* The first whose `match` fits a destination holds for it. */
struct destination_settings {
    char *match; /* a name or pattern */
    enum destination_kind kind;
    size_t history_size; /* messages kept; 0: none */
    uint64_t history_ttl_ms;
};

/* The socket, queue and stall are read by both ends of the link. */
struct broker_settings {
    char *socket;                /* path of at most 107 bytes */
    size_t link_queue_bytes_max; /* queued on one link; beyond: the link is lost */
    uint64_t link_stall_ms;      /* queued without progress for so long: the link is lost */
    size_t message_window_bytes; /* credit one gateway has for PUBLISH, RELAY and RESTORE */
    size_t sessions_max;
    size_t subscriptions_max;     /* per session */
    size_t session_log_bytes_max; /* kept for a session that is between two gateways */
    uint32_t *allow_uids;         /* who may connect to the socket; never empty */
    size_t allow_uid_count;
    char *store;              /* "memory" */
    size_t history_bytes_max; /* of all destinations */
    size_t replay_bytes_max;  /* of what one SUBSCRIBE gets of the past */
    struct destination_settings *destinations;
    size_t destination_count;
    struct admin_settings admin;
};

/* One complete set for the gateway, for each endpoint, for each listener (what an endpoint or listener
 * does not say itself is the gateway's). Where a connection's endpoint is known the endpoint's set
 * holds; before that (HTTP's header block) and on stomp:// the listener's. `tcp_` is STOMP straight on
 * TCP, in place of the name without it. The first four are one count over the whole gateway. */
struct limits_settings {
    size_t connections_max;
    size_t connections_per_address_max; /* 0: no limit */
    size_t sessions_max;
    size_t tls_handshakes_max; /* under way at once */
    size_t message_bytes_max;  /* one STOMP frame, or one WebSocket message */
    size_t tcp_message_bytes_max;
    size_t headers_max; /* of one STOMP frame */
    size_t tcp_headers_max;
    size_t header_bytes_max; /* one STOMP header line */
    size_t tcp_header_bytes_max;
    size_t destination_bytes_max;
    size_t subscriptions_max; /* per session */
    size_t requests_max;      /* per session, waiting for the broker's answer */
    size_t transactions_max;  /* open ones, per session */
    size_t transaction_frames_max;
    size_t transaction_bytes_max; /* of all open ones of a session */
    size_t queue_bytes_max;       /* per session, towards the peer */
    size_t queue_messages_max;    /* per session while detached */
    size_t fragments_max;         /* of one WebSocket message */
    size_t beats_max; /* per session and second: bytes and messages that carry nothing */
    size_t sockjs_body_bytes_max; /* of one xhr_send or jsonp_send */
    size_t sockjs_messages_max;   /* in one such body */
    size_t http_header_bytes_max; /* the whole header block */
    size_t http_headers_max;
    size_t http_target_bytes_max;
};

/* What a TLS listener shows of itself: PEM files, or an entry of a PKCS#12 file. */
struct identity_settings {
    char *certificate; /* the server's own first, then those it is signed by */
    char *key;         /* NULL: in the same file */
    char *key_password_file;
    char *key_store; /* instead of the three above */
    char *key_store_password_file;
    char *key_alias; /* NULL: there is one key */
};

enum listen_scheme { LISTEN_HTTP, LISTEN_STOMP, LISTEN_HTTPS, LISTEN_STOMPS };
#define LISTEN_SCHEMES 4

static inline bool listen_is_http(enum listen_scheme scheme)
{
    return scheme == LISTEN_HTTP || scheme == LISTEN_HTTPS;
}

static inline bool listen_has_tls(enum listen_scheme scheme)
{
    return scheme == LISTEN_HTTPS || scheme == LISTEN_STOMPS;
}

const char *listen_scheme_name(enum listen_scheme scheme); /* "https" */

struct listen_settings {
    char *url; /* as configured */
    struct identity_settings identity;
    struct identity_settings *identities; /* further ones, for clients that ask for their names */
    size_t identity_count;
    struct limits_settings limits;
    enum listen_scheme scheme; /* this and the rest: derived from the URL */
    char *host;                /* an IPv4 or IPv6 address, without brackets */
    uint16_t port;             /* 0: the kernel chooses */
    bool is_loopback;
};

enum endpoint_service { SERVICE_STOMP, SERVICE_ECHO, SERVICE_CLOSE };
enum endpoint_auth { AUTH_GATEWAY, AUTH_NONE }; /* as gateway.auth says, or everybody */

struct endpoint_settings {
    char *path; /* "/ws": begins with a slash, does not end with one */
    bool has_sockjs;
    enum endpoint_service service;
    enum endpoint_auth auth;
    char **allowed_origins; /* patterns of Spring's allowedOriginPatterns; none: same origin only */
    size_t allowed_origin_count;
    uint64_t sockjs_heartbeat_ms;
    uint64_t disconnect_delay_ms;
    size_t response_bytes_max; /* of one streaming response */
    bool has_websocket;
    enum option_choice jsonp; /* as configured; has_jsonp is what holds */
    bool needs_cookie;        /* /info's cookie_needed, and the JSESSIONID cookie */
    char *client_library;     /* path or URL of the iframe page's sockjs-client */
    struct limits_settings limits;
    bool allows_any_origin; /* derived: a pattern is "*" */
    bool has_jsonp;         /* derived: `jsonp`, or where that is absent allows_any_origin */
};

struct pages_settings {
    char *path; /* begins with a slash; "/" or without one at the end */
    char *root; /* folder */
};

enum secret_encoding { SECRET_TEXT, SECRET_BASE64 };

/* At most one of the three files; all NULL: no tokens. */
struct jwt_settings {
    char **from; /* places: "header:Authorization" and the like, asked in this order */
    size_t from_count;
    char *secret_file;
    enum secret_encoding secret_encoding;
    char *key_file;
    char *jwks_file;
    char **algorithms; /* names; none: what the keys suggest */
    size_t algorithm_count;
    char *issuer; /* NULL: any */
    char *audience;
    char *user_claim;
    char *roles_claim;
    uint64_t leeway_ms;
};

struct auth_settings {
    struct jwt_settings jwt;
    enum option_choice anonymous; /* as configured; allows_anonymous is what holds */
    uint64_t login_deadline_ms;   /* from the start of a connection or session to its CONNECT */
    bool allows_anonymous; /* derived: `anonymous`, or where that is absent all is loopback */
};

enum permission_kind { PERMISSION_NOBODY, PERMISSION_EVERYBODY, PERMISSION_ROLE };

struct permission_settings {
    enum permission_kind kind;
    char *role; /* of PERMISSION_ROLE */
};

struct rule_settings {
    char *match;
    char *send; /* as configured, JSON; NULL: nobody */
    char *subscribe;
    struct permission_settings may_send; /* derived from the two, as is the next */
    struct permission_settings may_subscribe;
};

/* Milliseconds. send and receive are what CONNECTED advertises; 0 turns that direction off. */
struct heartbeat_settings {
    uint64_t send_ms;
    uint64_t receive_ms;
    uint64_t floor_ms; /* a silent peer is never called dead sooner */
};

struct timeouts_settings {
    uint64_t tls_handshake_ms;   /* accepted to the handshake's end */
    uint64_t http_header_ms;     /* first byte to complete header block, absolute */
    uint64_t http_keep_alive_ms; /* idle between two requests */
    uint64_t http_body_ms;       /* complete header block to complete body */
    uint64_t write_stall_ms;     /* bytes queued, the peer takes none */
    uint64_t close_ms;           /* a closing connection waits for its last bytes to leave */
    uint64_t link_wait_ms;       /* /info and opening requests wait for the broker */
};

enum duplicate_subscription { DUPLICATE_ERROR, DUPLICATE_REPLACE, DUPLICATE_IGNORE };

struct gateway_settings {
    char *name; /* this replica in logs and in the broker */
    struct listen_settings *listens;
    size_t listen_count;
    struct endpoint_settings *endpoints; /* in the file's order; the longest path wins */
    size_t endpoint_count;
    struct pages_settings *pages; /* the longest path wins */
    size_t page_count;
    char **trusted_proxies; /* addresses and networks */
    size_t trusted_proxy_count;
    struct auth_settings auth;
    struct rule_settings *rules; /* the first that matches decides; none: all is allowed */
    size_t rule_count;
    struct heartbeat_settings heartbeat;
    bool has_server_header; /* CONNECTED names us in `server` */
    enum duplicate_subscription duplicate_subscription;
    struct limits_settings limits;
    struct timeouts_settings timeouts;
    uint64_t link_retry_ms_max; /* back-off to the broker ends at this */
    struct admin_settings admin;
    uint64_t drain_timeout_ms; /* from SIGTERM to the end */
};

struct settings {
    struct log_settings log;
    struct broker_settings broker;
    struct gateway_settings gateway;
};

/* Fills `settings` (its bytes need not be set before), configures the log, warns in it about what is
 * allowed and doubtful.
 *
 * Returns true to run. False: main is to return *out_exit_code; 0 after --help, --version,
 * --print-config and --check-config, 0 or 1 after --health, 2 when the configuration is wrong (the reasons
 * were printed on standard error). settings_finish() is right after either. */
bool settings_load(struct settings *settings, int argc, char **argv, enum settings_program program,
                   int *out_exit_code) __attribute__((warn_unused_result));
void settings_finish(struct settings *settings);
