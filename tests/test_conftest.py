"""The guards every test relies on do guard."""

import socket

import pytest


def test_other_machines_are_out_of_reach() -> None:
    with socket.socket() as outside, pytest.raises(Exception, match="tried to reach"):
        outside.connect(("192.0.2.1", 9))
    with pytest.raises(Exception, match="tried to look up"):
        socket.getaddrinfo("example.org", 80)


def test_loopback_works() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        client.sendall(b"x")
        connection, _ = server.accept()
        with connection:
            assert connection.recv(1) == b"x"
