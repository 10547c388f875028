#!/usr/bin/env bash
# make-ca.sh DIRECTORY: a certificate authority for the tests, and certificates that are right and wrong.
#   ca.pem        to be trusted                       server.pem   localhost, *.localhost, 127.0.0.1, ::1
#   stranger.pem  another CA, signed nothing here     wrong-name.pem   other.example   expired.pem   of 2020
# Each certificate has its key beside it: server.key and so on.
. "$(dirname "$0")/lib.sh"
mkdir -p "${1:?usage: make-ca.sh DIRECTORY}"
cd "$1"

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

authority() { # NAME
    new_key "$1.key"
    openssl req -x509 -new -key "$1.key" -subj "/CN=walferry test $1" -days 3650 -out "$1.pem" \
        -addext 'keyUsage=critical,keyCertSign,cRLSign'
}

issue() { # NAME SUBJECT_ALTERNATIVE_NAMES FROM UNTIL
    new_key "$1.key"
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
    printf 'subjectAltName=%s\n' "$2" >"$1.ext"
    # `openssl ca` because it can set both dates; the others of this OpenSSL cannot.
    openssl ca -batch -config ca.conf -in "$1.csr" -extfile "$1.ext" -startdate "$3" -enddate "$4" -notext -out "$1.pem"
    chmod 600 "$1.key"
}

mkdir -p issued
: >index.txt
cat >ca.conf <<'CONF'
[ca]
default_ca = walferry
[walferry]
database = index.txt
new_certs_dir = issued
certificate = ca.pem
private_key = ca.key
rand_serial = yes
default_md = sha256
policy = anything
unique_subject = no
[anything]
commonName = supplied
CONF
{
    authority ca
    authority stranger
    here='DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1'
    issue server "$here" 20200101000000Z 20491231235959Z
    issue wrong-name DNS:other.example 20200101000000Z 20491231235959Z
    issue expired "$here" 20200101000000Z 20200201000000Z
} >openssl.log 2>&1 || { cat openssl.log >&2; fail "OpenSSL refused"; }
