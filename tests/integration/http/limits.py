# SPDX-License-Identifier: MIT
"""Each limit of a request: at the limit it is served, one more is refused with the limit's own status."""

from programs import BODY_LIMIT, HEADER_COUNT, HEADER_LIMIT, HEADER_LINE, TARGET_LIMIT
from wire import Wire, ask, request

HOST = "gateway.example"


def that_a_target_may_have_2048_bytes(programs):
    for more, status in ((0, 200), (1, 414)):
        target = "/ws/info?"
        target += "x" * (TARGET_LIMIT - len(target) + more)
        assert ask(programs, "GET", target).status == status, more


def that_a_request_may_have_64_headers(programs):
    for more, status in ((0, 200), (1, 431)):
        headers = [f"X{i}: y" for i in range(HEADER_COUNT - 1 + more)]
        assert ask(programs, "GET", "/ws/info", *headers).status == status, more


def that_a_header_line_may_have_8_kib(programs):
    for more, status in ((0, 200), (1, 431)):
        assert ask(programs, "GET", "/ws/info", "X: " + "y" * (HEADER_LINE - 1 + more)).status == status, more


def that_all_header_lines_may_have_16_kib(programs):
    used = len("Host") + len(HOST)
    for more, status in ((0, 200), (1, 431)):
        left = HEADER_LIMIT - used + more
        headers = ["A: " + "y" * 8000, "B: " + "y" * 8000, "C: " + "y" * (left - 16003)]
        assert ask(programs, "GET", "/ws/info", *headers).status == status, more


def that_headers_without_end_are_cut_off(programs):
    with Wire(programs) as wire:
        wire.send(b"GET /ws/info HTTP/1.1\r\nHost: h\r\nX: " + b"y" * 1000000)
        assert wire.response().status == 431
        assert wire.is_closed()


def open_session(programs, name):
    response = ask(programs, "POST", f"/ws/000/{name}/xhr")
    assert response.status == 200 and response.body == b"o\n", (response.status, response.body)


def that_a_body_may_have_its_limit(programs):
    """With a length and in chunks; the messages are empty, so that only the body counts."""
    open_session(programs, "limits")
    for more, status in ((0, 204), (1, 413)):
        body = b"[]".ljust(BODY_LIMIT + more)
        plain = request("POST", "/ws/000/limits/xhr_send", f"Content-Length: {len(body)}", body=body)
        chunked = request("POST", "/ws/000/limits/xhr_send", "Transfer-Encoding: chunked",
                          body=b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (4000, body[:4000], len(body) - 4000, body[4000:]))
        for data in (plain, chunked):
            with Wire(programs) as wire:
                wire.send(data)
                assert wire.response().status == status, (more, data[:80])


def that_a_huge_length_is_refused_before_its_body(programs):
    with Wire(programs) as wire:
        wire.send(request("POST", "/ws/000/x/xhr_send", "Content-Length: 999999999999"))
        response = wire.response()
        assert response.status == 413 and response.get("connection") == "close"
        assert wire.is_closed()


def that_a_body_over_the_limit_is_not_asked_for(programs):
    with Wire(programs) as wire:
        wire.send(request("POST", "/ws/000/x/xhr_send", f"Content-Length: {BODY_LIMIT + 1}", "Expect: 100-continue"))
        assert wire.response().status == 413
        assert wire.is_closed()
