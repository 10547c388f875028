#!/usr/bin/python3
"""An HTTP server that answers as told, for what no real S3 server does on request.

misbehave.py [CERTIFICATE KEY]: listens on a free port of 127.0.0.1 (with TLS where a certificate is given), prints
the port, and serves until its standard input ends. The first part of a request's path, the bucket, names the answer.
"""
import base64
import hashlib
import os
import socket
import ssl
import sys
import threading
import time

counts = {}
recorded = {}
lock = threading.Lock()


class Request:
    def __init__(self, head, connection):
        self.head = head
        self.connection = connection
        self.method, target, _ = head.split("\r\n", 1)[0].split(" ")
        self.target = target
        self.scenario = target.lstrip("/").split("/")[0].split("?")[0]
        self.is_list = "list-type=2" in target
        self.headers = {}
        for line in head.split("\r\n")[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()

    def send(self, data):
        self.connection.sendall(data if isinstance(data, bytes) else data.encode())

    def answer(self, status, body="", *headers, length=None):
        body = body if isinstance(body, bytes) else body.encode()
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
        self.send("\r\n".join(lines) + "\r\n\r\n")
        if self.method != "HEAD":
            self.send(body)

    def error(self, status, code, message="because of the test", *headers, extra=""):
        self.answer(status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message>{extra}</Error>",
                    *headers)

    def listing(self, keys, truncated=False, extra=""):
        contents = "".join(f"<Contents><Key>{key}</Key><Size>1</Size></Contents>" for key in keys)
        self.answer("200 OK", f"<?xml version='1.0'?>{extra}<ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>"
                    f"<IsTruncated>{str(truncated).lower()}</IsTruncated>{contents}</ListBucketResult>")


def endlessly(request, start, piece, pause=0.0):
    request.send(start)
    while True:
        request.send(piece)
        time.sleep(pause)


def flaky(request, count, fail):
    """Fails once, then does what was asked."""
    if count == 1:
        fail()
    else:
        request.answer("200 OK", "fine" if request.method == "GET" else "")


def put_into_locked_bucket(r):
    """As AWS and B2 do for a bucket with Object Lock. False when the request was refused for want of an MD5."""
    sent = r.headers.get("content-md5")
    if sent is None:
        return False
    if sent == base64.b64encode(hashlib.md5(r.body).digest()).decode():
        r.answer("200 OK")
    else:
        r.error("400 Bad Request", "BadDigest", "the Content-MD5 is not the body's")
    return True


def answer(request, count):
    """False when the connection is of no use any more."""
    r = request
    s = r.scenario
    if s == "record":
        if r.method == "PUT":
            recorded["head"] = r.head
            r.answer("200 OK")
        else:
            r.answer("200 OK", recorded.get("head", ""))
    elif s in ("object-lock", "object-lock-hangs-up"):
        if r.method == "GET":
            r.answer("200 OK", str(recorded.get(s, 0)))
        elif not put_into_locked_bucket(r):
            recorded[s] = recorded.get(s, 0) + 1
            if s == "object-lock-hangs-up":
                return False
            r.error("400 Bad Request", "InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for "
                    "Put Object requests with Object Lock parameters")
    elif s == "slow-down":
        flaky(r, count, lambda: r.error("503 Slow Down", "SlowDown", "reduce your rate", "Retry-After: 1"))
    elif s == "too-many-requests":
        flaky(r, count, lambda: r.answer("429 Too Many Requests"))
    elif s == "error-in-200":
        flaky(r, count, lambda: r.error("200 OK", "InternalError"))
    elif s == "bad-digest":
        flaky(r, count, lambda: r.error("400 Bad Request", "BadDigest"))
    elif s == "hang-up":
        if count == 1:
            return False
        r.answer("200 OK", "fine" if r.method == "GET" else "")
    elif s == "always-500":
        r.error("500 Internal Server Error", "InternalError")
    elif s == "denied-500-chars":
        r.error("403 Forbidden", "AccessDenied", "x" * 500 + "\x1b[31m")
    elif s == "denied-without-body":
        r.answer("403 Forbidden")
    elif s == "versioned":
        if r.method == "PUT":
            r.answer("200 OK", "", "x-amz-version-id: 4_z27c88f1d182b150646ff0b16_f100")
        elif r.method == "DELETE":
            recorded[s] = r.target
            r.answer("204 No Content")
        else:
            r.answer("200 OK", recorded.get(s, "none"), "Last-Modified: Fri, 24 May 2013 00:00:00 GMT",
                     "x-amz-version-id: null")
    elif s == "tls-port":
        r.answer("400 Bad Request", "Client sent an HTTP request to an HTTPS server.")
    elif s == "truncated":
        r.answer("200 OK", "x" * 500, length=1000)
        return False
    elif s == "truncated-once":
        r.answer("200 OK", "half" if count == 1 else "whole object", length=12)
        return count != 1
    elif s == "without-length":
        r.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhow much is this?")
        return False
    elif s == "length-behind-a-blank":
        r.send("HTTP/1.1 200 OK\r\nConnection: close\r\n Content-Length: 4\r\n\r\nhow much is this?")
        return False
    elif s == "length-behind-the-end":
        r.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\rContent-Length: 4\r\nhow much is this?")
        return False
    elif s == "length-is-garbage":
        r.send("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhow much is this?")
        return False
    elif s == "chunked":
        r.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n7\r\n object\r\n0\r\nX-Trailer: 1\r\n\r\n")
    elif s == "status-in-lower-case":
        r.send("http/1.1 200 OK\r\nContent-Length: 12\r\n\r\nwhole object")
    elif s == "trailer-like-a-status":
        r.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\nwhole object\r\n0\r\n"
               "HTTP/1.1 404 Not Found: x\r\n\r\n")
    elif s == "claims-exabytes":
        r.send("HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\nsome")
        return False
    elif s == "endless-headers":
        endlessly(r, "HTTP/1.1 200 OK\r\n", "X-More: and more and more and more\r\n" * 50)
    elif s == "endless-header-line":
        endlessly(r, "HTTP/1.1 200 OK\r\nX-More: ", "and more" * 500)
    elif s == "endless-error":
        endlessly(r, "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n", "1000\r\n" + "x" * 4096 + "\r\n")
    elif s == "endless-list":
        endlessly(r, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "10000\r\n" + "x" * 65536 + "\r\n")
    elif s == "garbage":
        r.answer("200 OK", b"\x00\xff<<<&&&" * 100)
    elif s == "empty-list":
        r.answer("200 OK")
    elif s == "web-page":
        r.answer("200 OK", "<html><body>Please log in</body></html>")
    elif s == "list-same-again":
        r.listing(["p/a", "p/b"], truncated=True)
    elif s == "list-nothing-and-more":
        r.listing([], truncated=True)
    elif s == "list-other-prefix":
        r.listing(["q/a"])
    elif s == "list-unordered":
        r.listing(["p/b", "p/a"])
    elif s == "list-entities":
        bomb = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>"
        r.listing(["p/&b;"], extra=bomb)
    elif s == "list-url-encoded":
        r.answer("200 OK", "<ns:ListBucketResult xmlns:ns='x'><ns:EncodingType>url</ns:EncodingType>"
                 "<ns:IsTruncated>false</ns:IsTruncated><ns:Contents><ns:Key>p%2Fa%2Bb+c%25&amp;</ns:Key>"
                 "<ns:Size>12</ns:Size></ns:Contents></ns:ListBucketResult>")
    elif s == "redirect":
        r.error("301 Moved Permanently", "PermanentRedirect", "not here", "x-amz-bucket-region: eu-north-1",
                "Location: http://elsewhere.example/redirect/x",
                extra="<Endpoint>bucket.elsewhere.example</Endpoint>")
    elif s == "redirect-without-body":
        r.answer("307 Temporary Redirect", "", "Location: http://127.0.0.1:1/elsewhere")
    elif s == "wrong-region":
        r.error("400 Bad Request", "AuthorizationHeaderMalformed", "the region is wrong", extra="<Region>eu-north-1</Region>")
    elif s == "not-found-page":
        r.answer("404 Not Found", "<html><body>nginx</body></html>")
    elif s == "skewed":
        r.error("403 Forbidden", "RequestTimeTooSkewed", "too far apart", "Date: Fri, 24 May 2013 00:00:00 GMT")
    elif s == "skewed-without-body":
        r.answer("403 Forbidden", "", "Date: Fri, 24 May 2013 00:00:00 GMT")
    elif s == "full":
        r.error("403 Forbidden", "QuotaExceeded")
    elif s == "too-large":
        r.error("413 Entity Too Large", "EntityTooLarge")
    elif s == "silent":
        time.sleep(3600)
    elif s == "drip-body":
        endlessly(r, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", "x", 0.05)
    elif s == "drip-headers":
        endlessly(r, "HTTP/1.1 200 OK\r\nX-Slow: ", "x", 0.05)
    elif s == "no-http":
        r.send("SSH-2.0-OpenSSH_9.2p1\r\n")
        return False
    elif s == "rotated":
        if "Credential=new-key/" in r.headers.get("authorization", ""):
            r.answer("200 OK", "fine")
        else:
            r.error("403 Forbidden", "InvalidAccessKeyId", "no such key")
    else:
        r.error("404 Not Found", "NoSuchBucket", "no such scenario")
    return True


def read_head(stream):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return None
        head += line
    return head[:-4].decode()


def serve(connection):
    try:
        stream = connection.makefile("rb")
        while True:
            head = read_head(stream)
            if head is None:
                return
            request = Request(head, connection)
            request.body = stream.read(int(request.headers.get("content-length", 0)))
            with lock:
                counts[request.scenario] = count = counts.get(request.scenario, 0) + 1
            if not answer(request, count):
                return
    except OSError:
        pass  # the client has had enough, which is what it should do
    finally:
        connection.close()


def main():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    context = None
    if len(sys.argv) == 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()

        def run(raw=connection):
            try:
                serve(context.wrap_socket(raw, server_side=True) if context else raw)
            except (OSError, ssl.SSLError):
                raw.close()

        threading.Thread(target=run, daemon=True).start()


main()
