"""Heap profiles of a program in which jemalloc samples every allocation, while
its threads throw exceptions, load and unload a library, fork, start threads, and
free the memory of other threads.

    heap_profiles.py DUMPS

Ends when that many profiles were received and the program has done each of these
some times. The program must then end by itself, without a wrong result, and the
profile must have exactly what it keeps allocated."""

import os
import re
import sys
import time

import target  # noqa: F401  # Adds tests/support to the path.
from agents import AGENT_ENV, DEADLINE, Host, query
from profiles import read_dump
from programs import run

TOOLS = os.environ["STRESS_TOOLS"]
ENV = {**AGENT_ENV, "MALLOC_CONF": "prof:true,lg_prof_sample:0"}
# A machine that is busy otherwise runs few of these in the time of the dumps.
MINIMA = {
    "throws": 1000, "loads": 100, "forks": 30, "threads": 300, "exchanges": 300,
    "exchanges_of_another": 300,
}
KEPT_BYTES = 1000 * 512


class Failure(Exception):
    """A profile or a program that is not as it should be."""


def require(condition, *what):
    if not condition:
        raise Failure(*what)


def counts(host):
    return {name: int(n) for name, n in re.findall(r"(\w+)=(\d+)", host.answer("\n"))}


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def dump_until(host, dumps):
    """Returns the number of profiles, and what the program has done meanwhile."""
    deadline = time.monotonic() + 2 * DEADLINE
    received = 0
    while True:
        text = read_dump(host.pid)
        require(text.startswith("heap_v2/1\n"), text[:100])
        require("\nMAPPED_LIBRARIES:\n" in text, text[-100:])
        received += 1
        if received % 20:
            continue
        require(query(host.pid)["pid"] == host.pid)
        done = counts(host)
        if received >= dumps and all(done[name] >= MINIMA[name] for name in MINIMA):
            return received, done
        require(time.monotonic() < deadline, received, done)


def kept_bytes(pid):
    status, out, err = run("profile", f"--pid={pid}", "--format=collapsed")
    require((status, err) == (0, ""), err)
    return sum(int(n) for n in re.findall(r"(?m)^.*\bKeep\b.* (\d+)$", out))


def main(dumps):
    start = time.monotonic()
    module = f"{TOOLS}/libprofile_stress_module.so"
    with Host(module, program="stress/profile_stress_host", env=ENV) as host:
        host.await_ready()
        before = descriptors(host.pid)
        received, done = dump_until(host, dumps)
        require(kept_bytes(host.pid) == KEPT_BYTES, kept_bytes(host.pid))
        require(descriptors(host.pid) <= before + 1, "descriptors")  # Of dlopen(3).
        status, out, err = host.end()
        require((status, out, err) == (0, "", ""), status, out, err)
    print(f"{received} profiles in {time.monotonic() - start:.1f} s meanwhile {done}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
