"""The privileges of the agent's thread: no more than the host has itself, after
at most one request or five seconds."""

import os
import pwd
import shutil
import subprocess
import tempfile
import unittest

from agents import (
    AGENT,
    CLEAN_ENV,
    HOSTS,
    NOBODY,
    Host,
    outcomes,
    query,
    resting,
    threads,
    wait_for,
)

SETGID_AND_SETUID = 1 << 6 | 1 << 7
NO_CAPABILITY = {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapAmb": 0}


def status(pid, task):
    with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def agent_status(pid):
    """The status of the agent's thread, the only one beside the main thread."""
    (agent,) = [task for task in os.listdir(f"/proc/{pid}/task") if int(task) != pid]
    return status(pid, agent)


def capabilities(values):
    return {name: int(values[name], 16) for name in NO_CAPABILITY}


@unittest.skipUnless(os.geteuid() == 0, "needs root, which has privileges to drop")
class Thread(unittest.TestCase):
    def test_starts_with_nothing_but_what_setuid_needs(self):
        with resting(extra_groups=[NOBODY]) as host:
            self.assertEqual(status(host.pid, host.pid)["Groups"].split(), [str(NOBODY)])
            agent = agent_status(host.pid)
        self.assertEqual(
            capabilities(agent),
            {**NO_CAPABILITY, "CapPrm": SETGID_AND_SETUID, "CapEff": SETGID_AND_SETUID},
        )
        self.assertEqual(agent["NoNewPrivs"], "1")
        self.assertEqual(agent["Groups"].split(), [])

    def test_has_no_capability_after_host_has_dropped_all(self):
        with resting("drop-capabilities", program="agent_sandbox_host") as host:
            query(host.pid)
            self.assertEqual(capabilities(status(host.pid, host.pid)), NO_CAPABILITY)
            self.assertEqual(capabilities(agent_status(host.pid)), NO_CAPABILITY)
            self.assertEqual(query(host.pid)["pid"], host.pid)

    def test_has_no_capability_within_seconds_without_request(self):
        with resting("drop-capabilities", program="agent_sandbox_host") as host:
            wait_for(lambda: capabilities(agent_status(host.pid)) == NO_CAPABILITY)

    def test_keeps_capabilities_that_host_keeps(self):
        with resting() as host:
            query(host.pid)
            self.assertEqual(
                capabilities(agent_status(host.pid))["CapEff"], SETGID_AND_SETUID
            )

    def test_has_ids_that_main_thread_took_for_itself_only(self):
        with resting("drop-uid-in-thread", str(NOBODY), program="agent_sandbox_host") as host:
            query(host.pid)
            agent = agent_status(host.pid)
            for ids in ("Uid", "Gid"):
                self.assertEqual(agent[ids].split(), 4 * [str(NOBODY)])
            self.assertEqual(capabilities(agent), NO_CAPABILITY)
            # The process is still dumpable, as the host has made it.
            self.assertEqual(os.stat(f"/proc/{host.pid}/environ").st_uid, NOBODY)

    def test_is_unchanged_where_the_host_cannot_be_read(self):
        with tempfile.TemporaryDirectory() as folder:
            with Host("fork-without-proc", folder, program="agent_sandbox_host") as host:
                self.assertEqual(query(int(host.line()))["comm"], "agent_sandbox_h")
                self.assertEqual(host.answer("\n"), "status 0")

    def test_follows_setuid_which_the_host_cannot_undo(self):
        with resting("drop-uid-and-check", str(NOBODY), program="agent_sandbox_host") as host:
            agent = agent_status(host.pid)
            self.assertEqual(agent["Uid"].split(), 4 * [str(NOBODY)])
            self.assertEqual(capabilities(agent), NO_CAPABILITY)


@unittest.skipUnless(os.geteuid() == 0, "needs root to change users")
class Launchers(unittest.TestCase):
    """Programs that change credentials step by step, as the default list has
    them. Each is given jemalloc, which they do not use by themselves."""

    PRELOAD = {**CLEAN_ENV, "LD_PRELOAD": f"libjemalloc.so.2:{AGENT}"}
    WITHOUT = {**CLEAN_ENV, "LD_PRELOAD": "libjemalloc.so.2"}

    def assert_same(self, *command):
        if not shutil.which(command[0]):
            self.skipTest(f"{command[0]} is not installed")
        without, within = outcomes(command, self.WITHOUT, self.PRELOAD)
        self.assertEqual(within, without)

    def test_setpriv_changes_ids_under_keepcaps(self):
        ids = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        self.assert_same("setpriv", *ids, "id")

    def test_capsh_drops_capabilities(self):
        user = pwd.getpwuid(NOBODY).pw_name
        self.assert_same("capsh", "--drop=all", f"--user={user}", "--", "-c", "id")

    def test_runuser_changes_user(self):
        self.assert_same("runuser", "-u", "nobody", "--", "id")

    def test_unshare_enters_user_namespace(self):
        self.assert_same("unshare", "-U", "true")

    def test_program_behind_launcher_is_served(self):
        agent_host = f"{HOSTS}/agent_host"
        launcher = ["setpriv", f"--reuid={NOBODY}", "--clear-groups"]
        if not shutil.which("setpriv"):
            self.skipTest("setpriv is not installed")
        if subprocess.run([*launcher, agent_host], check=False).returncode != 2:
            self.skipTest(f"user {NOBODY} cannot run {agent_host}")
        with resting(command=launcher) as host:
            if threads(host.pid) == 1:
                self.skipTest(f"user {NOBODY} cannot read {AGENT}")
            self.assertEqual(query(host.pid)["pid"], host.pid)


if __name__ == "__main__":
    unittest.main()
