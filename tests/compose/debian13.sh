#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Units, fuzz corpora and integration tests on Debian 13, in the image's own build stage. The stage prints a closing line
# for each of its two runs; the last line here is their sum. A build that ends otherwise has failed.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
docker build --force-rm --network host --build-arg "TEST_RUN=$(date +%s%N)" --target test -t sluice-test . >"$log" 2>&1 || status=$?

passed=0 failed=0 runs=0
while read -r ok _ not_ok _; do
    passed=$((passed + ok)) failed=$((failed + not_ok)) runs=$((runs + 1))
done < <(grep -aE '^[0-9]+ passed, [0-9]+ failed$' "$log")
if [ "$status" != 0 ] || [ "$runs" != 2 ]; then
    grep -aE -A 120 '^(FAIL|FAILED|not ok) ' "$log" || true
    echo ...
    tail -n 60 "$log"
fi
if [ "$failed" = 0 ] && { [ "$status" != 0 ] || [ "$runs" != 2 ]; }; then
    failed=1
fi
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
