/* SPDX-License-Identifier: MIT
 *
 * From the command line to settings that hold, or to an exit code.
 *
 *   settings_load() -> read_arguments(): what is asked of us, which file, which --set;
 *   answer_at_once(): --help, --version and the table for docs need no configuration;
 *   read_sources(): defaults, file, environment, --set; then settings_derive() and settings_check();
 *   finally --print-config, --check-config, or on to run.
 *
 * Errors go to standard error as lines for people, since the log's format is not known before; warnings
 * go to the log. All errors of all sources are told in one run.
 */
#include "common/settings.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/admin_ask.h"
#include "common/mem.h"
#include "common/options_nearest.h"
#include "common/settings_internal.h"

#define EXIT_CONFIG 2

enum request { RUN, CHECK, PRINT, HEALTH, HELP, VERSION, MARKDOWN };

struct arguments {
    enum request request;
    const char *file;  /* borrowed from argv; NULL: none */
    const char **sets; /* owned; the texts are argv's */
    size_t set_count;
};

static const struct {
    const char *name;
    enum request request;
} requests[] = {
    {"--check-config", CHECK},
    {"--print-config", PRINT},
    {"--health", HEALTH},
    {"--help", HELP},
    {"-h", HELP},
    {"--version", VERSION},
    {"--print-options-markdown", MARKDOWN},
};

static const char *const shown_arguments[] = {
    "--config", "--set", "--check-config", "--print-config", "--health", "--help", "--version"};

/* "--config FILE" and "--config=FILE": the value, and how far to go on in argv. */
static bool take_value(const char *name, char **argv, int *index, const char **out_value)
{
    size_t len = strlen(name);
    const char *argument = argv[*index];
    if (strncmp(argument, name, len) != 0 || (argument[len] != '\0' && argument[len] != '=')) {
        return false;
    }
    if (argument[len] == '=') {
        *out_value = argument + len + 1;
    } else {
        *out_value = argv[*index + 1]; /* NULL behind the last one */
        *index += *out_value == NULL ? 0 : 1;
    }
    return true;
}

static void fail_argument(struct options *options, const char *argument)
{
    struct str name = {argument, strcspn(argument, "=")};
    struct options_nearest nearest;
    options_nearest_init(&nearest, name);
    for (size_t i = 0; i < MEM_COUNT(shown_arguments); i++) {
        options_nearest_offer(&nearest, str_of(shown_arguments[i]));
    }
    if (nearest.best.at != NULL) {
        options_fail(options, argument, "unknown argument; did you mean %s?", nearest.best.at);
    } else {
        options_fail(options, argument, "unknown argument; --help lists them");
    }
}

static bool read_request(const char *argument, enum request *out_request)
{
    for (size_t i = 0; i < MEM_COUNT(requests); i++) {
        if (strcmp(argument, requests[i].name) == 0) {
            *out_request = requests[i].request;
            return true;
        }
    }
    return false;
}

static void read_arguments(struct arguments *arguments, int argc, char **argv,
                           struct options *options)
{
    arguments->sets = mem_zalloc_array((size_t)argc + 1, sizeof(*arguments->sets));
    for (int i = 1; i < argc; i++) {
        const char *value = NULL;
        if (read_request(argv[i], &arguments->request)) {
            continue;
        }
        if (take_value("--config", argv, &i, &value)) {
            if (value == NULL || *value == '\0') {
                options_fail(options, "--config", "expected a file behind it");
            } else if (arguments->file != NULL) {
                options_fail(options, "--config", "stands twice; there is one file");
            } else {
                arguments->file = value;
            }
        } else if (take_value("--set", argv, &i, &value)) {
            if (value == NULL) {
                options_fail(options, "--set", "expected option=value behind it");
            } else {
                arguments->sets[arguments->set_count++] = value;
            }
        } else {
            fail_argument(options, argv[i]);
        }
    }
}

static void write_out(const struct buf *text)
{
    struct str bytes = buf_str(text);
    (void)fwrite(bytes.at, 1, bytes.len, stdout);
    (void)fflush(stdout);
}

static bool answer_at_once(enum request request, enum settings_program program,
                           const struct options *options)
{
    struct buf out = {0};
    switch (request) {
    case HELP:
        settings_print_help(options, program, &out);
        break;
    case VERSION:
        buf_append_format(&out, "%s %s\n", settings_program_name(program), SLUICE_VERSION);
        break;
    case MARKDOWN:
        settings_print_markdown(options, &out);
        break;
    default:
        return false;
    }
    write_out(&out);
    buf_finish(&out);
    return true;
}

/* Each error is one line, with the program's name before it. */
static void tell_errors(const struct options *options, enum settings_program program)
{
    struct buf out = {0};
    struct str rest = buf_str(&options->errors), line;
    const char *name = settings_program_name(program);
    while (str_next(&rest, '\n', &line)) {
        if (line.len > 0) {
            buf_append_format(&out, "%s: ", name);
            buf_append_str(&out, line);
            buf_append_byte(&out, '\n');
        }
    }
    if (options->error_count > OPTIONS_ERRORS_SHOWN) {
        buf_append_format(&out, "%s: and %zu more errors\n", name,
                          options->error_count - OPTIONS_ERRORS_SHOWN);
    }
    (void)fwrite(out.data, 1, out.len, stderr);
    buf_finish(&out);
}

static void on_warning(const char *path, const char *reason)
{
    log_event(LOG_WARN, "config_doubtful", log_text("option", path), log_text("reason", reason));
}

/* The program that is asked for its health has said it at its start. */
static void on_old_warning(const char *path, const char *reason)
{
    (void)path;
    (void)reason;
}

/* The exit code. */
static int tell_health(const struct settings *settings, enum settings_program program,
                       struct buf *printed)
{
    const char *wrong = admin_ask_ready(program == SETTINGS_BROKER ? &settings->broker.admin
                                                                   : &settings->gateway.admin);
    buf_append_format(printed, "%s\n", wrong == NULL ? "ready" : wrong);
    return wrong == NULL ? 0 : 1;
}

static void read_sources(struct settings *settings, const struct arguments *arguments,
                         enum settings_program program, struct options *options,
                         struct buf *printed)
{
    if (arguments->file != NULL) {
        options_read_file(options, arguments->file);
    }
    options_read_environment(options, environ);
    for (size_t i = 0; i < arguments->set_count; i++) {
        options_set(options, arguments->sets[i]);
    }
    if (arguments->request == PRINT) {
        options_print_json(options, printed); /* before what is absent gets filled in */
    }
    log_configure(settings->log.level, settings->log.format);
    options_resolve(options);
    settings_derive(settings);
    if (options->error_count == 0) {
        settings_check(settings, program, options,
                       arguments->request == HEALTH ? on_old_warning : on_warning);
    }
}

bool settings_load(struct settings *settings, int argc, char **argv, enum settings_program program,
                   int *out_exit_code)
{
    struct options options;
    struct arguments arguments = {0};
    struct buf printed = {0};
    bool runs = false;
    *settings = (struct settings){0};
    options_init(&options, settings_rows, settings_row_count, settings, "SLUICE_");
    read_arguments(&arguments, argc, argv, &options);
    *out_exit_code = 0;
    if (options.error_count > 0 || !answer_at_once(arguments.request, program, &options)) {
        read_sources(settings, &arguments, program, &options, &printed);
        if (options.error_count > 0) {
            tell_errors(&options, program);
            *out_exit_code = EXIT_CONFIG;
        } else if (arguments.request == CHECK) {
            buf_append_text(&printed, "The configuration is right.\n");
        } else if (arguments.request == HEALTH) {
            *out_exit_code = tell_health(settings, program, &printed);
        }
        runs = options.error_count == 0 && arguments.request == RUN;
        if (options.error_count == 0) {
            write_out(&printed);
        }
    }
    buf_finish(&options.errors);
    buf_finish(&printed);
    mem_free(arguments.sets);
    return runs;
}

void settings_finish(struct settings *settings)
{
    struct options options = {
        .rows = settings_rows, .row_count = settings_row_count, .base = settings};
    for (size_t i = 0; i < settings->gateway.listen_count; i++) {
        mem_free(settings->gateway.listens[i].host);
    }
    settings_finish_rules(&settings->gateway);
    mem_free(settings->broker.admin.host);
    mem_free(settings->gateway.admin.host);
    options_finish(&options);
}
