# SPDX-License-Identifier: MIT
"""The broker as a process: its socket file, its lock, how it ends."""

import os
import signal
import socket
import stat
import tempfile

from fake_gateway import Broker


def refused(broker, reason):
    broker.start()
    broker.wait_end(1)
    assert broker.has_line("error socket_failed", reason), broker.lines


def test_the_socket_is_open_to_its_group_only(build):
    with Broker(build) as broker:
        assert stat.S_IMODE(os.stat(broker.path).st_mode) == 0o660
        assert stat.S_IMODE(os.stat(broker.path + ".lock").st_mode) == 0o600


def test_a_second_broker_on_the_same_socket_gives_up(build):
    with Broker(build) as broker:
        refused(Broker(build, folder=broker.folder), "another broker runs on this socket")
        gateway = broker.gateway()
        assert gateway.is_silent()


def test_the_socket_of_a_dead_broker_is_taken_over(build):
    with tempfile.TemporaryDirectory() as folder:
        dead = Broker(build, folder=folder).start()
        dead.wait_line("broker_ready")
        dead.kill()
        assert os.path.exists(dead.path)
        with Broker(build, folder=folder) as broker:
            broker.wait_line("socket_stale")
            broker.gateway()


def test_a_socket_that_somebody_listens_on_is_left_alone(build):
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.join(folder, "broker.sock"))
        listener.listen()
        refused(Broker(build, folder=folder), "another program listens on this socket")
        assert os.path.exists(os.path.join(folder, "broker.sock"))


def test_a_file_in_the_way_is_left_alone(build):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "broker.sock")
        with open(path, "w", encoding="utf-8") as file:
            file.write("precious")
        refused(Broker(build, folder=folder), "a file that is not a socket is in the way")
        with open(path, encoding="utf-8") as file:
            assert file.read() == "precious"


def test_a_directory_that_does_not_exist_is_an_error(build):
    with tempfile.TemporaryDirectory() as folder:
        refused(Broker(build, folder=os.path.join(folder, "absent")), "the directory does not exist")


def test_it_ends_at_once_with_everything_open(build):
    for number in (signal.SIGTERM, signal.SIGINT):
        with Broker(build) as broker:
            a, b = broker.gateway("a"), broker.gateway("b")
            a.new_session(1, "key")
            a.subscribe(1, 1, "/topic/**")
            b.claim(1, "key")
            a.expect("YIELD")
            b.say("RELAY", request=3, key="key", relay=4, body=b"waits")
            a.new_session(2, "detached", expire_ms=60000)
            a.say("DETACH", session=2)
            a.new_session(3, "ended")
            a.say("DROP_SESSION", session=3, remember_ms=60000)
            broker.connect()
            half = broker.gateway("half")
            half.send_raw(b"\0\0\0\x50\x08half")
            assert a.is_silent() and b.is_silent()
            broker.process.send_signal(number)
            broker.wait_end(0)
            broker.wait_line("broker_stopping", f"signal={int(number)}")
            b.expect_end()


def test_what_was_answered_before_the_end_still_arrives(build):
    with Broker(build) as broker:
        gateway = broker.gateway()
        gateway.new_session(1)
        gateway.subscribe(1, 1, "/a")
        for number in range(100):
            gateway.publish(1, "/a", request=number + 1)
        gateway.expect("DELIVERED")
        broker.process.send_signal(signal.SIGTERM)
        broker.wait_end(0)
        gateway.expect("PUBLISHED", request=1, result=0)


def test_users_that_are_not_allowed_are_disconnected(build):
    if os.getuid() != 0:
        return  # only root can be somebody else
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        with Broker(build, folder=folder, **{"broker.allow_uids": "[4242]"}) as broker:
            os.chmod(broker.path, 0o666)
            for uid, is_allowed in ((4243, False), (4242, True), (0, True)):
                os.seteuid(uid)
                try:
                    gateway = broker.connect()
                finally:
                    os.seteuid(0)
                if is_allowed:
                    gateway.hello()
                    gateway.expect("HELLOED")
                else:
                    gateway.expect_end()
                    broker.wait_line("link_refused", f"uid={uid}", "error=denied")
