#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Adds up what test programs reported in TAP, from logs of Meson: count_tap.py testlog.json…

Meson counts programs; this counts their cases. A program that failed without naming a case (a crash, a time limit, a
sanitizer's report at exit) counts as one failure, and so does a log without any program.
"""

import json
import re
import sys

CASE = re.compile(r"^(not )?ok\b", re.MULTILINE)


def count(program):
    cases = CASE.findall(program.get("stdout", ""))
    failed = sum(1 for word in cases if word)
    if failed == 0 and program["result"] not in ("OK", "SKIP"):
        failed = 1
        print(f"{program['name']}: {program['result']}")
    return len(cases) - sum(1 for word in cases if word), failed


def main():
    passed = failed = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as log:
            counts = [count(json.loads(line)) for line in log]
        passed += sum(count[0] for count in counts)
        failed += sum(count[1] for count in counts) if counts else 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
