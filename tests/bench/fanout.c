/* SPDX-License-Identifier: MIT
 *
 * Fan-out generator: one publisher, N subscribers over WebSocket and STOMP, every delivery checked.
 *
 *   connect_all() brings up the subscribers, a few hundred at a time: upgrade, CONNECT, SUBSCRIBE, RECEIPT;
 *   run_messages() keeps `window` messages under way and returns when every subscriber has every message;
 *   measure_start() and measure_end() read CPU time, instructions and memory of the measured processes around it.
 *
 * A message that a subscriber misses, gets twice, or gets out of order ends the program with 1. The result is one
 * JSON object on standard output. Only for loopback; it knows no more of the protocols than it needs.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"

#define READ_BYTES 65536
#define CONNECTING_MAX 256
#define PIDS_MAX 8

enum client_state { OPENING, UPGRADING, CONNECTING, SUBSCRIBING, READY };

struct client {
    int fd;
    enum client_state state;
    uint32_t next; /* the message it must get next */
    struct buf rest;
    bool is_publisher;
};

static struct {
    const char *path;
    uint16_t port;
    size_t subscribers;
    uint32_t messages;
    uint32_t warmup;
    uint32_t window;
    size_t body_bytes;
    int pids[PIDS_MAX];
    size_t pid_count;
} options = {.path = "/stomp",
             .subscribers = 1000,
             .messages = 200,
             .warmup = 20,
             .window = 1,
             .body_bytes = 100};

static int epoll_fd;
static struct client *clients; /* the last one is the publisher */
static size_t ready_count;
static uint32_t *received; /* how many subscribers have message i */
static uint32_t sent_count;
static uint32_t complete_count;

__attribute__((noreturn, format(printf, 1, 2))) static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static void write_all(int fd, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        ssize_t wrote = write(fd, at, len);
        if (wrote < 0 && errno != EAGAIN && errno != EINTR) {
            fail("write: %s", strerror(errno));
        }
        if (wrote > 0) {
            at += wrote;
            len -= (size_t)wrote;
        }
    }
}

/* One masked text frame of a client (RFC 6455 5.2). */
static void put_text_frame(struct buf *out, const char *text, size_t len)
{
    static const uint8_t mask[4] = {0x5a, 0x17, 0xc3, 0x88};
    buf_append_byte(out, 0x81);
    if (len < 126) {
        buf_append_byte(out, (uint8_t)(0x80 | len));
    } else {
        buf_append_byte(out, 0x80 | 126);
        buf_append_byte(out, (uint8_t)(len >> 8));
        buf_append_byte(out, (uint8_t)len);
    }
    buf_append(out, mask, sizeof mask);
    for (size_t i = 0; i < len; i++) {
        buf_append_byte(out, (uint8_t)text[i] ^ mask[i % 4]);
    }
}

static void send_frame(struct client *client, const char *text, size_t len)
{
    struct buf out = {0};
    put_text_frame(&out, text, len);
    write_all(client->fd, out.data, out.len);
    buf_finish(&out);
}

/* A lost SYN must not hold up the others: the server has deadlines. At the end the sockets are reset: ten thousand
 * ports in TIME_WAIT cost the next run such SYNs. */
static void open_client(struct client *client)
{
    static const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options.port)};
    int one = 1;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (client->fd < 0 || (connect(client->fd, (struct sockaddr *)&address, sizeof address) != 0 &&
                           errno != EINPROGRESS)) {
        fail("connect to port %u: %s", options.port, strerror(errno));
    }
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = client};
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, client->fd, &event);
}

static void ask_upgrade(struct client *client)
{
    char request[512];
    int error = 0;
    socklen_t error_len = sizeof error;
    if (getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &error_len) != 0 || error != 0) {
        fail("connect to port %u: %s", options.port, strerror(error));
    }
    client->state = UPGRADING;
    int len = snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                       "Sec-WebSocket-Protocol: v12.stomp\r\n\r\n",
                       options.path, options.port);
    write_all(client->fd, request, (size_t)len);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    epoll_ctl(epoll_fd, EPOLL_CTL_MOD, client->fd, &event);
}

static void become_ready(struct client *client)
{
    client->state = READY;
    ready_count++;
}

static void take_message(struct client *client, const char *text, size_t len)
{
    const char *body = memmem(text, len, "\n\n", 2);
    if (body == NULL) {
        fail("a MESSAGE without a body");
    }
    uint32_t number = (uint32_t)strtoul(body + 2, NULL, 10);
    if (number != client->next) {
        fail("message %" PRIu32 " came where %" PRIu32 " was due", number, client->next);
    }
    client->next++;
    if (++received[number] == options.subscribers) {
        complete_count++;
    }
}

static void take_frame(struct client *client, const char *text, size_t len)
{
    static const char subscribe[] = "SUBSCRIBE\nid:sub-0\ndestination:/topic/bench\nreceipt:r\n\n";
    if (len > 7 && memcmp(text, "MESSAGE", 7) == 0) {
        take_message(client, text, len);
    } else if (len > 9 && memcmp(text, "CONNECTED", 9) == 0) {
        if (client->is_publisher) {
            become_ready(client);
        } else {
            client->state = SUBSCRIBING;
            send_frame(client, subscribe, sizeof subscribe); /* with its NUL */
        }
    } else if (len > 7 && memcmp(text, "RECEIPT", 7) == 0) {
        become_ready(client);
    } else if (len > 1) {
        fail("unexpected frame: %.*s", (int)len, text);
    }
}

/* Consumes whole WebSocket frames; returns how many bytes. */
static size_t take_frames(struct client *client, const uint8_t *bytes, size_t len)
{
    size_t at = 0;
    while (len - at >= 2) {
        size_t head = 2;
        size_t size = bytes[at + 1] & 0x7f;
        if (size == 126) {
            head = 4;
            if (len - at < head) {
                break;
            }
            size = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        }
        if (len - at < head + size) {
            break;
        }
        take_frame(client, (const char *)bytes + at + head, size);
        at += head + size;
    }
    return at;
}

static size_t take_upgrade(struct client *client, const uint8_t *bytes, size_t len)
{
    static const char connect_frame[] = "CONNECT\naccept-version:1.2\nhost:x\nheart-beat:0,0\n\n";
    const uint8_t *end = memmem(bytes, len, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }
    if (memcmp(bytes, "HTTP/1.1 101", 12) != 0) {
        fail("refused: %.*s", (int)(len < 200 ? len : 200), (const char *)bytes);
    }
    client->state = CONNECTING;
    send_frame(client, connect_frame, sizeof connect_frame);
    return (size_t)(end - bytes) + 4;
}

static void take_bytes(struct client *client, const uint8_t *bytes, size_t len)
{
    size_t used = 0;
    if (client->rest.len > 0) {
        buf_append(&client->rest, bytes, len);
        bytes = client->rest.data;
        len = client->rest.len;
    }
    if (client->state == UPGRADING) {
        used = take_upgrade(client, bytes, len);
    }
    if (client->state != UPGRADING) {
        used += take_frames(client, bytes + used, len - used);
    }
    if (client->rest.len > 0) {
        buf_consume(&client->rest, used);
    } else if (used < len) {
        buf_append(&client->rest, bytes + used, len - used);
    }
    if (client->rest.len == 0) {
        buf_finish(&client->rest);
    }
}

static void poll_once(void)
{
    static uint8_t bytes[READ_BYTES];
    struct epoll_event events[512];
    int count = epoll_wait(epoll_fd, events, 512, 30000);
    if (count == 0) {
        fail("nothing came for 30 s: %" PRIu32 " of %" PRIu32 " messages complete", complete_count,
             sent_count);
    }
    for (int i = 0; i < count; i++) {
        struct client *client = events[i].data.ptr;
        if (client->state == OPENING) {
            ask_upgrade(client);
            continue;
        }
        ssize_t len = read(client->fd, bytes, sizeof bytes);
        if (len > 0) {
            take_bytes(client, bytes, (size_t)len);
        } else if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
            fail("a connection was lost");
        }
    }
}

static void connect_all(void)
{
    size_t opened = 0;
    size_t wanted = options.subscribers + 1;
    while (ready_count < wanted) {
        while (opened < wanted && opened - ready_count < CONNECTING_MAX) {
            clients[opened].is_publisher = opened == options.subscribers;
            open_client(&clients[opened++]);
        }
        poll_once();
    }
}

static void publish(uint32_t count)
{
    struct buf out = {0};
    char *text = mem_alloc(options.body_bytes + 256);
    for (uint32_t i = 0; i < count; i++) {
        int len = snprintf(
            text, 256, "SEND\ndestination:/topic/bench\ncontent-type:text/plain\n\n%" PRIu32 " ",
            sent_count++);
        memset(text + len, 'x', options.body_bytes);
        text[(size_t)len + options.body_bytes] = '\0';
        put_text_frame(&out, text, (size_t)len + options.body_bytes + 1);
    }
    write_all(clients[options.subscribers].fd, out.data, out.len);
    buf_finish(&out);
    mem_free(text);
}

/* Until `target` messages are complete. */
static void run_messages(uint32_t target)
{
    while (complete_count < target) {
        uint32_t under_way = sent_count - complete_count;
        uint32_t room = options.window - under_way;
        uint32_t left = target - sent_count;
        if (room > 0 && left > 0) {
            publish(room < left ? room : left);
        }
        poll_once();
    }
}

struct measure {
    double cpu_s;
    double wall_s;
    double instructions; /* negative: the machine does not count them */
    size_t rss_bytes;
};

static double read_schedstat(int pid, const char *task)
{
    char name[300];
    unsigned long long ns = 0;
    snprintf(name, sizeof name, "/proc/%d/task/%s/schedstat", pid, task);
    FILE *file = fopen(name, "r");
    if (file != NULL) {
        if (fscanf(file, "%llu", &ns) != 1) {
            ns = 0;
        }
        fclose(file);
    }
    return (double)ns / 1e9;
}

static double read_cpu(int pid)
{
    char name[64];
    double sum = 0;
    snprintf(name, sizeof name, "/proc/%d/task", pid);
    DIR *folder = opendir(name);
    if (folder == NULL) {
        fail("no process %d", pid);
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.') {
            sum += read_schedstat(pid, entry->d_name);
        }
    }
    closedir(folder);
    return sum;
}

static size_t read_rss(int pid)
{
    char name[64];
    unsigned long pages = 0;
    snprintf(name, sizeof name, "/proc/%d/statm", pid);
    FILE *file = fopen(name, "r");
    if (file == NULL || fscanf(file, "%*u %lu", &pages) != 1) {
        fail("no process %d", pid);
    }
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static int counters[PIDS_MAX];

static void open_counters(void)
{
    for (size_t i = 0; i < options.pid_count; i++) {
        struct perf_event_attr attribute = {.type = PERF_TYPE_HARDWARE,
                                            .size = sizeof attribute,
                                            .config = PERF_COUNT_HW_INSTRUCTIONS,
                                            .inherit = 1};
        counters[i] = (int)syscall(SYS_perf_event_open, &attribute, options.pids[i], -1, -1, 0);
    }
}

static double read_instructions(void)
{
    double sum = 0;
    for (size_t i = 0; i < options.pid_count; i++) {
        uint64_t value;
        if (counters[i] < 0 || read(counters[i], &value, sizeof value) != sizeof value) {
            return -1;
        }
        sum += (double)value;
    }
    return sum;
}

static struct measure measure_now(void)
{
    struct measure now = {.instructions = read_instructions()};
    struct timespec clock;
    clock_gettime(CLOCK_MONOTONIC, &clock);
    now.wall_s = (double)clock.tv_sec + (double)clock.tv_nsec / 1e9;
    for (size_t i = 0; i < options.pid_count; i++) {
        now.cpu_s += read_cpu(options.pids[i]);
        now.rss_bytes += read_rss(options.pids[i]);
    }
    return now;
}

static void report(const struct measure *empty, const struct measure *start,
                   const struct measure *end)
{
    double deliveries = (double)(options.messages == 0 ? 1 : options.messages) *
                        (double)options.subscribers; /* without messages: connecting only */
    double per_million = (end->cpu_s - start->cpu_s) / deliveries * 1e6;
    double rss = ((double)start->rss_bytes - (double)empty->rss_bytes);
    printf("{\"subscribers\":%zu,\"messages\":%" PRIu32 ",\"window\":%" PRIu32
           ",\"cpu_s_per_million\":%.4f,\"wall_s\":%.3f,\"rss_bytes_per_connection\":%.0f",
           options.subscribers, options.messages, options.window, per_million,
           end->wall_s - start->wall_s, rss / (double)(options.subscribers + 1));
    if (start->instructions >= 0) {
        printf(",\"instructions_per_delivery\":%.0f",
               (end->instructions - start->instructions) / deliveries);
    }
    printf("}\n");
}

static void parse_pids(const char *text)
{
    char *end = NULL;
    for (const char *at = text; *at != '\0' && options.pid_count < PIDS_MAX; at = end) {
        options.pids[options.pid_count++] = (int)strtol(at, &end, 10);
        if (end == at) {
            fail("--pids takes numbers separated by commas");
        }
        end += *end == ',';
    }
}

static void parse_options(int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i];
        const char *value = argv[i + 1];
        unsigned long number = strtoul(value, NULL, 10);
        if (strcmp(name, "--port") == 0) {
            options.port = (uint16_t)number;
        } else if (strcmp(name, "--path") == 0) {
            options.path = value;
        } else if (strcmp(name, "--subscribers") == 0) {
            options.subscribers = number;
        } else if (strcmp(name, "--messages") == 0) {
            options.messages = (uint32_t)number;
        } else if (strcmp(name, "--warmup") == 0) {
            options.warmup = (uint32_t)number;
        } else if (strcmp(name, "--window") == 0) {
            options.window = (uint32_t)number;
        } else if (strcmp(name, "--body") == 0) {
            options.body_bytes = number;
        } else if (strcmp(name, "--pids") == 0) {
            parse_pids(value);
        } else {
            fail("unknown option %s", name);
        }
    }
    if (options.port == 0 || options.pid_count == 0 || options.body_bytes > 60000) {
        fail("usage: fanout --port N --pids N,... [--path P] [--subscribers N] [--messages N] "
             "[--warmup N] [--window N] [--body N]");
    }
}

int main(int argc, char **argv)
{
    struct rlimit files;
    parse_options(argc, argv);
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    clients = mem_zalloc_array(options.subscribers + 1, sizeof *clients);
    received = mem_zalloc_array(options.messages + options.warmup + 1, sizeof *received);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    open_counters();

    struct measure empty = measure_now();
    connect_all();
    struct measure idle = measure_now();
    run_messages(options.warmup);
    struct measure start = measure_now();
    start.rss_bytes = idle.rss_bytes;
    run_messages(options.warmup + options.messages);
    struct measure end = measure_now();
    report(&empty, &start, &end);
    return 0;
}
