/* SPDX-License-Identifier: MIT
 *
 * PKCS#12 files, and what they are made of: DER, RC2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/der.h"
#include "common/mem.h"
#include "common/pkcs12.h"
#include "common/rc2.h"
#include "tests/unit/guarded.h"
#include "tests/unit/pkcs12_samples.h"

#define SAMPLE(name) p12_##name, sizeof(p12_##name)
#define ITERATIONS 5000u

static enum pkcs12_result open_sample(const uint8_t *bytes, size_t len, const char *password,
                                      const char *alias, struct pkcs12 *out)
{
    return pkcs12_open((struct str){(const char *)bytes, len}, str_of(password), str_of(alias),
                       ITERATIONS, out);
}

static void a_store_opens_with_its_password_and_alias(void **state)
{
    static const struct {
        const uint8_t *bytes;
        size_t len;
        const char *password;
        const char *alias;
        enum pkcs12_result result;
        size_t certificates;
        const char *what; /* part of it */
    } table[] = {
        {SAMPLE(aes), "geheim", NULL, PKCS12_RIGHT, 1, ""},
        {SAMPLE(aes), "geheim", "site", PKCS12_RIGHT, 1, ""},
        {SAMPLE(aes), "geheim", "SITE", PKCS12_RIGHT, 1, ""},
        {SAMPLE(aes), "geheim", "sit", PKCS12_NO_ALIAS, 1, "site"},
        {SAMPLE(aes), "geheim", "", PKCS12_NO_ALIAS, 1, "site"},
        {SAMPLE(aes), "geheim ", NULL, PKCS12_PASSWORD, 0, ""},
        {SAMPLE(aes), "Geheim", NULL, PKCS12_PASSWORD, 0, ""},
        {SAMPLE(aes), "", NULL, PKCS12_PASSWORD, 0, ""},
        {SAMPLE(aes), "\xff", NULL, PKCS12_MALFORMED, 0, ""},
        {SAMPLE(legacy), "geheim", "site", PKCS12_RIGHT, 1, ""},
        {SAMPLE(legacy), "falsch", NULL, PKCS12_PASSWORD, 0, ""},
        {SAMPLE(mixed), "geheim", NULL, PKCS12_RIGHT, 1, ""},
        {SAMPLE(plain), "geheim", NULL, PKCS12_RIGHT, 1, ""},
        {SAMPLE(empty), "", NULL, PKCS12_RIGHT, 1, ""},
        {SAMPLE(empty), "x", NULL, PKCS12_PASSWORD, 0, ""},
        {SAMPLE(unicode), "schl\u00fcssel\u20ac\U0001f41f", NULL, PKCS12_RIGHT, 1, ""},
        {SAMPLE(nokey), "geheim", NULL, PKCS12_NO_KEY, 1, ""},
        {SAMPLE(nomac), "geheim", NULL, PKCS12_NO_MAC, 0, ""},
        {SAMPLE(two), "geheim", NULL, PKCS12_MANY_KEYS, 2, "first, second"},
        {SAMPLE(two), "geheim", "first", PKCS12_RIGHT, 2, ""},
        {SAMPLE(two), "geheim", "Second", PKCS12_RIGHT, 2, ""},
        {SAMPLE(two), "geheim", "third", PKCS12_NO_ALIAS, 2, "first, second"},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct pkcs12 store;
        assert_int_equal(
            open_sample(table[i].bytes, table[i].len, table[i].password, table[i].alias, &store),
            table[i].result);
        assert_int_equal(store.certificate_count, table[i].certificates);
        assert_true(str_equal(buf_str(&store.what), str_of(table[i].what)));
        assert_int_equal(store.key.len > 0, table[i].result == PKCS12_RIGHT);
        pkcs12_close(&store);
        pkcs12_close(&store);
    }
}

static void the_certificate_of_the_chosen_key_is_marked(void **state)
{
    static const struct {
        const char *alias;
        const char *name; /* in the certificate's subject */
    } table[] = {{"first", "first"}, {"second", "Second"}};
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct pkcs12 store;
        assert_int_equal(open_sample(SAMPLE(two), "geheim", table[i].alias, &store), PKCS12_RIGHT);
        for (size_t j = 0; j < store.certificate_count; j++) {
            const struct buf *der = &store.certificates[j].der;
            bool is_named =
                memmem(der->data, der->len, table[i].name, strlen(table[i].name)) != NULL;
            assert_int_equal(store.certificates[j].is_of_key, is_named);
        }
        pkcs12_close(&store);
    }
}

static void no_file_that_was_cut_or_changed_opens(void **state)
{
    static const struct {
        const uint8_t *bytes;
        size_t len;
    } samples[] = {{SAMPLE(aes)}, {SAMPLE(legacy)}, {SAMPLE(plain)}};
    struct guarded guarded = guarded_create(4096);
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(samples); i++) {
        struct pkcs12 store;
        for (size_t len = 0; len < samples[i].len; len++) {
            const uint8_t *copy = guarded_put(&guarded, samples[i].bytes, len);
            assert_int_not_equal(open_sample(copy, len, "geheim", NULL, &store), PKCS12_RIGHT);
            pkcs12_close(&store);
        }
        uint8_t *bytes = mem_dup(samples[i].bytes, samples[i].len);
        for (size_t at = 0; at < samples[i].len; at++) {
            bytes[at] ^= (uint8_t)(1u << at % 8);
            assert_int_not_equal(open_sample(bytes, samples[i].len, "geheim", NULL, &store),
                                 PKCS12_RIGHT);
            pkcs12_close(&store);
            bytes[at] = samples[i].bytes[at];
        }
        mem_free(bytes);
    }
    guarded_destroy(&guarded);
}

static void a_file_may_spend_so_many_iterations_and_no_more(void **state)
{
    struct pkcs12 store;
    struct str file = {(const char *)p12_legacy, sizeof(p12_legacy)};
    uint32_t needed = 0;
    (void)state;
    for (enum pkcs12_result result = PKCS12_TOO_MUCH; result != PKCS12_RIGHT; needed++) {
        result = pkcs12_open(file, STR("geheim"), (struct str){NULL, 0}, needed, &store);
        assert_true(result == PKCS12_RIGHT || result == PKCS12_TOO_MUCH);
        pkcs12_close(&store);
    }
    /* MAC 1; certificates: key 1, IV 1; key: key of 24 bytes 2, IV 1 */
    assert_int_equal(needed - 1, 6);
}

static void der_is_definite_and_within_its_bytes(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool is_right;
        size_t value;
    } table[] = {
        {"\x30\x00", 2, true, 0},
        {"\x30\x01\x05", 3, true, 1},
        {"\x30\x01", 2, false, 0},
        {"\x30", 1, false, 0},
        {"", 0, false, 0},
        {"\x31\x00", 2, false, 0},
        {"\x30\x81\x01\x05", 4, true, 1},
        {"\x30\x81", 2, false, 0},
        {"\x30\x82\x00\x01\x05", 5, true, 1},
        {"\x30\x84\x00\x00\x00\x01\x05", 7, true, 1},
        {"\x30\x85\x00\x00\x00\x00\x01\x05", 8, false, 0},
        {"\x30\x84\xff\xff\xff\xff\x05", 7, false, 0},
        {"\x30\x80\x00\x00", 4, false, 0},
        {"\x30\xff\x00\x00", 4, false, 0},
    };
    struct guarded guarded = guarded_create(64);
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct der in = {guarded_put(&guarded, table[i].bytes, table[i].len), table[i].len}, value;
        bool is_right = der_take(&in, DER_SEQUENCE, &value);
        assert_int_equal(is_right, table[i].is_right);
        assert_int_equal(in.len, is_right ? 0 : table[i].len);
        if (is_right) {
            assert_int_equal(value.len, table[i].value);
        }
    }
    guarded_destroy(&guarded);
}

static void der_numbers_are_of_32_bits_and_not_negative(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        bool is_right;
        uint32_t number;
    } table[] = {
        {"\x02\x01\x00", 3, true, 0},
        {"\x02\x01\x7f", 3, true, 127},
        {"\x02\x02\x00\x80", 4, true, 128},
        {"\x02\x05\x00\xff\xff\xff\xff", 7, true, UINT32_MAX},
        {"\x02\x05\x01\x00\x00\x00\x00", 7, false, 0},
        {"\x02\x06\x00\x00\x00\x00\x00\x01", 8, false, 0},
        {"\x02\x01\x80", 3, false, 0},
        {"\x02\x00", 2, false, 0},
        {"\x04\x01\x00", 3, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        struct der in = {(const uint8_t *)table[i].bytes, table[i].len};
        uint32_t number = 0;
        assert_int_equal(der_take_number(&in, &number), table[i].is_right);
        assert_int_equal(number, table[i].number);
    }
}

/* RFC 2268, section 5. */
static void rc2_decrypts_the_vectors_of_its_rfc(void **state)
{
    static const struct {
        const char *key;
        size_t key_bytes;
        unsigned bits;
        const char *plain;
        const char *sealed;
    } table[] = {
        {"\0\0\0\0\0\0\0", 8, 63, "\0\0\0\0\0\0\0", "\xeb\xb7\x73\xf9\x93\x27\x8e\xff"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff", 8, 64, "\xff\xff\xff\xff\xff\xff\xff\xff",
         "\x27\x8b\x27\xe4\x2e\x2f\x0d\x49"},
        {"\x30\0\0\0\0\0\0", 8, 64, "\x10\0\0\0\0\0\0\x01", "\x30\x64\x9e\xdf\x9b\xe7\xd2\xc2"},
        {"\x88", 1, 64, "\0\0\0\0\0\0\0", "\x61\xa8\xa2\x44\xad\xac\xcc\xf0"},
        {"\x88\xbc\xa9\x0e\x90\x87\x5a", 7, 64, "\0\0\0\0\0\0\0",
         "\x6c\xcf\x43\x08\x97\x4c\x26\x7f"},
        {"\x88\xbc\xa9\x0e\x90\x87\x5a\x7f\x0f\x79\xc3\x84\x62\x7b\xaf\xb2", 16, 64,
         "\0\0\0\0\0\0\0", "\x1a\x80\x7d\x27\x2b\xbe\x5d\xb1"},
        {"\x88\xbc\xa9\x0e\x90\x87\x5a\x7f\x0f\x79\xc3\x84\x62\x7b\xaf\xb2", 16, 128,
         "\0\0\0\0\0\0\0", "\x22\x69\x55\x2a\xb0\xf8\x5c\xa6"},
    };
    static const uint8_t iv[RC2_BLOCK_BYTES] = {0};
    (void)state;
    for (size_t i = 0; i < MEM_COUNT(table); i++) {
        uint8_t block[RC2_BLOCK_BYTES];
        memcpy(block, table[i].sealed, sizeof(block));
        rc2_decrypt_cbc((const uint8_t *)table[i].key, table[i].key_bytes, table[i].bits, iv, block,
                        sizeof(block));
        assert_memory_equal(block, table[i].plain, sizeof(block));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_opens_with_its_password_and_alias),
        cmocka_unit_test(the_certificate_of_the_chosen_key_is_marked),
        cmocka_unit_test(no_file_that_was_cut_or_changed_opens),
        cmocka_unit_test(a_file_may_spend_so_many_iterations_and_no_more),
        cmocka_unit_test(der_is_definite_and_within_its_bytes),
        cmocka_unit_test(der_numbers_are_of_32_bits_and_not_negative),
        cmocka_unit_test(rc2_decrypts_the_vectors_of_its_rfc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
