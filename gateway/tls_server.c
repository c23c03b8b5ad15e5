/* SPDX-License-Identifier: MIT
 *
 * Certificates of the TLS listeners.
 *
 *   - load_listener() reads a listener's identities into one context; load_all() does it for each, and only when all
 *     are right are the contexts swapped;
 *   - a connection keeps the context it began with for its life (a share), so an old one goes with its last
 *     connection.
 *
 * Failure modes: a file that cannot be read or does not fit ends the start with exit code 2, and leaves a reload
 * without effect; both are told as `certificate_unusable` with the option that named the file.
 */
#include "gateway/tls_server.h"

#include <stdio.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/tls.h"
#include "gateway/tls_accept.h"

#define OPTION_PATH_MAX 96
#define EXPIRES_SOON_SECONDS (14u * 24 * 3600)

struct tls_server {
    struct runtime *runtime;
    struct tls_protocol protocols[LISTEN_SCHEMES];
    struct tls_library *library;   /* owned; NULL: no listener has TLS */
    struct tls_context **contexts; /* owned, each a share; as settings->listens; NULL: plain */
    uint64_t expires;              /* the earliest; 0: none */
    struct tls_accepts accepts;
};

/* What a load works on: the identities of one listener. */
struct load {
    struct tls_server *server;
    struct tls_identity
        *identities[64 + 1]; /* as many as the option allows, and the listener's own */
    size_t count;
    uint64_t expires;
};

/* ---- loading ---- */

static void log_loaded(const char *path, const struct tls_identity *identity)
{
    struct buf names = {0};
    uv_timeval64_t now = {0};
    uint64_t expires = tls_identity_expires(identity);
    tls_identity_put_names(identity, &names);
    int code = uv_gettimeofday(&now);
    log_event(LOG_INFO, "certificate_loaded", log_text("option", path),
              log_str("names", buf_str(&names)), log_u64("expires", expires));
    if (code == 0 && expires < (uint64_t)now.tv_sec + EXPIRES_SOON_SECONDS) {
        log_event(LOG_WARN, "certificate_expires", log_text("option", path),
                  log_u64("expires", expires));
    }
    buf_finish(&names);
}

static int load_one(struct load *load, const char *path, const struct identity_settings *settings)
{
    struct tls_fault fault;
    struct tls_identity *identity;
    if (tls_identity_load(load->server->library, settings, &identity, &fault) < 0) {
        char option[OPTION_PATH_MAX + 32];
        snprintf(option, sizeof(option), "%s.%s", path, fault.option);
        log_event(LOG_ERROR, "certificate_unusable", log_text("option", option),
                  log_text("file", fault.file), log_text("reason", fault.reason));
        return -1;
    }
    log_loaded(path, identity);
    load->identities[load->count++] = identity;
    uint64_t expires = tls_identity_expires(identity);
    load->expires = load->expires == 0 || expires < load->expires ? expires : load->expires;
    return 0;
}

static struct tls_context *load_listener(struct load *load, const struct listen_settings *listen,
                                         size_t index)
{
    static const char *http_alpn[] = {"http/1.1", NULL};
    char path[OPTION_PATH_MAX];
    load->count = 0;
    snprintf(path, sizeof(path), "gateway.listen[%zu]", index);
    int code = load_one(load, path, &listen->identity);
    for (size_t i = 0; i < listen->identity_count && code == 0; i++) {
        snprintf(path, sizeof(path), "gateway.listen[%zu].certificates[%zu]", index, i);
        code = load_one(load, path, &listen->identities[i]);
    }
    if (code == 0) {
        return tls_context_create(load->server->library, load->identities, load->count,
                                  listen_is_http(listen->scheme) ? http_alpn : NULL);
    }
    for (size_t i = 0; i < load->count; i++) {
        tls_identity_destroy(load->identities[i]);
    }
    return NULL;
}

static void release_contexts(struct tls_context **contexts, size_t count)
{
    for (size_t i = 0; contexts != NULL && i < count; i++) {
        tls_context_release(contexts[i]);
    }
    mem_free(contexts);
}

static int load_all(struct tls_server *server)
{
    const struct gateway_settings *settings = server->runtime->settings;
    struct load load = {.server = server};
    struct tls_context **fresh = mem_zalloc_array(settings->listen_count, sizeof(*fresh));
    for (size_t i = 0; i < settings->listen_count; i++) {
        if (!listen_has_tls(settings->listens[i].scheme)) {
            continue;
        }
        fresh[i] = load_listener(&load, &settings->listens[i], i);
        if (fresh[i] == NULL) {
            release_contexts(fresh, i);
            return -1;
        }
    }
    release_contexts(server->contexts, settings->listen_count);
    server->contexts = fresh;
    server->expires = load.expires;
    return 0;
}

bool tls_server_reload(struct tls_server *server)
{
    if (server->library == NULL) {
        return true;
    }
    if (load_all(server) < 0) {
        log_event(LOG_WARN, "certificates_kept", log_u64("expires", server->expires));
        return false;
    }
    log_event(LOG_INFO, "certificates_reloaded", log_u64("expires", server->expires));
    return true;
}

/* ---- accepting ---- */

static struct tls_context *context_of(const struct listen_settings *listen, void *data)
{
    const struct tls_server *server = data;
    return server->contexts[listen - server->runtime->settings->listens];
}

static void on_secured(struct conn *conn, const struct listen_settings *listen, void *data)
{
    const struct tls_server *server = data;
    const struct tls_protocol *protocol = &server->protocols[listen->scheme];
    protocol->accepted(conn, listen, protocol->data);
}

void tls_server_accepted(struct conn *conn, const struct listen_settings *listen, void *data)
{
    struct tls_server *server = data;
    tls_accepts_add(&server->accepts, conn, listen);
}

uint64_t tls_server_expires(const struct tls_server *server)
{
    return server == NULL ? 0 : server->expires;
}

/* ---- beginning, end ---- */

static bool has_tls(const struct gateway_settings *settings)
{
    for (size_t i = 0; i < settings->listen_count; i++) {
        if (listen_has_tls(settings->listens[i].scheme)) {
            return true;
        }
    }
    return false;
}

int tls_server_create(struct runtime *runtime, const struct tls_protocol protocols[LISTEN_SCHEMES],
                      struct tls_server **out)
{
    struct tls_server *server = mem_zalloc(sizeof(*server));
    *out = server;
    server->runtime = runtime;
    memcpy(server->protocols, protocols, sizeof(server->protocols));
    tls_accepts_init(&server->accepts, runtime);
    server->accepts.context = context_of;
    server->accepts.done = on_secured;
    server->accepts.data = server;
    if (!has_tls(runtime->settings)) {
        return 0;
    }
    server->library = tls_library_create();
    if (server->library == NULL) {
        log_event(LOG_ERROR, "tls_unavailable", log_text("reason", "no random numbers"));
        return -1;
    }
    return load_all(server);
}

void tls_server_destroy(struct tls_server *server)
{
    if (server == NULL) {
        return;
    }
    release_contexts(server->contexts, server->runtime->settings->listen_count);
    tls_library_destroy(server->library);
    mem_free(server);
}
