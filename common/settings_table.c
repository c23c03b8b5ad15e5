/* SPDX-License-Identifier: MIT
 *
 * Every option of both programs: one row each.
 *
 * A new option is a row here and a field in settings.h; reading it, its errors, its variable, --help and
 * docs/configuration.md follow. `meaning` says what it is, then what happens beyond it. Rows of one
 * group stand together.
 */
#include <stddef.h>

#include "common/mem.h"
#include "common/settings_internal.h"

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
#define SECOND ((uint64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define MILLION ((uint64_t)1000000)

#define PATH_BYTES_MAX 4096
#define SOCKET_PATH_BYTES_MAX 107 /* sockaddr_un has 108, the last is NUL */

/* In which lists' elements a limit may stand besides gateway.limits. */
#define IN_LISTEN 1u
#define IN_ENDPOINT 2u
#define IN_BOTH (IN_LISTEN | IN_ENDPOINT)

#define BROKER .programs = SETTINGS_BROKER
#define GATEWAY .programs = SETTINGS_GATEWAY
#define EITHER .programs = SETTINGS_BROKER | SETTINGS_GATEWAY

#define IN_ROOT(type_, field) .type = OPTION_##type_, .offset = offsetof(struct settings, field)
#define IN_ITEM(type_, item, field) .type = OPTION_##type_, .offset = offsetof(struct item, field)
#define COUNTED(struct_, field) .count_offset = offsetof(struct struct_, field)
#define BETWEEN(low, high) .min = (low), .max = (high)
#define SAME_LIMITS                                                                                \
    .words = "gateway.limits", .same_offset = offsetof(struct settings, gateway.limits)

_Static_assert(sizeof(enum log_level) == sizeof(unsigned), "OPTION_WORD writes an unsigned");
_Static_assert(sizeof(enum log_format) == sizeof(unsigned), "OPTION_WORD writes an unsigned");
_Static_assert(sizeof(enum endpoint_service) == sizeof(unsigned), "OPTION_WORD writes an unsigned");
_Static_assert(sizeof(enum endpoint_auth) == sizeof(unsigned), "OPTION_WORD writes an unsigned");
_Static_assert(sizeof(enum secret_encoding) == sizeof(unsigned), "OPTION_WORD writes an unsigned");
_Static_assert(sizeof(enum destination_kind) == sizeof(unsigned), "OPTION_WORD writes an unsigned");
_Static_assert(sizeof(enum duplicate_subscription) == sizeof(unsigned),
               "OPTION_WORD writes an unsigned");

/* A row reads best as path and bounds, then meaning. */
/* clang-format off */
/* What a listener and each of its further certificates say alike. */
#define IDENTITY_ROWS(owner, item, field)                                                                        \
    {.path = owner ".certificate", IN_ITEM(PATH, item, field certificate),                                       \
     BETWEEN(1, PATH_BYTES_MAX), GATEWAY,                                                                        \
     .meaning = "PEM file of the certificate, then those it is signed by. Read again on SIGHUP."},               \
    {.path = owner ".key", IN_ITEM(PATH, item, field key),                                                       \
     BETWEEN(1, PATH_BYTES_MAX), .fallback_note = "in the certificate's file", GATEWAY,                          \
     .meaning = "PEM file of the certificate's private key."},                                                   \
    {.path = owner ".key_password_file", IN_ITEM(PATH, item, field key_password_file),                           \
     BETWEEN(1, PATH_BYTES_MAX), .fallback_note = "the key is not encrypted", GATEWAY,                           \
     .meaning = "File with the password of an encrypted key."},                                                  \
    {.path = owner ".key_store", IN_ITEM(PATH, item, field key_store),                                           \
     BETWEEN(1, PATH_BYTES_MAX), GATEWAY,                                                                        \
     .meaning = "PKCS#12 file (`.p12`, `.pfx`) with key and certificates, instead of `certificate` and `key`."}, \
    {.path = owner ".key_store_password_file", IN_ITEM(PATH, item, field key_store_password_file),               \
     BETWEEN(1, PATH_BYTES_MAX), .fallback_note = "the empty password", GATEWAY,                                 \
     .meaning = "File with the password of `key_store`."},                                                       \
    {.path = owner ".key_alias", IN_ITEM(TEXT, item, field key_alias),                                           \
     BETWEEN(1, 255), .fallback_note = "the only key", GATEWAY,                                                  \
     .meaning = "Which of several keys in `key_store`: its alias (friendly name)."}

const struct option settings_rows[] = {
    {.path = "log.level", IN_ROOT(WORD, log.level), .words = "debug|info|warn|error",
     .fallback = "info", EITHER,
     .meaning = "Lines below this level are not written."},
    {.path = "log.format", IN_ROOT(WORD, log.format), .words = "text|json", .fallback = "text",
     EITHER,
     .meaning = "A line is `level event key=value …`, or one JSON object."},

    {.path = "broker.socket", IN_ROOT(PATH, broker.socket), .fallback = "/run/sluice/broker.sock",
     BETWEEN(1, SOCKET_PATH_BYTES_MAX), EITHER,
     .meaning = "The Unix socket on which the broker listens and which gateways connect to."},
    {.path = "broker.link_queue_size", IN_ROOT(SIZE, broker.link_queue_bytes_max),
     .fallback = "64MiB", BETWEEN(1 * MIB, 2 * GIB), EITHER,
     .meaning = "Bytes waiting on one link between gateway and broker. Beyond: the link is "
                "closed, the gateway connects again and restores its sessions."},
    {.path = "broker.link_stall", IN_ROOT(DURATION, broker.link_stall_ms), .fallback = "10s",
     BETWEEN(100, HOUR), EITHER,
     .meaning = "Bytes waiting on a link of which the other end takes none. Longer: as "
                "`broker.link_queue_size`."},
    {.path = "broker.message_window", IN_ROOT(SIZE, broker.message_window_bytes),
     .fallback = "8MiB", BETWEEN(1 * MIB, 1 * GIB), EITHER,
     .meaning = "Bytes of messages that one gateway may have under way to the broker. Beyond: it "
                "holds further messages and stops reading from who sends them. Twice the largest "
                "message at least."},
    {.path = "broker.sessions", IN_ROOT(COUNT, broker.sessions_max), .fallback = "200000",
     BETWEEN(1, 100 * MILLION), BROKER,
     .meaning = "Sessions of all gateways together. Beyond: a new session is refused."},
    {.path = "broker.subscriptions", IN_ROOT(COUNT, broker.subscriptions_max), .fallback = "1024",
     BETWEEN(1, MILLION), BROKER,
     .meaning = "Subscriptions of one session. Beyond: the SUBSCRIBE is refused. A gateway "
                "refuses earlier, at `gateway.limits.subscriptions`."},
    {.path = "broker.session_log_size", IN_ROOT(SIZE, broker.session_log_bytes_max),
     .fallback = "512KiB", BETWEEN(4 * KIB, 1 * GIB), BROKER,
     .meaning = "Bytes of messages kept for one session of an HTTP fallback until its client has them; "
                "1,000 messages at most. Beyond: the session ends with code 1008 when it goes to another "
                "gateway, or has none."},
    {.path = "broker.store", IN_ROOT(TEXT, broker.store), .fallback = "memory",
     BETWEEN(1, 1024), .check = settings_check_store, BROKER,
     .meaning = "Where the past of destinations is kept: `memory`, the broker's own. A broker that "
                "starts has none; positions of the one before it are not recovered."},
    {.path = "broker.destinations", IN_ROOT(OBJECTS, broker.destinations),
     COUNTED(settings, broker.destination_count),
     .item_size = sizeof(struct destination_settings), .fallback_note = "topics without a past",
     BETWEEN(0, 256), BROKER,
     .meaning = "What holds for the destinations of a name or pattern; the first that matches."},
    {.path = "broker.history_memory", IN_ROOT(SIZE, broker.history_bytes_max),
     .fallback = "64MiB", BETWEEN(1 * MIB, 1024 * GIB), BROKER,
     .meaning = "Bytes of the past kept in memory, of all destinations. Beyond: the destination "
                "unused for longest loses its past, and positions in it are not recovered."},
    {.path = "broker.replay_size", IN_ROOT(SIZE, broker.replay_bytes_max),
     .fallback = "256KiB", BETWEEN(1 * KIB, 16 * MIB), BROKER,
     .meaning = "Bytes of the past that one SUBSCRIBE gets; below `gateway.limits.queue_size`, or "
                "a client is too slow for it. Beyond: the latest, and `recovered:false`."},
    {.path = "broker.allow_uids", IN_ROOT(NUMBERS, broker.allow_uids),
     COUNTED(settings, broker.allow_uid_count), .fallback_note = "the broker's own user and root",
     BETWEEN(1, 64), BROKER,
     .meaning = "User ids whose processes may connect to the socket. Others are disconnected at "
                "once."},
    {.path = "broker.admin.listen", IN_ROOT(TEXT, broker.admin.listen),
     .fallback_note = "nowhere", BETWEEN(1, 255), .check = settings_check_admin_listen, BROKER,
     .meaning = "Where the broker answers GET /metrics, /healthz and /readyz: "
                "`http://address:port`. Whoever reaches it may read them."},

    {.path = "broker.destinations[].match", IN_ITEM(TEXT, destination_settings, match),
     BETWEEN(1, 1024), .check = settings_check_kept, .flags = OPTION_REQUIRED, BROKER,
     .meaning = "A destination, or a pattern as SUBSCRIBE has it: `*` in a segment, `**` for "
                "segments."},
    {.path = "broker.destinations[].kind", IN_ITEM(WORD, destination_settings, kind),
     .words = "topic", .fallback = "topic", BROKER,
     .meaning = "A message goes to every subscriber."},
    {.path = "broker.destinations[].history.size",
     IN_ITEM(COUNT, destination_settings, history_size), .fallback = "0", BETWEEN(1, 10000),
     .flags = OPTION_ZERO_IS_OFF, BROKER,
     .meaning = "The last messages of each destination that are kept for those who subscribe with "
                "`history` or `since`. Beyond: the oldest goes. 0: nothing is kept."},
    {.path = "broker.destinations[].history.ttl",
     IN_ITEM(DURATION, destination_settings, history_ttl_ms), .fallback = "24h",
     BETWEEN(100, 365 * 24 * HOUR), BROKER,
     .meaning = "A message is kept for so long."},

    {.path = "gateway.name", IN_ROOT(TEXT, gateway.name), .fallback_note = "the host's name",
     BETWEEN(1, 255), .check = settings_check_name, GATEWAY,
     .meaning = "The name of this replica in logs and in the broker. Visible characters, no "
                "spaces."},
    {.path = "gateway.listen", IN_ROOT(OBJECTS, gateway.listens),
     COUNTED(settings, gateway.listen_count), .item_size = sizeof(struct listen_settings),
     .item_key = "url", .fallback = "[\"http://127.0.0.1:8080\", \"stomp://127.0.0.1:61613\"]",
     BETWEEN(1, 64), GATEWAY,
     .meaning = "Where to accept connections: URLs, or objects with a `url`."},
    {.path = "gateway.endpoints", IN_ROOT(OBJECTS, gateway.endpoints),
     COUNTED(settings, gateway.endpoint_count), .item_size = sizeof(struct endpoint_settings),
     .fallback = "[{\"path\": \"/ws\", \"sockjs\": true}]", BETWEEN(0, 256), GATEWAY,
     .meaning = "What `http://` listeners serve as WebSocket and SockJS. Endpoints may nest; the "
                "longest path wins."},
    {.path = "gateway.pages", IN_ROOT(OBJECTS, gateway.pages),
     COUNTED(settings, gateway.page_count), .item_size = sizeof(struct pages_settings),
     .fallback = "[]", BETWEEN(0, 64), GATEWAY,
     .meaning = "Folders of files that `http://` listeners serve. The longest path wins, "
                "endpoints before pages."},
    {.path = "gateway.trusted_proxies", IN_ROOT(TEXTS, gateway.trusted_proxies),
     COUNTED(settings, gateway.trusted_proxy_count), .fallback_note = "none", BETWEEN(1, 256),
     .check = settings_check_network, GATEWAY,
     .meaning = "Addresses and networks of proxies whose `Forwarded` or `X-Forwarded-Proto`, `-Host` and "
                "`-Port` say where a browser is: for the comparison with its Origin. Of others these "
                "headers are not looked at."},
    {.path = "gateway.rules", IN_ROOT(OBJECTS, gateway.rules), COUNTED(settings, gateway.rule_count),
     .item_size = sizeof(struct rule_settings), .fallback = "[]", BETWEEN(0, 1024), GATEWAY,
     .meaning = "Who may send where, and subscribe to what. The first rule that matches decides; "
                "where there is any rule, what none matches is denied: ERROR, and the session is "
                "closed."},
    {.path = "gateway.server_header", IN_ROOT(BOOL, gateway.has_server_header), .fallback = "true",
     GATEWAY,
     .meaning = "CONNECTED carries a `server` header: program, version, `gateway.name`."},
    {.path = "gateway.duplicate_subscription", IN_ROOT(WORD, gateway.duplicate_subscription),
     .words = "error|replace|ignore", .fallback = "error", GATEWAY,
     .meaning = "What a SUBSCRIBE does whose id the session uses already: an ERROR, take the "
                "earlier one's place, or nothing."},
    {.path = "gateway.drain_timeout", IN_ROOT(DURATION, gateway.drain_timeout_ms),
     .fallback = "20s", BETWEEN(100, HOUR), GATEWAY,
     .meaning = "From SIGTERM to the end: clients are told, sessions handed over, answers written. "
                "Longer: what is left is cut."},
    {.path = "gateway.link_retry_max", IN_ROOT(DURATION, gateway.link_retry_ms_max),
     .fallback = "2s", BETWEEN(10, 10 * MINUTE), GATEWAY,
     .meaning = "The longest pause between two attempts to reach the broker."},
    {.path = "gateway.admin.listen", IN_ROOT(TEXT, gateway.admin.listen),
     .fallback_note = "nowhere", BETWEEN(1, 255), .check = settings_check_admin_listen, GATEWAY,
     .meaning = "Where the gateway answers GET /metrics, /healthz and /readyz: "
                "`http://address:port`. Whoever reaches it may read them."},

    {.path = "gateway.listen[].url", IN_ITEM(TEXT, listen_settings, url), BETWEEN(1, 255),
     .check = settings_check_listen, .flags = OPTION_REQUIRED, GATEWAY,
     .meaning = "`http://`, `https://`, `stomp://` or `stomps://`, then `address:port`. The address is "
                "IPv4, IPv6 in brackets, or `localhost`; port 0 takes a free one."},
    IDENTITY_ROWS("gateway.listen[]", listen_settings, identity.),
    {.path = "gateway.listen[].certificates", IN_ITEM(OBJECTS, listen_settings, identities),
     COUNTED(listen_settings, identity_count), .item_size = sizeof(struct identity_settings),
     .fallback = "[]", BETWEEN(0, 64), GATEWAY,
     .meaning = "Further certificates with their keys, each for the DNS names in it (SNI). Clients "
                "that ask for another name, or for none, get the listener's own."},
    {.path = "gateway.listen[].limits", IN_ITEM(SAME, listen_settings, limits), SAME_LIMITS,
     .scopes = IN_LISTEN, GATEWAY,
     .meaning = "Limits of this listener that differ from `gateway.limits`."},

    IDENTITY_ROWS("gateway.listen[].certificates[]", identity_settings, ),

    {.path = "gateway.endpoints[].path", IN_ITEM(TEXT, endpoint_settings, path), BETWEEN(1, 255),
     .check = settings_check_endpoint_path, .flags = OPTION_REQUIRED, GATEWAY,
     .meaning = "Where the endpoint is, such as `/ws`. Each path once."},
    {.path = "gateway.endpoints[].sockjs", IN_ITEM(BOOL, endpoint_settings, has_sockjs),
     .fallback = "false", GATEWAY,
     .meaning = "SockJS with all its transports below the path, `/path/websocket` included. Else "
                "only a WebSocket at the path."},
    {.path = "gateway.endpoints[].service", IN_ITEM(WORD, endpoint_settings, service),
     .words = "stomp|echo|close", .fallback = "stomp", GATEWAY,
     .meaning = "What answers. `echo` and `close` are for conformance suites and are refused "
                "unless every listener is on a loopback address."},
    {.path = "gateway.endpoints[].auth", IN_ITEM(WORD, endpoint_settings, auth),
     .words = "gateway|none", .fallback = "gateway", GATEWAY,
     .meaning = "Who may connect here: as `gateway.auth` says, or (`none`) everybody, without a "
                "name. `gateway.rules` hold in both cases."},
    {.path = "gateway.endpoints[].allowed_origins",
     IN_ITEM(TEXTS, endpoint_settings, allowed_origins),
     COUNTED(endpoint_settings, allowed_origin_count), .fallback_note = "the same origin only",
     BETWEEN(1, 1024), .check = settings_check_origin, GATEWAY,
     .meaning = "Patterns of origins that may connect, as Spring's `allowedOriginPatterns`: `*` "
                "is any run of characters. Other origins get 403."},
    {.path = "gateway.endpoints[].sockjs_heartbeat",
     IN_ITEM(DURATION, endpoint_settings, sockjs_heartbeat_ms), .fallback = "25s",
     BETWEEN(100, 10 * MINUTE), GATEWAY,
     .meaning = "An `h` frame after so long without another."},
    {.path = "gateway.endpoints[].disconnect_delay",
     IN_ITEM(DURATION, endpoint_settings, disconnect_delay_ms), .fallback = "5s",
     BETWEEN(100, HOUR), GATEWAY,
     .meaning = "A SockJS session without a receiver waits so long for the next. Longer: it "
                "ends."},
    {.path = "gateway.endpoints[].response_limit",
     IN_ITEM(SIZE, endpoint_settings, response_bytes_max), .fallback = "128KiB",
     BETWEEN(1 * KIB, 1 * GIB), GATEWAY,
     .meaning = "Bytes of one streaming response. Beyond: it ends after that frame, and SockJS "
                "asks for the next."},
    {.path = "gateway.endpoints[].websocket", IN_ITEM(BOOL, endpoint_settings, has_websocket),
     .fallback = "true", GATEWAY,
     .meaning = "WebSocket is offered. Without it SockJS falls back to HTTP."},
    {.path = "gateway.endpoints[].jsonp", IN_ITEM(CHOICE, endpoint_settings, jsonp),
     .fallback_note = "true where `allowed_origins` has `*`, else false", GATEWAY,
     .meaning = "The JSONP transport is offered. Its requests carry no origin, so any page can "
                "make them."},
    {.path = "gateway.endpoints[].cookie_needed", IN_ITEM(BOOL, endpoint_settings, needs_cookie),
     .fallback = "false", GATEWAY,
     .meaning = "Answers set a JSESSIONID cookie, for balancers that route by it."},
    {.path = "gateway.endpoints[].client_library", IN_ITEM(TEXT, endpoint_settings, client_library),
     .fallback = "/sockjs.min.js", BETWEEN(1, 1024), .check = settings_check_library, GATEWAY,
     .meaning = "Path or URL of the sockjs-client that the iframe page loads: the version the "
                "page itself uses."},
    {.path = "gateway.endpoints[].limits", IN_ITEM(SAME, endpoint_settings, limits), SAME_LIMITS,
     .scopes = IN_ENDPOINT, GATEWAY,
     .meaning = "Limits of this endpoint that differ from `gateway.limits`."},

    {.path = "gateway.pages[].path", IN_ITEM(TEXT, pages_settings, path), BETWEEN(1, 255),
     .check = settings_check_pages_path, .flags = OPTION_REQUIRED, GATEWAY,
     .meaning = "Where the folder is seen, `/` or such as `/demo`. Each path once."},
    {.path = "gateway.pages[].root", IN_ITEM(PATH, pages_settings, root),
     BETWEEN(1, PATH_BYTES_MAX), .flags = OPTION_REQUIRED, GATEWAY,
     .meaning = "The folder. What is outside it is not served, links included."},

    {.path = "gateway.rules[].match", IN_ITEM(TEXT, rule_settings, match), BETWEEN(1, 1024),
     .check = settings_check_match, .flags = OPTION_REQUIRED, GATEWAY,
     .meaning = "A pattern of destinations, as in subscriptions: `*`, `?`, `**`, `{name}`. `{user}`, "
                "`{session}` and `{claim.x}` stand for what they are of who asks."},
    {.path = "gateway.rules[].send", IN_ITEM(JSON, rule_settings, send),
     .fallback_note = "false", BETWEEN(1, 1024), .check = settings_check_permission, GATEWAY,
     .meaning = "Who may send there: `true`, `false`, or `{\"role\": \"…\"}`."},
    {.path = "gateway.rules[].subscribe", IN_ITEM(JSON, rule_settings, subscribe),
     .fallback_note = "false", BETWEEN(1, 1024), .check = settings_check_permission, GATEWAY,
     .meaning = "Who may subscribe to it. A subscription to a pattern needs the right to every "
                "destination that it matches."},

    {.path = "gateway.auth.jwt.from", IN_ROOT(TEXTS, gateway.auth.jwt.from),
     COUNTED(settings, gateway.auth.jwt.from_count), .fallback = "[\"header:Authorization\"]",
     BETWEEN(1, 8), .check = settings_check_token_place, GATEWAY,
     .meaning = "Where a token is looked for, in this order: `header:…` of CONNECT, or its "
                "`passcode`. `Bearer ` before it is dropped; `null` and nothing are no token."},
    {.path = "gateway.auth.jwt.secret_file", IN_ROOT(PATH, gateway.auth.jwt.secret_file),
     BETWEEN(1, PATH_BYTES_MAX), .fallback_note = "none", GATEWAY,
     .meaning = "The secret of HS256, HS384, HS512. A last line end is not part of it. One too "
                "short for its algorithm is refused."},
    {.path = "gateway.auth.jwt.secret_encoding",
     IN_ROOT(WORD, gateway.auth.jwt.secret_encoding), .words = "text|base64", .fallback = "text",
     GATEWAY,
     .meaning = "The file is the secret, or the secret in base64 (or base64url), as older jjwt takes its "
                "text."},
    {.path = "gateway.auth.jwt.key_file", IN_ROOT(PATH, gateway.auth.jwt.key_file),
     BETWEEN(1, PATH_BYTES_MAX), .fallback_note = "none", GATEWAY,
     .meaning = "A public key in PEM: RSA of 2048 bits or more, or EC on P-256, P-384, P-521."},
    {.path = "gateway.auth.jwt.jwks_file", IN_ROOT(PATH, gateway.auth.jwt.jwks_file),
     BETWEEN(1, PATH_BYTES_MAX), .fallback_note = "none", GATEWAY,
     .meaning = "A JWK set. One of the three files; each is read again on SIGHUP, and the old keys "
                "stay when the new ones are wrong."},
    {.path = "gateway.auth.jwt.algorithms", IN_ROOT(TEXTS, gateway.auth.jwt.algorithms),
     COUNTED(settings, gateway.auth.jwt.algorithm_count),
     .fallback_note = "HS256 with a secret, else RS256 and ES256", BETWEEN(1, 12),
     .check = settings_check_algorithm, GATEWAY,
     .meaning = "What tokens may be signed with: HS, RS, PS or ES and 256, 384 or 512."},
    {.path = "gateway.auth.jwt.issuer", IN_ROOT(TEXT, gateway.auth.jwt.issuer), BETWEEN(1, 1024),
     .fallback_note = "any", GATEWAY,
     .meaning = "What `iss` must be."},
    {.path = "gateway.auth.jwt.audience", IN_ROOT(TEXT, gateway.auth.jwt.audience),
     BETWEEN(1, 1024), .fallback_note = "any", GATEWAY,
     .meaning = "What `aud` must be, or hold."},
    {.path = "gateway.auth.jwt.user_claim", IN_ROOT(TEXT, gateway.auth.jwt.user_claim),
     .fallback = "sub", BETWEEN(1, 255), GATEWAY,
     .meaning = "The claim that is the user's name: a text of 1 to 255 bytes."},
    {.path = "gateway.auth.jwt.roles_claim", IN_ROOT(TEXT, gateway.auth.jwt.roles_claim),
     .fallback = "roles", BETWEEN(1, 255), GATEWAY,
     .meaning = "The claim that lists roles, or has them as words. `a.b` is member `b` of `a`."},
    {.path = "gateway.auth.jwt.leeway", IN_ROOT(DURATION, gateway.auth.jwt.leeway_ms),
     .fallback = "30s", BETWEEN(1000, 300 * SECOND), .flags = OPTION_ZERO_IS_OFF, GATEWAY,
     .meaning = "How far clocks may differ, for `exp`, `nbf` and `iat`."},
    {.path = "gateway.auth.anonymous", IN_ROOT(CHOICE, gateway.auth.anonymous),
     .fallback_note = "true where every listener is on a loopback address and no `jwt` file is set; "
                      "else false, or without another way to log in starting is refused",
     GATEWAY,
     .meaning = "A CONNECT need not prove who it is. With a token it has to be a right one."},
    {.path = "gateway.auth.login_deadline", IN_ROOT(DURATION, gateway.auth.login_deadline_ms),
     .fallback = "10s", BETWEEN(100, 10 * MINUTE), GATEWAY,
     .meaning = "From the start of a session to its CONNECT. Longer: the session is closed."},

    {.path = "gateway.heartbeat.send", IN_ROOT(DURATION, gateway.heartbeat.send_ms),
     .fallback = "10s", BETWEEN(500, 24 * HOUR), .flags = OPTION_ZERO_IS_OFF, GATEWAY,
     .meaning = "CONNECTED offers a STOMP heart-beat so often; `0s` offers none."},
    {.path = "gateway.heartbeat.receive", IN_ROOT(DURATION, gateway.heartbeat.receive_ms),
     .fallback = "10s", BETWEEN(500, 24 * HOUR), .flags = OPTION_ZERO_IS_OFF, GATEWAY,
     .meaning = "CONNECTED asks for a STOMP heart-beat so often; `0s` asks for none. Three times "
                "the agreed interval without a byte: ERROR, and the session is closed."},
    {.path = "gateway.heartbeat.floor", IN_ROOT(DURATION, gateway.heartbeat.floor_ms),
     .fallback = "5s", BETWEEN(500, 24 * HOUR), .flags = OPTION_ZERO_IS_OFF, GATEWAY,
     .meaning = "Silence shorter than this never closes a session, whatever interval was agreed."},

    {.path = "gateway.limits.connections", IN_ROOT(COUNT, gateway.limits.connections_max),
     .fallback = "10000", BETWEEN(1, 10 * MILLION), GATEWAY,
     .meaning = "Connections of all listeners together. Beyond: a new one is closed at once."},
    {.path = "gateway.limits.connections_per_address",
     IN_ROOT(COUNT, gateway.limits.connections_per_address_max), .fallback = "0",
     BETWEEN(0, 10 * MILLION), GATEWAY,
     .meaning = "Connections from one address; `0` is no limit. Beyond: a new one is closed at "
                "once."},
    {.path = "gateway.limits.sessions", IN_ROOT(COUNT, gateway.limits.sessions_max),
     .fallback = "20000", BETWEEN(1, 10 * MILLION), GATEWAY,
     .meaning = "Sessions at once, detached ones included. Beyond: a new session is refused."},
    {.path = "gateway.limits.tls_handshakes", IN_ROOT(COUNT, gateway.limits.tls_handshakes_max),
     .fallback = "256", BETWEEN(1, MILLION), GATEWAY,
     .meaning = "TLS handshakes under way at once. Beyond: further ones wait, until "
                "`gateway.timeouts.tls_handshake`."},
    {.path = "gateway.limits.message_size", IN_ROOT(SIZE, gateway.limits.message_bytes_max),
     .fallback = "64KiB", BETWEEN(256, 1 * GIB), .scopes = IN_ENDPOINT, GATEWAY,
     .meaning = "One STOMP frame, and one WebSocket message, of a browser. Beyond: ERROR, or "
                "WebSocket close 1009, and the session is closed."},
    {.path = "gateway.limits.tcp_message_size", IN_ROOT(SIZE, gateway.limits.tcp_message_bytes_max),
     .fallback = "4MiB", BETWEEN(256, 1 * GIB), .scopes = IN_LISTEN, GATEWAY,
     .meaning = "One STOMP frame over `stomp://`. Beyond: ERROR, and the session is closed."},
    {.path = "gateway.limits.headers", IN_ROOT(COUNT, gateway.limits.headers_max),
     .fallback = "100", BETWEEN(8, 65536), .scopes = IN_ENDPOINT, GATEWAY,
     .meaning = "Headers of one STOMP frame of a browser. Beyond: ERROR, and the session is "
                "closed."},
    {.path = "gateway.limits.tcp_headers", IN_ROOT(COUNT, gateway.limits.tcp_headers_max),
     .fallback = "1000", BETWEEN(8, 65536), .scopes = IN_LISTEN, GATEWAY,
     .meaning = "The same over `stomp://`."},
    {.path = "gateway.limits.header_size", IN_ROOT(SIZE, gateway.limits.header_bytes_max),
     .fallback = "8KiB", BETWEEN(64, 16 * MIB), .scopes = IN_ENDPOINT, GATEWAY,
     .meaning = "One header line of a browser's STOMP frame. Beyond: ERROR, and the session is "
                "closed."},
    {.path = "gateway.limits.tcp_header_size", IN_ROOT(SIZE, gateway.limits.tcp_header_bytes_max),
     .fallback = "10KiB", BETWEEN(64, 16 * MIB), .scopes = IN_LISTEN, GATEWAY,
     .meaning = "The same over `stomp://`."},
    {.path = "gateway.limits.destination_length",
     IN_ROOT(SIZE, gateway.limits.destination_bytes_max), .fallback = "1KiB", BETWEEN(16, 60 * KIB),
     .scopes = IN_BOTH, GATEWAY,
     .meaning = "A destination's name. Beyond: ERROR, and the session is closed."},
    {.path = "gateway.limits.subscriptions", IN_ROOT(COUNT, gateway.limits.subscriptions_max),
     .fallback = "256", BETWEEN(1, MILLION), .scopes = IN_BOTH, GATEWAY,
     .meaning = "Subscriptions of one session. "
                "All of them, with `destination_length` each, are to fit into three quarters of "
                "`broker.message_window`. Beyond: ERROR, and the session is closed."},
    {.path = "gateway.limits.pending_requests", IN_ROOT(COUNT, gateway.limits.requests_max),
     .fallback = "1024", BETWEEN(1, MILLION), .scopes = IN_BOTH, GATEWAY,
     .meaning = "Frames of one session that wait for the broker's answer: receipts, "
                "subscriptions. Beyond: nothing more is read from it until some are answered."},
    {.path = "gateway.limits.transactions", IN_ROOT(COUNT, gateway.limits.transactions_max),
     .fallback = "16", BETWEEN(1, 65536), .scopes = IN_BOTH, GATEWAY,
     .meaning = "Open transactions of one session. Beyond: ERROR, and the session is closed."},
    {.path = "gateway.limits.transaction_frames",
     IN_ROOT(COUNT, gateway.limits.transaction_frames_max), .fallback = "1024",
     BETWEEN(1, MILLION), .scopes = IN_BOTH, GATEWAY,
     .meaning = "SEND, ACK and NACK in one transaction. Beyond: ERROR, and the session is closed."},
    {.path = "gateway.limits.transaction_size", IN_ROOT(SIZE, gateway.limits.transaction_bytes_max),
     .fallback = "256KiB", BETWEEN(1 * KIB, 256 * MIB), .scopes = IN_BOTH, GATEWAY,
     .meaning = "Bytes in all open transactions of one session, a quarter of "
                "`broker.message_window` at most. Beyond: ERROR, and the session is closed."},
    {.path = "gateway.limits.queue_size", IN_ROOT(SIZE, gateway.limits.queue_bytes_max),
     .fallback = "512KiB", BETWEEN(4 * KIB, 1 * GIB), .scopes = IN_BOTH, GATEWAY,
     .meaning = "Bytes waiting to be taken by one session. Beyond: it is closed as too slow."},
    {.path = "gateway.limits.queue_messages", IN_ROOT(COUNT, gateway.limits.queue_messages_max),
     .fallback = "1000", BETWEEN(1, 10 * MILLION), .scopes = IN_ENDPOINT, GATEWAY,
     .meaning = "Messages waiting for a SockJS session between two of its requests. Beyond: it "
                "is closed as too slow."},
    {.path = "gateway.limits.fragments", IN_ROOT(COUNT, gateway.limits.fragments_max),
     .fallback = "131072", BETWEEN(1, 100 * MILLION), .scopes = IN_ENDPOINT, GATEWAY,
     .meaning = "Fragments of one WebSocket message, empty ones too. Beyond: close 1009."},
    {.path = "gateway.limits.beats", IN_ROOT(COUNT, gateway.limits.beats_max),
     .fallback = "1000", BETWEEN(10, 100 * MILLION), .scopes = IN_BOTH, GATEWAY,
     .meaning = "What one session sends in a second that only says it lives: line ends between "
                "STOMP frames, WebSocket pings and pongs, empty messages. Beyond: ERROR, or "
                "WebSocket close 1008, and the session is closed."},
    {.path = "gateway.limits.sockjs_body_size", IN_ROOT(SIZE, gateway.limits.sockjs_body_bytes_max),
     .fallback = "128KiB", BETWEEN(1 * KIB, 1 * GIB), .scopes = IN_ENDPOINT, GATEWAY,
     .meaning = "The body of one SockJS send, before decoding. Beyond: 413, or WebSocket close "
                "1009."},
    {.path = "gateway.limits.sockjs_messages", IN_ROOT(COUNT, gateway.limits.sockjs_messages_max),
     .fallback = "1000", BETWEEN(1, MILLION), .scopes = IN_ENDPOINT, GATEWAY,
     .meaning = "Messages in one such body. Beyond: the body is refused as broken."},
    {.path = "gateway.limits.http_header_size", IN_ROOT(SIZE, gateway.limits.http_header_bytes_max),
     .fallback = "16KiB", BETWEEN(1 * KIB, 1 * MIB), .scopes = IN_LISTEN, GATEWAY,
     .meaning = "All header lines of one HTTP request. Beyond: 431."},
    {.path = "gateway.limits.http_headers", IN_ROOT(COUNT, gateway.limits.http_headers_max),
     .fallback = "64", BETWEEN(8, 1024), .scopes = IN_LISTEN, GATEWAY,
     .meaning = "Headers of one HTTP request. Beyond: 431."},
    {.path = "gateway.limits.http_target_size", IN_ROOT(SIZE, gateway.limits.http_target_bytes_max),
     .fallback = "2KiB", BETWEEN(64, 64 * KIB), .scopes = IN_LISTEN, GATEWAY,
     .meaning = "Path and query of one HTTP request. Beyond: 414."},

    {.path = "gateway.timeouts.tls_handshake",
     IN_ROOT(DURATION, gateway.timeouts.tls_handshake_ms), .fallback = "10s", BETWEEN(100, HOUR),
     GATEWAY,
     .meaning = "From the start of a connection to the end of its TLS handshake. Longer: closed."},
    {.path = "gateway.timeouts.http_header", IN_ROOT(DURATION, gateway.timeouts.http_header_ms),
     .fallback = "10s", BETWEEN(100, HOUR), GATEWAY,
     .meaning = "From the first byte of an HTTP request (of a new connection: from its start) to "
                "the end of its headers, however busy. Longer: closed."},
    {.path = "gateway.timeouts.http_keep_alive",
     IN_ROOT(DURATION, gateway.timeouts.http_keep_alive_ms), .fallback = "15s", BETWEEN(100, HOUR),
     GATEWAY,
     .meaning = "From an HTTP answer to the next request on its connection. Longer: closed."},
    {.path = "gateway.timeouts.http_body", IN_ROOT(DURATION, gateway.timeouts.http_body_ms),
     .fallback = "30s", BETWEEN(100, HOUR), GATEWAY,
     .meaning = "From the end of an HTTP request's headers to the end of its body. Longer: "
                "closed."},
    {.path = "gateway.timeouts.write_stall", IN_ROOT(DURATION, gateway.timeouts.write_stall_ms),
     .fallback = "10s", BETWEEN(100, HOUR), GATEWAY,
     .meaning = "Bytes wait and the connection takes none. Longer: closed."},
    {.path = "gateway.timeouts.close", IN_ROOT(DURATION, gateway.timeouts.close_ms),
     .fallback = "1s", BETWEEN(10, MINUTE), GATEWAY,
     .meaning = "A connection that is being closed waits so long, when its last bytes have left, for "
                "the other side to close too. Longer: it is cut off."},
    {.path = "gateway.timeouts.link_wait", IN_ROOT(DURATION, gateway.timeouts.link_wait_ms),
     .fallback = "5s", BETWEEN(10, MINUTE), GATEWAY,
     .meaning = "SockJS `/info` and opening requests wait so long for a broker that is away. "
                "Longer: 503, or close 1013."},
};
/* clang-format on */

const size_t settings_row_count = MEM_COUNT(settings_rows);
