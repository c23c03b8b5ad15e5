/* SPDX-License-Identifier: MIT
 *
 * Static files, from memory.
 *
 *   - pages_create() walks each folder (read_folder()) and keeps each file as one shared payload
 *     with its type and ETag;
 *   - pages_respond() finds the mount with the longest path, then the file by its exact name in
 *     that mount's map.
 *
 * Answers are revalidated (no-cache with an ETag of the content), so a new build shows at once
 * and all replicas agree. What is not a plain file in the folder at start does not exist: no
 * symbolic links, so nothing outside is reached.
 */
#include "gateway/pages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"
#include "common/map.h"
#include "common/mem.h"
#include "common/settings.h"

#define DEPTH_MAX 8
#define NAME_MAX_BYTES 1024
#define ETAG_BYTES 24

struct page {
    char *name; /* "js/chat.js": the key in mount::pages; owned */
    const char *type;
    char etag[ETAG_BYTES];
    struct payload *body; /* a share */
};

struct mount {
    struct str path;  /* without a slash at its end: "" for "/"; borrowed from the settings */
    struct map pages; /* struct page, owned */
    size_t bytes;
};

struct pages {
    struct mount *mounts; /* owned */
    size_t count;
};

/* ---- reading ---- */

static const char *type_of(const char *name)
{
    static const struct {
        const char *extension;
        const char *type;
    } types[] = {
        {".html", "text/html; charset=UTF-8"},
        {".js", "text/javascript; charset=UTF-8"},
        {".mjs", "text/javascript; charset=UTF-8"},
        {".css", "text/css; charset=UTF-8"},
        {".json", "application/json; charset=UTF-8"},
        {".map", "application/json; charset=UTF-8"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=UTF-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".webp", "image/webp"},
        {".gif", "image/gif"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".wasm", "application/wasm"},
    };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < MEM_COUNT(types); i++) {
        if (strcmp(dot, types[i].extension) == 0) {
            return types[i].type;
        }
    }
    return "application/octet-stream";
}

/* FNV-1a of the content. */
static void write_etag(char out[ETAG_BYTES], const struct payload *body)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < body->len; i++) {
        hash = (hash ^ body->data[i]) * UINT64_C(0x100000001b3);
    }
    snprintf(out, ETAG_BYTES, "\"%016" PRIx64 "\"", hash);
}

static int refuse_file(const char *name, int code)
{
    log_event(LOG_ERROR, "page_unreadable", log_text("file", name), log_err(code));
    return code;
}

/* Reads an open file of a known size; ERR_LIMIT when it is too long or changes meanwhile. */
static int read_body(int fd, off_t size, struct payload **out_body)
{
    if (size > (off_t)PAGES_FILE_BYTES_MAX) {
        return ERR_LIMIT;
    }
    struct payload *body = payload_create((size_t)size);
    size_t len = 0;
    while (len < body->len) {
        ssize_t count = read(fd, body->data + len, body->len - len);
        if (count <= 0) {
            payload_release(body);
            return count < 0 ? uv_translate_sys_error(errno) : ERR_LIMIT;
        }
        len += (size_t)count;
    }
    *out_body = body;
    return 0;
}

static int add_page(struct mount *mount, const char *name, int fd, off_t size)
{
    struct payload *body = NULL;
    if (mount->pages.count == PAGES_FILES_MAX) {
        return ERR_LIMIT;
    }
    int code = read_body(fd, size, &body);
    if (code < 0) {
        return code;
    }
    struct page *page = mem_zalloc(sizeof(*page));
    page->name = mem_strdup(name);
    page->type = type_of(name);
    page->body = body;
    write_etag(page->etag, body);
    mount->bytes += body->len;
    map_put(&mount->pages, str_of(page->name), page);
    return 0;
}

static int read_folder(struct mount *mount, int fd, const char *prefix, unsigned depth);

/* One entry of a folder; what is neither file nor folder is left out. */
static int read_entry(struct mount *mount, int folder, const char *prefix, const char *entry,
                      unsigned depth)
{
    char name[NAME_MAX_BYTES];
    struct stat facts;
    int len = snprintf(name, sizeof(name), "%s%s", prefix, entry);
    if (len < 0 || (size_t)len >= sizeof(name) - 1) {
        return refuse_file(entry, ERR_LIMIT);
    }
    int fd = openat(folder, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return errno == ELOOP ? 0 : refuse_file(name, uv_translate_sys_error(errno));
    }
    int code = fstat(fd, &facts) < 0 ? uv_translate_sys_error(errno) : 0;
    if (code == 0 && S_ISDIR(facts.st_mode)) {
        name[len] = '/';
        name[len + 1] = '\0';
        return read_folder(mount, fd, name, depth + 1);
    }
    if (code == 0 && S_ISREG(facts.st_mode)) {
        code = add_page(mount, name, fd, facts.st_size);
    }
    close(fd);
    return code < 0 ? refuse_file(name, code) : 0;
}

/* `fd` is closed here. */
static int read_folder(struct mount *mount, int fd, const char *prefix, unsigned depth)
{
    int code = 0;
    DIR *dir = depth > DEPTH_MAX ? NULL : fdopendir(fd);
    if (dir == NULL) {
        code = depth > DEPTH_MAX ? ERR_LIMIT : uv_translate_sys_error(errno);
        close(fd);
        return refuse_file(prefix, code);
    }
    for (struct dirent *entry = readdir(dir); entry != NULL && code == 0; entry = readdir(dir)) {
        if (entry->d_name[0] != '.') {
            code = read_entry(mount, dirfd(dir), prefix, entry->d_name, depth);
        }
    }
    closedir(dir);
    return code;
}

static int read_mount(struct mount *mount, const struct pages_settings *settings)
{
    mount->path = str_of(settings->path);
    if (mount->path.len > 0 && mount->path.at[mount->path.len - 1] == '/') {
        mount->path.len--;
    }
    int fd = open(settings->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return refuse_file(settings->root, uv_translate_sys_error(errno));
    }
    int code = read_folder(mount, fd, "", 0);
    if (code == 0) {
        log_event(LOG_INFO, "pages_read", log_text("path", settings->path),
                  log_u64("files", mount->pages.count), log_u64("bytes", mount->bytes));
    }
    return code;
}

int pages_create(const struct gateway_settings *settings, struct pages **out_pages)
{
    struct pages *pages = mem_zalloc(sizeof(*pages));
    pages->mounts = mem_zalloc_array(settings->page_count, sizeof(*pages->mounts));
    pages->count = settings->page_count;
    for (size_t i = 0; i < pages->count; i++) {
        int code = read_mount(&pages->mounts[i], &settings->pages[i]);
        if (code < 0) {
            pages_destroy(pages);
            return code;
        }
    }
    *out_pages = pages;
    return 0;
}

void pages_destroy(struct pages *pages)
{
    if (pages == NULL) {
        return;
    }
    for (size_t i = 0; i < pages->count; i++) {
        struct map *map = &pages->mounts[i].pages;
        size_t cursor = 0;
        for (struct page *page = map_next(map, &cursor); page != NULL;
             page = map_next(map, &cursor)) {
            payload_release(page->body);
            mem_free(page->name);
            mem_free(page);
        }
        map_finish(map);
    }
    mem_free(pages->mounts);
    mem_free(pages);
}

/* ---- answering ---- */

/* The mount with the longest path that is `path` or stands before a slash of it. */
static const struct mount *find_mount(const struct pages *pages, struct str path)
{
    const struct mount *best = NULL;
    for (size_t i = 0; i < pages->count; i++) {
        const struct mount *mount = &pages->mounts[i];
        bool is_above = str_starts(path, mount->path) &&
                        (path.len == mount->path.len || path.at[mount->path.len] == '/');
        if (is_above && (best == NULL || mount->path.len > best->path.len)) {
            best = mount;
        }
    }
    return best;
}

static const struct page *find_page(const struct mount *mount, struct str name)
{
    char index[NAME_MAX_BYTES];
    if (name.len > 0 && name.at[name.len - 1] != '/') {
        return map_get(&mount->pages, name);
    }
    int len = snprintf(index, sizeof(index), "%.*sindex.html", (int)name.len, name.at);
    if (len < 0 || (size_t)len >= sizeof(index)) {
        return NULL;
    }
    return map_get(&mount->pages, (struct str){index, (size_t)len});
}

static void respond_page(const struct page *page, struct http *http,
                         const struct http1_request *request)
{
    bool is_same = http_matches_etag(request, page->etag);
    struct http_head head;
    http_head_init(&head, is_same ? 304 : 200);
    if (!is_same) {
        http_head_add_text(&head, "Content-Type", page->type);
    }
    http_head_add_text(&head, "Cache-Control", "no-cache");
    http_head_add_text(&head, "ETag", page->etag);
    http_head_add_text(&head, "Referrer-Policy", "strict-origin-when-cross-origin");
    http_respond_payload(http, &head, page->body);
}

/* "/chat" is the folder "/chat/": without the slash its relative links would miss. */
static void respond_folder(const struct mount *mount, struct http *http)
{
    struct http_head head;
    struct buf location = {0};
    buf_append_str(&location, mount->path);
    buf_append_byte(&location, '/');
    http_head_init(&head, 301);
    http_head_add(&head, "Location", buf_str(&location));
    http_respond(http, &head, STR(""));
    buf_finish(&location);
}

void pages_respond(const struct pages *pages, struct http *http,
                   const struct http1_request *request)
{
    const struct mount *mount = find_mount(pages, request->path);
    if (mount == NULL) {
        http_respond_text(http, 404, "Not found.\n");
        return;
    }
    bool is_bare = request->path.len == mount->path.len;
    struct str name = STR("");
    if (!is_bare) {
        name.at = request->path.at + mount->path.len + 1;
        name.len = request->path.len - mount->path.len - 1;
    }
    const struct page *page = find_page(mount, name);
    if (page == NULL) {
        http_respond_text(http, 404, "Not found.\n");
    } else if (!str_equal(request->method, STR("GET")) &&
               !str_equal(request->method, STR("HEAD"))) {
        struct http_head head;
        http_head_init(&head, 405);
        http_head_add_text(&head, "Allow", "GET, HEAD");
        http_respond(http, &head, STR(""));
    } else if (is_bare) {
        respond_folder(mount, http);
    } else {
        respond_page(page, http, request);
    }
}
