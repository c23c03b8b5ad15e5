# SPDX-License-Identifier: MIT
"""What well-formed requests get: keep-alive, HTTP/1.0, pipelining, 100-continue, types, caching, CORS, pages."""

import itertools

from wire import Wire, ask, request

NOT_CACHED = "no-store, no-cache, no-transform, must-revalidate, max-age=0"
YEAR = "public, max-age=31536000"
sessions = itertools.count(1)


def session():
    return f"/000/answers{next(sessions)}"


def that_a_connection_serves_many_requests(programs):
    with Wire(programs) as wire:
        for _ in range(5):
            wire.send(request("GET", "/ws/info"))
            response = wire.response()
            assert response.status == 200 and response.get("connection") is None


def that_http_1_0_closes_unless_asked_to_stay(programs):
    with Wire(programs) as wire:
        wire.send(request("GET", "/ws/info", version="1.0"))
        response = wire.response()
        assert response.get("connection") == "close" and response.get("content-length")
        assert wire.is_closed()
    with Wire(programs) as wire:
        for _ in range(3):
            wire.send(request("GET", "/ws/info", "Connection: Keep-Alive", version="1.0"))
            assert wire.response().get("connection") == "keep-alive"


def that_http_1_0_needs_no_host(programs):
    assert ask(programs, "GET", "/ws/info", version="1.0", host=None).status == 200


def that_a_stream_on_http_1_0_is_not_chunked(programs):
    with Wire(programs) as wire:
        wire.send(request("POST", "/ws" + session() + "/xhr_streaming", "Connection: keep-alive", version="1.0"))
        response = wire.head()
        assert response.get("transfer-encoding") is None and response.get("content-length") is None
        assert response.get("connection") == "close"
        assert wire.take(2051) == b"h" * 2048 + b"\no\n"


def that_a_stream_is_one_chunk_a_frame(programs):
    for transport, method, prelude, opening in (
            ("xhr_streaming", "POST", b"h" * 2048 + b"\n", b"o\n"),
            ("eventsource", "GET", b"\r\n", b"data: o\r\n\r\n"),
            ("htmlfile?c=x", "GET", None, b'<script>\np("o");\n</script>\r\n')):
        with Wire(programs) as wire:
            wire.send(request(method, "/ws" + session() + "/" + transport))
            assert wire.head().get("transfer-encoding") == "chunked"
            first = wire.chunk()
            assert first == prelude or prelude is None and len(first) > 1024, transport
            assert wire.chunk() == opening, transport


def that_pipelined_requests_are_answered_in_order(programs):
    paths = ["/ws", "/ws/info", "/nothing", "/a.js", "/ws/iframe.html", "/ws/a/a"]
    with Wire(programs) as wire:
        wire.send(b"".join(request("GET", path) for path in paths))
        assert [wire.response().status for _ in paths] == [200, 200, 404, 200, 200, 404]


def that_what_is_pipelined_behind_a_poll_waits(programs):
    name = session()
    with Wire(programs) as wire:
        wire.send(request("POST", "/ws" + name + "/xhr") * 2 + request("GET", "/nothing"))
        assert wire.response().body == b"o\n"
        send = ask(programs, "POST", "/ws" + name + "/xhr_send", "Content-Length: 27",
                   body=b'["SEND\\ndestination:/x\\n\\n\\u0000"]'[:27])
        assert send.status in (204, 500)
        if send.status == 500:  # a cut message harms nothing
            frame = b'["NONSENSE\\n\\n\\u0000"]'
            assert ask(programs, "POST", "/ws" + name + "/xhr_send", f"Content-Length: {len(frame)}",
                       body=frame).status == 204
        assert wire.response().body[:1] in (b"a", b"c")
        assert wire.response().status == 404


def that_a_poll_whose_client_leaves_is_noticed_at_once(programs):
    """The next receiver is told, or begins anew; it is not refused as the second of two."""
    for shut in (False, True):
        name = session()
        assert ask(programs, "POST", "/ws" + name + "/xhr").body == b"o\n"
        with Wire(programs) as wire:
            wire.send(request("POST", "/ws" + name + "/xhr"))
            if shut:
                wire.socket.shutdown(1)
                assert wire.is_closed()
        body = ask(programs, "POST", "/ws" + name + "/xhr").body
        assert body in (b"o\n", b'c[1002,"Connection interrupted"]\n'), body


def that_100_continue_is_answered(programs):
    name = session()
    ask(programs, "POST", "/ws" + name + "/xhr")
    with Wire(programs) as wire:
        wire.send(request("POST", "/ws" + name + "/xhr_send", "Content-Length: 2", "Expect: 100-continue"))
        assert wire.head().status == 100
        wire.send(b"[]")
        assert wire.response().status == 204


def that_head_has_the_length_and_no_body(programs):
    with Wire(programs) as wire:
        wire.send(request("HEAD", "/") + request("GET", "/"))
        head = wire.response("HEAD")
        get = wire.response()
        assert head.get("content-length") == get.get("content-length") == str(len(get.body))
        assert head.get("etag") == get.get("etag")


def that_types_and_caching_are_exact(programs):
    rows = [
        ("GET", "/ws", "text/plain; charset=UTF-8", None),
        ("GET", "/ws/info", "application/json; charset=UTF-8", NOT_CACHED),
        ("GET", "/ws/iframe.html", "text/html; charset=UTF-8", YEAR),
        ("POST", "/ws%s/xhr", "application/javascript; charset=UTF-8", NOT_CACHED),
        ("POST", "/ws%s/xhr_streaming", "application/javascript; charset=UTF-8", NOT_CACHED),
        ("GET", "/ws%s/eventsource", "text/event-stream", NOT_CACHED),
        ("GET", "/ws%s/htmlfile?c=x", "text/html; charset=UTF-8", NOT_CACHED),
        ("GET", "/any%s/jsonp?c=x", "application/javascript; charset=UTF-8", NOT_CACHED),
        ("OPTIONS", "/ws%s/xhr", None, YEAR),
        ("GET", "/nothing", "text/plain; charset=UTF-8", NOT_CACHED),
        ("GET", "/", "text/html; charset=UTF-8", "no-cache"),
        ("GET", "/a.js", "text/javascript; charset=UTF-8", "no-cache"),
    ]
    for method, target, kind, caching in rows:
        target = target % session() if "%s" in target else target
        with Wire(programs) as wire:
            wire.send(request(method, target))
            response = wire.head()
            assert response.get("content-type") == kind, (target, response.headers)
            assert caching is None or response.get("cache-control") == caching, (target, response.headers)
            assert response.get("x-content-type-options") == "nosniff", target
            assert response.get("last-modified") is None, target


def that_origins_are_judged_on_every_url_of_an_endpoint(programs):
    rows = [("GET", "/ws/info"), ("OPTIONS", "/ws/info"), ("POST", "/ws%s/xhr"), ("POST", "/ws%s/xhr_send"),
            ("POST", "/ws%s/xhr_streaming"), ("GET", "/ws%s/eventsource"), ("GET", "/ws%s/htmlfile?c=x"),
            ("GET", "/ws/websocket"), ("GET", "/plain"), ("GET", "/list/info")]
    for method, target in rows:
        target = target % session() if "%s" in target else target
        for origin in ("https://evil.example", "null", "http://gateway.example.evil.example", ""):
            response = ask(programs, method, target, f"Origin: {origin}")
            assert response.status == 403 and response.body == b"Invalid CORS request", (target, origin)
            assert response.get("access-control-allow-origin") is None
    assert ask(programs, "GET", "/ws/info", "Origin: http://a", "Origin: http://a").status == 400
    assert ask(programs, "GET", "/ws/info", "Origin: http://gateway.example").status == 200
    assert ask(programs, "GET", "/list/info", "Origin: https://a.example").status == 200


def that_cors_echoes_an_allowed_origin_and_never_a_star_with_credentials(programs):
    for method, target, methods in (("GET", "/any/info", "OPTIONS, GET"), ("POST", "/any%s/xhr", "OPTIONS, POST"),
                                    ("POST", "/any%s/xhr_streaming", "OPTIONS, POST")):
        for asked in (method, "OPTIONS"):
            for origin in ("https://x.example", "null", None):
                path = target % session() if "%s" in target else target
                headers = ["Access-Control-Request-Headers: a, b"] + ([f"Origin: {origin}"] if origin else [])
                with Wire(programs) as wire:
                    wire.send(request(asked, path, *headers))
                    response = wire.head()
                assert response.get("access-control-allow-origin") == (origin or "*")
                assert response.get("access-control-allow-credentials") == ("true" if origin else None)
                assert response.get("vary") == "Origin"
                assert response.get("access-control-allow-headers") == "a, b"
                if asked == "OPTIONS":
                    assert response.status == 204 and response.get("content-length") is None
                    assert response.get("access-control-allow-methods") == methods
                    assert int(response.get("access-control-max-age")) > 1000000
    assert ask(programs, "GET", "/any/info").get("access-control-allow-headers") is None


def that_the_cookie_is_set_only_where_it_is_needed(programs):
    for target, headers, cookie in (
            ("/cookie%s/xhr", [], "JSESSIONID=dummy; path=/"),
            ("/cookie%s/xhr", ["Cookie: a=b; JSESSIONID=abc.1; c=d"], "JSESSIONID=abc.1; path=/"),
            ("/cookie%s/xhr", ["Cookie: JSESSIONID=a b"], "JSESSIONID=dummy; path=/"),
            ("/ws%s/xhr", ["Cookie: JSESSIONID=abc"], None)):
        assert ask(programs, "POST", target % session(), *headers).get("set-cookie") == cookie
        assert ask(programs, "OPTIONS", target % session(), *headers).get("set-cookie") == cookie
    assert ask(programs, "GET", "/cookie/info").get("set-cookie") is None


def that_pages_are_revalidated_and_nothing_else_is_served(programs):
    page = ask(programs, "GET", "/")
    assert page.body == b"<p>index</p>" and page.get("referrer-policy")
    tag = page.get("etag")
    for match, status in ((tag, 304), (f'"x", {tag}', 304), ("*", 304), ('"x"', 200)):
        response = ask(programs, "GET", "/", f"If-None-Match: {match}")
        assert response.status == status, match
        assert (response.get("content-type") is None) == (status == 304)
    assert ask(programs, "GET", "/index.html").body == page.body
    assert ask(programs, "GET", "/sub/").body == b"sub"
    for target in ("/.hidden", "/link.txt", "/outside.txt", "/sub", "/sub/x", "/a.js/", "/%61.js", "/..%2foutside.txt",
                   "/A.js", "/sub//index.html"):
        assert ask(programs, "GET", target).status == 404, target
