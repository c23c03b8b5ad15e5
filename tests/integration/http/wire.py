# SPDX-License-Identifier: MIT
"""One TCP connection that sends bytes as told and reads HTTP/1 responses strictly."""

import socket

WAIT_SECONDS = 20  # no test waits so long for something that comes


class Closed(Exception):
    """The stream ended where a response was expected."""


class Response:
    def __init__(self, version, status, headers):
        self.version = version
        self.status = status
        self.headers = headers  # [(lower-case name, value)]
        self.body = b""
        self.chunks = []

    def all(self, name):
        return [value for key, value in self.headers if key == name]

    def get(self, name):
        values = self.all(name)
        assert len(values) <= 1, f"{name} {len(values)} times"
        return values[0] if values else None


class Wire:
    def __init__(self, programs):
        self.socket = socket.create_connection(("127.0.0.1", programs.port), timeout=WAIT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was refused before all of it was sent: the answer says so

    def more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self.buffer += data
        return bool(data)

    def take(self, count):
        while len(self.buffer) < count:
            if not self.more():
                raise Closed(f"{len(self.buffer)} of {count} bytes: {self.buffer[:200]!r}")
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def line(self):
        while b"\r\n" not in self.buffer:
            if not self.more():
                raise Closed(f"in a line: {self.buffer[:200]!r}")
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        assert b"\n" not in line and b"\r" not in line, line
        return line.decode("latin-1")

    def head(self):
        version, status, _ = (self.line() + " ").split(" ", 2)
        assert version == "HTTP/1.1" and status.isdigit() and len(status) == 3, (version, status)
        headers = []
        while line := self.line():
            name, value = line.split(": ", 1)
            assert name and " " not in name, line
            headers.append((name.lower(), value))
        return Response(version, int(status), headers)

    def chunk(self):
        size = int(self.line(), 16)
        data = self.take(size)
        assert self.take(2) == b"\r\n"
        return data

    def response(self, method="GET"):
        """A whole response; one without length is read to the end of the stream."""
        response = self.head()
        length = response.get("content-length")
        coding = response.get("transfer-encoding")
        assert length is None or coding is None
        if method == "HEAD" or response.status in (101, 204, 304):
            assert coding is None
        elif coding is not None:
            assert coding == "chunked"
            while chunk := self.chunk():
                response.chunks.append(chunk)
            response.body = b"".join(response.chunks)
        elif length is not None:
            response.body = self.take(int(length))
        else:
            while self.more():
                pass
            response.body, self.buffer = self.buffer, b""
        return response

    def is_closed(self):
        """The peer ends the stream, with nothing more on it."""
        while self.more():
            pass
        return self.buffer == b""


def request(method, target, *headers, version="1.1", host="gateway.example", body=b""):
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines.extend(headers)
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def ask(programs, method, target, *headers, **options):
    with Wire(programs) as wire:
        wire.send(request(method, target, *headers, **options))
        return wire.response(method)
