#!/usr/bin/env python3
"""holding_line.py PORT BYTES TEXT: a line to the server on 127.0.0.1:PORT. Once a request with TEXT in it has passed, BYTES
more come back on that connection; what follows is held until the server is gone, and then the line is, too. Prints the
port it listens on."""
import socket
import sys
import threading

SERVER = ("127.0.0.1", int(sys.argv[1]))
ALLOWED = int(sys.argv[2])
TEXT = sys.argv[3].encode()


def send_on(client, server, asked):
    try:
        while data := client.recv(65536):
            if TEXT in data:
                asked.set()
            server.sendall(data)
    except OSError:
        pass


def send_back(server, client, asked):
    left = ALLOWED
    try:
        while data := server.recv(65536):
            if not asked.is_set():
                client.sendall(data)
                continue
            client.sendall(data[:left])
            left -= min(left, len(data))
    except OSError:
        pass
    client.shutdown(socket.SHUT_RDWR)


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        client, _ = listener.accept()
        try:
            server = socket.create_connection(SERVER)
        except OSError:
            client.close()
            continue
        asked = threading.Event()
        for way, ends in ((send_on, (client, server)), (send_back, (server, client))):
            threading.Thread(target=way, args=(*ends, asked), daemon=True).start()


main()
