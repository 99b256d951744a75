"""Programs and a library from npm, unmodified, with a jemalloc of their own.

    npm_programs.py Anvil|Ripgrep|DuckDB

The package is installed into a folder that lasts as long as the test. Where npm
does not install it in time, the test is skipped, with the reason in its output."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

SKIPPED = 77
SECONDS = 90
FOLDER = "NPM_PROGRAMS"
PACKAGES = {
    "Anvil": "@foundry-rs/anvil-linux-amd64@1.7.1",
    "Ripgrep": "@vscode/ripgrep-linux-x64@1.18.0",
    "DuckDB": "@duckdb/node-bindings-linux-x64@1.5.6-r.1",
}
# A program that loads the library late, as those in JavaScript do.
LOAD = """
import ctypes, sys
duckdb = ctypes.CDLL(sys.argv[1])
database, connection = ctypes.c_void_p(), ctypes.c_void_p()
assert duckdb.duckdb_open(None, ctypes.byref(database)) == 0
assert duckdb.duckdb_connect(database, ctypes.byref(connection)) == 0
query = b"CREATE TABLE t AS SELECT range i, i::VARCHAR s FROM range(100000)"
assert duckdb.duckdb_query(connection, query, None) == 0
print("ready", flush=True)
sys.stdin.read()
"""


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def install(package, folder):
    options = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
    command = ["npm", "install", *options, "--fetch-retries=1", package]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError:
        skip("there is no npm")
    except subprocess.TimeoutExpired:
        skip(f"npm has not installed {package} within {SECONDS} s")
    if done.returncode:
        skip(f"npm did not install {package}:\n{done.stderr}")


class Case(unittest.TestCase):
    def setUp(self):
        self.agents = __import__("agents")  # Reads the environment of the tests.
        self.programs = __import__("programs")

    def start(self, *command, env=None, ready):
        """The pid of a program that has printed a line like `ready`."""
        process = subprocess.Popen(
            command, env=env or self.agents.CLEAN_ENV, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, preexec_fn=self.programs.end_with_parent, text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        while ready and not re.search(ready, line := process.stdout.readline()):
            self.assertNotEqual(line, "", "ended")
        return process.pid

    def path(self, *parts):
        package = PACKAGES[type(self).__name__].rpartition("@")[0]
        return os.path.join(os.environ[FOLDER], "node_modules", package, *parts)

    def run_command(self, *arguments):
        status, out, err = self.programs.run(*arguments)
        self.assertEqual(status, 0, err)
        return out

    def read_once(self, pid):
        return json.loads(
            self.run_command("show", "--pid", str(pid), "--ptrace", "--format=json")
        )

    def read_at_rest(self, pid):
        """The state of two readings that are equal."""

        def read():
            first = self.read_once(pid)
            return first == self.read_once(pid) and first

        return self.programs.wait_for(read, "heap at rest")

    def query(self, pid):
        return self.programs.wait_for(lambda: self.agents.query(pid), "agent")


class Anvil(Case):
    """A server in Rust: `_rjem_mallctl` in .symtab alone, no statistics."""

    def start_anvil(self, env=None):
        return self.start(
            self.path("bin", "anvil"), "--port", "0", env=env, ready="Listening on"
        )

    def assert_state(self, state):
        self.assertEqual(list(state), ["active_bytes", "narenas"])
        self.assertGreater(state["active_bytes"], 1 << 20)
        self.assertEqual(state["active_bytes"] % 4096, 0)

    def test_the_agent_finds_its_jemalloc(self):
        document = self.query(self.start_anvil(self.agents.AGENT_ENV))
        self.assertEqual((document["comm"], document["state"]), ("anvil", "used"))
        self.assertRegex(document["jemalloc_version"], r"\A5\.")
        self.assert_state(document["heap_state"])

    def test_ptrace_reads_it(self):
        self.assert_state(self.read_at_rest(self.start_anvil()))

    def test_the_agent_and_ptrace_read_the_same(self):
        pid = self.start_anvil()
        self.run_command("attach", str(pid))
        served = self.query(pid)["heap_state"]
        self.run_command("detach", str(pid))
        once = self.read_at_rest(pid)
        self.assertEqual(served["narenas"], once["narenas"])
        # The agent's thread has a cache of its own while it runs.
        self.assertLessEqual(served["active_bytes"] - once["active_bytes"], 64 << 10)


class Ripgrep(Case):
    """A program of musl, static and stripped."""

    def test_is_refused_with_the_reason(self):
        pid = self.start(self.path("bin", "rg"), "pattern", "-", ready=None)
        reason = (
            rf"\Ajemalloc_exporter: {pid} \(rg\): "
            r"jemalloc 5\.[^ ]+ is present, but its symbols are stripped: .*\n\Z"
        )
        for command in (["show", "--ptrace", "--pid"], ["attach"]):
            status, out, err = self.programs.wait_for(
                lambda command=command: self.programs.run(*command, str(pid))
            )
            self.assertEqual((status, out), (1, ""))
            self.assertRegex(err, reason)


class DuckDB(Case):
    """A library with the prefix `duckdb_je_`, loaded late, with statistics."""

    def start_duckdb(self):
        return self.start(
            "/usr/bin/python3", "-c", LOAD, self.path("libduckdb.so"), ready="ready"
        )

    def test_ptrace_reads_it(self):
        state = self.read_at_rest(self.start_duckdb())
        names = [f"{n}_bytes" for n in ("allocated", "active", "resident", "mapped")]
        self.assertEqual(list(state), [*names, "narenas"])
        self.assertGreater(state["allocated_bytes"], 1 << 20)
        self.assertLessEqual(state["allocated_bytes"], state["active_bytes"])

    def test_the_agent_finds_it_after_attach(self):
        pid = self.start_duckdb()
        once = self.read_at_rest(pid)
        self.run_command("attach", str(pid))
        document = self.query(pid)
        self.assertEqual(document["state"], "used")
        served = document["heap_state"]
        self.assertEqual(list(served), list(once))
        self.assertLessEqual(served["active_bytes"] - once["active_bytes"], 64 << 10)
        self.run_command("detach", str(pid))
        again = self.read_at_rest(pid)
        # The library's own thread may have received its cache meanwhile.
        growth = again["allocated_bytes"] - once["allocated_bytes"]
        self.assertLessEqual(growth, 64 << 10)


def main(name):
    """Installs outside of the network namespace in which the tests run."""
    if FOLDER in os.environ:
        unittest.main(argv=[sys.argv[0], name])
    with tempfile.TemporaryDirectory() as folder:
        install(PACKAGES[name], folder)
        support = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../support")
        sys.exit(
            subprocess.run(
                [f"{support}/in_network_namespace", sys.executable, "-B", *sys.argv],
                env={**os.environ, FOLDER: folder}, check=False,
            ).returncode
        )


if __name__ == "__main__":
    main(sys.argv[1])
