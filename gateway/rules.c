/* SPDX-License-Identifier: MIT
 *
 * Rules, judged.
 *
 *   rules_create() only borrows the settings; rules_allow() reads the destination into a `struct shape`, and walks
 *   the rules: each match is read into another shape, with the asker's values in it, and compared.
 *
 * A shape is a list of segments, each a list of tokens: a byte, one character, a run, or the whole segment `**`. A
 * name that is no pattern is a shape of bytes alone, so that "the rule matches the name" and "the rule covers the
 * pattern" are one question: covers(). It is exact for names, and for patterns never says yes wrongly; overlaps() never says
 * no wrongly. Together they deny what is in doubt.
 *
 * Both go back to the last wildcard only, as proto/destination.c does, so that the work is at most the product of
 * both lengths.
 */
#include "gateway/rules.h"

#include "common/mem.h"
#include "common/settings.h"
#include "gateway/identity.h"

#define TOKEN_ONE 256
#define TOKEN_RUN 257

struct segment {
    size_t from; /* in tokens */
    size_t count;
    bool is_any;  /* `**` */
    bool is_star; /* `*` */
};

struct shape {
    uint16_t *tokens; /* owned, as are the segments */
    size_t token_count;
    size_t token_room;
    struct segment *segments;
    size_t count;
    size_t room;
    bool leads; /* with a separator */
    bool ends;
};

struct rules {
    const struct gateway_settings *settings;
    struct shape rule;
    struct shape asked;
};

struct rules *rules_create(const struct gateway_settings *settings)
{
    if (settings->rule_count == 0) {
        return NULL;
    }
    struct rules *rules = mem_zalloc(sizeof *rules);
    rules->settings = settings;
    return rules;
}

void rules_destroy(struct rules *rules)
{
    if (rules != NULL) {
        mem_free(rules->rule.tokens);
        mem_free(rules->rule.segments);
        mem_free(rules->asked.tokens);
        mem_free(rules->asked.segments);
        mem_free(rules);
    }
}

/* ---- shapes ---- */

static void add_token(struct shape *shape, uint16_t token)
{
    if (shape->token_count == shape->token_room) {
        shape->token_room = shape->token_room * 2 + 64;
        shape->tokens = mem_realloc(shape->tokens, shape->token_room * sizeof *shape->tokens);
    }
    shape->tokens[shape->token_count++] = token;
    shape->segments[shape->count - 1].count++;
}

static void add_segment(struct shape *shape)
{
    if (shape->count == shape->room) {
        shape->room = shape->room * 2 + 16;
        shape->segments = mem_realloc(shape->segments, shape->room * sizeof *shape->segments);
    }
    shape->segments[shape->count++] = (struct segment){.from = shape->token_count};
}

static void begin_shape(struct shape *shape, struct str text)
{
    shape->token_count = 0;
    shape->count = 0;
    shape->leads = text.len > 0 && text.at[0] == '/';
    shape->ends = text.len > 0 && text.at[text.len - 1] == '/';
}

static struct str value_of(const struct rules_asker *asker, struct str name)
{
    static const struct str claim = {"claim.", 6};
    const struct str none = {NULL, 0};
    if (str_equal(name, STR("session"))) {
        return asker->session;
    }
    if (asker->identity == NULL) {
        return none;
    }
    if (str_equal(name, STR("user"))) {
        return buf_str(&asker->identity->user);
    }
    return identity_claim(asker->identity, (struct str){name.at + claim.len, name.len - claim.len});
}

static bool is_value(struct str name)
{
    return str_equal(name, STR("user")) || str_equal(name, STR("session")) ||
           str_starts(name, STR("claim."));
}

static bool add_value(struct shape *shape, struct str value)
{
    if (value.len == 0 || memchr(value.at, '/', value.len) != NULL) {
        return false;
    }
    for (size_t i = 0; i < value.len; i++) {
        add_token(shape, (uint8_t)value.at[i]);
    }
    return true;
}

/* The length of `{name}` at the head of `text`; 0: it is none. `{}` is text. */
static size_t brace_length(struct str text)
{
    for (size_t i = 1; i < text.len && text.at[0] == '{'; i++) {
        if (text.at[i] == '}') {
            return i == 1 ? 0 : i + 1;
        }
        if (text.at[i] == '{' || text.at[i] == ':') {
            return 0;
        }
    }
    return 0;
}

/* `asker` is NULL for what a client wrote: its braces are wildcards, whatever is in them. */
static bool add_pattern_segment(struct shape *shape, struct str text,
                                const struct rules_asker *asker)
{
    if (str_equal(text, STR("**"))) {
        shape->segments[shape->count - 1].is_any = true;
        return true;
    }
    shape->segments[shape->count - 1].is_star = str_equal(text, STR("*"));
    while (text.len > 0) {
        size_t brace = brace_length(text);
        size_t used = brace > 0 ? brace : 1;
        struct str name = {text.at + 1, brace > 0 ? brace - 2 : 0};
        if (brace > 0 && asker != NULL && is_value(name)) {
            if (!add_value(shape, value_of(asker, name))) {
                return false;
            }
        } else if (brace > 0 || text.at[0] == '*') {
            add_token(shape, TOKEN_RUN);
        } else {
            add_token(shape, text.at[0] == '?' ? TOKEN_ONE : (uint8_t)text.at[0]);
        }
        text = (struct str){text.at + used, text.len - used};
    }
    return true;
}

/* False when a value is missing: it fits nothing. */
static bool read_pattern(struct shape *shape, struct str text, const struct rules_asker *asker)
{
    struct str segment;
    begin_shape(shape, text);
    while (str_next(&text, '/', &segment)) {
        if (segment.len > 0) {
            add_segment(shape);
            if (!add_pattern_segment(shape, segment, asker)) {
                return false;
            }
        }
    }
    return true;
}

static void read_name(struct shape *shape, struct str text)
{
    struct str segment;
    begin_shape(shape, text);
    while (str_next(&text, '/', &segment)) {
        if (segment.len > 0) {
            add_segment(shape);
            for (size_t i = 0; i < segment.len; i++) {
                add_token(shape, (uint8_t)segment.at[i]);
            }
        }
    }
}

/* ---- comparing ---- */

static bool is_inner_byte(uint16_t token)
{
    return token < TOKEN_ONE && (token & 0xC0) == 0x80;
}

/* Behind the character, or the wildcard, at that place. */
static size_t next_symbol(const uint16_t *tokens, size_t count, size_t at)
{
    do {
        at++;
    } while (at < count && is_inner_byte(tokens[at]));
    return at;
}

static bool covers_segment(const struct shape *rule, const struct segment *part,
                           const struct shape *asked, const struct segment *segment)
{
    const uint16_t *pattern = rule->tokens + part->from;
    const uint16_t *text = asked->tokens + segment->from;
    size_t p = 0, s = 0, run_s = 0;
    size_t run_p = SIZE_MAX; /* behind the last run */
    while (s < segment->count) {
        if (p < part->count && pattern[p] == TOKEN_RUN) {
            run_p = ++p;
            run_s = s;
        } else if (p < part->count && pattern[p] == TOKEN_ONE && text[s] != TOKEN_RUN) {
            p++;
            s = next_symbol(text, segment->count, s);
        } else if (p < part->count && pattern[p] == text[s] && pattern[p] != TOKEN_ONE) {
            p++;
            s++;
        } else if (run_p != SIZE_MAX) {
            run_s = next_symbol(text, segment->count, run_s);
            p = run_p;
            s = run_s;
        } else {
            return false;
        }
    }
    while (p < part->count && pattern[p] == TOKEN_RUN) {
        p++;
    }
    return p == part->count;
}

static bool covers_part(const struct shape *rule, size_t part, const struct shape *asked, size_t at)
{
    return !asked->segments[at].is_any &&
           covers_segment(rule, &rule->segments[part], asked, &asked->segments[at]);
}

/* From a `**` of the rule on; `count` segments are asked. */
static bool covers_behind_any(const struct shape *rule, size_t part, const struct shape *asked,
                              size_t at, size_t count)
{
    size_t any = part, any_at = at;
    for (;;) {
        if (part < rule->count && rule->segments[part].is_any) {
            if (part == rule->count - 1) {
                return true;
            }
            any = part++;
            any_at = at;
        } else if (at == count) {
            return part == rule->count;
        } else if (part < rule->count && covers_part(rule, part, asked, at)) {
            part++;
            at++;
        } else {
            part = any + 1;
            at = ++any_at;
        }
    }
}

/* The first `count` segments of what is asked, with a separator behind them or not. */
static bool covers_first(const struct shape *rule, const struct shape *asked, size_t count,
                         bool ends)
{
    size_t at = 0;
    if (rule->leads != asked->leads) {
        return false;
    }
    for (size_t part = 0; part < rule->count; part++, at++) {
        if (rule->segments[part].is_any) {
            return covers_behind_any(rule, part, asked, at, count);
        }
        if (at == count) { /* a last `*` may be nothing at all behind a separator */
            return part == rule->count - 1 && rule->segments[part].is_star && ends;
        }
        if (!covers_part(rule, part, asked, at)) {
            return false;
        }
    }
    return at == count && rule->ends == ends;
}

/* Every name that `asked` matches, `rule` does. */
static bool covers(const struct shape *rule, const struct shape *asked)
{
    size_t count = asked->count;
    if (!covers_first(rule, asked, count, asked->ends)) {
        return false;
    }
    /* A pattern with a last `*` also matches the name without it, that ends with the separator. */
    return count == 0 || !asked->segments[count - 1].is_star ||
           covers_first(rule, asked, count - 1, true);
}

/* Bytes before the first wildcard, or behind the last, that differ: no name fits both. */
static bool may_share_segment(const struct shape *one, const struct segment *a,
                              const struct shape *other, const struct segment *b)
{
    const uint16_t *left = one->tokens + a->from, *right = other->tokens + b->from;
    size_t i = 0;
    while (i < a->count && i < b->count && left[i] < TOKEN_ONE && right[i] < TOKEN_ONE) {
        if (left[i] != right[i]) {
            return false;
        }
        i++;
    }
    if (i == a->count && i == b->count) {
        return true;
    }
    if ((i == a->count && right[i] < TOKEN_ONE) || (i == b->count && left[i] < TOKEN_ONE)) {
        return false;
    }
    for (i = 1; i <= a->count && i <= b->count; i++) {
        uint16_t x = left[a->count - i], y = right[b->count - i];
        if (x >= TOKEN_ONE || y >= TOKEN_ONE) {
            break;
        }
        if (x != y) {
            return false;
        }
    }
    return true;
}

static size_t any_at(const struct shape *shape)
{
    size_t i = 0;
    while (i < shape->count && !shape->segments[i].is_any) {
        i++;
    }
    return i;
}

/* How many segments from the first on must fit both; SIZE_MAX: no name fits both, their numbers differ. */
static size_t shared_segments(const struct shape *one, const struct shape *other)
{
    size_t any_one = any_at(one), any_other = any_at(other);
    if (any_one == one->count && any_other == other->count) {
        const struct shape *longer = one->count > other->count ? one : other;
        const struct shape *shorter = longer == one ? other : one;
        bool is_same = one->count == other->count;
        bool may_lack = longer->count == shorter->count + 1 && shorter->ends &&
                        longer->segments[longer->count - 1].is_star;
        return is_same || may_lack ? shorter->count : SIZE_MAX;
    }
    if ((any_one == one->count && one->count < any_other) ||
        (any_other == other->count && other->count < any_one)) {
        return SIZE_MAX;
    }
    return any_one < any_other ? any_one : any_other;
}

/* Some name may fit both. */
static bool overlaps(const struct shape *one, const struct shape *other)
{
    size_t count = shared_segments(one, other);
    if (one->leads != other->leads || count == SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!may_share_segment(one, &one->segments[i], other, &other->segments[i])) {
            return false;
        }
    }
    return true;
}

/* ---- the verdict ---- */

static bool grants(const struct permission_settings *permission, const struct identity *identity)
{
    switch (permission->kind) {
    case PERMISSION_EVERYBODY:
        return true;
    case PERMISSION_ROLE:
        return identity != NULL && identity_has_role(identity, str_of(permission->role));
    default:
        return false;
    }
}

bool rules_allow(struct rules *rules, enum rules_action action, struct str destination,
                 bool is_pattern, const struct rules_asker *asker)
{
    if (rules == NULL) {
        return true;
    }
    if (is_pattern) {
        (void)read_pattern(&rules->asked, destination, NULL);
    } else {
        read_name(&rules->asked, destination);
    }
    for (size_t i = 0; i < rules->settings->rule_count; i++) {
        const struct rule_settings *rule = &rules->settings->rules[i];
        const struct permission_settings *permission =
            action == RULES_SEND ? &rule->may_send : &rule->may_subscribe;
        if (!read_pattern(&rules->rule, str_of(rule->match), asker)) {
            continue;
        }
        bool is_granted = grants(permission, asker->identity);
        if (covers(&rules->rule, &rules->asked)) {
            return is_granted;
        }
        if (is_pattern && !is_granted && overlaps(&rules->rule, &rules->asked)) {
            return false;
        }
    }
    return false;
}
