#!/bin/sh
# SPDX-License-Identifier: MIT
# Puts the two browser libraries where the page finds them: npm ci, then a copy into public/.
# Done already for this package-lock.json? Then nothing happens.
set -eu
cd "$(dirname "$0")"

if ! cmp -s package-lock.json node_modules/.installed; then
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    cp package-lock.json node_modules/.installed
fi

# $1 from node_modules becomes $2 under public/; an unchanged file keeps its time.
put() {
    cmp -s "node_modules/$1" "public/$2" || cp "node_modules/$1" "public/$2"
}

mkdir -p public/vendor
put @stomp/stompjs/bundles/stomp.umd.min.js vendor/stomp.umd.min.js
put @stomp/stompjs/LICENSE vendor/stomp.LICENSE.txt
# At the root, because the iframe transports load it from the path of `client_library`: it must be the page's own version.
put sockjs-client/dist/sockjs.min.js sockjs.min.js
put sockjs-client/LICENSE vendor/sockjs.LICENSE.txt
