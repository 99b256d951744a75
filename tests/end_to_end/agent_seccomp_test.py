"""The agent in hosts under seccomp filters: in those that filter themselves and
fork, and in those that are started under a filter."""

import os
import subprocess
import unittest

from agents import (
    AGENT_ENV,
    CLEAN_ENV,
    DEADLINE,
    HOSTS,
    Host,
    query,
    listening,
    resting,
    threads,
    wait_for,
)

# Every system call of the agent's thread, and of its creation. Those of the
# dynamic linker are missing: without them no program starts.
AGENT_CALLS = (
    "accept4 bind capget capset chdir clone3 close_range futex geteuid getpid getsockopt gettid"
    " listen lseek poll prctl rt_sigaction rt_sigprocmask sched_yield sendto setgroups setresgid"
    " setresuid signalfd4 socket tgkill unshare"
).split()

# Those by which it writes and sends a heap profile; write, open and read are the
# host's, too.
PROFILE_CALLS = "memfd_create creat fcntl sendmsg prlimit64".split()

# What a program of one thread needs to fork, and jemalloc to allocate.
FORK_CALLS = (
    "clone,set_robust_list,wait4,write,read,exit,exit_group,mmap,munmap,mprotect,madvise,newfstatat"
)

# The calls of the thread that forks: see fork_checks.h.
CHECK_CALLS = "getpid,tgkill,futex"


def run_host(*mode, launcher=(), env=AGENT_ENV):
    """Exit status and output of an agent_sandbox_host."""
    done = subprocess.run(
        [*launcher, f"{HOSTS}/agent_sandbox_host", *mode],
        env=env,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=DEADLINE,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def under(seccomp_filter):
    return [f"{HOSTS}/seccomp_launcher", seccomp_filter]


class ForkUnderNewFilter(unittest.TestCase):
    ALIVE = (0, "status 0\n", "")

    def test_child_survives_filter_that_kills_for_any_call_of_the_agent(self):
        for call in AGENT_CALLS:
            if call in CHECK_CALLS.split(","):
                continue
            with self.subTest(call=call):
                self.assertEqual(run_host("fork-filtered", f"kill:{call}"), self.ALIVE)

    def test_child_survives_second_filter(self):
        for call in ("close_range", "prctl", "clone3", "socket"):
            with self.subTest(call=call):
                done = run_host("fork-filtered", f"kill:{call}", launcher=under("eperm:bind"))
                self.assertEqual(done, self.ALIVE)

    def test_child_survives_filter_of_the_forking_thread_only(self):
        done = run_host("fork-in-filtered-thread", "kill:close_range,prctl")
        self.assertEqual(done, self.ALIVE)

    def test_children_survive_filter_for_all_threads(self):
        allowed = f"only:{FORK_CALLS},{CHECK_CALLS}"
        done = run_host("fork-synchronized", allowed)
        self.assertEqual(done, (0, 2 * "status 0\n", ""))

    def test_child_survives_filter_that_allows_little(self):
        done = run_host("fork-filtered", f"only:{FORK_CALLS},{CHECK_CALLS}")
        self.assertEqual(done, self.ALIVE)

    def test_child_under_unchanged_filter_is_served(self):
        for launcher in ((), under("eperm:setgroups"), under("kill:setresuid")):
            program = "agent_sandbox_host"
            with self.subTest(launcher=launcher), Host(
                "fork-and-wait", program=program, command=launcher
            ) as host:
                if "kill:setresuid" in launcher and os.geteuid() == 0:
                    continue  # Not started: see StartUnderFilter.
                child = int(host.line())
                self.assertEqual(query(child)["pid"], child)

    def test_errno_is_preserved(self):
        done = run_host("fork-errno")
        self.assertEqual(done, (0, "parent same, child same\n", ""))


class StartUnderFilter(unittest.TestCase):
    def outcome(self, seccomp_filter, env=AGENT_ENV):
        """What a host prints, how it ends, and whether it is served."""
        with Host("wait", command=under(seccomp_filter), env=env) as host:
            line = host.process.stdout.readline()
            served = str(host.pid) in listening()
            return line, host.end()[0], served

    def test_host_survives_filter_that_kills_for_any_call_of_the_agent(self):
        for call in AGENT_CALLS:
            seccomp_filter = f"kill:{call}"
            with self.subTest(call=call):
                without = self.outcome(seccomp_filter, CLEAN_ENV)
                if without != ("ready\n", 0, False):
                    continue  # The host needs the call itself.
                line, status, _ = self.outcome(seccomp_filter)
                self.assertEqual((line, status), ("ready\n", 0))

    def test_host_is_not_served_where_a_needed_call_kills(self):
        for call in ("bind", "signalfd4", "accept4", "sendto", "prctl"):
            with self.subTest(call=call):
                self.assertEqual(self.outcome(f"kill:{call}"), ("ready\n", 0, False))

    def test_host_is_served_under_filter_that_returns_errors(self):
        for seccomp_filter in ("eperm:setresuid", "eperm:sched_yield,setgroups", "enosys:clone3"):
            with self.subTest(filter=seccomp_filter), resting(
                command=under(seccomp_filter)
            ) as host:
                self.assertEqual(query(host.pid)["pid"], host.pid)

    def test_host_has_no_profile_socket_where_a_call_for_it_kills(self):
        profiled = {"MALLOC_CONF": "prof:true"}
        for call in PROFILE_CALLS:
            command = under(f"kill:{call}")
            with self.subTest(call=call):
                with Host("wait", command=command, env={**CLEAN_ENV, **profiled}) as host:
                    if host.process.stdout.readline() != "ready\n":
                        continue  # The host needs the call itself.
                with resting(command=command, env={**AGENT_ENV, **profiled}) as host:
                    self.assertEqual(query(host.pid)["pid"], host.pid)
                    self.assertNotIn(str(host.pid), listening("jemalloc_exporter_profile"))
                    self.assertEqual(host.end()[0], 0)
        with resting(command=under("eperm:creat"), env={**AGENT_ENV, **profiled}) as host:
            self.assertIn(str(host.pid), listening("jemalloc_exporter_profile"))

    def test_host_has_no_further_child(self):
        with resting(command=under("eperm:setresuid")) as host:
            with open(f"/proc/{host.pid}/task/{host.pid}/children", encoding="utf-8") as pids:
                self.assertEqual(pids.read(), "")


class OldKernel(unittest.TestCase):
    """close_range(2) is missing before Linux 5.9."""

    def assert_has_only_own_descriptors(self, host):
        agent = max(os.listdir(f"/proc/{host.pid}/task"), key=int)
        folder = f"/proc/{host.pid}/task/{agent}/fd"
        links = [os.readlink(f"{folder}/{number}") for number in os.listdir(folder)]
        self.assertEqual([link for link in links if link.startswith(("pipe", "/dev"))], [])

    def test_host_is_served_and_descriptors_are_separate(self):
        for error in ("enosys", "eperm"):
            with self.subTest(error=error), resting(
                command=under(f"{error}:close_range")
            ) as host:
                self.assertEqual(query(host.pid)["pid"], host.pid)
                self.assertEqual(sorted(os.listdir(f"/proc/{host.pid}/fd")), ["0", "1", "2"])
                self.assert_has_only_own_descriptors(host)

    def test_many_descriptors_are_closed(self):
        def open_many():
            for _ in range(600):
                os.set_inheritable(os.open("/dev/null", os.O_RDONLY), True)

        with resting(
            command=under("enosys:close_range"), preexec_fn=open_many, close_fds=False
        ) as host:
            self.assertEqual(query(host.pid)["pid"], host.pid)
            self.assert_has_only_own_descriptors(host)
            self.assertGreater(len(os.listdir(f"/proc/{host.pid}/fd")), 600)


class MainThread(unittest.TestCase):
    def test_process_ends_with_main_thread_that_exits_by_system_call(self):
        with resting("exit-main-thread", program="agent_sandbox_host") as host:
            self.assertEqual(host.end(), (0, "", ""))

    def test_process_is_served_until_its_last_thread_ends(self):
        with resting("exit-main-thread-before-other", program="agent_sandbox_host") as host:
            wait_for(lambda: self.state(host.pid) == "Z")
            for _ in range(3):
                self.assertEqual(query(host.pid)["pid"], host.pid)
            self.assertEqual(host.end(), (7, "", ""))

    @staticmethod
    def state(pid):
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(")")[2].split()[0]

    def test_child_of_raw_clone_ends(self):
        for action in ("exit", "fork"):
            with self.subTest(action=action), Host(
                "raw-clone", action, program="agent_sandbox_host"
            ) as host:
                self.assertEqual(host.line(), "status 0")
                self.assertEqual(host.await_ready(), host)
                self.assertEqual(query(host.pid)["pid"], host.pid)
                self.assertEqual(threads(host.pid), 2)


if __name__ == "__main__":
    unittest.main()
