/* SPDX-License-Identifier: MIT
 *
 * Link messages byte by byte: one golden row for each, what decoders refuse, and that docs/link-protocol.md
 * lists the same messages under the same numbers.
 *
 * The golden bytes were made from the document, not by the encoder; a row that has to change is a
 * new version of the protocol.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/wire.h"
#include "proto/link_msg.h"
#include "tests/unit/guarded.h"

#define GOLDEN_BYTES_MAX 512

#define TEXT(literal)                                                                              \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }
#define BLOCK(bytes)                                                                               \
    {                                                                                              \
        (const char *)(bytes), sizeof(bytes)                                                       \
    }

/* clang-format off: bytes by field */
static const uint8_t since_block[] = {0, 5, 's', 'i', 'n', 'c', 'e', 0, 3, 'e', '-', '4'};
static const uint8_t message_block[] = {0,   1,   'x', 0,   1,   '1', 0,   12,  'c', 'o', 'n',
                                        't', 'e', 'n', 't', '-', 't', 'y', 'p', 'e', 0,   10,
                                        't', 'e', 'x', 't', '/', 'p', 'l', 'a', 'i', 'n'};
static const uint8_t restore_block[] = {
    0, 0, 0, 1,   0,   0,   8,   '/', 't', 'o', 'p', 'i', 'c', '/', 'a', 0, 0, 0, 0,   0, 0, 0,  2,
    1, 0, 9, '/', 't', 'o', 'p', 'i', 'c', '/', '*', '*', 0,   0,   0,   6, 0, 1, 'k', 0, 1, 'v'};
static const uint8_t messages_block[] = {7, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 11,
                                         0, 0, 0, 0, 0,  0, 0, 7, 0, 0, 0, 1};
static const uint8_t groups_block[] = {0, 0, 0, 3, 0, 0, 0, 4};
static const uint8_t individuals_block[] = {0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1};
/* clang-format on */

#define GOLDEN_MESSAGE                                                                             \
    {                                                                                              \
        .id = TEXT("m-1"), .destination = TEXT("/topic/a"), .headers = BLOCK(message_block),       \
        .body = TEXT("hi\0")                                                                       \
    }

/* ---- golden bytes and the fields they stand for ---- */

static const char hex_hello[] =
    "534c55430001000200000000000000030102030405060708000467772d6100000005";
static const struct link_hello golden_hello = {LINK_MAGIC,   1, 2, 3, 0x0102030405060708,
                                               TEXT("gw-a"), 5};

static const char hex_claim[] =
    "0000000000000009000000000000000700072f77730a61626302000013880003616e6e";
static const struct link_claim golden_claim = {9,    7,          TEXT("/ws\nabc"), LINK_FAMILY_XHR,
                                               5000, TEXT("ann")};

static const char hex_attach[] = "0000000000000007";
static const struct link_attach golden_attach = {7};

static const char hex_detach[] = "0000000000000008";
static const struct link_detach golden_detach = {8};

static const char hex_drop_session[] =
    "00000000000000070bb80008476f2061776179210000271000000006756e73656e74";
static const struct link_drop_session golden_drop_session = {7, 3000, TEXT("Go away!"), 10000,
                                                             TEXT("unsent")};

static const char hex_subscribe[] =
    "000000000000000a0000000000000007000000010200082f746f7069632f610000000c000573"
    "696e63650003652d34";
static const struct link_subscribe golden_subscribe = {
    10, 7, 1, 2, TEXT("/topic/a"), BLOCK(since_block)};

static const char hex_unsubscribe[] = "000000000000000b000000000000000700000001";
static const struct link_unsubscribe golden_unsubscribe = {11, 7, 1};

static const char hex_publish[] =
    "000000000000000c000000000000000700036d2d3100082f746f7069632f6100000020000178"
    "000131000c636f6e74656e742d74797065000a746578742f706c61696e00000003686900";
static const struct link_publish golden_publish = {12, 7, GOLDEN_MESSAGE};

static const char hex_checkpoint[] =
    "000000000000000d0000000000000007000000000000000e00000019070000001400000000"
    "0000000b0000000000000007000000010000000472657374";
static const struct link_checkpoint golden_checkpoint = {13, 7, 14, BLOCK(messages_block),
                                                         TEXT("rest")};

static const char hex_confirm[] = "0000000000000007ffffffffffffffff";
static const struct link_confirm golden_confirm = {7, UINT64_MAX};

static const char hex_relay[] =
    "000000000000000f00072f77730a61626300000000000000100003616e6e000000055b227822"
    "5d";
static const struct link_relay golden_relay = {15, TEXT("/ws\nabc"), 16, TEXT("ann"),
                                               TEXT("[\"x\"]")};

static const char hex_yielded[] =
    "000000000000001100000000000000070000000000000012000000047265737400000006756e"
    "73656e74";
static const struct link_yielded golden_yielded = {17, 7, 18, TEXT("rest"), TEXT("unsent")};

static const char hex_refused[] = "00000000000000110000000000000007";
static const struct link_refused golden_refused = {17, 7};

static const char hex_restore[] =
    "000000000000000700072f77730a61626300046e346d6505000013880003616e6e0000000300"
    "0000000000000401000000050000002d"
    "000000010000082f746f7069632f6100000000000000020100092f746f7069632f2a2a000000"
    "0600016b0001760000000472657374";
static const struct link_restore golden_restore = {
    7, TEXT("/ws\nabc"),     TEXT("n4me"), LINK_FAMILY_JSONP, 5000, TEXT("ann"), 3, 4, 1,
    5, BLOCK(restore_block), TEXT("rest")};

static const char hex_offer[] = "0000000000000007";
static const struct link_offer golden_offer = {7};

static const char hex_restore_end[] = "00000001000000083132333435363738";
static const struct link_restore_end golden_restore_end = {1, TEXT("12345678")};

static const char hex_helloed[] = "00010000000000000002000000000000000300800000";
static const struct link_helloed golden_helloed = {1, 2, 3, 8u << 20};

static const char hex_claimed[] =
    "000000000000000900000000000000070100046e346d65000000030bb80008476f206177617921000000"
    "047265737400000006756e73656e74";
static const struct link_claimed golden_claimed = {
    9, 7, LINK_CLAIM_MOVED, TEXT("n4me"), 3, 3000, TEXT("Go away!"), TEXT("rest"), TEXT("unsent")};

static const char hex_subscribed[] =
    "000000000000000a0000000000000007000000010000000003020003652d340003776879";
static const struct link_subscribed golden_subscribed = {
    10, 7, 1, LINK_OK, 3, LINK_NOT_RECOVERED, TEXT("e-4"), TEXT("why")};

static const char hex_replayed[] =
    "0000000000000007000000010003652d350003"
    "6d2d3100082f746f7069632f6100000020000178000131000c636f6e74656e742d74797065000a7465"
    "78742f706c61696e00000003686900";
static const struct link_replayed golden_replayed = {7, 1, TEXT("e-5"), GOLDEN_MESSAGE};

static const char hex_unsubscribed[] = "000000000000000b000000000000000700000001";
static const struct link_unsubscribed golden_unsubscribed = {11, 7, 1};

static const char hex_published[] = "000000000000000c0000000000000007040003652d350003776879";
static const struct link_published golden_published = {12, 7, LINK_UNSTORED, TEXT("e-5"),
                                                       TEXT("why")};

static const char hex_checkpointed[] = "000000000000000d000000000000000702";
static const struct link_checkpointed golden_checkpointed = {13, 7, LINK_LIMIT};

static const char hex_delivered[] =
    "0003652d350000000800000003000000040000000c00000000000000070000000100036d2d31"
    "00082f746f7069632f6100000020000178000131000c636f6e74656e742d74797065000a7465"
    "78742f706c61696e00000003686900";
static const struct link_delivered golden_delivered = {TEXT("e-5"), BLOCK(groups_block),
                                                       BLOCK(individuals_block), GOLDEN_MESSAGE};

static const char hex_credit[] = "00010000";
static const struct link_credit golden_credit = {65536};

static const char hex_relayed[] = "00000000000000070000000000000010000000055b2278225d";
static const struct link_relayed golden_relayed = {7, 16, TEXT("[\"x\"]")};

static const char hex_relay_done[] = "000000000000000f03000f6e6f20737563682073657373696f6e";
static const struct link_relay_done golden_relay_done = {15, LINK_ABSENT, TEXT("no such session")};

static const char hex_yield[] = "00000000000000110000000000000007";
static const struct link_yield golden_yield = {17, 7};

static const char hex_expire[] = "00000000000000130000000000000007";
static const struct link_expire golden_expire = {19, 7};

static const char hex_restored[] = "0000000000000007000000080000000300000004";
static const struct link_restored golden_restored = {7, BLOCK(groups_block)};

static const char hex_gone[] = "00000000000000070011636c61696d656420656c73657768657265";
static const struct link_gone golden_gone = {7, TEXT("claimed elsewhere")};

static const char hex_rejected[] = "000776657273696f6e";
static const struct link_rejected golden_rejected = {TEXT("version")};

static const char hex_adopt[] = "00072f77730a616263050003616e6e";
static const struct link_adopt golden_adopt = {TEXT("/ws\nabc"), LINK_FAMILY_JSONP, TEXT("ann")};

/* ---- what follows from a row, for every row ---- */

static size_t read_hex(const char *hex, uint8_t *bytes)
{
    size_t len = strlen(hex) / 2;
    assert_true(len <= GOLDEN_BYTES_MAX);
    for (size_t i = 0; i < len; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return len;
}

static bool same_message(const struct link_message *a, const struct link_message *b)
{
    return str_equal(a->id, b->id) && str_equal(a->destination, b->destination) &&
           str_equal(a->headers, b->headers) && str_equal(a->body, b->body);
}

#define SAME_NUMBER(field) &&a->field == b->field
#define SAME_TEXT(field) &&str_equal(a->field, b->field)
#define SAME_MESSAGE(field) &&same_message(&a->field, &b->field)

#define CHECKS_ROW(NAME, name, number, sender)                                                     \
    static bool same_##name(const struct link_##name *a, const struct link_##name *b)              \
    {                                                                                              \
        return true LINK_FIELDS_##name(SAME_NUMBER, SAME_NUMBER, SAME_NUMBER, SAME_NUMBER,         \
                                       SAME_TEXT, SAME_TEXT, SAME_MESSAGE);                        \
    }                                                                                              \
                                                                                                   \
    static void decode_##name(const uint8_t *bytes, size_t len)                                    \
    {                                                                                              \
        struct link_##name message;                                                                \
        struct str body = {(const char *)bytes, len};                                              \
        assert_int_equal(link_get_##name(body, &message), 0);                                      \
        assert_true(same_##name(&message, &golden_##name));                                        \
    }                                                                                              \
                                                                                                   \
    static void encode_##name(struct buf *out)                                                     \
    {                                                                                              \
        link_put_##name(out, &golden_##name);                                                      \
    }                                                                                              \
                                                                                                   \
    static bool accepts_##name(const uint8_t *bytes, size_t len)                                   \
    {                                                                                              \
        struct link_##name message;                                                                \
        struct link_##name before;                                                                 \
        memset(&before, 0x5a, sizeof(before));                                                     \
        memcpy(&message, &before, sizeof(before));                                                 \
        int code = link_get_##name((struct str){(const char *)bytes, len}, &message);              \
        assert_true(code == 0 || code == LINK_ERR_MALFORMED);                                      \
        assert_true(code == 0 || memcmp(&message, &before, sizeof(before)) == 0);                  \
        return code == 0;                                                                          \
    }
LINK_MESSAGES(CHECKS_ROW)

#define GOLDEN_ROW(NAME, name, number, sender)                                                     \
    {LINK_##NAME, #NAME, #sender, hex_##name, decode_##name, encode_##name, accepts_##name},
static const struct golden {
    uint8_t type;
    const char *name;
    const char *sender;
    const char *hex;
    void (*decode)(const uint8_t *bytes, size_t len);
    void (*encode)(struct buf *out);
    bool (*accepts)(const uint8_t *bytes, size_t len);
} rows[] = {LINK_MESSAGES(GOLDEN_ROW)};

static void golden_bytes_decode_to_their_fields(void **state)
{
    (void)state;
    uint8_t bytes[GOLDEN_BYTES_MAX];
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        rows[i].decode(bytes, read_hex(rows[i].hex, bytes));
    }
}

static void fields_encode_to_their_golden_bytes(void **state)
{
    (void)state;
    uint8_t bytes[GOLDEN_BYTES_MAX];
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        size_t len = read_hex(rows[i].hex, bytes);
        struct buf out = {NULL, 0, 0};
        rows[i].encode(&out);
        assert_int_equal(out.len, len);
        assert_memory_equal(out.data, bytes, len);
        buf_finish(&out);
    }
}

static void every_truncation_is_malformed_and_reads_nothing_behind_it(void **state)
{
    (void)state;
    struct guarded guarded = guarded_create(GOLDEN_BYTES_MAX);
    uint8_t bytes[GOLDEN_BYTES_MAX];
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        size_t whole = read_hex(rows[i].hex, bytes);
        for (size_t len = 0; len < whole; len++) {
            assert_false(rows[i].accepts(guarded_put(&guarded, bytes, len), len));
        }
        assert_true(rows[i].accepts(guarded_put(&guarded, bytes, whole), whole));
    }
    guarded_destroy(&guarded);
}

static void one_byte_too_many_is_malformed(void **state)
{
    (void)state;
    uint8_t bytes[GOLDEN_BYTES_MAX + 1];
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        size_t len = read_hex(rows[i].hex, bytes);
        bytes[len] = 0;
        assert_false(rows[i].accepts(bytes, len + 1));
    }
}

/* ---- what lengths cannot tell ---- */

/* The golden row of the type with one byte changed. */
static bool accepts_with(uint8_t type, size_t at, uint8_t byte)
{
    uint8_t bytes[GOLDEN_BYTES_MAX];
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        if (rows[i].type == type) {
            size_t len = read_hex(rows[i].hex, bytes);
            assert_true(at < len);
            bytes[at] = byte;
            return rows[i].accepts(bytes, len);
        }
    }
    fail();
    return false;
}

static void values_outside_their_set_are_malformed(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        size_t at;
        uint8_t good;
        uint8_t bad;
    } cases[] = {
        {LINK_HELLO, 0, 'S', 's'}, /* magic */
        {LINK_HELLO, 5, 2, 3},     /* version_min above version_max */
        {LINK_CLAIM, 25, LINK_FAMILY_JSONP, LINK_FAMILY_JSONP + 1},
        {LINK_CLAIMED, 16, LINK_CLAIM_FULL, LINK_CLAIM_FULL + 1},
        {LINK_SUBSCRIBED, 20, LINK_UNSTORED, LINK_UNSTORED + 1},
        {LINK_SUBSCRIBED, 25, LINK_NOT_RECOVERED, LINK_NOT_RECOVERED + 1},
        {LINK_PUBLISHED, 16, LINK_UNSTORED, LINK_UNSTORED + 1},
        {LINK_CHECKPOINTED, 16, LINK_UNSTORED, LINK_UNSTORED + 1},
        {LINK_RELAY_DONE, 8, LINK_UNSTORED, LINK_UNSTORED + 1},
        {LINK_ADOPT, 9, LINK_FAMILY_WEBSOCKET, LINK_FAMILY_JSONP + 1},
        {LINK_RESTORE, 23, LINK_FAMILY_WEBSOCKET, LINK_FAMILY_JSONP + 1},
        {LINK_RESTORE, 45, LINK_HOLD_YIELDED, LINK_HOLD_YIELDED + 1},
        {LINK_CHECKPOINT, 28, LINK_UNSUBSCRIBE, LINK_CLAIM},
    };
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        assert_true(accepts_with(cases[i].type, cases[i].at, cases[i].good));
        assert_false(accepts_with(cases[i].type, cases[i].at, cases[i].bad));
    }
}

static void blocks_that_end_inside_an_element_are_malformed(void **state)
{
    (void)state;
    struct buf body = {NULL, 0, 0};
    struct link_delivered delivered = {.groups = TEXT("12345")};
    struct link_delivered alone = {.individuals = TEXT("0123456789abc")};
    struct link_restored restored = {.groups = TEXT("123")};
    struct link_subscribe subscribe = {.headers = TEXT("\0\1a\0\2b")};
    struct link_publish publish = {.message.headers = TEXT("\0")};
    struct link_checkpoint checkpoint = {.messages = TEXT("\7\0\0\0\1")};
    struct link_restore restore = {.subscriptions = TEXT("\0\0\0\1\0\0\1/\0\0\0\1x")};

    link_put_delivered(&body, &delivered);
    assert_int_equal(link_get_delivered(buf_str(&body), &delivered), LINK_ERR_MALFORMED);
    body.len = 0;
    link_put_delivered(&body, &alone);
    assert_int_equal(link_get_delivered(buf_str(&body), &alone), LINK_ERR_MALFORMED);
    body.len = 0;
    link_put_restored(&body, &restored);
    assert_int_equal(link_get_restored(buf_str(&body), &restored), LINK_ERR_MALFORMED);
    body.len = 0;
    link_put_subscribe(&body, &subscribe);
    assert_int_equal(link_get_subscribe(buf_str(&body), &subscribe), LINK_ERR_MALFORMED);
    body.len = 0;
    link_put_publish(&body, &publish);
    assert_int_equal(link_get_publish(buf_str(&body), &publish), LINK_ERR_MALFORMED);
    body.len = 0;
    link_put_checkpoint(&body, &checkpoint);
    assert_int_equal(link_get_checkpoint(buf_str(&body), &checkpoint), LINK_ERR_MALFORMED);
    body.len = 0;
    link_put_restore(&body, &restore);
    assert_int_equal(link_get_restore(buf_str(&body), &restore), LINK_ERR_MALFORMED);
    buf_finish(&body);
}

/* ---- walks and raw copies ---- */

static void headers_are_walked_in_order_and_found_by_name(void **state)
{
    (void)state;
    struct buf block = {NULL, 0, 0};
    link_put_header(&block, STR("a"), STR("1"));
    link_put_header(&block, STR("b"), STR(""));
    struct str rest = buf_str(&block);
    struct str name;
    struct str value;
    assert_true(link_next_header(&rest, &name, &value));
    assert_true(str_equal(name, STR("a")) && str_equal(value, STR("1")));
    assert_true(link_next_header(&rest, &name, &value));
    assert_true(str_equal(name, STR("b")) && str_equal(value, STR("")));
    assert_false(link_next_header(&rest, &name, &value));
    assert_non_null(link_find_header(buf_str(&block), STR("b")).at);
    assert_null(link_find_header(buf_str(&block), STR("c")).at);
    buf_finish(&block);
}

static void groups_and_individuals_are_walked_to_their_end(void **state)
{
    (void)state;
    struct str groups = BLOCK(groups_block);
    struct str individuals = BLOCK(individuals_block);
    uint32_t number = 0;
    uint64_t session = 0;
    assert_true(link_next_u32(&groups, &number));
    assert_int_equal(number, 3);
    assert_true(link_next_u32(&groups, &number));
    assert_int_equal(number, 4);
    assert_false(link_next_u32(&groups, &number));
    assert_true(link_next_individual(&individuals, &session, &number));
    assert_true(session == 7 && number == 1);
    assert_false(link_next_individual(&individuals, &session, &number));
}

static void restored_subscriptions_are_walked_as_they_were_put(void **state)
{
    (void)state;
    struct buf block = {NULL, 0, 0};
    struct str rest = BLOCK(restore_block);
    struct link_restored_subscription next;
    uint32_t expected = 1;
    while (link_next_restored_subscription(&rest, &next)) {
        assert_int_equal(next.subscription, expected++);
        link_put_restored_subscription(&block, &next);
    }
    assert_int_equal(expected, 3);
    assert_int_equal(block.len, sizeof(restore_block));
    assert_memory_equal(block.data, restore_block, sizeof(restore_block));
    buf_finish(&block);
}

static void a_message_goes_from_publish_to_delivered_as_raw_bytes(void **state)
{
    (void)state;
    struct buf body = {NULL, 0, 0};
    struct buf again = {NULL, 0, 0};
    struct link_publish publish;
    struct link_delivered delivered = {.groups = BLOCK(groups_block)};
    link_put_publish(&body, &golden_publish);
    assert_int_equal(link_get_publish(buf_str(&body), &publish), 0);
    delivered.message.raw = publish.message.raw;
    link_put_delivered(&again, &delivered);
    assert_int_equal(link_get_delivered(buf_str(&again), &delivered), 0);
    assert_true(same_message(&delivered.message, &golden_publish.message));
    assert_true(str_equal(delivered.message.raw, publish.message.raw));
    buf_finish(&body);
    buf_finish(&again);
}

/* ---- the list ---- */

static void types_know_their_names_and_senders(void **state)
{
    (void)state;
    size_t known = 0;
    for (unsigned type = 0; type <= UINT8_MAX; type++) {
        known +=
            link_type_is_from_gateway((uint8_t)type) || link_type_is_from_broker((uint8_t)type);
    }
    assert_int_equal(known, MEM_COUNT(rows));
    for (size_t i = 0; i < MEM_COUNT(rows); i++) {
        assert_string_equal(link_type_name(rows[i].type), rows[i].name);
        bool is_gateways = strcmp(rows[i].sender, "GATEWAY") == 0;
        assert_int_equal(link_type_is_from_gateway(rows[i].type), is_gateways);
        assert_int_equal(link_type_is_from_broker(rows[i].type), !is_gateways);
    }
    assert_string_equal(link_type_name(0), "unknown");
    assert_string_equal(link_type_name(255), "unknown");
}

static FILE *open_document(void)
{
    const char *root = getenv("SLUICE_SOURCE_ROOT");
    char path[4096];
    if (root != NULL) {
        (void)snprintf(path, sizeof(path), "%s/docs/link-protocol.md", root);
    } else {
        size_t len = strlen(__FILE__) - strlen("tests/unit/test_link_msg.c");
        (void)snprintf(path, sizeof(path), "%.*sdocs/link-protocol.md", (int)len, __FILE__);
    }
    return fopen(path, "r");
}

/* The document's table has a row "| 8 | `PUBLISH` | gateway | ..." for each message, and no other. */
static void the_document_lists_the_same_messages_under_the_same_numbers(void **state)
{
    (void)state;
    FILE *document = open_document();
    assert_non_null(document);
    size_t found = 0;
    char line[1024];
    while (fgets(line, sizeof(line), document) != NULL) {
        unsigned number;
        char name[32];
        char sender[16];
        if (sscanf(line, "| %u | `%31[A-Z_]` | %15[a-z] |", &number, name, sender) != 3) {
            continue;
        }
        assert_true(number <= UINT8_MAX);
        assert_string_equal(link_type_name((uint8_t)number), name);
        bool is_gateways = strcmp(sender, "gateway") == 0;
        assert_int_equal(link_type_is_from_gateway((uint8_t)number), is_gateways);
        found++;
    }
    (void)fclose(document);
    assert_int_equal(found, MEM_COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_bytes_decode_to_their_fields),
        cmocka_unit_test(fields_encode_to_their_golden_bytes),
        cmocka_unit_test(every_truncation_is_malformed_and_reads_nothing_behind_it),
        cmocka_unit_test(one_byte_too_many_is_malformed),
        cmocka_unit_test(values_outside_their_set_are_malformed),
        cmocka_unit_test(blocks_that_end_inside_an_element_are_malformed),
        cmocka_unit_test(headers_are_walked_in_order_and_found_by_name),
        cmocka_unit_test(groups_and_individuals_are_walked_to_their_end),
        cmocka_unit_test(restored_subscriptions_are_walked_as_they_were_put),
        cmocka_unit_test(a_message_goes_from_publish_to_delivered_as_raw_bytes),
        cmocka_unit_test(types_know_their_names_and_senders),
        cmocka_unit_test(the_document_lists_the_same_messages_under_the_same_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
