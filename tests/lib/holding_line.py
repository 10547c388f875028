#!/usr/bin/env python3
"""holding_line.py PORT BYTES: a line to the server on 127.0.0.1:PORT that lets BYTES of each connection come back and
then holds what follows, until the server is gone; then the line is, too. Prints the port it listens on."""
import socket
import sys
import threading

SERVER = ("127.0.0.1", int(sys.argv[1]))
ALLOWED = int(sys.argv[2])


def send_on(client, server):
    try:
        while data := client.recv(65536):
            server.sendall(data)
    except OSError:
        pass


def send_back(server, client):
    left = ALLOWED
    try:
        while data := server.recv(65536):
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
        for way, ends in ((send_on, (client, server)), (send_back, (server, client))):
            threading.Thread(target=way, args=ends, daemon=True).start()


main()
