/* SPDX-License-Identifier: MIT
 *
 * Feeds the files of the folders and files named as arguments to a fuzz target, one after the other, and reports in
 * TAP. Each input lies in memory of exactly its own size, so that a sanitizer sees a read beyond its end. The
 * empty input comes first. A folder that cannot be read or holds nothing is a failure: a corpus that got lost
 * must not look like one that passed.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned count;
static unsigned failures;

static void report(int is_ok, const char *what)
{
    count++;
    failures += is_ok ? 0 : 1;
    printf("%s %u - %s\n", is_ok ? "ok" : "not ok", count, what);
    fflush(stdout); /* the target may crash */
}

static void *allocate(size_t size)
{
    void *memory = malloc(size == 0 ? 1 : size);
    if (memory == NULL) {
        perror("malloc");
        exit(EXIT_FAILURE);
    }
    return memory;
}

static void replay_bytes(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = allocate(size);
    memcpy(exact, bytes, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return -1;
    }
    size_t cap = 4096;
    size_t size = 0;
    uint8_t *bytes = allocate(cap);
    for (size_t got; (got = fread(bytes + size, 1, cap - size, file)) > 0;) {
        size += got;
        if (size == cap) {
            uint8_t *larger = allocate(cap * 2);
            memcpy(larger, bytes, size);
            free(bytes);
            bytes = larger;
            cap *= 2;
        }
    }
    int result = ferror(file) ? -1 : 0;
    fclose(file);
    if (result == 0) {
        replay_bytes(bytes, size);
    }
    free(bytes);
    return result;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void replay_folder(const char *folder, struct dirent **entries, int entry_count)
{
    for (int i = 0; i < entry_count; i++) {
        char path[4096];
        int length = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        int is_ok = length > 0 && (size_t)length < sizeof(path) && replay_file(path) == 0;
        report(is_ok, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    replay_bytes((const uint8_t *)"", 0);
    report(1, "the empty input");
    for (int i = 1; i < argc; i++) {
        struct dirent **entries = NULL;
        int entry_count = scandir(argv[i], &entries, is_visible, alphasort);
        if (entry_count > 0) {
            replay_folder(argv[i], entries, entry_count);
        } else if (entry_count == 0) {
            free(entries);
            report(0, argv[i]);
        } else {
            report(replay_file(argv[i]) == 0, argv[i]);
        }
    }
    printf("1..%u\n", count);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
