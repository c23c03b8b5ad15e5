/* SPDX-License-Identifier: MIT
 *
 * Files that name the gateways which are linked.
 */
#include "broker/known_gateways.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/mem.h"

#define SUFFIX ".gateway"
#define DIGITS 16
#define MODE 0600

static char *file_path(const char *socket, uint64_t number)
{
    struct buf path = {NULL, 0, 0};
    buf_append_format(&path, "%s.%016" PRIx64 SUFFIX, socket, number);
    char *text = mem_strndup((const char *)path.data, path.len);
    buf_finish(&path);
    return text;
}

static void log_failed(const char *path)
{
    log_event(LOG_WARN, "gateway_file_failed", log_text("path", path), log_err(-errno));
}

void known_gateways_add(const char *socket, uint64_t number, const char *name)
{
    char *path = file_path(socket, number);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, MODE);
    if (fd < 0 || write(fd, name, strlen(name)) < 0) {
        log_failed(path);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    mem_free(path);
}

void known_gateways_remove(const char *socket, uint64_t number)
{
    char *path = file_path(socket, number);
    if (unlink(path) != 0 && errno != ENOENT) {
        log_failed(path);
    }
    mem_free(path);
}

/* "<base>.<16 hex>.gateway" */
static bool read_name(const char *file, const char *base, uint64_t *out_number)
{
    size_t base_len = strlen(base);
    if (strncmp(file, base, base_len) != 0 || file[base_len] != '.') {
        return false;
    }
    const char *digits = file + base_len + 1;
    if (strspn(digits, "0123456789abcdef") != DIGITS || strcmp(digits + DIGITS, SUFFIX) != 0) {
        return false;
    }
    *out_number = strtoull(digits, NULL, 16);
    return true;
}

void known_gateways_read(const char *socket, size_t count_max, struct buf *out_numbers)
{
    const char *slash = strrchr(socket, '/');
    const char *base = slash == NULL ? socket : slash + 1;
    char *folder =
        slash == NULL ? mem_strdup(".") : mem_strndup(socket, (size_t)(slash - socket) + 1);
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        uint64_t number;
        if (read_name(entry->d_name, base, &number) &&
            out_numbers->len < count_max * sizeof(number)) {
            buf_append(out_numbers, &number, sizeof(number));
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    mem_free(folder);
}
