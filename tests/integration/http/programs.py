# SPDX-License-Identifier: MIT
"""A broker and its gateway as real processes, configured for this suite."""

import json
import os
import re
import resource
import signal
import subprocess
import tempfile
import threading

HEADER_LIMIT = 16 * 1024
HEADER_COUNT = 64
HEADER_LINE = 8 * 1024
TARGET_LIMIT = 2048
BODY_LIMIT = 8 * 1024
DEADLINE_MS = 1000  # header, body and keep-alive


class Programs:
    def __init__(self, build):
        self.folder = tempfile.TemporaryDirectory(prefix="sluice-http-")
        pages = os.path.join(self.folder.name, "pages")
        os.makedirs(os.path.join(pages, "sub"))
        for name, text in (("index.html", "<p>index</p>"), ("a.js", "1"), ("sub/index.html", "sub"),
                           (".hidden", "no")):
            with open(os.path.join(pages, name), "w", encoding="utf-8") as out:
                out.write(text)
        with open(os.path.join(self.folder.name, "outside.txt"), "w", encoding="utf-8") as out:
            out.write("outside")
        os.symlink("../outside.txt", os.path.join(pages, "link.txt"))
        config = {
            "broker": {"socket": os.path.join(self.folder.name, "broker.sock")},
            "gateway": {
                "listen": ["http://127.0.0.1:0"],
                "endpoints": [
                    {"path": "/ws", "sockjs": True},
                    {"path": "/any", "sockjs": True, "allowed_origins": ["*"]},
                    {"path": "/list", "sockjs": True, "allowed_origins": ["https://a.example"]},
                    {"path": "/cookie", "sockjs": True, "cookie_needed": True},
                    {"path": "/plain", "sockjs": False},
                ],
                "pages": [{"path": "/", "root": pages}],
                "limits": {
                    "sockjs_body_size": f"{BODY_LIMIT}B",
                    "message_size": "4KiB",
                },
                "timeouts": {
                    "http_header": f"{DEADLINE_MS}ms",
                    "http_body": f"{DEADLINE_MS}ms",
                    "http_keep_alive": f"{DEADLINE_MS}ms",
                },
            },
        }
        self.build = build
        self.file = os.path.join(self.folder.name, "sluice.json")
        with open(self.file, "w", encoding="utf-8") as out:
            json.dump(config, out)
        self.logs = {"broker": [], "gateway": []}
        self.broker = self.start("broker")
        try:
            self.wait_for(self.broker, "broker", "broker_ready")
            self.start_gateway()
        except BaseException:
            self.broker.kill()
            raise
        for name, program in (("broker", self.broker), ("gateway", self.gateway)):
            threading.Thread(target=self.drain, args=(program, name), daemon=True).start()

    def start_gateway(self):
        self.gateway = self.start("gateway")
        line = self.wait_for(self.gateway, "gateway", "listening")
        self.port = int(re.search(r":(\d+)/", line).group(1))
        self.wait_for(self.gateway, "gateway", "gateway_ready")

    def start(self, name, *words, descriptors=None):
        program = os.path.join(self.build, name, f"sluice-{name}")
        before = None
        if descriptors is not None:
            before = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        return subprocess.Popen([program, "--config", self.file, *words], stderr=subprocess.PIPE, text=True,
                                preexec_fn=before)

    def wait_for(self, program, name, event):
        for line in program.stderr:
            self.logs[name].append(line)
            if line.split(" ")[1:2] == [event] or line.rstrip().endswith(f" {event}"):
                return line
        raise SystemExit(f"{program.args} ended before {event}:\n" + "".join(self.logs[name]))

    def drain(self, program, name):
        self.logs[name].extend(program.stderr)

    def check_alive(self):
        for program in (self.broker, self.gateway):
            assert program.poll() is None, f"{program.args} has ended: {program.returncode}"

    def stop(self):
        codes = []
        for program in (self.gateway, self.broker):
            if program.poll() is None:
                program.send_signal(signal.SIGTERM)
            codes.append(program.wait(timeout=20))
        assert codes == [0, 0], f"exit codes {codes}\n" + "".join(sum(self.logs.values(), [])[-40:])
        self.check_alive = lambda: None
        self.folder.cleanup()


class OtherGateway:
    """One more gateway on the same broker, with options of its own: `with OtherGateway(programs, "a.b=c") as other`."""

    COMMON = ("gateway.name=other", "gateway.timeouts.http_keep_alive=60s", "gateway.timeouts.http_header=60s")

    def __init__(self, programs, *options, descriptors=None):
        words = [word for option in (*self.COMMON, *options) for word in ("--set", option)]
        self.process = programs.start("gateway", *words, descriptors=descriptors)
        self.log = []
        self.ports = []

    def __enter__(self):
        for line in self.process.stderr:
            self.log.append(line)
            self.ports += [int(port) for port in re.findall(r" listening url=\S*:(\d+)", line)]
            if " gateway_ready " in line:
                self.port = self.ports[0]
                return self
        raise AssertionError("the gateway ended:\n" + "".join(self.log))

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.log.extend(self.process.stderr)
        assert self.process.wait(timeout=20) == 0, "".join(self.log[-20:])

    def stats(self):
        """After the end."""
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", self.log[-1])}
