/* SPDX-License-Identifier: MIT
 *
 * STOMP straight on TCP: the stream's bytes are the session's, both ways.
 *
 *   - stomp_tcp_accepted() begins a session; nothing is read until it is open (on_opened());
 *   - on_bytes() gives what came to the session, send_frame() writes shared bytes;
 *   - on_session_close() ends the connection behind what is queued.
 *
 * A peer that hangs up, also after a clean FIN, ends its session (DETACH_ABORTED): a STOMP
 * client that means to leave says DISCONNECT first.
 */
#include "gateway/stomp_tcp.h"

#include "common/mem.h"
#include "gateway/session.h"

struct stomp_tcp {
    struct transport transport;
    struct conn *conn; /* borrowed; this object goes with it */
};

static struct stomp_tcp *stomp_tcp_of(struct transport *transport)
{
    return MEM_CONTAINER(transport, struct stomp_tcp, transport);
}

static void on_opened(struct transport *transport, bool is_new)
{
    (void)is_new; /* a TCP session always begins with its connection */
    conn_resume(stomp_tcp_of(transport)->conn);
}

static void send_frame(struct transport *transport, struct shared_frame *frame)
{
    conn_write_payload(stomp_tcp_of(transport)->conn, shared_frame_encoding(frame, FRAMING_TCP));
}

static void on_session_close(struct transport *transport, unsigned code, struct str reason)
{
    (void)code; /* STOMP's own farewell is the ERROR frame before this */
    (void)reason;
    conn_end(stomp_tcp_of(transport)->conn);
}

static size_t queued(const struct transport *transport)
{
    const struct stomp_tcp *tcp = MEM_CONTAINER(transport, const struct stomp_tcp, transport);
    return conn_queued(tcp->conn);
}

static void pause_reading(struct transport *transport, bool stop)
{
    if (stop) {
        conn_pause(stomp_tcp_of(transport)->conn);
    } else {
        conn_resume(stomp_tcp_of(transport)->conn);
    }
}

static const struct transport_ops tcp_ops = {
    .name = "tcp",
    .family = LINK_FAMILY_TCP,
    .framing = FRAMING_TCP,
    .stats_at = offsetof(struct stats, attached_tcp),
    .opened = on_opened,
    .send = send_frame,
    .close = on_session_close,
    .queued = queued,
    .pause = pause_reading,
};

static void on_bytes(struct conn *conn, uint8_t *bytes, size_t len)
{
    struct stomp_tcp *tcp = conn->data;
    if (tcp->transport.session != NULL) {
        session_receive(&tcp->transport, (struct str){(const char *)bytes, len}, true);
    }
}

static void leave_session(struct stomp_tcp *tcp)
{
    if (tcp->transport.session != NULL) {
        session_detach(&tcp->transport, DETACH_ABORTED);
    }
}

static void on_end(struct conn *conn, int code)
{
    leave_session(conn->data);
    if (code == 0) {
        conn_end(conn); /* who only closed its half still gets what was queued */
    } else {
        conn_close(conn);
    }
}

static void on_closed(struct conn *conn)
{
    leave_session(conn->data);
    mem_free(conn->data);
}

static const struct conn_owner conn_owner = {
    .on_bytes = on_bytes,
    .on_end = on_end,
    .on_closed = on_closed,
};

void stomp_tcp_accepted(struct conn *conn, const struct listen_settings *listen, void *sessions)
{
    struct stomp_tcp *tcp = mem_zalloc(sizeof(*tcp));
    tcp->transport.ops = &tcp_ops;
    tcp->conn = conn;
    conn_set_owner(conn, &conn_owner, tcp);
    conn_pause(conn);
    session_begin(sessions, NULL, &listen->limits, &tcp->transport);
}
