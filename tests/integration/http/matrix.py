# SPDX-License-Identifier: MIT
"""Every URL with every method, kind of upgrade and version: each combination has one defined status."""

import itertools

from wire import Wire, request

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
UPGRADES = {
    "none": [],
    "websocket": ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", KEY],
    "no key": ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"],
    "old": ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 7", KEY],
    "hixie": ["Connection: Upgrade", "Upgrade: WebSocket", "Sec-WebSocket-Key1: 18x 6]8vM;54 *(5",
              "Sec-WebSocket-Key2: 1_ tx7X d"],
    "h2c": ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"],
    "halved": ["Upgrade: websocket", "Sec-WebSocket-Version: 13", KEY],
}
METHODS = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "QUERY"]
ROUTED = METHODS[:7]
HANDSHAKE = {"websocket": 101, "no key": 400, "old": 426, "hixie": 426, "h2c": 400}

SOCKET = "socket"  # where a handshake is awaited
ABSENT = {}
# target: {method: status}; ABSENT: 404 whatever the method. `%s` is a fresh session.
TARGETS = {
    "/": {"GET": 200, "HEAD": 200},
    "/a.js?v=1": {"GET": 200, "HEAD": 200},
    "/nothing": ABSENT,
    "/ws": {"GET": 200},
    "/ws/": {"GET": 200},
    "/ws/info?t=1": {"GET": 200, "OPTIONS": 204},
    "/ws/iframe.html": {"GET": 200},
    "/ws/websocket": {"GET": SOCKET},
    "/ws/000/%s/websocket": {"GET": SOCKET},
    "/ws/000/%s/xhr": {"POST": 200, "OPTIONS": 204},
    "/ws/000/%s/xhr_streaming": {"POST": 200, "OPTIONS": 204},
    "/ws/000/%s/xhr_send": {"POST": 404, "OPTIONS": 204},
    "/ws/000/%s/eventsource": {"GET": 200},
    "/ws/000/%s/htmlfile?c=x": {"GET": 200},
    "/ws/000/%s/htmlfile": {"GET": 500},
    "/any/000/%s/jsonp?c=x": {"GET": 200},
    "/any/000/%s/jsonp?c=x%%28": {"GET": 500},
    "/any/000/%s/jsonp_send": {"POST": 404},
    "/ws/000/%s/jsonp?c=x": ABSENT,
    "/list/iframe.html": ABSENT,
    "/ws/a/a": ABSENT,
    "/ws//a/xhr": ABSENT,
    "/ws/a.b/a/xhr": ABSENT,
    "/plain": {"GET": SOCKET},
    "/plain/info": ABSENT,
}

sessions = itertools.count(1)


def expected(target, method, upgrade, version):
    """The status, by rules rather than by what the router does."""
    allowed = TARGETS[target]
    if version == "1.0" or upgrade == "halved":
        upgrade = "none"  # not heard
    if method in ("TRACE", "CONNECT"):
        return 405
    if method == "QUERY":
        return 501
    if allowed is ABSENT:
        return 404
    if target in ("/ws", "/ws/") and HANDSHAKE.get(upgrade) and upgrade != "h2c":
        return HANDSHAKE[upgrade] if method == "GET" else 405
    status = allowed.get(method, 405)
    if status == SOCKET:
        return HANDSHAKE.get(upgrade, 400)
    return status


def exchange(programs, target, method, upgrade, version):
    path = target % f"matrix{next(sessions)}" if "%s" in target else target
    with Wire(programs) as wire:
        wire.send(request(method, path, *UPGRADES[upgrade], version=version))
        response = wire.head()
        if response.status == 405:
            assert response.get("allow"), "405 without Allow"
            if method in ROUTED:
                assert response.get("content-type") is None and response.get("content-length") == "0"
        if response.status != 101:
            assert response.get("x-content-type-options") == "nosniff"
        if version == "1.0":
            assert response.get("transfer-encoding") is None, "chunked on 1.0"
        return response.status


def that_every_combination_has_its_status(programs):
    wrong = []
    for target, method, upgrade, version in itertools.product(TARGETS, METHODS, UPGRADES, ("1.0", "1.1")):
        got = exchange(programs, target, method, upgrade, version)
        awaited = expected(target, method, upgrade, version)
        if got != awaited:
            wrong.append(f"{method} {target} HTTP/{version} upgrade {upgrade}: {got}, not {awaited}")
    assert not wrong, f"{len(wrong)} of them:\n" + "\n".join(wrong[:40])
