# SPDX-License-Identifier: MIT
"""What ends a link: that one only, at once, with the message's name in the log."""

import os
import struct

from fake_gateway import BY_NAME, MAGIC, VERSION, Broker, encode


def expect_loss(broker, gateway, *log):
    gateway.expect_end()
    broker.wait_line("link_lost", *log)


def test_an_unknown_type_ends_the_link(build):
    with Broker(build) as broker:
        bystander = broker.gateway("bystander")
        for number in (0, 64, 200):
            gateway = broker.gateway("odd")
            gateway.say_raw(number, b"abc")
            expect_loss(broker, gateway, "gateway=odd", "message=unknown", f"type={number}", "error=protocol")
        assert bystander.is_silent()


def test_a_short_body_ends_the_link(build):
    with Broker(build) as broker:
        for name in ("PUBLISH", "CLAIM", "RESTORE", "YIELDED"):
            gateway = broker.gateway()
            gateway.say_raw(BY_NAME[name][0], encode(name)[:-1])
            expect_loss(broker, gateway, f"message={name}", "error=protocol")


def test_a_body_with_one_byte_too_many_ends_the_link(build):
    with Broker(build) as broker:
        gateway = broker.gateway()
        gateway.say_raw(BY_NAME["ATTACH"][0], encode("ATTACH", session=1) + b"x")
        expect_loss(broker, gateway, "message=ATTACH", "error=protocol")


def test_a_message_before_hello_ends_the_link(build):
    with Broker(build) as broker:
        gateway = broker.connect()
        gateway.claim(1)
        expect_loss(broker, gateway, "message=CLAIM", "error=protocol")


def test_a_second_hello_ends_the_link(build):
    with Broker(build) as broker:
        gateway = broker.gateway("twice")
        gateway.hello()
        expect_loss(broker, gateway, "gateway=twice", "message=HELLO", "error=protocol")


def test_a_message_of_the_broker_ends_the_link(build):
    with Broker(build) as broker:
        gateway = broker.gateway()
        gateway.say("CREDIT", bytes=1)
        expect_loss(broker, gateway, "message=CREDIT", "error=protocol")


def test_a_wrong_magic_ends_the_link(build):
    with Broker(build) as broker:
        gateway = broker.connect()
        gateway.say("HELLO", magic=MAGIC + 1, version_min=VERSION, version_max=VERSION)
        expect_loss(broker, gateway, "message=HELLO", "error=protocol")


def test_a_version_it_does_not_speak_is_rejected_with_a_reason(build):
    with Broker(build) as broker:
        for version in ((VERSION + 1, VERSION + 3), (0, 0)):
            gateway = broker.connect()
            gateway.hello("future", version=version)
            assert b"version" in gateway.expect("REJECTED")["reason"]
            gateway.expect_end()
        broker.wait_line("link_refused", "gateway=future")
        gateway = broker.connect()
        gateway.hello(version=(0, VERSION + 3))
        gateway.expect("HELLOED", version=VERSION, features=0)


def test_lengths_that_cannot_be_end_the_link(build):
    with Broker(build) as broker:
        for length in (0, (32 << 20) + 1, 0xFFFFFFFF):
            gateway = broker.gateway("liar")
            gateway.send_raw(struct.pack(">I", length) + b"\x08")
            expect_loss(broker, gateway, "gateway=liar", "error=protocol")


def test_a_gateway_that_stops_in_the_middle_of_a_message_is_lost(build):
    with Broker(build) as broker:
        message = struct.pack(">IB", 100, BY_NAME["PUBLISH"][0]) + b"half"
        for count in (1, 4, 5, len(message)):
            gateway = broker.gateway("half")
            gateway.send_raw(message[:count])
            gateway.close()
            broker.wait_line("link_lost", "gateway=half", "error=EOF")
            broker.lines.clear()


def test_messages_may_come_in_any_pieces(build):
    with Broker(build) as broker:
        gateway = broker.gateway()
        message = struct.pack(">I", len(encode("CLAIM")) + 1) + b"\x02" + encode("CLAIM", request=7, session=1)
        for at in range(len(message)):
            gateway.send_raw(message[at : at + 1])
        gateway.expect("CLAIMED", request=7)


def test_a_session_number_in_use_ends_the_link(build):
    with Broker(build) as broker:
        gateway = broker.gateway()
        gateway.new_session(1)
        gateway.claim(1)
        expect_loss(broker, gateway, "message=CLAIM", "error=protocol")


def test_a_gateway_that_greets_again_loses_its_older_link(build):
    with Broker(build) as broker:
        old = broker.gateway("same", number=77)
        old.new_session(1, key="k")
        new = broker.gateway("same", number=77)
        expect_loss(broker, old, "gateway=same", "error=busy")
        new.say("RESTORE", session=1, key="k", name="n", family=2, expire_ms=5000, hold=1)
        new.expect("RESTORED", session=1)


def test_names_of_gateways_are_quoted_in_the_log(build):
    with Broker(build) as broker:
        broker.gateway('a b="c"\nerror x').close()
        broker.wait_line("link_opened", r'gateway="a b=\"c\"\nerror x"')


def test_more_links_than_may_be_open_are_refused(build):
    with Broker(build) as broker:
        for _ in range(256):
            broker.connect()
        broker.connect().expect_end()
        broker.wait_line("link_refused", "error=limit", f"uid={os.getuid()}")
        broker.gateways[0].hello()
        broker.gateways[0].expect("HELLOED")


def test_a_link_without_hello_is_closed(build):
    with Broker(build) as broker:
        gateway = broker.connect()
        expect_loss(broker, gateway, "error=limit")
