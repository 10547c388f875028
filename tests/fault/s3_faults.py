"""What a server of s3_server.py can do wrong: one function a fault, named in a plan with hyphens.

Each takes the exchange and the rule's argument, and returns whether the connection can be used again.
"""
import select
import socket
import struct
import sys
import time


def named(name):
    function = getattr(sys.modules[__name__], name.replace("-", "_"), None)
    if function is None:
        raise ValueError(f"no fault: {name}")
    return function


def wait_for_the_client_to_leave(x):
    poll = select.poll()
    poll.register(x.connection, select.POLLRDHUP | select.POLLHUP | select.POLLERR)
    poll.poll()
    return False


def flipped(body):
    middle = len(body) // 2
    return body[:middle] + bytes([body[middle] ^ 0x10]) + body[middle + 1:] if body else body


def hang(x, _):
    """The request's body is never read."""
    return wait_for_the_client_to_leave(x)


def hang_in_request(x, _):
    x.read_body(x.length // 2)
    return wait_for_the_client_to_leave(x)


def hang_in_answer(x, _):
    x.read_body()
    status, headers, body = x.perform()
    x.answer(status, headers, body[:len(body) // 2], length=max(1, len(body)))
    return wait_for_the_client_to_leave(x)


def keep_and_hang(x, _):
    """Does what was asked and never says so."""
    x.read_body()
    x.perform()
    return wait_for_the_client_to_leave(x)


def keep_and_hang_up(x, _):
    x.read_body()
    x.perform()
    return False


def hang_up(x, _):
    x.read_body()
    return False


def reset(x, _):
    x.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def status(x, argument):
    """STATUS [CODE [HEADER]]: such as 503 SlowDown Retry-After: 1"""
    number, _, rest = argument.partition(" ")
    code, _, header = rest.partition(" ")
    x.read_body()
    body = x.error(code, "because of the test") if code not in ("", "-") else b""
    return x.answer(f"{number} Fault", [header] if header else [], body)


def retry_at(x, seconds):
    """503 with a Retry-After that is a date."""
    x.read_body()
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + int(seconds)))
    return x.answer("503 Slow Down", [f"Retry-After: {date}"], x.error("SlowDown", "because of the test"))


def region(x, name):
    x.read_body()
    return x.answer("400 Bad Request", [], x.error("AuthorizationHeaderMalformed", "the region is wrong",
                                                   f"<Region>{name}</Region>"))


def redirect(x, number):
    x.read_body()
    return x.answer(f"{number} Elsewhere", ["Location: https://bucket.elsewhere.example/"],
                    x.error("PermanentRedirect" if number == "301" else "TemporaryRedirect", "not here",
                            "<Endpoint>bucket.elsewhere.example</Endpoint>"))


def skew(x, _):
    x.read_body()
    return x.answer("403 Forbidden", ["Date: Fri, 24 May 2013 00:00:00 GMT"],
                    x.error("RequestTimeTooSkewed", "the difference is too large"))


def lie(x, _):
    """Says that it was stored."""
    x.read_body()
    return x.answer("200 OK", [], b"")


def damage(x, _):
    """Keeps other bytes than it was given."""
    body = x.read_body()
    x.perform()
    x.store.put(x.path, flipped(body))
    return x.answer("200 OK", [], b"")


def flip(x, _):
    status_line, headers, body = x.perform()
    return x.answer(status_line, headers, flipped(body))


def truncate(x, _):
    status_line, headers, body = x.perform()
    x.answer(status_line, headers, body[:len(body) // 2], length=len(body))
    return False


def short_length(x, _):
    status_line, headers, body = x.perform()
    return x.answer(status_line, headers, body, length=len(body) - 100)


def long_length(x, _):
    status_line, headers, body = x.perform()
    x.answer(status_line, headers, body, length=len(body) + 100)
    return wait_for_the_client_to_leave(x)


def without_length(x, _):
    status_line, headers, body = x.perform()
    x.head(status_line, ["Connection: close"], None)
    x.connection.sendall(body)
    return False


def lag(x, listings):
    """An object is in no listing before it was put `listings` listings ago."""
    return x.answer("200 OK", [], x.listing(x.visible_keys(int(listings))))


def garbage(x, _):
    x.read_body()
    return x.answer("200 OK", [], b"\x00\xff<<<&&&" * 100)


def web_page(x, _):
    x.read_body()
    return x.answer("200 OK", [], b"<html><body>Please log in</body></html>")


def no_http(x, _):
    x.connection.sendall(b"SSH-2.0-OpenSSH_9.2p1\r\n")
    return False


def endlessly(x, start, piece):
    x.connection.sendall(start)
    while True:
        x.connection.sendall(piece)


def endless_headers(x, _):
    endlessly(x, b"HTTP/1.1 200 OK\r\n", b"X-More: and more and more and more\r\n" * 50)


def endless_body(x, number):
    endlessly(x, f"HTTP/1.1 {number or 200} OK\r\nTransfer-Encoding: chunked\r\n\r\n".encode(),
              b"10000\r\n" + b"x" * 65536 + b"\r\n")


def drip(x, rate):
    """Everything at `rate` bytes a second, and nothing wrong."""
    step = max(1, int(rate) // 10)
    while len(x.body) < x.length:
        x.read_body(min(step, x.length - len(x.body)))
        time.sleep(0.1)
    status_line, headers, body = x.perform()
    x.head(status_line, headers, len(body))
    for at in range(0, len(body) if x.method != "HEAD" else 0, step):
        x.connection.sendall(body[at:at + step])
        time.sleep(0.1)
    return True
