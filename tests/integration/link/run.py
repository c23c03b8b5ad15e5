#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The broker alone, by its socket: what docs/link-protocol.md promises a gateway.

    run.py <build-dir> [part of a name...]

Each function of the test_*.py files here whose name begins with `test_` is one case; it gets the build directory.
The closing line is `N passed, N failed`.
"""

import importlib
import os
import sys
import time
import traceback

FOLDER = os.path.dirname(os.path.abspath(__file__))


def collect():
    for file in sorted(os.listdir(FOLDER)):
        if file.startswith("test_") and file.endswith(".py"):
            module = importlib.import_module(file[:-3])
            for name, case in vars(module).items():
                if name.startswith("test_") and callable(case):
                    yield f"{file[5:-3]}: {name[5:].replace('_', ' ')}", case


def run_one(name, case, build):
    started = time.monotonic()
    try:
        case(build)
    except Exception:  # pylint: disable=broad-except
        print(f"FAIL {name}\n{traceback.format_exc()}", flush=True)
        return False
    print(f"ok   {name} ({(time.monotonic() - started) * 1000:.0f} ms)", flush=True)
    return True


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.path.insert(0, FOLDER)
    sys.dont_write_bytecode = True
    wanted = [part.replace("_", " ") for part in sys.argv[2:]]
    results = [
        run_one(name, case, os.path.abspath(sys.argv[1]))
        for name, case in collect()
        if all(part in name for part in wanted)
    ]
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    sys.exit(0 if results and all(results) else 1)


if __name__ == "__main__":
    main()
