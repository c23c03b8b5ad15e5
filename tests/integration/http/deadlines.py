# SPDX-License-Identifier: MIT
"""What takes too long is ended by a deadline, whatever is sent meanwhile; nobody else waits for it.

No times are asserted: that the connection ends at all is the assertion, the suite's own wait the limit."""

import socket
import threading

from programs import DEADLINE_MS
from wire import Wire, ask, request


def trickle(wire, data, stop):
    """A byte now and then, as long as the other side lives."""
    for i in range(len(data)):
        if stop.wait(DEADLINE_MS / 1000 / 20):
            return
        try:
            wire.socket.sendall(data[i:i + 1])
        except OSError:
            return


def ends_under_trickle(programs, first, rest, status):
    stop = threading.Event()
    with Wire(programs) as wire:
        wire.send(first)
        thread = threading.Thread(target=trickle, args=(wire, rest, stop))
        thread.start()
        try:
            response = wire.response()
            assert response.status == status and response.get("connection") == "close", response.status
        finally:
            stop.set()
            thread.join()


def that_a_slow_header_is_ended_by_its_absolute_deadline(programs):
    ends_under_trickle(programs, b"GET /ws/info HTTP/1.1\r\n", b"X: " + b"y" * 5000, 408)


def that_a_slow_body_is_ended_by_its_deadline(programs):
    ends_under_trickle(programs, request("POST", "/ws/000/x/xhr_send", "Content-Length: 5000"), b"y" * 5000, 408)


def that_a_slow_chunked_body_is_ended_by_its_deadline(programs):
    ends_under_trickle(programs, request("POST", "/ws/000/x/xhr_send", "Transfer-Encoding: chunked"),
                       b"1\r\ny\r\n" * 1000, 408)


def that_a_second_slow_request_is_ended_too(programs):
    with Wire(programs) as wire:
        wire.send(request("GET", "/ws/info"))
        assert wire.response().status == 200
        wire.send(b"GET /ws/info HTTP/1.1\r\nHos")
        assert wire.response().status == 408
        assert wire.is_closed()


def that_silence_is_ended_without_a_word(programs):
    for first in (b"", request("GET", "/ws/info"), b"\r\n"):
        with Wire(programs) as wire:
            wire.send(first)
            if first.strip():
                assert wire.response().status == 200
            assert wire.is_closed()


def that_others_are_served_while_slow_ones_hang(programs):
    wires = [Wire(programs) for _ in range(50)]
    try:
        for wire in wires:
            wire.send(b"GET /ws/info HT")
        for _ in range(20):
            assert ask(programs, "GET", "/ws/info").status == 200
        for wire in wires:
            assert wire.response().status == 408
    finally:
        for wire in wires:
            wire.socket.close()


def that_a_poll_is_not_ended_by_the_deadlines_of_requests(programs):
    assert ask(programs, "POST", "/ws/000/patient/xhr").body == b"o\n"
    with Wire(programs) as poll, Wire(programs) as idle:
        poll.send(request("POST", "/ws/000/patient/xhr"))
        assert idle.is_closed()  # the deadline has passed
        poll.socket.setblocking(False)
        try:
            data = poll.socket.recv(1)
        except BlockingIOError:
            data = None
        assert data is None, f"the poll was answered: {data!r}"


def that_a_client_that_never_reads_is_given_up(programs):
    """It pipelines pages until nothing more is taken; the gateway keeps answering others."""
    with Wire(programs) as wire:
        wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.socket.settimeout(0.5)
        try:
            for _ in range(10000):
                wire.socket.sendall(request("GET", "/ws/iframe.html") * 100)
        except (TimeoutError, OSError):
            pass
        assert ask(programs, "GET", "/ws/info").status == 200
