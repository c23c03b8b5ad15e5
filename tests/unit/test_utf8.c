/* SPDX-License-Identifier: MIT
 *
 * UTF-8: every sequence of up to four bytes is judged as RFC 3629's grammar judges it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/mem.h"
#include "proto/utf8.h"
#include "tests/unit/guarded.h"

static void texts_are_judged_at_every_split(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        bool is_valid;
    } cases[] = {
        {{"", 0}, true},
        {{"ascii only, longer than one word", 32}, true},
        {{"\x00\x7f", 2}, true},
        {{"\xc2\x80\xdf\xbf", 4}, true},
        {{"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", 12}, true},
        {{"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8}, true},
        {{"12345678\xed\x95\x9c"
          "12345678\xf0\x9f\x98\x80",
          23},
         true},
        {{"12345678\x80", 9}, false},
        {{"\xc0\x80", 2}, false},         /* overlong */
        {{"\xc1\xbf", 2}, false},         /* overlong */
        {{"\xe0\x9f\xbf", 3}, false},     /* overlong */
        {{"\xf0\x8f\xbf\xbf", 4}, false}, /* overlong */
        {{"\xed\xa0\x80", 3}, false},     /* a high half */
        {{"\xed\xbf\xbf", 3}, false},     /* a low half */
        {{"\xf4\x90\x80\x80", 4}, false}, /* above U+10FFFF */
        {{"\xf5\x80\x80\x80", 4}, false},
        {{"\xff", 1}, false},
        {{"\xe2\x82", 2}, false}, /* unfinished */
        {{"\xe2\x82"
          "a",
          3},
         false},
        {{"\xe2\x82\xe2", 3}, false},
        {{"\xf0\x90\x80"
          "a",
          4},
         false},
    };
    struct guarded guard = guarded_create(64);
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct str text = cases[i].text;
        const char *at = (const char *)guarded_put(&guard, text.at, text.len);
        assert_int_equal(utf8_is_valid((struct str){at, text.len}), cases[i].is_valid);
        for (size_t split = 0; split <= text.len; split++) {
            struct utf8 utf8 = {0, 0, 0};
            bool is_valid = utf8_feed(&utf8, at, split) &&
                            utf8_feed(&utf8, at + split, text.len - split) &&
                            utf8_is_complete(&utf8);
            assert_int_equal(is_valid, cases[i].is_valid);
        }
    }
    guarded_destroy(&guard);
}

static void invalid_text_is_refused_at_its_first_wrong_byte(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        size_t good; /* bytes that may still become valid */
    } cases[] = {
        {{"ab\xff", 3}, 2},
        {{"\xe0\x80", 2}, 1},
        {{"\xed\xa0", 2}, 1},
        {{"\xf4\x90", 2}, 1},
        {{"\xf0\x90\x80"
          "a",
          4},
         3},
        {{"\xc3(", 2}, 1},
    };
    for (size_t i = 0; i < MEM_COUNT(cases); i++) {
        struct utf8 utf8 = {0, 0, 0};
        assert_true(utf8_feed(&utf8, cases[i].text.at, cases[i].good));
        assert_false(utf8_feed(&utf8, cases[i].text.at + cases[i].good, 1));
    }
}

static void every_code_point_but_surrogates_is_valid(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        uint8_t bytes[4];
        size_t len = utf8_put(bytes, code);
        size_t wanted = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        bool is_half = code >= 0xD800 && code <= 0xDFFF;
        if (len != wanted || utf8_is_valid((struct str){(char *)bytes, len}) == is_half) {
            fail_msg("U+%04X", (unsigned)code);
        }
    }
}

/* The grammar of RFC 3629 section 4, written down once more and differently. */
static bool is_sequence(const uint8_t *b, size_t len)
{
    uint32_t code = 0;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t wanted = b[0] < 0x80 ? 1 : b[0] < 0xC0 ? 0 : b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : 4;
    if (wanted != len || b[0] > 0xF7) {
        return false;
    }
    code = len == 1 ? b[0] : b[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        if ((b[i] & 0xC0) != 0x80) {
            return false;
        }
        code = code << 6 | (b[i] & 0x3F);
    }
    return code >= least[len] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
}

static void every_short_sequence_is_judged_by_the_grammar(void **state)
{
    (void)state;
    static const uint8_t edges[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90,
                                    0x9F, 0xA0, 0xBF, 0xC0, 0xE1, 0xFF};
    size_t n = MEM_COUNT(edges);
    for (unsigned lead = 0xC0; lead <= 0xFF; lead++) {
        for (size_t i = 0; i < n * n * n; i++) {
            uint8_t b[4] = {(uint8_t)lead, edges[i % n], edges[i / n % n], edges[i / n / n]};
            for (size_t len = 1; len <= 4; len++) {
                bool tail_is_ascii = false;
                for (size_t k = 1; k < len; k++) {
                    tail_is_ascii = tail_is_ascii || b[k] < 0x80;
                }
                bool found = utf8_is_valid((struct str){(char *)b, len});
                if (!tail_is_ascii && found != is_sequence(b, len)) {
                    fail_msg("%02x %02x %02x %02x, %zu", b[0], b[1], b[2], b[3], len);
                }
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_judged_at_every_split),
        cmocka_unit_test(invalid_text_is_refused_at_its_first_wrong_byte),
        cmocka_unit_test(every_code_point_but_surrogates_is_valid),
        cmocka_unit_test(every_short_sequence_is_judged_by_the_grammar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
