/* SPDX-License-Identifier: MIT
 *
 * PKCS#12 files from any bytes. The first byte chooses: a file as it is, which dies at its MAC once it is changed, or
 * the content of one, around which a right MAC is put (by mbedTLS's own derivation: a second opinion).
 */
#include <assert.h>
#include <mbedtls/md.h>
#include <mbedtls/pkcs12.h>
#include <stdint.h>

#include "common/pkcs12.h"

#define ITERATIONS 64u

#define OID_DATA "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define SHA1_ALGORITHM "\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00"
#define SALT "12345678"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put(struct buf *out, uint8_t tag, const void *bytes, size_t len)
{
    const uint8_t head[] = {tag, 0x83, (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};
    buf_append(out, head, sizeof(head));
    buf_append(out, bytes, len);
}

/* Wraps what is in *out; *out is it then. */
static void wrap(struct buf *out, uint8_t tag, struct str before)
{
    struct buf inner = {0}, outer = {0};
    buf_append_str(&inner, before);
    buf_append(&inner, out->data, out->len);
    put(&outer, tag, inner.data, inner.len);
    buf_finish(&inner);
    buf_finish(out);
    *out = outer;
}

static void put_mac(struct buf *out, const uint8_t *content, size_t len)
{
    static const uint8_t password[] = "\0g\0e\0h\0e\0i\0m\0"; /* and the NUL of C */
    unsigned char key[20], mac[20];
    struct buf data = {0};
    int code = mbedtls_pkcs12_derivation(key, sizeof(key), password, sizeof(password),
                                         (const unsigned char *)SALT, sizeof(SALT) - 1,
                                         MBEDTLS_MD_SHA1, 3, 1);
    assert(code == 0);
    code = mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA1), key, sizeof(key), content,
                           len, mac);
    assert(code == 0);
    (void)code;
    put(&data, 0x04, mac, sizeof(mac));
    wrap(&data, 0x30, (struct str){SHA1_ALGORITHM, sizeof(SHA1_ALGORITHM) - 1});
    put(&data, 0x04, SALT, sizeof(SALT) - 1);
    wrap(&data, 0x30, STR(""));
    buf_append(out, data.data, data.len);
    buf_finish(&data);
}

static void put_file(struct buf *out, const uint8_t *content, size_t len)
{
    struct buf safe = {0};
    put(&safe, 0x04, content, len);
    wrap(&safe, 0xa0, STR(""));
    wrap(&safe, 0x30, (struct str){OID_DATA, sizeof(OID_DATA) - 1});
    buf_append(out, "\x02\x01\x03", 3);
    buf_append(out, safe.data, safe.len);
    put_mac(out, content, len);
    wrap(out, 0x30, STR(""));
    buf_finish(&safe);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const aliases[] = {NULL, "site", "second", ""};
    struct buf file = {0};
    struct pkcs12 store;
    if (size == 0 || size > 65536) {
        return 0;
    }
    bool has_mac = (data[0] & 1) != 0;
    if (has_mac) {
        put_file(&file, data + 1, size - 1);
    } else {
        buf_append(&file, data + 1, size - 1);
    }
    enum pkcs12_result result = pkcs12_open(buf_str(&file), STR("geheim"),
                                            str_of(aliases[data[0] >> 1 & 3]), ITERATIONS, &store);
    assert(!has_mac || (result != PKCS12_NO_MAC));
    assert(result != PKCS12_RIGHT || store.key.len > 0 || has_mac);
    pkcs12_close(&store);
    buf_finish(&file);
    return 0;
}
