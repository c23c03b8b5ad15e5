# SPDX-License-Identifier: MIT
"""Talks STOMP with Debian's python3-stomp: stomp_py.py <port> <version> [<CA of TLS>]. Prints `done`, or fails."""

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


def acknowledge(connection, listener, version):
    """ack and nack as this version names messages; the receipt says that they were taken."""
    destination = f"/topic/python-ack-{version}"
    connection.subscribe(destination, id="sub-ack", ack="client-individual")
    for number in range(2):
        connection.send(destination, str(number))
    seen = [listener.expect("MESSAGE")[1] for _ in range(2)]
    names = [(found["message-id"],) if version == "1.0" else (found["message-id"], "sub-ack") for found in seen]
    if version == "1.2":
        names = [(found["ack"],) for found in seen]
    connection.ack(*names[0], receipt="acked")
    assert listener.expect("RECEIPT")[1]["receipt-id"] == "acked"
    if version != "1.0":
        connection.nack(*names[1], receipt="nacked")
        assert listener.expect("RECEIPT")[1]["receipt-id"] == "nacked"
    connection.unsubscribe(id="sub-ack", receipt="done")
    assert listener.expect("RECEIPT")[1]["receipt-id"] == "done"


def commit_and_abort(connection, listener, destination):
    aborted = connection.begin()
    connection.send(destination, "aborted", transaction=aborted)
    connection.abort(aborted)
    committed = connection.begin(transaction="t")
    connection.send(destination, "committed", transaction=committed)
    connection.send(destination, "outside")
    connection.commit(committed, receipt="applied")
    assert [listener.expect("MESSAGE")[2] for _ in range(2)] == ["outside", "committed"]
    assert listener.expect("RECEIPT")[1]["receipt-id"] == "applied"


def main(port, version, authority=None):
    has_heartbeats = version != "1.0"
    options = {"heartbeats": (500, 500)} if has_heartbeats else {}
    connection = CONNECTIONS[version]([("127.0.0.1", port)], **options)
    if authority is not None:
        connection.set_ssl([("127.0.0.1", port)], ca_certs=authority)
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

    acknowledge(connection, listener, version)
    commit_and_abort(connection, listener, destination)

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
    main(int(sys.argv[1]), *sys.argv[2:])
