#!/usr/bin/python3
"""S3 servers that keep what they are given, and misbehave according to a plan that can change at any time.

s3_server.py FOLDER [CA_FOLDER]: prints the port of its control and serves until its standard input ends.
  PUT /NAME    the body is the plan of server NAME, which is started when it is new; answers with its port
  GET /NAME    the requests that it has had under this plan, one a line
Objects are files: FOLDER/NAME/BUCKET/KEY. Every bucket exists; signatures are not checked, digests are.

A plan is a list of rules, separated by semicolons; the first that fits a request decides, none means good behaviour.
  down                                refuse connections
  tls CERTIFICATE                     speak TLS with this certificate of CA_FOLDER (see tests/s3/make-ca.sh)
  seed NUMBER                         for the chances below
  OPERATION[WHICH] FAULT [ARGUMENT]   OPERATION: put get head list delete any
                                      WHICH: @3 the third, @3-5, @3- the third and all after it, %30 a chance
The faults are the functions in s3_faults.py.
"""
import hashlib
import http.server
import os
import pathlib
import random
import re
import socket
import ssl
import sys
import threading
import time
import urllib.parse

import s3_faults

RULE = re.compile(r"(put|get|head|list|delete|any)(?:@(\d+)(-(\d*))?|%(\d+))? (\S+) ?(.*)")


class Rule:
    def __init__(self, text, chances):
        match = RULE.fullmatch(text)
        if not match:
            raise ValueError(f"no rule: {text}")
        self.operation, first, dash, last, percent, name, self.argument = match.groups()
        self.fault = s3_faults.named(name)
        self.first = int(first or 1)
        self.last = self.first if first and not dash else int(last) if last else None
        self.percent = int(percent) if percent else None
        self.chances = chances
        self.seen = 0

    def fits(self, operation):
        if self.operation not in (operation, "any"):
            return False
        self.seen += 1
        if self.percent is not None:
            return self.chances.randrange(100) < self.percent
        return self.seen >= self.first and (self.last is None or self.seen <= self.last)


class Plan:
    def __init__(self, text):
        lines = [line.strip() for line in text.split(";") if line.strip()]
        self.down = "down" in lines
        self.certificate = next((line[4:] for line in lines if line.startswith("tls ")), None)
        chances = random.Random(next((int(line[5:]) for line in lines if line.startswith("seed ")), 0))
        self.rules = [Rule(line, chances) for line in lines if not re.match("down$|tls |seed ", line)]
        self.requests = []

    def fault_for(self, operation):
        return next(((rule.fault, rule.argument) for rule in self.rules if rule.fits(operation)), (None, ""))


class Store:
    """The objects of one server, and how often each was listed since it was put."""

    def __init__(self, folder):
        self.folder = folder
        self.listings = {}
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, path, body):
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{threading.get_ident()}")
        part.write_bytes(body)
        part.rename(target)

    def get(self, path):
        try:
            return (self.folder / path).read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            return None

    def remove(self, path):
        (self.folder / path).unlink(missing_ok=True)

    def keys(self, bucket):
        root = self.folder / bucket
        found = (p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file() and p.name[0] != ".")
        return sorted(found, key=str.encode)

    def size(self, bucket, key):
        return (self.folder / bucket / key).stat().st_size


class Server:
    def __init__(self, name, folder, ca_folder):
        self.lock = threading.Lock()
        self.store = Store(folder / name)
        self.ca_folder = ca_folder
        self.plan = Plan("down")
        self.port = 0
        self.listener = None
        self.bind()

    def bind(self):
        """A bound socket that does not listen refuses connections and still keeps the port."""
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.port = self.listener.getsockname()[1]

    def follow(self, plan):
        with self.lock:
            was_down, self.plan = self.plan.down, plan
            if was_down and not plan.down:
                self.listener.listen(128)
                threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()
            elif plan.down and not was_down:
                self.listener.shutdown(socket.SHUT_RDWR)
                self.listener.close()
                self.bind()

    def accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection, self.plan), daemon=True).start()

    def serve(self, connection, plan):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if plan.certificate:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                certificate = f"{self.ca_folder}/{plan.certificate}"
                context.load_cert_chain(f"{certificate}.pem", f"{certificate}.key")
                connection = context.wrap_socket(connection, server_side=True)
            stream = connection.makefile("rb", buffering=65536)
            while exchange := Exchange.read(self, connection, stream):
                if not exchange.handle():
                    return
                if self.plan.down:
                    return
        except (OSError, ValueError):
            pass  # the client has had enough
        finally:
            connection.close()


class Exchange:
    """One request and its answer. A fault takes the steps of handle() in its own way."""

    def __init__(self, server, connection, stream, head):
        self.store, self.connection, self.stream = server.store, connection, stream
        self.plan, self.lock = server.plan, server.lock
        self.method, target, _ = head[0].split(" ")
        path, _, query = target.partition("?")
        self.path = urllib.parse.unquote(path).strip("/")
        self.query = {name: values[0] for name, values in urllib.parse.parse_qs(query).items()}
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        self.operation = "list" if "list-type" in self.query else self.method.lower()
        self.length = int(self.headers.get("content-length", 0))
        self.body = b""

    @classmethod
    def read(cls, server, connection, stream):
        head = []
        while line := stream.readline().decode("latin-1"):
            if line == "\r\n":
                return cls(server, connection, stream, head)
            head.append(line.rstrip("\r\n"))
        return None

    def handle(self):
        """False when the connection is of no use any more."""
        with self.lock:
            fault, argument = self.plan.fault_for(self.operation)
            self.plan.requests.append(f"{self.operation} {self.path}" + (f" {fault.__name__}" if fault else ""))
        if fault:
            return fault(self, argument)
        self.read_body()
        return self.answer(*self.perform())

    def read_body(self, size=None):
        self.body += self.stream.read(self.length - len(self.body) if size is None else size)
        return self.body

    def perform(self):
        """Does what was asked; returns status, headers and body of the honest answer."""
        if self.operation == "put":
            return self.perform_put(self.body)
        if self.operation == "list":
            return "200 OK", [], self.listing(self.visible_keys())
        if self.operation == "delete":
            self.store.remove(self.path)
            return "204 No Content", [], b""
        content = self.store.get(self.path)
        if content is None:
            return "404 Not Found", [], self.error("NoSuchKey", "there is no such key")
        return "200 OK", [], content

    def perform_put(self, body):
        digest = self.headers.get("x-amz-content-sha256")
        if len(body) != self.length or hashlib.sha256(body).hexdigest() != digest:
            return "400 Bad Request", [], self.error("BadDigest", "the body is not what was announced")
        self.store.put(self.path, body)
        return "200 OK", [], b""

    def visible_keys(self, hidden_for=0):
        """Keys below the prefix asked for; one that was put shows up only after `hidden_for` listings."""
        prefix, after = self.query.get("prefix", ""), self.query.get("start-after", "")
        with self.lock:
            keys = []
            for key in self.store.keys(self.path):
                asked = self.store.listings[key] = self.store.listings.get(key, 0) + 1
                if asked > hidden_for and key.startswith(prefix) and key.encode() > after.encode():
                    keys.append(key)
        return keys

    def listing(self, keys):
        page = keys[:int(self.query.get("max-keys", 1000))]
        contents = "".join(f"<Contents><Key>{urllib.parse.quote(key)}</Key><Size>{self.store.size(self.path, key)}"
                           "</Size></Contents>" for key in page)
        return (f"<?xml version='1.0'?><ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>"
                f"<EncodingType>url</EncodingType><IsTruncated>{str(len(keys) > len(page)).lower()}</IsTruncated>"
                f"{contents}</ListBucketResult>").encode()

    @staticmethod
    def error(code, message="", extra=""):
        return (f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message>{extra}"
                "</Error>").encode()

    def head(self, status, headers, length):
        lines = [f"HTTP/1.1 {status}"]
        if not any(line.startswith("Date:") for line in headers):
            lines.append("Date: " + time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()))
        if length is not None and not status.startswith("204"):
            lines.append(f"Content-Length: {length}")
        self.connection.sendall("\r\n".join([*lines, *headers, "", ""]).encode())

    def answer(self, status, headers, body, length=None):
        self.head(status, headers, len(body) if length is None else length)
        if self.method != "HEAD":
            self.connection.sendall(body)
        return True


class Control(http.server.BaseHTTPRequestHandler):
    servers, folder, ca_folder = {}, None, None

    def do_PUT(self):
        name = self.path.strip("/")
        plan = Plan(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if name not in self.servers:
            self.servers[name] = Server(name, self.folder, self.ca_folder)
        self.servers[name].follow(plan)
        self.reply(str(self.servers[name].port))

    def do_GET(self):
        server = self.servers[self.path.strip("/")]
        with server.lock:
            self.reply("".join(line + "\n" for line in server.plan.requests))

    def reply(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def main():
    Control.folder = pathlib.Path(sys.argv[1])
    Control.ca_folder = sys.argv[2] if len(sys.argv) > 2 else None
    control = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Control)
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    print(control.server_port, flush=True)
    control.serve_forever()


main()
