# SPDX-License-Identifier: MIT
"""Requests that two readers could cut differently (RFC 9112 11.2). Each is refused, the connection ends, and what
stood behind it is never taken for a request."""

from wire import Wire, request

HOST = b"Host: h\r\n"
SECOND = request("GET", "/ws/info")


def post(*lines, body=b"", version=b"1.1"):
    return (b"POST /ws/info HTTP/" + version + b"\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) +
            b"\r\n" + body)


def get(start=b"GET /ws/info HTTP/1.1", headers=HOST):
    return start + b"\r\n" + headers + b"\r\n"


CHUNKED = b"Transfer-Encoding: chunked"
EMPTY = b"0\r\n\r\n"

# name, bytes, status or statuses
REFUSED = [
    # two lengths
    ("length and chunked", post(b"Content-Length: 4", CHUNKED, body=EMPTY), 400),
    ("chunked and length", post(CHUNKED, b"Content-Length: 5", body=EMPTY), 400),
    ("chunked and length 0", post(CHUNKED, b"Content-Length: 0", body=EMPTY), 400),
    ("two lengths", post(b"Content-Length: 0", b"Content-Length: 5", body=b"12345"), 400),
    ("two equal lengths", post(b"Content-Length: 5", b"Content-Length: 5", body=b"12345"), 400),
    ("a list of lengths", post(b"Content-Length: 5, 5", body=b"12345"), 400),
    ("a signed length", post(b"Content-Length: +5", body=b"12345"), 400),
    ("a negative length", post(b"Content-Length: -5", body=b"12345"), 400),
    ("a hexadecimal length", post(b"Content-Length: 0x5", body=b"12345"), 400),
    ("an empty length", post(b"Content-Length: "), 400),
    ("a length with a space inside", post(b"Content-Length: 1 2", body=b"123456789012"), 400),
    ("a length with a comma", post(b"Content-Length: 5,", body=b"12345"), 400),
    ("a length beyond 64 bits", post(b"Content-Length: 18446744073709551616"), (400, 413)),
    ("a length that wraps to 5", post(b"Content-Length: 18446744073709551621", body=b"12345"), (400, 413)),
    # transfer codings
    ("chunked twice", post(CHUNKED, CHUNKED, body=EMPTY), 400),
    ("chunked, chunked", post(b"Transfer-Encoding: chunked, chunked", body=EMPTY), 400),
    ("gzip, chunked", post(b"Transfer-Encoding: gzip, chunked", body=EMPTY), 400),
    ("identity, chunked", post(b"Transfer-Encoding: identity, chunked", body=EMPTY), 400),
    (",chunked", post(b"Transfer-Encoding: ,chunked", body=EMPTY), 400),
    ("identity", post(b"Transfer-Encoding: identity"), 400),
    ("xchunked", post(b"Transfer-Encoding: xchunked", body=EMPTY), 400),
    ("chunkedx", post(b"Transfer-Encoding: chunkedx", body=EMPTY), 400),
    ("quoted chunked", post(b'Transfer-Encoding: "chunked"', body=EMPTY), 400),
    ("an empty coding", post(b"Transfer-Encoding: "), 400),
    ("an empty coding, then chunked", post(b"Transfer-Encoding: ", CHUNKED, body=EMPTY), 400),
    ("identity, then chunked", post(b"Transfer-Encoding: identity", CHUNKED, body=EMPTY), 400),
    ("chunked with a vertical tab", post(b"Transfer-Encoding: \x0bchunked", body=EMPTY), 400),
    ("chunked on 1.0", post(CHUNKED, body=EMPTY, version=b"1.0"), 400),
    # header lines
    ("space before the colon", post(b"Transfer-Encoding : chunked", body=EMPTY), 400),
    ("tab before the colon", post(b"Content-Length\t: 5", body=b"12345"), 400),
    ("space before the name", post(b"X: y", b" Transfer-Encoding: chunked", body=EMPTY), 400),
    ("folded coding", post(b"Transfer-Encoding:\r\n chunked", body=EMPTY), 400),
    ("fold that hides a length", post(b"X: y\r\n\tContent-Length: 5", body=b"12345"), 400),
    ("fold as the first line", b"GET /ws/info HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n", 400),
    ("bare CR in a value", post(b"X: y\rTransfer-Encoding: chunked", body=EMPTY), 400),
    ("bare CR before a name", post(b"\rTransfer-Encoding: chunked", body=EMPTY), 400),
    ("bare LF between lines", post(b"X: y\nTransfer-Encoding: chunked", body=EMPTY), 400),
    ("bare LF as the head's end", b"GET /ws/info HTTP/1.1\r\n" + HOST + b"\n", 400),
    ("LF only", get().replace(b"\r\n", b"\n"), 400),
    ("CR LF CR x ends the head", b"GET /ws/info HTTP/1.1\r\n" + HOST + b"\r\rGET / HTTP/1.1\r\n\r\n", 400),
    ("an empty name", post(b": chunked"), 400),
    ("no colon", post(b"Transfer-Encoding"), 400),
    ("NUL in a name", post(b"Content\0-Length: 5"), 400),
    ("NUL in a value", post(b"X: \0"), 400),
    ("a control byte in a value", post(b"X: \x01"), 400),
    ("DEL in a value", post(b"X: \x7f"), 400),
    ("an 8-bit byte in a name", post(b"Contentt\xe9: 5"), 400),
    ("a bracket in a name", post(b"Content[Length: 5"), 400),
    # chunks
    ("no CR LF behind a chunk", post(CHUNKED, body=b"1\r\nab\r\n" + EMPTY), 400),
    ("LF behind a size", post(CHUNKED, body=b"1\na\r\n" + EMPTY), 400),
    ("a space in a size", post(CHUNKED, body=b"1 1\r\na\r\n" + EMPTY), 400),
    ("a signed size", post(CHUNKED, body=b"+1\r\na\r\n" + EMPTY), 400),
    ("a size with 0x", post(CHUNKED, body=b"0x1\r\na\r\n" + EMPTY), 400),
    ("an empty size", post(CHUNKED, body=b"\r\na\r\n" + EMPTY), 400),
    ("a size beyond 64 bits", post(CHUNKED, body=b"10000000000000001\r\na\r\n" + EMPTY), (400, 413)),
    ("a size of 10,000 zeros", post(CHUNKED, body=b"0" * 10000 + b"1\r\na\r\n" + EMPTY), (400, 413, 431)),
    ("an extension without end", post(CHUNKED, body=b"1;" + b"x" * 100000), (400, 413, 431)),
    ("a bare CR in an extension", post(CHUNKED, body=b"1;a\rb\r\na\r\n" + EMPTY), 400),
    ("a length in a trailer", post(CHUNKED, body=b"0\r\nContent-Length: 5\r\n\r\n"), 400),
    ("a coding in a trailer", post(CHUNKED, body=b"0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400),
    ("a Host in a trailer", post(CHUNKED, body=b"0\r\nHost: evil\r\n\r\n"), 400),
    ("a folded trailer", post(CHUNKED, body=b"0\r\nX: y\r\n z\r\n\r\n"), 400),
    ("trailers without end", post(CHUNKED, body=b"0\r\n" + b"X: y\r\n" * 20000), 431),
    # Host
    ("no Host", get(headers=b""), 400),
    ("two Hosts", get(headers=HOST * 2), 400),
    ("an empty Host", get(headers=b"Host: \r\n"), 400),
    ("a Host with userinfo", get(headers=b"Host: user@h\r\n"), 400),
    ("a Host with a comma", get(headers=b"Host: h,evil\r\n"), 400),
    ("a Host with a space", get(headers=b"Host: h evil\r\n"), 400),
    ("a Host with a path", get(headers=b"Host: h/x\r\n"), 400),
    ("a Host with a bad port", get(headers=b"Host: h:x\r\n"), 400),
    ("a Host with a port too high", get(headers=b"Host: h:65536\r\n"), 400),
    ("a Host of broken IPv6", get(headers=b"Host: [::1\r\n"), 400),
    # request line
    ("absolute form", get(b"GET http://h/ws/info HTTP/1.1"), 400),
    ("absolute form of another host", get(b"GET http://evil/ws/info HTTP/1.1"), 400),
    ("authority form", get(b"GET h:80 HTTP/1.1"), 400),
    ("two slashes", get(b"GET //evil/ws/info HTTP/1.1"), 400),
    ("a fragment", get(b"GET /ws/info#x HTTP/1.1"), 400),
    ("a backslash", get(b"GET /ws\\info HTTP/1.1"), 400),
    ("dot segments", get(b"GET /ws/../ws/info HTTP/1.1"), 400),
    ("an 8-bit byte in the target", get(b"GET /ws/inf\xf6 HTTP/1.1"), 400),
    ("NUL in the target", get(b"GET /ws/info\0 HTTP/1.1"), 400),
    ("a tab in the request line", get(b"GET\t/ws/info HTTP/1.1"), (400, 501)),
    ("two spaces behind the method", get(b"GET  /ws/info HTTP/1.1"), 400),
    ("two spaces behind the target", get(b"GET /ws/info  HTTP/1.1"), 400),
    ("a space behind the version", get(b"GET /ws/info HTTP/1.1 "), 400),
    ("a space before the method", get(b" GET /ws/info HTTP/1.1"), (400, 501)),
    ("a bare CR before the method", b"\r" + get(), 400),
    ("two empty lines first", b"\r\n\r\n" + get(), (400, 501)),
    ("no version", b"GET /ws/info\r\n" + HOST + b"\r\n", 400),
    ("HTTP/0.9", b"GET /ws/info\r\n", 400),
    ("HTTP/1.2", get(b"GET /ws/info HTTP/1.2"), 505),
    ("HTTP/2.0", get(b"GET /ws/info HTTP/2.0"), 505),
    ("HTTP/11.1", get(b"GET /ws/info HTTP/11.1"), (400, 505)),
    ("http/1.1", get(b"GET /ws/info http/1.1"), 400),
    ("RTSP", get(b"GET /ws/info RTSP/1.0"), 400),
    ("a lower-case method", get(b"get /ws/info HTTP/1.1"), (400, 501)),
    ("an unknown method", get(b"FOO /ws/info HTTP/1.1"), 501),
    ("SOURCE", get(b"SOURCE /ws/info ICE/1.0"), (400, 501)),
    ("TRACE", get(b"TRACE /ws/info HTTP/1.1"), 405),
    ("CONNECT", get(b"CONNECT h:80 HTTP/1.1"), 405),
    ("the HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 501, 505)),
    ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200, (400, 501)),
    # the rest
    ("an unknown expectation", post(b"Expect: miracles"), 417),
    ("an upgrade with a body", post(b"Connection: Upgrade", b"Upgrade: websocket", b"Content-Length: 5",
                                    body=b"12345"), 400),
    ("a chunked upgrade", post(b"Connection: Upgrade", b"Upgrade: websocket", CHUNKED, body=EMPTY), 400),
]

# Harmless, and read as everybody reads it: this many responses of that status.
ACCEPTED = [
    ("plain", get(), [200]),
    ("one empty line first", b"\r\n" + get(), [200]),
    ("blanks around a value", get(headers=b"Host: \t h \t\r\n"), [200]),
    ("an 8-bit byte in a value", get(headers=HOST + b"Cookie: \xe9\r\n"), [200]),
    ("a header twice", get(headers=HOST + b"Accept: a\r\nAccept: b\r\n"), [200]),
    ("a Host with a port", get(headers=b"Host: h:8080\r\n"), [200]),
    ("a Host of IPv6", get(headers=b"Host: [::1]:8080\r\n"), [200]),
    ("Upgrade without Connection", get(headers=HOST + b"Upgrade: websocket\r\n"), [200]),
    ("three at once", get() * 3, [200] * 3),
    ("a body that nobody wants", get(headers=HOST + b"Content-Length: 5\r\n") + b"12345" + get(), [200, 200]),
    ("chunks", post(CHUNKED, body=b"1\r\na\r\n2;x=y\r\nbc\r\n" + EMPTY) + get(), [405, 200]),
    ("chunked in another case", post(b"transfer-ENCODING: CHUNKED", body=EMPTY) + get(), [405, 200]),
    ("a trailer", post(CHUNKED, body=b"1\r\na\r\n0\r\nX: y\r\n\r\n") + get(), [405, 200]),
    ("a body that looks like a request",
     post(b"Content-Length: %d" % len(SECOND), body=SECOND) + get(), [405, 200]),
    ("POST without length", post() + get(), [405, 200]),
]


def that_each_vector_is_refused_and_the_connection_ends(programs):
    for name, vector, status in REFUSED:
        statuses = status if isinstance(status, tuple) else (status,)
        with Wire(programs) as wire:
            wire.send(vector + SECOND)
            response = wire.response()
            assert response.status in statuses, f"{name}: {response.status}"
            assert response.get("connection") == "close", name
            assert response.get("x-content-type-options") == "nosniff", name
            if response.status == 405:
                assert response.get("allow"), name
            assert wire.is_closed(), f"{name}: something behind it was answered"


def that_a_vector_is_refused_however_it_is_split(programs):
    for name, vector, status in REFUSED[:40]:
        statuses = status if isinstance(status, tuple) else (status,)
        with Wire(programs) as wire:
            for at in range(0, len(vector), 7):
                wire.send(vector[at:at + 7])
            wire.send(SECOND)
            response = wire.response()
            assert response.status in statuses, f"{name}: {response.status}"
            assert wire.is_closed(), name


def that_harmless_requests_are_read_as_meant(programs):
    for name, data, statuses in ACCEPTED:
        with Wire(programs) as wire:
            wire.send(data)
            got = [wire.response().status for _ in statuses]
            assert got == statuses, f"{name}: {got}"
            wire.send(SECOND)
            assert wire.response().status == 200, f"{name}: the connection was not usable"


def that_connection_close_ends_it_whatever_blanks_surround_it(programs):
    for value in ("close", "close\t", "\tclose ", "keep-alive, close", "CLOSE", "x, close, y"):
        with Wire(programs) as wire:
            wire.send(request("GET", "/ws/info", f"Connection: {value}") + SECOND)
            assert wire.response().status == 200
            assert wire.is_closed(), repr(value)


def that_the_answer_never_repeats_what_was_sent(programs):
    mark = b"zebra" * 5
    for data in (get(b"GET /" + mark + b" HTTP/3.0"), post(b"X" + mark), get(b"GET /ws/" + mark + b" HTTP/1.1"),
                 mark + b"\r\n\r\n", get(headers=b"Host: " + mark + b"@x\r\n")):
        with Wire(programs) as wire:
            wire.send(data)
            response = wire.response()
            assert response.status >= 400 and mark not in response.body, data
