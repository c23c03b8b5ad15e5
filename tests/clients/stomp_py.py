# SPDX-License-Identifier: MIT
"""Talks STOMP with Debian's python3-stomp: stomp_py.py <port> <version>. Prints `done`, or fails."""

import queue
import sys

import stomp

WAIT = 30
TEXT = "안녕하세요 🐟 a:b"
CONNECTIONS = {"1.0": stomp.Connection10, "1.1": stomp.Connection11, "1.2": stomp.Connection12}


class Listener(stomp.ConnectionListener):
    """Puts everything that comes into a queue, in its order."""

    def __init__(self):
        self.events = queue.Queue()
        self.beats = queue.Queue()

    def on_connected(self, frame):
        self.events.put(("CONNECTED", frame.headers, frame.body))

    def on_message(self, frame):
        self.events.put(("MESSAGE", frame.headers, frame.body))

    def on_receipt(self, frame):
        self.events.put(("RECEIPT", frame.headers, frame.body))

    def on_error(self, frame):
        self.events.put(("ERROR", frame.headers, frame.body))

    def on_heartbeat(self):
        self.beats.put(True)

    def on_heartbeat_timeout(self):
        self.events.put(("HEARTBEAT TIMEOUT", {}, ""))

    def expect(self, command):
        found = self.events.get(timeout=WAIT)
        assert found[0] == command, f"{command} expected, got {found}"
        return found


def main(port, version):
    has_heartbeats = version != "1.0"
    options = {"heartbeats": (500, 500)} if has_heartbeats else {}
    connection = CONNECTIONS[version]([("127.0.0.1", port)], **options)
    listener = Listener()
    connection.set_listener("all", listener)
    connection.connect("guest", "guest", wait=True)
    _, headers, _ = listener.expect("CONNECTED")
    assert headers["version"] == version, headers

    destination = f"/topic/python-{version}"
    subscription = {} if version == "1.0" else {"id": "sub-1"}
    connection.subscribe(destination, receipt="subscribed", **subscription)
    assert listener.expect("RECEIPT")[1]["receipt-id"] == "subscribed"

    connection.send(destination, TEXT, content_type="text/plain", headers={"colour": "blue:green"})
    _, headers, body = listener.expect("MESSAGE")
    assert body == TEXT, body
    assert headers["destination"] == destination
    assert headers["colour"] == "blue:green", headers
    assert headers.get("subscription") == subscription.get("id")

    for number in range(100):
        connection.send(destination, str(number), receipt=f"r{number}")
    messages, receipts = [], []
    while len(messages) + len(receipts) < 200:
        command, headers, body = listener.events.get(timeout=WAIT)
        (messages if command == "MESSAGE" else receipts).append(headers.get("receipt-id", body))
    assert messages == [str(number) for number in range(100)], messages
    assert receipts == [f"r{number}" for number in range(100)], receipts

    if has_heartbeats:
        for _ in range(3):
            listener.beats.get(timeout=WAIT)

    if version == "1.0":
        connection.unsubscribe(destination, receipt="unsubscribed")
    else:
        connection.unsubscribe("sub-1", receipt="unsubscribed")
    assert listener.expect("RECEIPT")[1]["receipt-id"] == "unsubscribed"
    connection.disconnect(receipt="bye")
    assert listener.expect("RECEIPT")[1]["receipt-id"] == "bye"
    assert listener.events.empty(), listener.events.get()
    print("done")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
