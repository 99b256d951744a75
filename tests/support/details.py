"""Requests the details of a heap as a client of the agent."""

import json
import socket

from agents import address
from support import DEADLINE

SETS = ("bins", "sizes", "locks", "arenas", "extents")


def request(pid, name):
    """All bytes that the agent sends to a client whose socket has this name."""
    with socket.socket(socket.AF_UNIX) as client:
        client.bind(name)
        client.connect(address(pid))
        client.settimeout(DEADLINE)
        return client.makefile("rb").read()


def details(pid, words=",".join(SETS)):
    return json.loads(request(pid, f"\0jemalloc_exporter_ask/1/{words}/0123456789abcdef"))


def rows(table):
    """The rows of a table, by their first column."""
    return {row[0]: dict(zip(table["columns"], row)) for row in table["rows"]}
