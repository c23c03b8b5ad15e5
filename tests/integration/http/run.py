#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The raw HTTP suite: bytes on a socket against the real gateway and broker.

    run.py <build-dir> [word...]     words choose cases by name; prints `N passed, N failed`

Each module of this folder holds one kind of question, as tables; a case is a function whose name says what must hold.
After all of them both programs must still be the ones that were started, and end by SIGTERM with exit code 0.
"""

import sys
import traceback

import answers
import connections
import deadlines
import limits
import matrix
import smuggling
from programs import Programs

MODULES = [answers, smuggling, matrix, limits, deadlines, connections]


def cases_of(module):
    return [(name, case) for name, case in vars(module).items()
            if callable(case) and case.__module__ == module.__name__ and name.startswith("that_")]


def run_case(name, case, programs):
    try:
        case(programs)
        programs.check_alive()
    except Exception:  # an assertion, or a socket that ended too soon
        print(f"FAILED {name}")
        traceback.print_exc(file=sys.stdout)
        return False
    print(f"ok {name}")
    return True


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    words = sys.argv[2:]
    passed = failed = 0
    programs = Programs(sys.argv[1])
    try:
        for module in MODULES:
            for name, case in cases_of(module):
                name = f"{module.__name__}: {name.replace('_', ' ')}"
                if all(word in name for word in words):
                    if run_case(name, case, programs):
                        passed += 1
                    else:
                        failed += 1
    finally:
        stopped = run_case("run: that both programs end cleanly", lambda p: p.stop(), programs)
    passed += stopped
    failed += not stopped
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
