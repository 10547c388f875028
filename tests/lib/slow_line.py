#!/usr/bin/env python3
"""slow_line.py PORT RATE: a line to the server on 127.0.0.1:PORT that lets RATE bytes a second come back, of all of its
connections together. Prints the port it listens on."""
import socket
import sys
import threading
import time

SERVER = ("127.0.0.1", int(sys.argv[1]))
RATE = int(sys.argv[2])
turn = threading.Lock()


def send_on(client, server):
    try:
        while data := client.recv(65536):
            server.sendall(data)
    except OSError:
        pass


def send_back(server, client):
    try:
        while data := server.recv(max(1024, RATE // 10)):
            with turn:
                time.sleep(len(data) / RATE)
            client.sendall(data)
    except OSError:
        pass
    for end in (client, server):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


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
