/* SPDX-License-Identifier: MIT
 *
 * The TLS pump against the library's own client, in memory: whatever pieces the wire comes in, the same plain bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>

#include "common/mem.h"
#include "common/settings.h"
#include "common/tls_internal.h"

#define TEXT_BYTES 70000u

static const char identity_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBlDCCATugAwIBAgIUYwGaM2pZiTTu3fI6vvi3J1WYgdQwCgYIKoZIzj0EAwIw\n"
    "FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDE0MzUxMFoYDzIxMDkwMTEz\n"
    "MTQzNTEwWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
    "PQMBBwNCAAQEyPgHYdlR9EOnoVJLLi2TV3NkkbIcmz1GJ5E2dPo4Fs2FGzdwCn1p\n"
    "nT9OxnpVzTxENVepR5raSjOyrceV1UYUo2kwZzAdBgNVHQ4EFgQUoehXPMnAwbd5\n"
    "vtfqYlNZiUzfHgcwHwYDVR0jBBgwFoAUoehXPMnAwbd5vtfqYlNZiUzfHgcwDwYD\n"
    "VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID\n"
    "RwAwRAIgb/6H+3MJrLx5sMfbxaa5a0R4cN4csQYmdXO329XGp8sCIH1fmZAW2CTN\n"
    "+p9FbNkiARB3DCIhfZGN62lSmaryz/UU\n"
    "-----END CERTIFICATE-----\n"
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgCKc8wujgxh0lcmXt\n"
    "YS0BHzXPQGy6Y3FbP3LLay4Q5iqhRANCAAQEyPgHYdlR9EOnoVJLLi2TV3NkkbIc\n"
    "mz1GJ5E2dPo4Fs2FGzdwCn1pnT9OxnpVzTxENVepR5raSjOyrceV1UYU\n"
    "-----END PRIVATE KEY-----\n";

struct fixture {
    struct tls_library *library;
    struct tls_context *context;
    struct tls *tls;
    mbedtls_ssl_config config; /* of the client */
    mbedtls_ssl_context client;
    struct buf to_client;
    struct buf to_server;
};

static int on_send(void *data, const unsigned char *bytes, size_t len)
{
    buf_append(&((struct fixture *)data)->to_server, bytes, len);
    return (int)len;
}

static int on_receive(void *data, unsigned char *bytes, size_t room)
{
    struct buf *from = &((struct fixture *)data)->to_client;
    size_t len = room < from->len ? room : from->len;
    if (len == 0) {
        return MBEDTLS_ERR_SSL_WANT_READ;
    }
    memcpy(bytes, from->data, len);
    buf_consume(from, len);
    return (int)len;
}

static struct tls_identity *load_identity(struct tls_library *library)
{
    char path[] = "/tmp/sluice-test-tls-XXXXXX";
    struct identity_settings settings = {.certificate = path};
    struct tls_identity *identity = NULL;
    struct tls_fault fault;
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, identity_pem, sizeof(identity_pem) - 1),
                     sizeof(identity_pem) - 1);
    assert_int_equal(close(descriptor), 0);
    assert_int_equal(tls_identity_load(library, &settings, &identity, &fault), 0);
    assert_int_equal(unlink(path), 0);
    return identity;
}

static void begin(struct fixture *fixture)
{
    *fixture = (struct fixture){.library = tls_library_create()};
    assert_non_null(fixture->library);
    struct tls_identity *identity = load_identity(fixture->library);
    fixture->context = tls_context_create(fixture->library, &identity, 1, NULL);
    fixture->tls = tls_create(fixture->context);
    assert_non_null(fixture->tls);
    mbedtls_ssl_config_init(&fixture->config);
    mbedtls_ssl_init(&fixture->client);
    assert_int_equal(mbedtls_ssl_config_defaults(&fixture->config, MBEDTLS_SSL_IS_CLIENT,
                                                 MBEDTLS_SSL_TRANSPORT_STREAM,
                                                 MBEDTLS_SSL_PRESET_DEFAULT),
                     0);
    mbedtls_ssl_conf_rng(&fixture->config, mbedtls_ctr_drbg_random, &fixture->library->random);
    mbedtls_ssl_conf_authmode(&fixture->config, MBEDTLS_SSL_VERIFY_NONE);
    assert_int_equal(mbedtls_ssl_setup(&fixture->client, &fixture->config), 0);
    assert_int_equal(mbedtls_ssl_set_hostname(&fixture->client, "localhost"), 0);
    mbedtls_ssl_set_bio(&fixture->client, fixture, on_send, on_receive, NULL);
}

static void end(struct fixture *fixture)
{
    mbedtls_ssl_free(&fixture->client);
    mbedtls_ssl_config_free(&fixture->config);
    tls_destroy(fixture->tls);
    tls_context_release(fixture->context);
    tls_library_destroy(fixture->library);
    buf_finish(&fixture->to_client);
    buf_finish(&fixture->to_server);
}

static void take_output(struct fixture *fixture)
{
    struct buf out;
    tls_take_output(fixture->tls, &out);
    buf_append(&fixture->to_client, out.data, out.len);
    buf_finish(&out);
}

/* The server sees `piece` bytes at a time. What is behind the handshake stays in to_server. */
static void shake_hands(struct fixture *fixture, size_t piece)
{
    enum tls_result server = TLS_MORE;
    int client = MBEDTLS_ERR_SSL_WANT_READ;
    while (server == TLS_MORE || client != 0) {
        if (client != 0) {
            client = mbedtls_ssl_handshake(&fixture->client);
            assert_true(client == 0 || client == MBEDTLS_ERR_SSL_WANT_READ);
        }
        while (server == TLS_MORE && fixture->to_server.len > 0) {
            size_t len = piece < fixture->to_server.len ? piece : fixture->to_server.len;
            tls_push(fixture->tls, fixture->to_server.data, len);
            buf_consume(&fixture->to_server, len);
            server = tls_handshake(fixture->tls);
            assert_true(server == TLS_MORE || server == TLS_DONE);
        }
        take_output(fixture);
    }
}

/* Gives the server all of to_server in pieces; its plain bytes are appended to *plain. The last answer. */
static enum tls_result open_pieces(struct fixture *fixture, size_t piece, struct buf *plain)
{
    enum tls_result result = TLS_MORE;
    while (fixture->to_server.len > 0 && result == TLS_MORE) {
        size_t opened, len = piece < fixture->to_server.len ? piece : fixture->to_server.len;
        size_t room = tls_open_room(fixture->tls, len);
        result = tls_open(fixture->tls, fixture->to_server.data, len, buf_reserve(plain, room),
                          room, &opened);
        plain->len += opened;
        buf_consume(&fixture->to_server, len);
    }
    return result;
}

static void client_writes(struct fixture *fixture, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        int written = mbedtls_ssl_write(&fixture->client, bytes, len);
        assert_true(written > 0);
        bytes += written;
        len -= (size_t)written;
    }
}

static void client_reads(struct fixture *fixture, uint8_t *bytes, size_t len)
{
    while (len > 0) {
        int got = mbedtls_ssl_read(&fixture->client, bytes, len);
        if (got == MBEDTLS_ERR_SSL_WANT_READ && fixture->to_client.len > 0) {
            continue; /* a ticket */
        }
        assert_true(got > 0);
        bytes += got;
        len -= (size_t)got;
    }
}

static void fill(uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    }
}

static void any_split_of_the_wire_gives_the_same_bytes(void **state)
{
    static const size_t pieces[] = {1, 2, 3, 5, 6, 7, 100, 1000, 16384, 16413, 65536, 1000000};
    uint8_t *text = mem_alloc(TEXT_BYTES), *back = mem_alloc(TEXT_BYTES);
    (void)state;
    fill(text, TEXT_BYTES);
    for (size_t i = 0; i < MEM_COUNT(pieces); i++) {
        struct fixture fixture;
        struct buf plain = {0};
        size_t sealed;
        begin(&fixture);
        shake_hands(&fixture, pieces[i]);
        client_writes(&fixture, text, 10);
        client_writes(&fixture, text + 10, TEXT_BYTES - 10);
        assert_int_equal(open_pieces(&fixture, pieces[i], &plain), TLS_MORE);
        assert_int_equal(plain.len, TEXT_BYTES);
        assert_memory_equal(plain.data, text, TEXT_BYTES);
        assert_false(tls_has_record(fixture.tls));

        size_t room = tls_seal_room(fixture.tls, TEXT_BYTES);
        uint8_t *out = buf_reserve(&fixture.to_client, room);
        assert_int_equal(tls_seal(fixture.tls, text, TEXT_BYTES, out, room, &sealed), TLS_MORE);
        fixture.to_client.len += sealed;
        client_reads(&fixture, back, TEXT_BYTES);
        assert_memory_equal(back, text, TEXT_BYTES);
        buf_finish(&plain);
        end(&fixture);
    }
    mem_free(text);
    mem_free(back);
}

static void what_came_before_it_was_wanted_is_kept(void **state)
{
    struct fixture fixture;
    uint8_t plain[1024];
    size_t opened;
    (void)state;
    begin(&fixture);
    shake_hands(&fixture, 1000);
    client_writes(&fixture, (const uint8_t *)"early", 5);
    tls_push(fixture.tls, fixture.to_server.data, fixture.to_server.len);
    assert_true(tls_has_record(fixture.tls));
    assert_true(tls_open_room(fixture.tls, 0) <= sizeof(plain));
    assert_int_equal(tls_open(fixture.tls, NULL, 0, plain, sizeof(plain), &opened), TLS_MORE);
    assert_int_equal(opened, 5);
    assert_memory_equal(plain, "early", 5);
    assert_false(tls_has_record(fixture.tls));
    end(&fixture);
}

static void both_ends_say_goodbye(void **state)
{
    struct fixture fixture;
    struct buf plain = {0};
    uint8_t byte;
    (void)state;
    begin(&fixture);
    shake_hands(&fixture, 1000);
    tls_say_goodbye(fixture.tls);
    take_output(&fixture);
    int code;
    do {
        code = mbedtls_ssl_read(&fixture.client, &byte, 1);
    } while (code == MBEDTLS_ERR_SSL_WANT_READ && fixture.to_client.len > 0);
    assert_int_equal(code, MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
    client_writes(&fixture, (const uint8_t *)"last", 4);
    assert_int_equal(mbedtls_ssl_close_notify(&fixture.client), 0);
    assert_int_equal(open_pieces(&fixture, 1000, &plain), TLS_CLOSED);
    assert_true(str_equal(buf_str(&plain), STR("last")));
    buf_finish(&plain);
    end(&fixture);
}

static void every_changed_byte_of_a_record_ends_the_connection(void **state)
{
    struct buf record = {0};
    (void)state;
    for (size_t at = 0; at == 0 || at < record.len; at++) {
        struct fixture fixture;
        struct buf plain = {0};
        begin(&fixture);
        shake_hands(&fixture, 1000);
        open_pieces(&fixture, 1000, &plain);
        client_writes(&fixture, (const uint8_t *)"secret", 6);
        record.len = 0;
        buf_append(&record, fixture.to_server.data, fixture.to_server.len);
        fixture.to_server.data[at] ^= 1;
        enum tls_result result = open_pieces(&fixture, 1000, &plain);
        /* A length that promises more waits for it; all else fails. Plain bytes never come. */
        assert_true(result == TLS_FAILED || (result == TLS_MORE && (at == 3 || at == 4)));
        assert_int_equal(plain.len, 0);
        buf_finish(&plain);
        end(&fixture);
    }
    buf_finish(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split_of_the_wire_gives_the_same_bytes),
        cmocka_unit_test(what_came_before_it_was_wanted_is_kept),
        cmocka_unit_test(both_ends_say_goodbye),
        cmocka_unit_test(every_changed_byte_of_a_record_ends_the_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
