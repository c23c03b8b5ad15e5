# SPDX-License-Identifier: MIT
"""Listening addresses and how many connections they take."""

from programs import OtherGateway
from wire import Closed, Wire, request


def is_served(wire):
    try:
        wire.send(request("GET", "/ws/info"))
        return wire.response().status == 200
    except Closed:
        return False


def that_a_connection_over_the_limit_is_closed_and_counted(programs):
    """One count over all listeners; a connection that ends makes room."""
    with OtherGateway(programs, "gateway.limits.connections=5",
                      'gateway.listen=["http://127.0.0.1:0","stomp://127.0.0.1:0"]') as other:
        stomp = OnPort(other.ports[1])
        wires = [Wire(other) for _ in range(3)]
        with Wire(stomp) as first:
            assert all(is_served(wire) for wire in wires)
            first.send(b"CONNECT\naccept-version:1.2\nhost:/\n\n\0")
            assert first.take(9) == b"CONNECTED"
            wires.append(Wire(other))
            assert is_served(wires[-1])
            with Wire(other) as over:
                assert not is_served(over)
            with Wire(stomp) as over:
                assert over.is_closed()
            assert all(is_served(wire) for wire in wires)
        wires.pop().socket.close()
        await_room(other)
        for wire in wires:
            wire.socket.close()
    assert other.stats()["connections_refused"] >= 2
    assert other.stats()["connections_accepted"] == other.stats()["connections_closed"]


def await_room(other):
    """The gateway notices the end of a connection in its own time."""
    for _ in range(1000):
        with Wire(other) as wire:
            if is_served(wire):
                return
    raise AssertionError("no room was made")


class OnPort:
    def __init__(self, port):
        self.port = port


def that_one_address_has_a_limit_of_its_own(programs):
    with OtherGateway(programs, "gateway.limits.connections_per_address=3") as other:
        wires = [Wire(other) for _ in range(3)]
        assert all(is_served(wire) for wire in wires)
        with Wire(other) as over:
            assert not is_served(over)
        wires.pop().socket.close()
        await_room(other)
        for wire in wires:
            wire.socket.close()
    assert other.stats()["connections_refused"] >= 1


def that_accepting_pauses_before_the_descriptors_run_out(programs):
    """Those that wait in the backlog are served once others leave; nobody is cut off."""
    with OtherGateway(programs, descriptors=96) as other:
        wires = [Wire(other) for _ in range(90)]
        served = []
        for wire in wires:
            wire.socket.settimeout(1 if served else 20)
            try:
                if not is_served(wire):
                    raise AssertionError(f"connection {len(served)} was cut off")
            except TimeoutError:
                break
            served.append(wire)
        assert 16 < len(served) < 90, len(served)
        for wire in served:
            wire.socket.close()
        waiting = wires[len(served)]
        waiting.socket.settimeout(20)
        assert waiting.response().status == 200
        for wire in wires[len(served):]:
            wire.socket.close()
    assert any(" accept_paused " in line for line in other.log)
    assert other.stats()["connections_refused"] == 0


def that_ipv6_is_listened_on(programs):
    with OtherGateway(programs, 'gateway.listen=["http://[::1]:0/"]') as other:
        assert any(f"url=http://[::1]:{other.port}/" in line for line in other.log), other.log


def that_an_address_in_use_is_an_error_with_its_name(programs):
    url = f"http://127.0.0.1:{programs.port}"
    process = programs.start("gateway", "--set", "gateway.name=third", "--set", f'gateway.listen=["{url}"]')
    log = process.stderr.read()
    assert process.wait(timeout=20) == 1, log
    assert " listen_failed " in log and url in log and "EADDRINUSE" in log, log
