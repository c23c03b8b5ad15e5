#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fan-out of one publisher to many subscribers: gateway and broker together beside a minimal epoll server.

usage: fanout.py <build-dir> [--rounds N] [--subscribers N,...] [--quick] [--callgrind]

Each round measures both, one after the other; ratios are taken within a round, medians over rounds. Where the machine
counts instructions they are reported beside CPU time. The goals are those of docs/benchmarks.md.
"""

import argparse
import re
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from programs import Bound, Sluice, generate  # noqa: E402

GOALS = {(1000, 1): 1.20, (1000, 16): 1.8, (8000, 1): 1.20, (8000, 8): 1.8}
IDLE_BYTES_GOAL = 1500
IDLE_CONNECTIONS = 10000


def measure(build, make, **options):
    server = make()
    result = generate(build, server, **options)
    server.stop()
    return result, server


def sends_per_delivery(build, subscribers, messages, window):
    """The gateway's own counters, less what connecting costs."""
    _, idle = measure(build, lambda: Sluice(build), subscribers=subscribers, messages=0, warmup=0)
    _, busy = measure(
        build,
        lambda: Sluice(build),
        subscribers=subscribers,
        messages=messages,
        warmup=0,
        window=window,
    )
    sends = busy.stats["send_calls"] - idle.stats["send_calls"]
    return sends / busy.stats["deliveries"]


def compare(build, subscribers, window, rounds, messages):
    rows = []
    for _ in range(rounds):
        options = {"subscribers": subscribers, "window": window, "messages": messages}
        ours, _ = measure(build, lambda: Sluice(build), **options)
        bound, _ = measure(build, lambda: Bound(build, window > 1), **options)
        rows.append((ours, bound))
    return rows


def median(values):
    return statistics.median(values)


def report(subscribers, window, rows):
    ratio = median([ours["cpu_s_per_million"] / bound["cpu_s_per_million"] for ours, bound in rows])
    goal = GOALS.get((subscribers, window))
    verdict = "" if goal is None else f"  goal {goal:.2f}: {'met' if ratio <= goal else 'missed'}"
    print(
        f"{subscribers:>6} subscribers, {window:>2} under way: "
        f"CPU s per million deliveries {median([o['cpu_s_per_million'] for o, _ in rows]):.3f}, "
        f"reference {median([b['cpu_s_per_million'] for _, b in rows]):.3f}, ratio {ratio:.2f}{verdict}"
    )
    if all("instructions_per_delivery" in side for row in rows for side in row):
        ours = median([o["instructions_per_delivery"] for o, _ in rows])
        bound = median([b["instructions_per_delivery"] for _, b in rows])
        print(f"{'':>33}instructions per delivery {ours:.0f}, reference {bound:.0f}, ratio {ours / bound:.2f}")


def report_idle(build, rounds, connections):
    """Resident memory of both programs for connections that subscribed once and then are silent."""
    bytes_each = median(
        [
            measure(build, lambda: Sluice(build), subscribers=connections, messages=0, warmup=0)[0][
                "rss_bytes_per_connection"
            ]
            for _ in range(rounds)
        ]
    )
    goal = f" (goal {IDLE_BYTES_GOAL})" if connections >= IDLE_CONNECTIONS else ""
    print(f"{connections:>6} idle connections: RSS bytes each {bytes_each:.0f}{goal}")


def callgrind_total(folder):
    total = 0
    for file in Path(folder).glob("callgrind.out.*"):
        for line in file.read_text(errors="replace").splitlines():
            match = re.match(r"(?:summary|totals):\s*(\d+)", line)
            if match:
                total += int(match.group(1))
                break
    return total


def user_instructions(build, subscribers):
    """User instructions of gateway and broker per delivery: two runs under callgrind, their difference."""
    totals = []
    counts = (20, 120)
    for messages in counts:
        with tempfile.TemporaryDirectory() as folder:
            wrapper = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind.out.%p"]
            measure(
                build,
                lambda wrapper=wrapper: Sluice(build, wrapper),
                subscribers=subscribers,
                messages=messages,
                warmup=0,
            )
            totals.append(callgrind_total(folder))
    return (totals[1] - totals[0]) / ((counts[1] - counts[0]) * subscribers)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--subscribers", default="1000,8000")
    parser.add_argument("--quick", action="store_true", help="one round, 1,000 subscribers")
    parser.add_argument("--callgrind", action="store_true", help="also count user instructions (slow)")
    options = parser.parse_args()
    sizes = [1000] if options.quick else [int(size) for size in options.subscribers.split(",")]
    rounds = 1 if options.quick else options.rounds
    for subscribers in sizes:
        for window in (1, 16 if subscribers <= 1000 else 8):
            messages = 400 if subscribers <= 1000 else 80
            rows = compare(options.build, subscribers, window, rounds, messages)
            report(subscribers, window, rows)
            sends = sends_per_delivery(options.build, min(subscribers, 1000), 160, window)
            print(f"{'':>33}send calls per delivery {sends:.3f}")
    for connections in sizes + ([] if options.quick else [IDLE_CONNECTIONS]):
        report_idle(options.build, min(rounds, 3), connections)
    if options.callgrind:
        if shutil.which("valgrind") is None:
            print("user instructions: skipped, valgrind is not installed")
        else:
            print(f"user instructions per delivery (callgrind, 1,000): {user_instructions(options.build, 1000):.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
