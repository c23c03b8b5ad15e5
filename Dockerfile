# SPDX-License-Identifier: MIT
#
#   docker build --target sluice -t sluice .            both programs and the chat demo: one small image
#   docker build --target haproxy -t sluice-haproxy .   the balancer of docker-compose.yml, from Debian's package
#   docker build --target redis -t sluice-redis .       its Redis, the same way
#   docker build --target test .                        unit and integration tests on Debian 13: ./dev test debian13
#
# The builder without BuildKit builds every stage above the wanted one, so what takes long stands last. No syntax here
# needs BuildKit. An imported base image may have neither CMD nor ENV: each stage says its own.

ARG BASE=debian:trixie-slim

# --- what stands around Sluice ----------------------------------------------------------------------

FROM ${BASE} AS haproxy
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
    && apt-get install -y -q --no-install-recommends haproxy \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY docker/haproxy.cfg /etc/haproxy/haproxy.cfg
USER 10002:10002
EXPOSE 8080 8443 61613
CMD ["haproxy", "-db", "-f", "/etc/haproxy/haproxy.cfg"]

FROM ${BASE} AS redis
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
    && apt-get install -y -q --no-install-recommends redis-server \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && install -d -o 10003 -g 10003 -m 0750 /data
COPY docker/redis.conf /etc/sluice-redis.conf
USER 10003:10003
VOLUME /data
EXPOSE 6379
CMD ["redis-server", "/etc/sluice-redis.conf"]

# --- build ------------------------------------------------------------------------------------------

FROM ${BASE} AS tools
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
RUN apt-get update \
    && apt-get install -y -q --no-install-recommends gcc libc6-dev meson ninja-build pkg-config \
        libuv1-dev libllhttp-dev libjansson-dev libmbedtls-dev libcmocka-dev \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*

FROM tools AS build
WORKDIR /src
COPY meson.build meson_options.txt ./
COPY common common
COPY proto proto
COPY gateway gateway
COPY broker broker
COPY tests/meson.build tests/meson.build
COPY tests/unit tests/unit
COPY tests/fuzz tests/fuzz
COPY tests/bench tests/bench
RUN meson setup /build --buildtype=release -Db_lto=true --strip --prefix=/usr \
    && ninja -C /build gateway/sluice-gateway broker/sluice-broker \
    && strip /build/gateway/sluice-gateway /build/broker/sluice-broker

# The demo's two browser libraries come with the sources where examples/chat/install.sh has run, else by npm.
FROM tools AS pages
COPY examples/chat /pages
WORKDIR /pages
RUN if [ ! -f public/sockjs.min.js ] || [ ! -f public/vendor/stomp.umd.min.js ]; then \
        apt-get update && apt-get install -y -q --no-install-recommends nodejs npm && ./install.sh; \
    fi

# --- the image --------------------------------------------------------------------------------------

FROM ${BASE} AS sluice
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
    && apt-get install -y -q --no-install-recommends libuv1t64 libllhttp9.2 libjansson4 \
        libmbedtls21 libmbedx509-7 libmbedcrypto16 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && groupadd -g 10001 sluice \
    && useradd -u 10001 -g 10001 -M -d /nonexistent -s /usr/sbin/nologin sluice \
    && install -d -o 10001 -g 10001 -m 0750 /run/sluice
COPY --from=build /build/gateway/sluice-gateway /build/broker/sluice-broker /usr/bin/
COPY --from=pages /pages/public /usr/share/sluice/chat
COPY docker/sluice.json /etc/sluice/sluice.json
USER 10001:10001
VOLUME /run/sluice
EXPOSE 8080 8443 61613 9091 9092
CMD ["sluice-gateway", "--config", "/etc/sluice/sluice.json"]

# --- tests on Debian 13 -----------------------------------------------------------------------------

FROM build AS test
RUN apt-get update \
    && apt-get install -y -q --no-install-recommends nodejs npm python3 openssl curl \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY . .
RUN [ -d tests/node_modules ] || (cd tests && npm ci --ignore-scripts --no-audit --no-fund)
RUN meson setup /build-test --buildtype=debug -Doptimization=1 -Db_sanitize=address,undefined \
    && ninja -C /build-test
# Another value runs the tests again although nothing has changed.
ARG TEST_RUN=0
RUN meson test -C /build-test --suite unit --suite fuzz --print-errorlogs --quiet; \
    python3 tests/tidy/count_tap.py /build-test/meson-logs/testlog.json
RUN node tests/integration/run.mjs /build-test
