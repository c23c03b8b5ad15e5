#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
#   tests/compose/engine.sh command…
#
# Runs the command beside a Docker engine that has debian:trixie-slim: the engine that runs, else one that is started
# for this and stopped afterwards; the image that is there, else one made by debootstrap. Needs root. Exit code 69: no
# engine can be had here.
set -euo pipefail

BASE=${SLUICE_BASE_IMAGE:-debian:trixie-slim}
NO_ENGINE=69

say() {
    printf -- '--- %s\n' "$*"
}

engine_pid=""
folder=$(mktemp -d)

end() {
    if [ -n "$engine_pid" ]; then
        say "stopping the engine"
        kill -TERM "$engine_pid" 2>/dev/null || true
        wait "$engine_pid" 2>/dev/null || true
    fi
    rm -rf --one-file-system "$folder"
}
trap end EXIT

# The builds and the tests need neither a bridge nor port mapping.
start_engine() {
    say "starting an engine"
    dockerd --bridge=none --iptables=false --pidfile "$folder/pid" >"$folder/log" 2>&1 &
    engine_pid=$!
    local deadline=$((SECONDS + 60))
    until docker info >/dev/null 2>&1; do
        if ! kill -0 "$engine_pid" 2>/dev/null || [ "$SECONDS" -gt "$deadline" ]; then
            tail -n 20 "$folder/log"
            exit $NO_ENGINE
        fi
        sleep 0.2
    done
}

make_base() {
    say "making $BASE by debootstrap"
    local root=$folder/root
    if ! debootstrap --variant=minbase trixie "$root" ${SLUICE_DEBIAN_MIRROR:+"$SLUICE_DEBIAN_MIRROR"} >"$folder/log" 2>&1; then
        tail -n 20 "$folder/log"
        exit 1
    fi
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale,info}/*
    tar -C "$root" -c . | docker import - "$BASE" >/dev/null
    rm -rf --one-file-system "$root"
}

docker info >/dev/null 2>&1 || start_engine
docker image inspect "$BASE" >/dev/null 2>&1 || make_base
"$@"
