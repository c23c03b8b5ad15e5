# SPDX-License-Identifier: MIT
"""The measured programs: a broker with one gateway, and the reference server; started, read, ended."""

import json
import os
import re
import signal
import subprocess
import tempfile

ENDPOINT = "/stomp"


class Sluice:
    """Broker and gateway on a private socket; `stats` holds the gateway's counters once stopped."""

    def __init__(self, build, wrapper=()):
        self.folder = tempfile.TemporaryDirectory(prefix="sluice-bench-")
        config = {
            "log": {"level": "info"},
            "broker": {"socket": os.path.join(self.folder.name, "broker.sock")},
            "gateway": {
                "listen": ["http://127.0.0.1:0"],
                "endpoints": [{"path": ENDPOINT, "sockjs": False}],
                "auth": {"anonymous": True},
                "limits": {"connections": 15000, "sessions": 15000},
            },
        }
        self.file = os.path.join(self.folder.name, "sluice.json")
        with open(self.file, "w", encoding="utf-8") as out:
            json.dump(config, out)
        self.broker = self.start(build, "broker", wrapper)
        self.wait_for(self.broker, "broker_ready")
        self.gateway = self.start(build, "gateway", wrapper)
        self.port = int(re.search(r":(\d+)/", self.wait_for(self.gateway, "listening")).group(1))
        self.wait_for(self.gateway, "link_up")
        self.pids = [self.broker.pid, self.gateway.pid]
        self.stats = {}

    def start(self, build, name, wrapper):
        program = os.path.join(build, name, f"sluice-{name}")
        return subprocess.Popen(
            [*wrapper, program, "--config", self.file], stderr=subprocess.PIPE, text=True
        )

    @staticmethod
    def wait_for(program, event):
        for line in program.stderr:
            if f" {event} " in line or line.rstrip().endswith(f" {event}"):
                return line
        raise SystemExit(f"{program.args} ended before {event}")

    def stop(self):
        self.gateway.send_signal(signal.SIGTERM)
        line = self.wait_for(self.gateway, "gateway_stopped")
        self.stats = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line)}
        self.broker.send_signal(signal.SIGTERM)
        for program in (self.gateway, self.broker):
            program.stderr.read()
            if program.wait() != 0:
                raise SystemExit(f"{program.args} exited with {program.returncode}")
        self.folder.cleanup()


class Bound:
    """The reference server."""

    def __init__(self, build, coalesces):
        program = [os.path.join(build, "tests", "bench", "bound")]
        self.process = subprocess.Popen(
            program + (["--coalesce"] if coalesces else []), stdout=subprocess.PIPE, text=True
        )
        self.port = int(self.process.stdout.readline().split("=")[1])
        self.pids = [self.process.pid]

    def stop(self):
        self.process.kill()
        self.process.wait()


def generate(build, server, **options):
    """Runs the generator against a server; its result as a dict. Loss, repeats and disorder end the run."""
    command = [os.path.join(build, "tests", "bench", "fanout")]
    command += ["--port", str(server.port), "--pids", ",".join(map(str, server.pids))]
    command += ["--path", ENDPOINT]
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"generator failed: {' '.join(command)}")
    return json.loads(done.stdout)
