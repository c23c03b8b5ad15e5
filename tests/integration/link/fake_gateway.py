# SPDX-License-Identifier: MIT
"""A gateway that speaks the link protocol to a real broker, written from docs/link-protocol.md.

    with Broker(build) as broker:
        a = broker.gateway("a")                     connected and greeted
        a.say("CLAIM", request=1, session=1, key="/ws\\nabc", family=2, expire_ms=5000)
        a.expect("CLAIMED", result=0)               the next message, as a dictionary

The messages are read from the table of the document, so that the document is what is tested.
"""

import os
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
import threading

LIMIT_S = 30  # nothing here takes long: beyond it a test has failed
ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
MAGIC = 0x534C5543
VERSION = 1
NUMBERS = {"u8": ">B", "u16": ">H", "u32": ">I", "u64": ">Q"}


def read_vocabulary():
    """name -> (number, [(kind, field)]) and number -> name."""
    row = re.compile(r"^\| (\d+) \| `([A-Z_]+)` \| (gateway|broker) \| (.*) \|$")
    by_name, by_number = {}, {}
    with open(os.path.join(ROOT, "docs", "link-protocol.md"), encoding="utf-8") as document:
        for line in document:
            match = row.match(line.strip())
            if match:
                fields = [tuple((part.split(" ") + ["message"])[:2]) for part in match[4].split(", ")]
                by_name[match[2]] = (int(match[1]), fields)
                by_number[int(match[1])] = match[2]
    return by_name, by_number


BY_NAME, BY_NUMBER = read_vocabulary()


def as_bytes(value):
    return value.encode() if isinstance(value, str) else value


def put_str(value):
    return struct.pack(">H", len(as_bytes(value))) + as_bytes(value)


def put_bytes(value):
    return struct.pack(">I", len(as_bytes(value))) + as_bytes(value)


def put_headers(headers):
    return b"".join(put_str(name) + put_str(value) for name, value in headers)


def put_message(value):
    return (
        put_str(value.get("id", ""))
        + put_str(value.get("destination", ""))
        + put_bytes(put_headers(value.get("headers", [])))
        + put_bytes(value.get("body", b""))
    )


def encode(name, /, **values):
    """The body; fields that are not given are 0 or empty."""
    out = b""
    fields = BY_NAME[name][1]
    unknown = set(values) - {field for _, field in fields}
    assert not unknown, f"{name} has no {unknown}"
    for kind, field in fields:
        if kind in NUMBERS:
            out += struct.pack(NUMBERS[kind], values.get(field, 0))
        elif kind == "message":
            out += put_message(values.get(field, {}))
        else:
            out += (put_str if kind == "str" else put_bytes)(values.get(field, b""))
    return out


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        part = self.data[self.at : self.at + count]
        assert len(part) == count, "a message ends inside a field"
        self.at += count
        return part

    def get(self, kind):
        if kind in NUMBERS:
            return struct.unpack(NUMBERS[kind], self.take(struct.calcsize(NUMBERS[kind])))[0]
        if kind == "str":
            return self.take(self.get("u16"))
        if kind == "bytes":
            return self.take(self.get("u32"))
        return {
            "id": self.get("str"),
            "destination": self.get("str"),
            "headers": self.get("bytes"),
            "body": self.get("bytes"),
        }


def decode(number, body):
    assert number in BY_NUMBER, f"the broker sent type {number}"
    name = BY_NUMBER[number]
    reader = Reader(body)
    values = {field: reader.get(kind) for kind, field in BY_NAME[name][1]}
    assert reader.at == len(body), f"{name} has bytes left"
    return name, values


def groups_of(block):
    return [number for (number,) in struct.iter_unpack(">I", block)]


class Gateway:
    """One link. Every wait has an end."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)  # before the time limit: that would make it fail where the backlog is full
        self.socket.settimeout(LIMIT_S)
        self.buffer = b""

    def send_raw(self, data):
        self.socket.sendall(data)

    def say(self, message, /, **values):
        body = encode(message, **values)
        self.say_raw(BY_NAME[message][0], body)
        return len(body)

    def say_raw(self, number, body):
        self.send_raw(struct.pack(">IB", len(body) + 1, number) + body)

    def read(self, count):
        while len(self.buffer) < count:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self.buffer += data
        part, self.buffer = self.buffer[:count], self.buffer[count:]
        return part

    def receive(self):
        (length,) = struct.unpack(">I", self.read(4))
        return decode(self.read(1)[0], self.read(length - 1))

    def expect(self, message, /, **expected):
        got, values = self.receive()
        assert got == message, f"{got} {values} instead of {message}"
        for field, value in expected.items():
            assert values[field] == as_bytes(value), f"{message}.{field} is {values[field]!r}, not {value!r}"
        return values

    def expect_end(self):
        """The broker has closed, with nothing said before."""
        try:
            self.read(1)
        except (EOFError, ConnectionResetError):
            self.close()
            return
        raise AssertionError("the broker said something instead of closing")

    def is_silent(self):
        """Nothing has come that was written before the answer to a question asked now."""
        self.say("CHECKPOINT", request=1 << 63, session=(1 << 64) - 1)
        name, values = self.receive()
        return name == "CHECKPOINTED" and values["request"] == 1 << 63

    def hello(self, name="fake", gateway=None, version=(VERSION, VERSION)):
        number = int.from_bytes(os.urandom(8), "big") if gateway is None else gateway
        self.say(
            "HELLO", magic=MAGIC, version_min=version[0], version_max=version[1], gateway=number, name=name
        )

    def claim(self, session, key="", family=2, expire_ms=5000, request=1):
        self.say("CLAIM", request=request, session=session, key=key, family=family, expire_ms=expire_ms)

    def new_session(self, session, key="", **more):
        self.claim(session, key, **more)
        return self.expect("CLAIMED", session=session, result=0)

    def subscribe(self, session, subscription, destination):
        self.say(
            "SUBSCRIBE", request=2, session=session, subscription=subscription, destination=destination
        )
        return self.expect("SUBSCRIBED", session=session, subscription=subscription, result=0)["group"]

    def publish(self, session, destination, body=b"hi", request=0, message_id="m-1"):
        return self.say(
            "PUBLISH",
            request=request,
            session=session,
            message={"id": message_id, "destination": destination, "body": body},
        )

    def close(self):
        self.socket.close()


class Broker:
    """A broker of that build on a socket of its own; leaving the block ends it and checks how it ended."""

    SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|runtime error:|Assertion .* failed")

    def __init__(self, build, folder=None, **settings):
        self.program = os.path.join(build, "broker", "sluice-broker")
        self.own_folder = None if folder else tempfile.TemporaryDirectory(prefix="sluice-link-")
        self.folder = folder or self.own_folder.name
        self.path = os.path.join(self.folder, "broker.sock")
        self.settings = {"broker.socket": self.path, **settings}
        self.lines = []
        self.gateways = []
        self.exit_code = None

    def start(self):
        self.exit_code = None
        self.lines.clear()
        arguments = [self.program]
        for name, value in self.settings.items():
            arguments += ["--set", f"{name}={value}"]
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self.read_log)
        self.reader.start()
        return self

    def read_log(self):
        for line in self.process.stderr:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def has_line(self, *parts):
        return any(all(part in line for part in parts) for line in self.lines)

    def wait_line(self, *parts):
        """A log line that holds all of the parts; it may have been written already."""
        with self.changed:
            found = self.changed.wait_for(
                lambda: self.has_line(*parts) or not self.reader.is_alive(), LIMIT_S
            )
            assert found and self.has_line(*parts), f"no log line with {parts}:\n" + "\n".join(self.lines)

    def __enter__(self):
        self.start()
        self.wait_line("broker_ready")
        return self

    def connect(self):
        gateway = Gateway(self.path)
        self.gateways.append(gateway)
        return gateway

    def gateway(self, name="fake", number=None):
        gateway = self.connect()
        gateway.hello(name, number)
        gateway.welcome = gateway.expect("HELLOED", version=VERSION)
        return gateway

    def wait_end(self, code, limit_s=LIMIT_S):
        self.exit_code = self.process.wait(limit_s)
        self.reader.join()
        self.process.stderr.close()
        log = "\n".join(self.lines)
        assert not self.SANITIZER.search(log), log
        assert self.exit_code == code, f"exit code {self.exit_code}:\n{log}"

    def stop(self):
        """As an operator does. Its promise: exit code 0 within 2 s (a sanitizer build is given more)."""
        if self.exit_code is None:
            self.process.send_signal(signal.SIGTERM)
            self.wait_end(0, 2 if not os.environ.get("SLUICE_SLOW") else LIMIT_S)
        assert not os.path.exists(self.path), "the socket file is left"
        return self.counters()

    def counters(self):
        line = next(line for line in self.lines if " broker_stopped " in line)
        counters = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line)}
        for noun in ("links", "sessions", "subscriptions"):
            assert counters[f"{noun}_opened"] == counters[f"{noun}_closed"], line
        return counters

    def kill(self):
        self.process.kill()
        self.process.wait(LIMIT_S)
        self.reader.join()
        self.process.stderr.close()
        self.exit_code = -signal.SIGKILL

    def __exit__(self, kind, error, trace):
        try:
            if kind is None:
                self.stop()
            elif self.exit_code is None:
                self.kill()
                print("\n".join(self.lines[-20:]))
        finally:
            for gateway in self.gateways:
                gateway.close()
            if self.own_folder:
                self.own_folder.cleanup()


def can_write(sock):
    return bool(select.select([], [sock], [], 0)[1])
