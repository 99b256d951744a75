"""Programs with heap profiles, and clients that read these."""

import array
import os
import socket
import subprocess

from agents import AGENT_ENV, Host
from support import DEADLINE

PROFILED = {**AGENT_ENV, "MALLOC_CONF": "prof:true"}
PROGRAM = "profile_host"


def profiled(**options):
    return Host(program=PROGRAM, env={**PROFILED, **options.pop("env", {})}, **options)


def pprof(*arguments):
    return subprocess.run(
        ["go", "tool", "pprof", "-symbolize=none", *arguments],
        env={**os.environ, "HOME": "/tmp", "PPROF_TMPDIR": "/tmp"},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=DEADLINE,
        check=True,
    ).stdout


def request_profile(pid, timeout=DEADLINE):
    """The document of the agent, and a list of the files that it sends."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(timeout)
        client.connect(f"\0jemalloc_exporter_profile/{pid}")
        document, control, _, _ = client.recvmsg(65536, socket.CMSG_SPACE(64))
    descriptors = array.array("i")
    for level, kind, data in control:
        assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        descriptors.frombytes(data)
    return document.decode(), [os.fdopen(number, "rb") for number in descriptors]


def read_dump(pid):
    """The text of a heap profile, as jemalloc writes it."""
    document, files = request_profile(pid)
    if '"profile":"ok"' not in document or len(files) != 1:
        raise AssertionError(f"no heap profile: {document}")
    with files[0] as file:
        return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode()
