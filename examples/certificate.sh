#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# A CA of one's own, once, and a certificate signed by it, for localhost and the names and addresses given:
#
#   examples/certificate.sh <folder> [name…]       ca.pem, ca.key, localhost.pem, localhost.key
#   examples/certificate.sh <folder> --keep        only if there is none, or it ends within a week
#
# For trying, not for serving others: localhost.key can be read by everybody on this machine, since the composition's
# gateways run under a user id of their own. The CA's key only by its owner.
set -euo pipefail
export LC_ALL=C.UTF-8

CA_DAYS=3650
CERTIFICATE_DAYS=397 # what browsers take at most

folder=${1:?usage: certificate.sh <folder> [name…]}
shift
if [ "${1:-}" = --keep ]; then
    shift
    openssl x509 -in "$folder/localhost.pem" -checkend 604800 -noout >/dev/null 2>&1 && exit 0
fi
names="DNS:localhost,IP:127.0.0.1,IP:::1"
for name in "$@"; do
    if ! [[ $name =~ ^[A-Za-z0-9.*:-]+$ ]]; then
        printf 'certificate.sh: expected a host name or an address, got %s\n' "$name" >&2
        exit 1
    fi
    if [[ $name =~ ^[0-9.]+$ || $name == *:* ]]; then names+=",IP:$name"; else names+=",DNS:$name"; fi
done

mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ ! -f "$folder/ca.pem" ]; then
    (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$CA_DAYS" \
        -subj "/CN=Sluice local CA ($(uname -n))" -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -keyout "$folder/ca.key" -out "$folder/ca.pem" 2>/dev/null)
    chmod 0644 "$folder/ca.pem"
fi

printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$names" >"$work/extensions"
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout "$work/key" \
    -out "$work/request" 2>/dev/null
openssl x509 -req -in "$work/request" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" \
    -set_serial "0x$(openssl rand -hex 16)" -days "$CERTIFICATE_DAYS" -extfile "$work/extensions" \
    -out "$work/certificate" 2>/dev/null

# Written in place: a container that has them mounted sees the new ones.
cat "$work/key" >"$folder/localhost.key"
cat "$work/certificate" >"$folder/localhost.pem"
chmod 0644 "$folder/localhost.key" "$folder/localhost.pem"
printf '%s/localhost.pem and localhost.key for %s; clients must trust %s/ca.pem\n' "$folder" "$names" "$folder"
