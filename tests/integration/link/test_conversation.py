# SPDX-License-Identifier: MIT
"""Claim, subscribe, publish, credit, relay, restore with a real broker. Every race is in test_handover.c; here is
that the rules hold on a socket."""

import threading

from fake_gateway import Broker, can_write, encode, groups_of

KEY = "/ws\nabc"


def test_a_session_is_claimed_once_and_leaves_a_tombstone(build):
    with Broker(build) as broker:
        a, b = broker.gateway("a"), broker.gateway("b")
        name = a.new_session(1, KEY)["name"]
        assert len(name) == 26 and name.isalnum() and name.islower()
        a.claim(2, KEY)
        a.expect("CLAIMED", session=2, result=2)
        b.claim(1, KEY, family=5)
        b.expect("CLAIMED", result=4)
        b.claim(1, KEY, request=9)
        question = a.expect("YIELD", session=1)
        a.say("REFUSED", request=question["request"], session=1)
        b.expect("CLAIMED", request=9, session=1, result=2)
        a.say("DROP_SESSION", session=1, code=3000, reason="Go away!", remember_ms=60000)
        assert a.is_silent()
        b.claim(1, KEY)
        b.expect("CLAIMED", result=3, code=3000, reason=b"Go away!")
        b.new_session(1, "another")


def test_a_key_is_never_logged(build):
    with Broker(build, **{"log.level": "debug"}) as broker:
        a, b = broker.gateway(), broker.gateway()
        a.new_session(1, "canary-key")
        b.say("RELAY", request=1, key="canary-key", relay=5, body="canary-body")
        a.expect("RELAYED", body=b"canary-body")
        b.claim(1, "canary-key")
        a.say("YIELDED", request=a.expect("YIELD")["request"], session=1, checkpoint="canary-state")
        b.expect("CLAIMED", result=1)
        b.expect("RELAYED")
        b.say_raw(2, b"canary")
        b.expect_end()
        broker.stop()
        assert "canary" not in "\n".join(broker.lines)


def test_each_gateway_gets_one_delivery_with_its_groups(build):
    with Broker(build) as broker:
        a, b = broker.gateway("a"), broker.gateway("b")
        a.new_session(1)
        b.new_session(1)
        b.new_session(2)
        exact = a.subscribe(1, 1, "/topic/a")
        assert a.subscribe(1, 2, "/topic/a") == exact
        pattern = a.subscribe(1, 3, "/topic/*")
        other = b.subscribe(2, 1, "/topic/**")
        b.publish(1, "/topic/a", body="안녕".encode(), request=7, message_id="x-1")
        got = a.expect("DELIVERED")
        assert sorted(groups_of(got["groups"])) == sorted([exact, pattern])
        assert got["message"]["body"].decode() == "안녕" and got["message"]["id"] == b"x-1"
        assert groups_of(b.expect("DELIVERED")["groups"]) == [other]
        b.expect("PUBLISHED", request=7, session=1, result=0)
        a.say("UNSUBSCRIBE", request=3, session=1, subscription=3)
        a.expect("UNSUBSCRIBED", request=3)
        b.publish(1, "/topic/b")
        b.expect("DELIVERED")
        assert a.is_silent() and b.is_silent()
        a.close()
        broker.wait_line("link_lost", "gateway=a")
        b.publish(1, "/topic/a")
        b.expect("DELIVERED")
        counters = broker.stop()
        assert counters["published"] == 3 and counters["deliveries"] == 4


def test_answers_of_one_session_come_in_the_order_of_its_requests(build):
    with Broker(build) as broker:
        gateway = broker.gateway()
        gateway.new_session(1)
        for number in range(1, 200):
            gateway.say("SUBSCRIBE", request=3 * number, session=1, subscription=number, destination="/a")
            gateway.publish(1, "/a", request=3 * number + 1)
            gateway.say("UNSUBSCRIBE", request=3 * number + 2, session=1, subscription=number)
        for number in range(1, 200):
            gateway.expect("SUBSCRIBED", request=3 * number)
            gateway.expect("DELIVERED")
            gateway.expect("PUBLISHED", request=3 * number + 1)
            gateway.expect("UNSUBSCRIBED", request=3 * number + 2)


def test_limits_of_sessions_and_subscriptions_are_told(build):
    with Broker(build, **{"broker.sessions": 2, "broker.subscriptions": 2}) as broker:
        gateway = broker.gateway()
        gateway.new_session(1)
        gateway.new_session(2)
        gateway.claim(3)
        gateway.expect("CLAIMED", result=5)
        gateway.subscribe(1, 1, "/a")
        gateway.subscribe(1, 2, "/b")
        gateway.say("SUBSCRIBE", request=1, session=1, subscription=3, destination="/c")
        assert b"broker.subscriptions" in gateway.expect("SUBSCRIBED", result=2)["reason"]
        gateway.say("SUBSCRIBE", request=1, session=2, subscription=1, destination="/{a:[0-9]+}")
        gateway.expect("SUBSCRIBED", result=1)
        gateway.say("SUBSCRIBE", request=1, session=9, subscription=1, destination="/a")
        gateway.expect("SUBSCRIBED", result=3)


def test_credit_comes_back_in_quarters_of_the_window(build):
    with Broker(build, **{"broker.message_window": "1MiB"}) as broker:
        gateway = broker.gateway()
        assert gateway.welcome["window"] == 1 << 20
        gateway.new_session(1)
        sent = credited = 0
        while sent < 1 << 20:
            sent += gateway.publish(1, "/a", body=b"x" * 50000)
            if sent - credited >= 1 << 18:
                credited += gateway.expect("CREDIT")["bytes"]
        assert credited >= 3 << 18 and gateway.is_silent()


def test_a_gateway_beyond_its_window_is_lost(build):
    with Broker(build, **{"broker.message_window": "1MiB"}) as broker:
        gateway = broker.gateway("greedy")
        gateway.new_session(1)
        overhead = len(encode("PUBLISH"))
        gateway.publish(1, "", body=b"x" * ((1 << 20) - overhead), message_id="")
        gateway.expect("CREDIT", bytes=1 << 20)
        gateway.say_raw(8, encode("PUBLISH", session=1, message={"body": b"x" * ((1 << 20) - overhead + 1)}))
        gateway.expect_end()
        broker.wait_line("link_lost", "gateway=greedy", "message=PUBLISH", "error=limit")


def test_a_gateway_that_does_not_read_is_lost_and_nobody_waits(build):
    settings = {"broker.link_queue_size": "1MiB"}
    with Broker(build, **settings) as broker:
        slow, publisher, reader = broker.gateway("slow"), broker.gateway("fast"), broker.gateway("reader")
        for gateway in (slow, publisher, reader):
            gateway.new_session(1)
        slow.subscribe(1, 1, "/a")
        reader.subscribe(1, 1, "/a")
        seen = []
        listening = threading.Thread(target=lambda: seen.extend(reader.expect("DELIVERED") for _ in range(200)))
        listening.start()
        for number in range(200):
            publisher.publish(1, "/a", body=b"x" * 20000, request=number + 1)
            name, values = publisher.receive()
            while name == "CREDIT":
                name, values = publisher.receive()
            assert name == "PUBLISHED" and values["request"] == number + 1
        listening.join()
        assert len(seen) == 200
        broker.wait_line("link_lost", "gateway=slow", "error=limit")
        assert can_write(publisher.socket)


def test_a_gateway_that_takes_no_byte_for_too_long_is_lost(build):
    with Broker(build, **{"broker.link_stall": "300ms"}) as broker:
        stuck = broker.gateway("stuck")
        stuck.new_session(1)
        stuck.subscribe(1, 1, "/a")
        for _ in range(60):  # more than a Unix socket holds
            stuck.publish(1, "/a", body=b"x" * 20000)
        broker.wait_line("link_lost", "gateway=stuck", "error=limit")


def test_a_yielded_session_goes_on_at_the_other_gateway(build):
    with Broker(build) as broker:
        a, b = broker.gateway("a"), broker.gateway("b")
        name = a.new_session(1, KEY)["name"]
        a.subscribe(1, 4, "/topic/a")
        b.say("RELAY", request=5, key=KEY, relay=50, body=b"early")
        a.expect("RELAYED", session=1, relay=50, body=b"early")
        a.say("CHECKPOINT", session=1, relay=50, state="s1")
        b.expect("RELAY_DONE", request=5, result=0)
        b.claim(9, KEY, request=6)
        question = a.expect("YIELD", session=1)
        b.say("RELAY", request=7, key=KEY, relay=51, body=b"late")
        a.say("YIELDED", request=question["request"], session=1, number=5, checkpoint="s2", unsent="u")
        b.expect("CLAIMED", request=6, session=9, result=1, name=name, checkpoint=b"s2", unsent=b"u")
        group = b.expect("SUBSCRIBED", request=0, session=9, subscription=4, result=0)["group"]
        b.expect("RELAYED", session=9, relay=51, body=b"late")
        b.say("CHECKPOINT", request=8, session=9, relay=51)
        b.expect("RELAY_DONE", request=7, result=0)
        b.expect("CHECKPOINTED", request=8, result=0)
        b.publish(9, "/topic/a")
        assert groups_of(b.expect("DELIVERED")["groups"]) == [group]
        assert a.is_silent()


def test_a_detached_session_is_asked_to_expire(build):
    with Broker(build) as broker:
        gateway = broker.gateway()
        gateway.new_session(1, KEY, expire_ms=1)
        gateway.say("DETACH", session=1)
        question = gateway.expect("EXPIRE", session=1)
        gateway.say("REFUSED", request=question["request"], session=1)
        gateway.expect("EXPIRE", session=1)
        gateway.say("DROP_SESSION", session=1, code=1002, reason="x", remember_ms=1)
        assert gateway.is_silent()


def test_a_polling_session_outlives_its_gateway_and_a_websocket_does_not(build):
    with Broker(build) as broker:
        a, b = broker.gateway("a"), broker.gateway("b")
        a.new_session(1, KEY)
        a.new_session(2, "ws", family=0)
        a.say("CHECKPOINT", session=1, state="rest")
        a.close()
        broker.wait_line("link_lost", "gateway=a", "error=EOF")
        b.claim(1, KEY)
        b.expect("CLAIMED", result=1, checkpoint=b"rest")
        b.new_session(2, "ws", family=0)


def test_a_killed_broker_is_restored_by_its_gateways(build):
    with Broker(build) as broker:
        a, b = broker.gateway("a", 1), broker.gateway("b", 2)
        first = a.welcome["broker"]
        name = a.new_session(1, KEY)["name"]
        broker.kill()
        for gateway in (a, b):
            gateway.expect_end()
        broker.start()  # the socket file of the dead one is in the way
        broker.wait_line("broker_ready")
        b = broker.gateway("b", 2)
        b.say("RESTORE", session=5, key="taken", name="x", family=2, expire_ms=5000, hold=1)
        b.expect("RESTORED", session=5)
        b.say("RESTORE_END", sessions=1)  # not answered before a, whom the dead one knew, has restored
        a = broker.gateway("a", 1)
        assert a.welcome["broker"] != first
        subscriptions = b"\0\0\0\1\0\0\x08/topic/a\0\0\0\0" + b"\0\0\0\2\0\0\x08/topic/*\0\0\0\0"
        a.say("RESTORE", session=1, key=KEY, name=name, family=2, expire_ms=5000, hold=1,
              subscriptions=subscriptions)  # fmt: skip
        a.say("RESTORE", session=2, key="taken", name="x", family=2, hold=1)
        a.say("RESTORE_END", sessions=2)
        groups = groups_of(a.expect("RESTORED", session=1)["groups"])
        assert b"elsewhere" in a.expect("GONE", session=2)["reason"]
        a.expect("RESTORED", session=0)
        b.expect("RESTORED", session=0)
        b.publish(5, "/topic/a")
        assert sorted(groups_of(a.expect("DELIVERED")["groups"])) == sorted(groups)
        b.claim(6, KEY)
        a.say("YIELDED", request=a.expect("YIELD")["request"], session=1)
        b.expect("CLAIMED", result=1, name=name)

