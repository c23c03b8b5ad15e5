/* SPDX-License-Identifier: MIT
 *
 * settings_load() as main() calls it, with the file, the environment and the arguments of a test, and
 * standard output and error read back. After cmocka.h.
 */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/settings_internal.h"

struct outcome {
    struct settings settings;
    bool runs;
    int exit_code;
    struct buf out; /* NUL-terminated */
    struct buf err;
};

static char config_path[] = "/tmp/sluice-test-settings-XXXXXX";

static inline void write_config(const char *json)
{
    FILE *file = fopen(config_path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(json, 1, strlen(json), file), strlen(json));
    assert_int_equal(fclose(file), 0);
}

static inline void read_back(FILE *file, struct buf *out)
{
    size_t got;
    rewind(file);
    while ((got = fread(buf_reserve(out, 4096), 1, 4096, file)) > 0) {
        out->len += got;
    }
    buf_append_byte(out, '\0');
    (void)fclose(file);
}

/* `arguments` are words between spaces; `json`, `variable`: NULL for none. */
static inline void run(struct outcome *outcome, enum settings_program program, const char *json,
                       const char *variable, const char *arguments)
{
    char *environment[] = {(char *)variable, NULL}, **before = environ;
    char *argv[16] = {(char *)"sluice"};
    char *words = mem_strdup(arguments), *saved = NULL;
    int argc = 1;
    FILE *out = tmpfile(), *err = tmpfile();
    int out_before = dup(STDOUT_FILENO), err_before = dup(STDERR_FILENO);
    if (json != NULL) {
        write_config(json);
        argv[argc++] = (char *)"--config";
        argv[argc++] = config_path;
    }
    for (char *word = strtok_r(words, " ", &saved); word != NULL;
         word = strtok_r(NULL, " ", &saved)) {
        argv[argc++] = word;
    }
    *outcome = (struct outcome){.exit_code = -1};
    (void)fflush(stdout);
    dup2(fileno(out), STDOUT_FILENO);
    dup2(fileno(err), STDERR_FILENO);
    environ = environment;
    outcome->runs = settings_load(&outcome->settings, argc, argv, program, &outcome->exit_code);
    environ = before;
    dup2(out_before, STDOUT_FILENO);
    dup2(err_before, STDERR_FILENO);
    (void)close(out_before);
    (void)close(err_before);
    read_back(out, &outcome->out);
    read_back(err, &outcome->err);
    mem_free(words);
}

static inline void finish(struct outcome *outcome)
{
    settings_finish(&outcome->settings);
    buf_finish(&outcome->out);
    buf_finish(&outcome->err);
}

static inline const char *text_of(const struct buf *buf)
{
    return (const char *)buf->data;
}

static inline int make_config(void **state)
{
    int fd = mkstemp(config_path);
    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static inline int remove_config(void **state)
{
    (void)state;
    return unlink(config_path);
}
