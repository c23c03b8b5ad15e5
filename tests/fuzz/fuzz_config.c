/* SPDX-License-Identifier: MIT
 *
 * The configuration from any bytes. The first byte chooses the source: file, environment or --set. Whatever is
 * read, it ends in errors that can be shown or in values that, printed, give the same values again. Both work
 * in memory only.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/settings_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
    struct settings settings;
    struct options options;
};

static void begin(struct reading *reading)
{
    reading->settings = (struct settings){0};
    options_init(&reading->options, settings_rows, settings_row_count, &reading->settings,
                 "SLUICE_");
}

static void end(struct reading *reading)
{
    buf_finish(&reading->options.errors);
    settings_finish(&reading->settings);
}

static void read_source(struct reading *reading, uint8_t source, struct str text)
{
    char *copy = mem_strndup(text.at, text.len), *saved = NULL;
    char *environment[17] = {NULL};
    size_t count = 0;
    switch (source % 3) {
    case 0:
        options_read_json(&reading->options, text, "fuzz.json", "conf");
        break;
    case 1: /* a variable a line */
        for (char *line = strtok_r(copy, "\n", &saved); line != NULL && count < 16;
             line = strtok_r(NULL, "\n", &saved)) {
            environment[count++] = line;
        }
        options_read_environment(&reading->options, environment);
        break;
    default:
        options_set(&reading->options, copy);
    }
    mem_free(copy);
}

static void check_errors(const struct options *options)
{
    assert((options->error_count == 0) == (options->errors.len == 0));
    for (size_t i = 0; i < options->errors.len; i++) {
        uint8_t byte = options->errors.data[i];
        assert(byte == '\n' || (byte >= 0x20 && byte != 0x7f));
    }
}

/* What holds by default is printed and read again once for all inputs that leave it so. */
static bool is_default(struct str printed)
{
    static char *known;
    static size_t known_len;
    if (known == NULL) {
        struct reading untouched;
        struct buf text = {0};
        begin(&untouched);
        options_print_json(&untouched.options, &text);
        end(&untouched);
        known = (char *)text.data;
        known_len = text.len;
        return false;
    }
    return str_equal(printed, (struct str){known, known_len});
}

static void print_and_read_again(const struct reading *reading)
{
    struct buf once = {0}, twice = {0};
    struct reading again;
    options_print_json(&reading->options, &once);
    if (is_default(buf_str(&once))) {
        buf_finish(&once);
        return;
    }
    begin(&again);
    options_read_json(&again.options, buf_str(&once), "printed", NULL);
    assert(again.options.error_count == 0);
    options_print_json(&again.options, &twice);
    assert(str_equal(buf_str(&once), buf_str(&twice)));
    buf_finish(&once);
    buf_finish(&twice);
    end(&again);
}

static void on_warning(const char *path, const char *reason)
{
    assert(strlen(path) > 0 && strlen(reason) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reading reading;
    if (size < 1 || size > 65536) {
        return 0;
    }
    begin(&reading);
    read_source(&reading, data[0], (struct str){(const char *)data + 1, size - 1});
    check_errors(&reading.options);
    if (reading.options.error_count == 0) { /* as the programs do */
        print_and_read_again(&reading);
    }
    options_resolve(&reading.options);
    settings_derive(&reading.settings);
    settings_check(&reading.settings, SETTINGS_GATEWAY, &reading.options, on_warning);
    check_errors(&reading.options);
    end(&reading);
    return 0;
}
