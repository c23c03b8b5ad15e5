/* SPDX-License-Identifier: MIT
 *
 * Which listeners need a certificate, and what belongs together in one.
 *
 * Whether the files can be read and fit each other is seen when they are loaded, on the machine that has them.
 */
#include <stdarg.h>
#include <stdio.h>

#include "common/settings_internal.h"

struct place {
    struct options *options;
    const struct listen_settings *listen;
    struct buf path; /* "gateway.listen[1]." */
};

__attribute__((format(printf, 3, 4))) static void fail(struct place *place, const char *name,
                                                       const char *format, ...)
{
    struct buf path = {0};
    char text[256];
    va_list arguments;
    buf_append_format(&path, "%.*s%s", (int)place->path.len, (const char *)place->path.data, name);
    buf_append_byte(&path, '\0');
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    options_fail(place->options, (const char *)path.data, "%s", text);
    buf_finish(&path);
}

static void check_identity(struct place *place, const struct identity_settings *identity)
{
    if (identity->certificate == NULL && identity->key_store == NULL) {
        fail(place, "certificate", "expected a PEM file, or key_store (PKCS#12): \"%s\" is for TLS",
             place->listen->url);
    }
    if (identity->certificate != NULL && identity->key_store != NULL) {
        fail(place, "key_store", "expected either this or certificate, not both");
    }
    if (identity->key_store != NULL &&
        (identity->key != NULL || identity->key_password_file != NULL)) {
        fail(place, "key", "expected certificate beside it, or key_store alone");
    }
    if (identity->key_store == NULL && identity->key_store_password_file != NULL) {
        fail(place, "key_store_password_file", "expected key_store beside it");
    }
    if (identity->key_store == NULL && identity->key_alias != NULL) {
        fail(place, "key_alias", "expected key_store beside it");
    }
}

static bool has_identity(const struct listen_settings *listen)
{
    const struct identity_settings *identity = &listen->identity;
    return identity->certificate != NULL || identity->key != NULL || identity->key_store != NULL ||
           identity->key_password_file != NULL || identity->key_store_password_file != NULL ||
           identity->key_alias != NULL || listen->identity_count > 0;
}

static void check_listen(struct place *place, size_t index)
{
    const struct listen_settings *listen = place->listen;
    place->path.len = 0;
    buf_append_format(&place->path, "gateway.listen[%zu].", index);
    if (!listen_has_tls(listen->scheme)) {
        if (has_identity(listen)) {
            fail(place, "url",
                 "expected https:// or stomps:// where a certificate is given, got \"%s\"",
                 listen->url);
        }
        return;
    }
    check_identity(place, &listen->identity);
    for (size_t i = 0; i < listen->identity_count; i++) {
        place->path.len = 0;
        buf_append_format(&place->path, "gateway.listen[%zu].certificates[%zu].", index, i);
        check_identity(place, &listen->identities[i]);
    }
}

void settings_check_tls(const struct gateway_settings *gateway, struct options *options)
{
    struct place place = {.options = options};
    for (size_t i = 0; i < gateway->listen_count; i++) {
        place.listen = &gateway->listens[i];
        check_listen(&place, i);
    }
    buf_finish(&place.path);
}
