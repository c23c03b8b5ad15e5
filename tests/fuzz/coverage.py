#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many lines of its codec each fuzz target's corpus reaches.

usage: coverage.py <build-dir> [target...]

The build has clang's source coverage (./dev coverage makes it). Each target replays tests/fuzz/corpus/<target>; a file
of TABLE below LINES_MIN per cent is a failure, and so is a target that is missing here.

What a target links but is not for has no row: containers, and of the configuration what no byte from outside reaches
(options_help.c, settings.c, settings_help.c). broker/commands.c only decodes and dispatches.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINES_MIN = 90

TABLE = {
    "checkpoint": ["gateway/checkpoint.c"],
    "config": [
        "common/options.c",
        "common/options_error.c",
        "common/options_json.c",
        "common/options_nearest.c",
        "common/options_print.c",
        "common/options_units.c",
        "common/options_value.c",
        "common/settings_check.c",
        "common/settings_listen.c",
    ],
    "destination": ["proto/destination.c"],
    "http1": ["common/http1.c", "common/http1_rules.c", "common/http1_scan.c"],
    "jwks": ["gateway/jwks.c"],
    "jwt": ["gateway/jwt.c", "gateway/base64url.c", "gateway/json_depth.c", "gateway/identity.c"],
    "link": ["common/wire.c", "proto/link_msg.c"],
    "pkcs12": ["common/der.c", "common/pkcs12.c", "common/pkcs12_pbe.c", "common/rc2.c"],
    "sessions": [
        "broker/claims.c",
        "broker/handover.c",
        "broker/relays.c",
        "broker/session_log.c",
        "broker/session_subscriptions.c",
        "broker/sessions.c",
    ],
    "sockjs_frame": ["proto/sockjs_frame.c", "proto/sockjs_messages.c", "proto/utf8.c"],
    "stomp_frame": ["proto/stomp_frame.c", "proto/stomp_headers.c"],
    "ws_frame": ["proto/ws_frame.c"],
}


def find_tool(name):
    """llvm-cov, or Debian's llvm-cov-14 and the like: of the compiler's version first."""
    clang = subprocess.run(["clang", "-dumpversion"], stdout=subprocess.PIPE, text=True, check=True).stdout
    for candidate in (f"{name}-{clang.split('.')[0]}", name):
        if shutil.which(candidate):
            return candidate
    raise SystemExit(f"coverage: no {name}")


def measure(program, corpus):
    """{file below the root: per cent of its lines}"""
    with tempfile.TemporaryDirectory() as folder:
        raw, merged = os.path.join(folder, "raw"), os.path.join(folder, "merged")
        environment = dict(os.environ, LLVM_PROFILE_FILE=raw)
        subprocess.run([program, corpus], env=environment, stdout=subprocess.DEVNULL, check=True)
        subprocess.run([find_tool("llvm-profdata"), "merge", "-o", merged, raw], check=True)
        command = [find_tool("llvm-cov"), "export", "-summary-only", f"-instr-profile={merged}", program]
        text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    percents = {}
    for file in json.loads(text)["data"][0]["files"]:
        path = os.path.relpath(os.path.join(os.path.dirname(program), file["filename"]), ROOT)
        percents[path] = file["summary"]["lines"]["percent"]
    return percents


def main():
    build, wanted = Path(sys.argv[1]).resolve(), sys.argv[2:]
    targets = sorted(file.stem.removeprefix("fuzz_") for file in Path(__file__).parent.glob("fuzz_*.c"))
    passed = failed = 0
    for target in wanted or targets:
        if target not in TABLE:
            print(f"{target:<14} is not in the table of coverage.py")
            failed += 1
            continue
        corpus = ROOT / "tests/fuzz/corpus" / target
        percents = measure(str(build / "tests/fuzz" / f"fuzz_{target}"), str(corpus))
        print(f"{target} ({len(list(corpus.iterdir()))} files)")
        for file in TABLE[target]:
            percent = percents.get(file, 0)
            is_enough = percent >= LINES_MIN
            passed, failed = passed + is_enough, failed + (not is_enough)
            print(f"    {file:<34} {percent:5.1f} %{'' if is_enough else f'  below {LINES_MIN} %'}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
