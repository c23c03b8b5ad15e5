/* SPDX-License-Identifier: MIT
 *
 * The walk through a PKCS#12 file.
 *
 *   - pkcs12_open(): check_mac() over the whole, then open_content() for each part: encrypted parts are opened, their
 *     bags go through take_bag();
 *   - certificates are kept as they are; of keys only where they lie and what they are called, until choose_key()
 *     opens the one that is wanted;
 *   - mark_certificates() says which certificate is the key's: the one with its local key id, else of its name.
 *
 * Other bags (secrets, lists of revoked certificates) are passed over.
 */
#include "common/pkcs12.h"

#include "common/mem.h"
#include "common/pkcs12_pbe.h"

#define OID_PKCS7 "\x2a\x86\x48\x86\xf7\x0d\x01\x07"
#define OID_BAG "\x2a\x86\x48\x86\xf7\x0d\x01\x0c\x0a\x01"
#define OID_PKCS9 "\x2a\x86\x48\x86\xf7\x0d\x01\x09"

#define DATA ((struct str){OID_PKCS7 "\x01", 9})
#define ENCRYPTED_DATA ((struct str){OID_PKCS7 "\x06", 9})
#define KEY_BAG ((struct str){OID_BAG "\x01", 11})
#define SHROUDED_KEY_BAG ((struct str){OID_BAG "\x02", 11})
#define CERTIFICATE_BAG ((struct str){OID_BAG "\x03", 11})
#define X509_CERTIFICATE ((struct str){OID_PKCS9 "\x16\x01", 10})
#define FRIENDLY_NAME ((struct str){OID_PKCS9 "\x14", 9})
#define LOCAL_KEY_ID ((struct str){OID_PKCS9 "\x15", 9})

#define PARTS_MAX 64u

/* What a bag is called; both may be empty. Points into the file or an opened part. */
struct names {
    struct der alias; /* UTF-16BE */
    struct der id;
};

struct found_key {
    struct names names;
    struct der value;
    bool is_shrouded;
};

/* One walk. */
struct walk {
    struct pkcs12 *out;
    struct pbe_password password;
    struct buf parts[PARTS_MAX]; /* owned: what encrypted parts opened to */
    size_t part_count;
    struct found_key keys[PKCS12_KEYS_MAX];
    size_t key_count;
    struct names names[PKCS12_CERTIFICATES_MAX]; /* of out->certificates */
};

/* ---- bags ---- */

static bool take_names(struct der *bag, struct names *names)
{
    struct der attributes, attribute, oid, values, value;
    *names = (struct names){{NULL, 0}, {NULL, 0}};
    if (bag->len == 0) {
        return true;
    }
    if (!der_take(bag, DER_SET, &attributes)) {
        return false;
    }
    while (attributes.len > 0) {
        if (!der_take(&attributes, DER_SEQUENCE, &attribute) ||
            !der_take(&attribute, DER_OID, &oid) || !der_take(&attribute, DER_SET, &values)) {
            return false;
        }
        if (der_is(&oid, FRIENDLY_NAME) && der_take(&values, DER_BMP_STRING, &value)) {
            names->alias = value;
        } else if (der_is(&oid, LOCAL_KEY_ID) && der_take(&values, DER_OCTET_STRING, &value)) {
            names->id = value;
        }
    }
    return true;
}

static enum pkcs12_result take_certificate(struct walk *walk, struct der value,
                                           const struct names *names)
{
    struct der bag, oid, wrapped, certificate;
    if (!der_take(&value, DER_SEQUENCE, &bag) || !der_take(&bag, DER_OID, &oid)) {
        return PKCS12_MALFORMED;
    }
    if (!der_is(&oid, X509_CERTIFICATE)) {
        return PKCS12_RIGHT;
    }
    if (!der_take(&bag, DER_CONTEXT_0, &wrapped) ||
        !der_take(&wrapped, DER_OCTET_STRING, &certificate)) {
        return PKCS12_MALFORMED;
    }
    if (walk->out->certificate_count == PKCS12_CERTIFICATES_MAX) {
        return PKCS12_TOO_MUCH;
    }
    size_t at = walk->out->certificate_count++;
    walk->names[at] = *names;
    buf_append(&walk->out->certificates[at].der, certificate.at, certificate.len);
    return PKCS12_RIGHT;
}

static enum pkcs12_result take_key(struct walk *walk, struct der value, const struct names *names,
                                   bool is_shrouded)
{
    if (walk->key_count == PKCS12_KEYS_MAX) {
        return PKCS12_TOO_MUCH;
    }
    walk->keys[walk->key_count++] = (struct found_key){*names, value, is_shrouded};
    return PKCS12_RIGHT;
}

static enum pkcs12_result take_bag(struct walk *walk, struct der bag)
{
    struct der oid, value;
    struct names names;
    if (!der_take(&bag, DER_OID, &oid) || !der_take(&bag, DER_CONTEXT_0, &value) ||
        !take_names(&bag, &names)) {
        return PKCS12_MALFORMED;
    }
    if (der_is(&oid, CERTIFICATE_BAG)) {
        return take_certificate(walk, value, &names);
    }
    if (der_is(&oid, KEY_BAG) || der_is(&oid, SHROUDED_KEY_BAG)) {
        return take_key(walk, value, &names, der_is(&oid, SHROUDED_KEY_BAG));
    }
    return PKCS12_RIGHT;
}

static enum pkcs12_result take_bags(struct walk *walk, struct der contents)
{
    struct der bags, bag;
    enum pkcs12_result result = PKCS12_RIGHT;
    if (!der_take(&contents, DER_SEQUENCE, &bags)) {
        return PKCS12_MALFORMED;
    }
    while (bags.len > 0 && result == PKCS12_RIGHT) {
        result = der_take(&bags, DER_SEQUENCE, &bag) ? take_bag(walk, bag) : PKCS12_MALFORMED;
    }
    return result;
}

/* ---- parts ---- */

static enum pkcs12_result open_encrypted(struct walk *walk, struct der wrapped)
{
    struct der data, content, oid, algorithm, sealed;
    uint32_t version;
    if (!der_take(&wrapped, DER_SEQUENCE, &data) || !der_take_number(&data, &version) ||
        !der_take(&data, DER_SEQUENCE, &content) || !der_take(&content, DER_OID, &oid) ||
        !der_is(&oid, DATA) || !der_take(&content, DER_SEQUENCE, &algorithm) ||
        !der_take(&content, DER_CONTEXT_0_PRIMITIVE, &sealed)) {
        return PKCS12_MALFORMED;
    }
    if (walk->part_count == PARTS_MAX) {
        return PKCS12_TOO_MUCH;
    }
    struct buf *part = &walk->parts[walk->part_count++];
    enum pkcs12_result result =
        pbe_decrypt(&walk->password, algorithm, sealed, part, &walk->out->what);
    return result != PKCS12_RIGHT ? result : take_bags(walk, (struct der){part->data, part->len});
}

static enum pkcs12_result open_part(struct walk *walk, struct der part)
{
    struct der oid, wrapped, contents;
    if (!der_take(&part, DER_OID, &oid) || !der_take(&part, DER_CONTEXT_0, &wrapped)) {
        return PKCS12_MALFORMED;
    }
    if (der_is(&oid, ENCRYPTED_DATA)) {
        return open_encrypted(walk, wrapped);
    }
    if (!der_is(&oid, DATA)) {
        buf_append_text(&walk->out->what, "a part for a public key");
        return PKCS12_UNSUPPORTED;
    }
    if (!der_take(&wrapped, DER_OCTET_STRING, &contents)) {
        return PKCS12_MALFORMED;
    }
    return take_bags(walk, contents);
}

static enum pkcs12_result open_content(struct walk *walk, struct der contents)
{
    struct der parts, part;
    enum pkcs12_result result = PKCS12_RIGHT;
    if (!der_take(&contents, DER_SEQUENCE, &parts)) {
        return PKCS12_MALFORMED;
    }
    while (parts.len > 0 && result == PKCS12_RIGHT) {
        result = der_take(&parts, DER_SEQUENCE, &part) ? open_part(walk, part) : PKCS12_MALFORMED;
    }
    return result;
}

static enum pkcs12_result check_mac(struct walk *walk, struct der outer, struct der contents)
{
    struct der data, info, digest, mac, salt;
    uint32_t iterations = 1;
    if (outer.len == 0) {
        return PKCS12_NO_MAC;
    }
    if (!der_take(&outer, DER_SEQUENCE, &data) || !der_take(&data, DER_SEQUENCE, &info) ||
        !der_take(&info, DER_SEQUENCE, &digest) || !der_take(&info, DER_OCTET_STRING, &mac) ||
        !der_take(&data, DER_OCTET_STRING, &salt) ||
        (data.len > 0 && !der_take_number(&data, &iterations)) || data.len + info.len > 0 ||
        outer.len > 0) {
        return PKCS12_MALFORMED;
    }
    struct str bytes = {(const char *)contents.at, contents.len};
    enum pkcs12_result result =
        pbe_check_mac(&walk->password, digest, salt, iterations, mac, bytes, &walk->out->what);
    if (result == PKCS12_PASSWORD && walk->password.utf8.len == 0) {
        walk->password.bmp.len = 0; /* some write an empty password as nothing, some as two NULs */
        result =
            pbe_check_mac(&walk->password, digest, salt, iterations, mac, bytes, &walk->out->what);
    }
    return result;
}

/* ---- choosing ---- */

/* The alias as text for people, and to compare: what is not ASCII as UTF-8 (pairs of surrogates as two). */
static void put_alias(struct der alias, struct buf *out)
{
    for (size_t i = 0; i + 1 < alias.len; i += 2) {
        unsigned unit = (unsigned)alias.at[i] << 8 | alias.at[i + 1];
        if (unit < 0x80) {
            buf_append_byte(out, (uint8_t)unit);
        } else if (unit < 0x800) {
            buf_append_byte(out, (uint8_t)(0xc0 | unit >> 6));
            buf_append_byte(out, (uint8_t)(0x80 | (unit & 0x3f)));
        } else {
            buf_append_byte(out, (uint8_t)(0xe0 | unit >> 12));
            buf_append_byte(out, (uint8_t)(0x80 | (unit >> 6 & 0x3f)));
            buf_append_byte(out, (uint8_t)(0x80 | (unit & 0x3f)));
        }
    }
}

static bool has_alias(const struct found_key *key, struct str alias)
{
    struct buf text = {0};
    put_alias(key->names.alias, &text);
    bool is_same = str_equal_nocase(buf_str(&text), alias);
    buf_finish(&text);
    return is_same;
}

static void list_aliases(struct walk *walk)
{
    for (size_t i = 0; i < walk->key_count; i++) {
        buf_append_text(&walk->out->what, i > 0 ? ", " : "");
        if (walk->keys[i].names.alias.len == 0) {
            buf_append_text(&walk->out->what, "(none)");
        }
        put_alias(walk->keys[i].names.alias, &walk->out->what);
    }
}

static enum pkcs12_result choose_key(struct walk *walk, struct str alias,
                                     const struct found_key **out)
{
    if (walk->key_count == 0) {
        return PKCS12_NO_KEY;
    }
    if (alias.at == NULL && walk->key_count > 1) {
        list_aliases(walk);
        return PKCS12_MANY_KEYS;
    }
    for (size_t i = 0; i < walk->key_count; i++) {
        if (alias.at == NULL || has_alias(&walk->keys[i], alias)) {
            *out = &walk->keys[i];
            return PKCS12_RIGHT;
        }
    }
    list_aliases(walk);
    return PKCS12_NO_ALIAS;
}

static enum pkcs12_result open_key(struct walk *walk, const struct found_key *key)
{
    struct der value = key->value, shroud, algorithm, sealed;
    if (!key->is_shrouded) {
        buf_append(&walk->out->key, value.at, value.len);
        return PKCS12_RIGHT;
    }
    if (!der_take(&value, DER_SEQUENCE, &shroud) || !der_take(&shroud, DER_SEQUENCE, &algorithm) ||
        !der_take(&shroud, DER_OCTET_STRING, &sealed)) {
        return PKCS12_MALFORMED;
    }
    return pbe_decrypt(&walk->password, algorithm, sealed, &walk->out->key, &walk->out->what);
}

static bool is_same(const struct der *a, const struct der *b)
{
    return a->len > 0 && a->len == b->len && memcmp(a->at, b->at, a->len) == 0;
}

static void mark_certificates(struct walk *walk, const struct found_key *key)
{
    for (size_t i = 0; i < walk->out->certificate_count; i++) {
        const struct names *names = &walk->names[i];
        walk->out->certificates[i].is_of_key = key->names.id.len > 0
                                                   ? is_same(&names->id, &key->names.id)
                                                   : is_same(&names->alias, &key->names.alias);
    }
}

static enum pkcs12_result walk_file(struct walk *walk, struct der file, struct str alias)
{
    struct der pfx, safe, oid, wrapped, contents;
    const struct found_key *key = NULL;
    uint32_t version;
    if (!der_take(&file, DER_SEQUENCE, &pfx) || file.len > 0 || !der_take_number(&pfx, &version) ||
        version != 3 || !der_take(&pfx, DER_SEQUENCE, &safe) || !der_take(&safe, DER_OID, &oid) ||
        !der_take(&safe, DER_CONTEXT_0, &wrapped) || safe.len > 0) {
        return PKCS12_MALFORMED;
    }
    if (!der_is(&oid, DATA)) {
        buf_append_text(&walk->out->what, "a signature instead of a MAC");
        return PKCS12_UNSUPPORTED;
    }
    if (!der_take(&wrapped, DER_OCTET_STRING, &contents) || wrapped.len > 0) {
        return PKCS12_MALFORMED;
    }
    enum pkcs12_result result = check_mac(walk, pfx, contents);
    result = result != PKCS12_RIGHT ? result : open_content(walk, contents);
    result = result != PKCS12_RIGHT ? result : choose_key(walk, alias, &key);
    result = result != PKCS12_RIGHT ? result : open_key(walk, key);
    if (result == PKCS12_RIGHT) {
        mark_certificates(walk, key);
    }
    return result;
}

enum pkcs12_result pkcs12_open(struct str file, struct str password, struct str alias,
                               uint32_t iterations_max, struct pkcs12 *out)
{
    struct walk *walk = mem_zalloc(sizeof(*walk));
    *out = (struct pkcs12){.certificate_count = 0};
    walk->out = out;
    enum pkcs12_result result = pbe_password_init(&walk->password, password, iterations_max);
    if (result == PKCS12_RIGHT) {
        result = walk_file(walk, (struct der){(const uint8_t *)file.at, file.len}, alias);
    }
    for (size_t i = 0; i < walk->part_count; i++) {
        pbe_wipe(&walk->parts[i]);
    }
    pbe_password_finish(&walk->password);
    mem_free(walk);
    return result;
}

void pkcs12_close(struct pkcs12 *pkcs12)
{
    pbe_wipe(&pkcs12->key);
    for (size_t i = 0; i < pkcs12->certificate_count; i++) {
        buf_finish(&pkcs12->certificates[i].der);
    }
    buf_finish(&pkcs12->what);
    pkcs12->certificate_count = 0;
}
