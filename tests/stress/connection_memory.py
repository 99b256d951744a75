"""The exporter's RSS for each connection: idle after a response, and with half a
request sent; over HTTP and over TLS, where half a record is a case of its own.

    connection_memory.py CONNECTIONS

At most 500, the limit for one client. Fails above 20 KiB for an idle connection
over TLS, above 4 KiB more for half a request, and above 24 KiB more for half a
record: OpenSSL holds all of it."""

import contextlib
import itertools
import os
import socket
import ssl
import sys
import tempfile

from pki import Pki
from support import wait_for
from target import SCRAPE, Exporter, split, status_kib

READY = b"GET /-/ready HTTP/1.1\r\nHost: test\r\n\r\n"
HALF = b"GET /metrics HTTP/1.1\r\nHost: test\r\nUser-Agent: Prometh"
# A record of 16 KiB, but for its last 384 bytes.
HALF_RECORD = b"\x17\x03\x03\x40\x00" + b"x" * 16_000
MAX_KIB = {
    "idle TLS": 20,
    "half-sent HTTP": 4,
    "half-sent TLS": 4,
    "half a TLS record": 24,
}


class Connections(contextlib.ExitStack):
    def __init__(self, port, tls):
        super().__init__()
        self.port = port
        self.tls = tls
        self.all = []

    def open(self):
        client = self.enter_context(
            socket.create_connection(("127.0.0.1", self.port), timeout=10)
        )
        if self.tls:
            client = self.enter_context(self.tls.wrap_socket(client))
        self.all.append(client)
        return client


def request(client, data=READY):
    client.sendall(data)
    received = b""
    while not split(received):
        received += client.recv(1 << 16)


def received_all(port):
    """Whether no socket of `port` has data that its process has not read."""
    with open("/proc/net/tcp") as file:
        sockets = [line.split() for line in file][1:]
    return all(
        queues.endswith(":00000000")
        for _, local, _, _, queues, *_ in sockets
        if int(local.rpartition(":")[2], 16) == port
    )


def resident_kib(exporter):
    wait_for(lambda: received_all(exporter.port), "the exporter to read")
    return status_kib(exporter.process.pid, "VmRSS")


def measure(exporter, count, tls):
    """KiB for an idle connection, and more for half a request and half a record."""
    with Connections(exporter.port, tls) as connections:
        for _ in range(20):
            request(connections.open(), SCRAPE)
        before = resident_kib(exporter)
        for _ in range(count):
            request(connections.open())
        idle = resident_kib(exporter)
        for client in connections.all[-count:]:
            client.sendall(HALF)
        half_sent = resident_kib(exporter)
        for client in connections.all[-count:] if tls else ():
            with socket.socket(fileno=os.dup(client.fileno())) as transport:
                transport.sendall(HALF_RECORD)
        half_record = resident_kib(exporter)
    kib = before, idle, half_sent, half_record
    return [(after - earlier) / count for earlier, after in itertools.pairwise(kib)]


def main(count):
    with tempfile.TemporaryDirectory() as folder:
        Pki(folder).issue("server")
        config = os.path.join(folder, "web.yml")
        with open(config, "w") as file:
            file.write(
                "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
            )
        tls = ssl.create_default_context()
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
        found = {}
        for name, client_tls, arguments in (
            ("HTTP", None, ()),
            ("TLS", tls, (f"--web.config.file={config}",)),
        ):
            with Exporter(*arguments) as exporter:
                kib = measure(exporter, count, client_tls)
            found[f"idle {name}"], found[f"half-sent {name}"], half_record = kib
        found["half a TLS record"] = half_record
    print(", ".join(f"{name} {kib:.1f} KiB" for name, kib in found.items()))
    for name, limit in MAX_KIB.items():
        assert found[name] <= limit, f"{name} is above {limit} KiB"


if __name__ == "__main__":
    main(int(sys.argv[1]))
