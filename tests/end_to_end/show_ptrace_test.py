"""`show --pid PID --ptrace`: processes without the agent, read once."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from agents import HOSTS, LONG, NOBODY
from attach_hosts import (
    STOPPED,
    EveryWait,
    HostCase,
    host,
    require_ptrace,
    stop,
    unchanged,
)
from heap_fields import HEAP_STATE
from programs import EXPORTER, run
from redis import Redis
from support import CLEAN_ENV, DEADLINE, wait_for

ROUNDS = 1000 if LONG else 10
# Numbers of system calls. glibc's nanosleep is clock_nanosleep.
POLL = ("7",)
READ = ("0",)
EPOLL_WAIT = ("232",)
FUTEX = ("202",)
NANOSLEEP = ("35", "230")
KEPT = {
    "result": "1", "registers": "kept", "errno": "kept", "mask": "kept",
    "stack": "kept", "calls": "some",
}


# The first argument of this shell is that with the number 0.
HIDE_PROCESSES = f"""
mount --types proc --options hidepid=2 proc /proc
exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups -- "$0" "$@"
"""
# Prints `ready`, then waits in poll(2).
PROGRAM_32 = """
.globl _start
_start:
  mov $4, %eax
  mov $1, %ebx
  mov $ready, %ecx
  mov $6, %edx
  int $0x80
wait:
  mov $168, %eax
  mov $0, %ebx
  mov $0, %ecx
  mov $-1, %edx
  int $0x80
  jmp wait
.data
ready: .ascii "ready\\n"
"""


def has_status(pid, text):
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return text in status.read()


def state(pid):
    """Of the main thread: a letter, see proc_pid_stat(5)."""
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0]


def is_in_call(pid, numbers):
    """Whether the main thread is in one of these system calls."""
    with open(f"/proc/{pid}/syscall") as call:
        return call.read().split()[0] in numbers


def show(pid, *options):
    return run("show", "--pid", str(pid), "--ptrace", *options)


def start_reading(pid):
    return subprocess.Popen(
        [EXPORTER, "show", "--pid", str(pid), "--ptrace"],
        env=CLEAN_ENV,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class ShowPtraceCase(HostCase):
    def read(self, pid):
        """The heap state of a process."""
        status, out, err = show(pid, "--format=json")
        self.assertEqual(status, 0, err)
        self.assertRegex(
            err,
            rf"\Ajemalloc_exporter: {pid} \(\S+\): stopped thread \d+ for "
            r"\d+\.\d\d ms to call mallctl; nothing was loaded\n\Z",
        )
        return json.loads(out)

    def assert_refused(self, pid, reason):
        status, out, err = show(pid)
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, rf"\Ajemalloc_exporter: {pid}[^:]*: {reason}\n\Z")


class Programs(ShowPtraceCase):
    def assert_read(self, program):
        started = self.start(program)
        with unchanged(self, started.pid):
            state = self.read(started.pid)
        self.assertEqual(list(state), HEAP_STATE)
        self.assertGreater(state["allocated_bytes"], 1 << 20)
        self.assertEqual(stop(started)["eintr"], "0")

    def test_reads_a_dynamic_program(self):
        self.assert_read("attach_host")

    def test_reads_a_static_program(self):
        self.assert_read("attach_host_static")

    def test_reads_a_prefixed_jemalloc(self):
        self.assert_read("attach_host_rjem")

    def test_reads_a_jemalloc_whose_symbols_are_hidden(self):
        self.assert_read("attach_host_hidden")

    def assert_kept(self, program):
        self.has(program)
        started = self.start(program)
        self.assertEqual(self.read(started.pid)["allocated_bytes"], 15000)
        self.assertEqual(stop(started), KEPT)

    def test_reads_a_static_position_independent_program(self):
        self.assert_kept("mallctl_host_static")

    def test_reads_a_static_program_of_musl(self):
        self.assert_kept("mallctl_host_musl")

    def test_reads_a_dynamic_program_of_musl(self):
        self.assert_kept("mallctl_host_musl_dynamic")

    def test_reads_a_program_without_statistics_of_mapped_bytes(self):
        state = self.read(self.start("mallctl_host_static").pid)
        self.assertEqual(state["active_bytes"], 12000)
        self.assertNotIn("mapped_bytes", state)

    def test_reads_several_heaps(self):
        started = self.start("agent_host_two", "wait")
        heaps = self.read(started.pid)["heaps"]
        self.assertEqual(len({heap.get("prefix", "") for heap in heaps}), 2, heaps)

    def test_reads_the_first_of_two_heaps_with_one_prefix(self):
        started = self.start("mallctl_host", command=["env", "LD_PRELOAD=libjemalloc.so.2"])
        self.assertEqual(self.read(started.pid)["allocated_bytes"], 15000)

    def test_reads_a_build_without_statistics(self):
        state = self.read(self.start("agent_host_no_statistics", "wait").pid)
        self.assertEqual(list(state), ["active_bytes", "narenas"])

    def test_reads_a_program_in_other_namespaces(self):
        started = self.start(
            "attach_host",
            command=["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child"],
        )
        with open(f"/proc/{started.pid}/task/{started.pid}/children") as children:
            child = int(children.read().split()[0])
        self.assertGreater(self.read(child)["allocated_bytes"], 1 << 20)

    def test_reads_a_program_that_was_replaced_on_disk(self):
        copy = os.path.join(HOSTS, f"attach_host_copy_{os.getpid()}")
        subprocess.run(["cp", os.path.join(HOSTS, "attach_host_rjem"), copy], check=True)
        try:
            started = self.start(os.path.basename(copy))
        finally:
            os.unlink(copy)
        self.assertGreater(self.read(started.pid)["allocated_bytes"], 1 << 20)

    def test_reads_a_program_under_seccomp(self):
        """Any call that the thread makes is forbidden by the filter."""
        started = self.start("attach_host", "sealed")
        with unchanged(self, started.pid):
            for _ in range(ROUNDS):
                self.read(started.pid)
        self.assertEqual(stop(started)["eintr"], "0")

    def test_reads_by_a_thread_that_alone_is_under_seccomp(self):
        started = self.start("attach_host", "sealed-thread")
        self.assertGreater(self.read(started.pid)["allocated_bytes"], 1 << 20)

    def test_agrees_with_redis_to_the_byte(self):
        """Redis samples its heap ten times a second, and then resizes buffers of
        clients; INFO has the last sample. Where the samples before and after a
        reading are equal, the heap was at rest."""
        redis = Redis()
        redis.start(CLEAN_ENV, self.addCleanup)
        redis.connect()
        redis.execute("DEBUG", "POPULATE", 10_000, "key", 100)
        names = ("allocated", "active", "resident")

        def sample():
            time.sleep(0.25)
            info = redis.info("memory")
            return {f"{n}_bytes": int(info[f"allocator_{n}"]) for n in names}

        def read_at_rest():
            before = sample()
            time.sleep(0.25)  # What INFO changes is in the next sample.
            state = self.read(redis.process.pid)
            return before == sample() and (state, before)

        for _ in range(ROUNDS // 2):
            state, expected = wait_for(read_at_rest, "heap at rest")
            self.assertEqual(state, state | expected)

    def assert_priority_after_reading(self, nice, **options):
        started = self.start("attach_host", **options)
        command = ["show", "--pid", str(started.pid), "--ptrace", "--watch", "1h"]
        watch = subprocess.Popen(
            [EXPORTER, *command], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, **options,
        )
        try:
            self.assertIn("CHANGE", watch.stdout.readline())
            self.assertEqual(os.getpriority(os.PRIO_PROCESS, watch.pid), nice)
            self.assertEqual(os.sched_getscheduler(watch.pid), os.SCHED_OTHER)
        finally:
            watch.kill()
            watch.communicate()

    # Where it may raise its priority again to stop a thread, as here.
    def test_searches_with_a_lower_priority(self):
        self.assert_priority_after_reading(10)

    def test_keeps_its_priority_where_a_real_time_priority_is_denied(self):
        self.assert_priority_after_reading(
            0, user=NOBODY, group=NOBODY, extra_groups=[]
        )

    def test_prefers_the_agent(self):
        exporter = [EXPORTER, "exec", "--web.listen-address=127.0.0.1:0", "--"]
        started = self.start("attach_host", command=exporter)
        wait_for(lambda: run("show", "--pid", str(started.pid))[0] == 0, "agent")
        status, _, err = show(started.pid)
        self.assertEqual((status, err), (0, ""))


class Waits(EveryWait, ShowPtraceCase):
    """The wait goes on as if it had not been interrupted."""

    def show(self, pid):
        """On a busy machine each thread may be ready to run for 2 s."""

        def attempt():
            result = show(pid)
            return "no thread waits" not in result[2] and result

        return wait_for(attempt, "thread that waits")

    def check(self, mode, program="attach_host"):
        started = self.start(program, mode)
        times = []
        with unchanged(self, started.pid):
            for _ in range(ROUNDS):
                status, _, err = self.show(started.pid)
                self.assertEqual(status, 0, err)
                times.append(float(STOPPED.search(err)[1]))
        numbers = stop(started)
        self.assertEqual(
            (numbers["eintr"], numbers["early"], numbers["mask"]),
            ("0", "0", "kept"),
            numbers,
        )
        return sorted(times)[len(times) // 2]

    def test_signals_at_1_khz(self):
        started = self.start("attach_host", "signals")
        for _ in range(ROUNDS):
            show(started.pid)  # A recent signal may have left a frame.
        self.assertEqual(stop(started)["without_handler"], "0")

    def test_registers_errno_mask_and_alternate_stack(self):
        for wait in ("poll", "read"):
            for program in ("mallctl_host", "mallctl_host_static"):
                started = self.start(program, "", wait)
                for _ in range(3):
                    self.read(started.pid)
                self.assertEqual(stop(started), KEPT)

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_calls_in_turn_without_a_stop_between(self):
        """Where the kernel keeps no data to restart the wait."""
        self.assertGreater(self.count_stops("poll"), 20)
        self.assertLess(self.count_stops("read"), 15)

    def count_stops(self, wait):
        started = self.start("mallctl_host", "", wait)
        trace = subprocess.run(
            ["strace", "--trace=wait4", EXPORTER, "show", "--pid", str(started.pid),
             "--ptrace"],
            env=CLEAN_ENV, capture_output=True, text=True, timeout=10, check=True,
        ).stderr
        self.assertEqual(stop(started), KEPT)
        return trace.count("WIFSTOPPED")

    def test_signals_that_arrive_meanwhile(self):
        """A signal is delivered after the calls, to its handler."""
        for wait in ("poll", "read"):
            started = self.start("mallctl_host", "slow", wait)
            reading = start_reading(started.pid)
            self.await_call(started.pid, NANOSLEEP)
            os.kill(started.pid, signal.SIGTERM)
            self.assertEqual(reading.wait(10), 0)
            self.assertEqual(started.end()[0], -signal.SIGTERM)

    def await_call(self, pid, numbers, deadline=DEADLINE):
        """Waits until the main thread is in one of these system calls."""
        call = f"system call {numbers}"
        return wait_for(lambda: is_in_call(pid, numbers), call, deadline)

    def test_a_stop_that_arrives_meanwhile(self):
        for wait in ("poll", "read"):
            self.check_stop_of_process(self.start("mallctl_host", "slow", wait))

    def check_stop_of_process(self, started):
        reading = start_reading(started.pid)
        self.await_call(started.pid, NANOSLEEP)
        os.kill(started.pid, signal.SIGSTOP)
        self.assertEqual(reading.wait(10), 0)
        wait_for(lambda: state(started.pid) == "T", "stop")
        os.kill(started.pid, signal.SIGCONT)
        self.assertEqual(stop(started), KEPT)

    def kill_amid_a_call(self, pid, numbers):
        """Kills a tracer; awaits the wait to which the thread returns by itself."""
        reading = start_reading(pid)
        self.await_call(pid, NANOSLEEP)
        reading.kill()
        reading.wait()
        self.await_call(pid, numbers)

    def test_a_tracer_that_is_killed_amid_a_call(self):
        """The call completes, and returns through a signal frame."""
        for program in ("mallctl_host", "mallctl_host_static", "mallctl_host_musl"):
            if not os.path.exists(os.path.join(HOSTS, program)):
                continue
            for wait, numbers in (("poll", POLL), ("read", READ)):
                started = self.start(program, "slow", wait)
                for _ in range(ROUNDS // 5):
                    self.kill_amid_a_call(started.pid, numbers)
                # errno is restored by the tracer only.
                self.assertEqual(stop(started) | {"errno": "kept"}, KEPT)

    def test_a_tracer_that_is_killed_at_any_time(self):
        for wait in ("poll", "read"):
            started = self.start("mallctl_host", "", wait)
            for i in range(50 * ROUNDS // 10):
                reading = start_reading(started.pid)
                time.sleep(0.005 + 0.0004 * (i % 50))
                reading.kill()
                reading.wait()
            self.assertEqual(stop(started) | {"errno": "kept", "calls": "some"}, KEPT)

    def read_late(self, pid, numbers, signal_number=None):
        """Stops the tracer during a call until the thread waits again, and has the
        signal. Returns how long the tracer took then, in s; None on a busy machine:
        the call was examined before, and there is no signal."""
        with start_reading(pid) as reading:
            try:
                self.await_call(pid, NANOSLEEP)
                os.kill(reading.pid, signal.SIGSTOP)
                is_late = False
                with contextlib.suppress(AssertionError):
                    is_late = self.await_call(pid, numbers, 1)
                if is_late and signal_number:
                    os.kill(pid, signal_number)
                    wait_for(lambda: state(pid) == "t", "stop for the tracer")
                os.kill(reading.pid, signal.SIGCONT)
                start = time.monotonic()
                status = reading.wait(DEADLINE)
            finally:
                reading.kill()
        if not is_late:
            return None
        self.assertEqual(status, 1)
        return time.monotonic() - start

    def test_a_tracer_that_is_late(self):
        """At the end of the calls, the thread waits 100 ms for it."""
        started = self.start("mallctl_host", "slow", "epoll")

        def is_left_at_once():
            taken = self.read_late(started.pid, EPOLL_WAIT)
            return taken is not None and taken < 1

        wait_for(is_left_at_once, "tracer that is late")
        self.assertEqual(stop(started) | {"errno": "kept"}, KEPT)

    def test_a_tracer_that_is_later_than_a_signal(self):
        started = self.start("mallctl_host", "slow", "epoll")
        wait_for(
            lambda: self.read_late(started.pid, EPOLL_WAIT, signal.SIGTERM) is not None,
            "tracer that is late",
        )
        self.assertEqual(started.end()[0], -signal.SIGTERM)

    def test_a_tracer_that_is_later_than_a_stop(self):
        """It traces no system call of the program's own."""
        started = self.start("mallctl_host", "slow", "read")

        def is_left_at_once():
            taken = self.read_late(started.pid, READ, signal.SIGSTOP)
            if taken is None:
                return False
            wait_for(lambda: state(started.pid) == "T", "stop")
            os.kill(started.pid, signal.SIGCONT)
            return taken < 1

        wait_for(is_left_at_once, "tracer that is late")
        self.assertEqual(stop(started) | {"errno": "kept"}, KEPT)

    def test_a_tracer_that_is_killed_amid_a_call_under_seccomp(self):
        """The filter applies to the rest of the call, which is that alone."""
        launcher = [os.path.join(HOSTS, "seccomp_launcher"), "kill:ppoll"]
        started = self.start("mallctl_host", "slow", "read", command=launcher)
        self.kill_amid_a_call(started.pid, READ)
        self.assertEqual(stop(started) | {"errno": "kept"}, KEPT)


class WaysOut(ShowPtraceCase):
    WAIT = "poll"

    def test_leaves_a_deadlock(self):
        started = self.start("mallctl_host", "deadlock", self.WAIT)
        start = time.monotonic()
        self.assert_refused(
            started.pid,
            "mallctl waited for a lock that is not released; the call was left, "
            "and 256 KiB of stack remain mapped",
        )
        self.assertLess(time.monotonic() - start, 10)
        self.assertEqual(stop(started) | {"errno": "kept"}, KEPT)

    def test_leaves_a_deadlock_within_250_ms(self):
        """The least of some times: this machine may be busy otherwise."""
        for mode in ("deadlock", "deadlock-word"):
            started = self.start("mallctl_host", mode, self.WAIT)
            wait_for(
                lambda pid=started.pid: 0.15 < self.time_in_call(pid, FUTEX) < 0.27,
                f"end of a {mode} within 250 ms",
            )
            self.assertEqual(stop(started) | {"errno": "kept"}, KEPT)

    def time_in_call(self, pid, numbers):
        """For how long the main thread is in a call while it is read, in s."""
        with start_reading(pid) as reading:
            first = last = None
            while reading.poll() is None:
                if is_in_call(pid, numbers):
                    last = time.monotonic()
                    first = first or last
                time.sleep(0.001)
            self.assertEqual(reading.returncode, 1)
        return last - first

    def test_awaits_a_lock_whose_holder_runs(self):
        started = self.start("mallctl_host", "held", self.WAIT)
        self.assertEqual(self.read(started.pid)["allocated_bytes"], 15000)
        self.assertEqual(stop(started), KEPT)

    def test_awaits_a_slow_call(self):
        started = self.start("mallctl_host", "slower", self.WAIT)
        self.assertEqual(self.read(started.pid)["allocated_bytes"], 15000)
        self.assertEqual(stop(started), KEPT)

    def test_leaves_a_slower_call_to_the_thread(self):
        """It completes the call, and waits on."""
        started = self.start("mallctl_host", "slowest", self.WAIT)
        self.assert_refused(
            started.pid,
            "mallctl has not returned in time, or the exporter was late; the thread "
            "goes on by itself, and 256 KiB of stack remain mapped",
        )
        self.assertEqual(stop(started) | {"errno": "kept"}, KEPT)

    def test_awaits_a_slower_call_whose_filter_is_suspended(self):
        """Without the tracer, the filter would kill for the rest of the call."""
        started = self.start(
            "mallctl_host", "slowest", self.WAIT,
            command=[os.path.join(HOSTS, "seccomp_launcher"), "kill:getpid"],
        )
        self.assertEqual(self.read(started.pid)["allocated_bytes"], 15000)
        self.assertEqual(stop(started), KEPT)

    def test_leaves_a_call_that_faults(self):
        for mode in ("fault", "overflow"):
            started = self.start("mallctl_host", mode, self.WAIT)
            self.assert_refused(
                started.pid,
                "mallctl raised a fault; the call was left, and 256 KiB of stack "
                "remain mapped",
            )
            self.assertEqual(stop(started) | {"errno": "kept"}, KEPT)


class WaysOutOfCallsInTurn(WaysOut):
    WAIT = "read"


class Refusals(ShowPtraceCase):
    """One line, exit status 1, and the process is unchanged."""

    def check(self, started, reason):
        with unchanged(self, started.pid):
            self.assert_refused(started.pid, reason)

    def test_no_process(self):
        with subprocess.Popen(["true"]) as gone:
            gone.wait()
        self.assert_refused(gone.pid, "no such process")

    def test_no_jemalloc(self):
        started = self.start("attach_host_plain")
        self.check(started, "no jemalloc in it")
        self.assertEqual(stop(started)["eintr"], "0")

    def test_a_function_of_that_name_that_is_not_jemalloc(self):
        started = self.start("mallctl_host", "other")
        self.check(started, "no jemalloc in it")
        self.assertEqual(stop(started), KEPT)

    def test_a_thread_that_only_computes(self):
        self.check(
            self.start("attach_host", "spin"),
            "no thread waits in a system call; tried for 2 s",
        )

    def test_a_stripped_program(self):
        self.check(
            self.start("attach_host_stripped"),
            r"jemalloc 5\.[^ ]+ is present, but its symbols are stripped.*",
        )

    def test_a_signal_handler_amid_malloc(self):
        self.check(
            self.start("attach_host", "handler"),
            "waits in a signal handler; tried for 2 s",
        )

    def test_a_stopped_process(self):
        started = self.start("attach_host")
        os.kill(started.pid, signal.SIGSTOP)
        wait_for(lambda: has_status(started.pid, "stopped"), "stop")
        self.check(started, "is stopped")
        os.kill(started.pid, signal.SIGCONT)
        self.assertEqual(stop(started)["eintr"], "0")

    def test_a_traced_process(self):
        started = self.start("attach_host")
        with subprocess.Popen(
            ["strace", "-qq", "-o", "/dev/null", "-p", str(started.pid)]
        ) as tracer:
            try:
                wait_for(
                    lambda: has_status(started.pid, f"TracerPid:\t{tracer.pid}\n"),
                    "tracer",
                )
                self.assert_refused(started.pid, f"is being traced by {tracer.pid}")
            finally:
                tracer.terminate()

    def test_a_zombie(self):
        child = os.fork()
        if child == 0:
            os._exit(0)
        self.addCleanup(os.waitpid, child, 0)
        wait_for(lambda: has_status(child, "zombie"), "zombie")
        self.assert_refused(child, "a zombie")

    def test_a_kernel_thread(self):
        if not os.path.exists("/proc/2/status"):
            self.skipTest("no kernel threads in this pid namespace")
        with open("/proc/2/status", encoding="utf-8") as status:
            if "VmSize" in status.read():
                self.skipTest("no kernel threads in this pid namespace")
        self.assert_refused(2, "a kernel thread")

    def test_another_thread_than_the_main_one(self):
        started = self.start("attach_host", "malloc")
        threads = os.listdir(f"/proc/{started.pid}/task")
        other = next(t for t in threads if t != str(started.pid))
        self.assert_refused(other, f"a thread of process {started.pid}")

    def test_a_process_of_another_user(self):
        started = self.start("attach_host")
        status, _, err = run(
            "show", "--pid", str(started.pid), "--ptrace",
            user=NOBODY, group=NOBODY, extra_groups=[],
        )
        self.assertEqual(status, 1)
        self.assertRegex(err, r"not allowed to look into it|Permission denied")

    def test_a_process_that_ends_meanwhile(self):
        for i in range(3 * ROUNDS):
            with host("attach_host", "poll") as started:
                killer = threading.Timer(0.002 * (i % 15), started.process.kill)
                killer.start()
                status, _, err = show(started.pid)
                killer.join()
                self.assertIn(status, (0, 1))
                if status == 1:
                    self.assertRegex(
                        err,
                        r": (no such process|a zombie|has ended|no jemalloc in it"
                        r"|its program cannot be opened"
                        r"|not allowed to look into it .*"
                        r")\n\Z",
                    )

    def test_a_process_that_executes_a_program_meanwhile(self):
        """Its code is elsewhere then. It goes on, also if the thread is ended.
        Its libraries are loaded after its program. The main thread is a zombie
        while another one replaces it."""
        for mode in ("exec", "exec-thread"):
            started = self.start("attach_host", mode)
            for _ in range(4 * ROUNDS):
                status, _, err = show(started.pid)
                self.assertIn(status, (0, 1))
                if status == 1:
                    self.assertRegex(
                        err,
                        r"\Ajemalloc_exporter: [^\n]*: (has executed another program "
                        r"meanwhile|has ended|no thread waits in a system call[^\n]*"
                        r"|no jemalloc in it|a zombie)\n\Z",
                    )
            self.assertGreater(int(stop(started)["executed"]), ROUNDS)

    def test_a_process_hidden_in_proc(self):
        """For its own user it is not hidden."""
        own = self.start("attach_host", user=NOBODY, group=NOBODY, extra_groups=[])
        for started, status in ((self.start("attach_host"), 1), (own, 0)):
            done = subprocess.run(
                ["unshare", "--mount", "sh", "-ec", HIDE_PROCESSES, EXPORTER,
                 "show", "--ptrace", "--pid", str(started.pid)],
                env=CLEAN_ENV, capture_output=True, text=True, check=False,
            )
            self.assertEqual(done.returncode, status, done.stderr)
            if status == 1:
                self.assertRegex(
                    done.stderr,
                    rf"\Ajemalloc_exporter: {started.pid}: not allowed to look into it "
                    r"[^\n]*\n\Z",
                )
            self.assertEqual(stop(started)["eintr"], "0")

    def test_a_process_that_may_not_be_traced(self):
        """As with kernel.yama.ptrace_scope 1 to 3: /proc can be read."""
        started = self.start("attach_host", user=NOBODY, group=NOBODY, extra_groups=[])
        for calls in ("ptrace,process_vm_readv", "process_vm_readv", "ptrace"):
            done = subprocess.run(
                [os.path.join(HOSTS, "seccomp_launcher"), f"eperm:{calls}", EXPORTER,
                 "show", "--ptrace", "--pid", str(started.pid)],
                env=CLEAN_ENV, capture_output=True, text=True, check=False,
                user=NOBODY, group=NOBODY, extra_groups=[],
            )
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertRegex(
                done.stderr,
                rf"\Ajemalloc_exporter: {started.pid} \(attach_host\): not allowed to "
                r"look into it [^\n]*\n\Z",
            )
        self.assertEqual(stop(started)["eintr"], "0")

    def test_a_32_bit_program(self):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, "program")
            subprocess.run(
                ["as", "--32", "-o", f"{program}.o"], input=PROGRAM_32, text=True,
                check=True,
            )
            subprocess.run(
                ["ld", "-m", "elf_i386", "-o", program, f"{program}.o"], check=True
            )
            try:
                started = self.start(program)
            except OSError as error:
                self.skipTest(f"the kernel executes no 32-bit programs: {error}")
            for command in (["show", "--ptrace", "--pid"], ["attach"]):
                with unchanged(self, started.pid):
                    self.assertEqual(
                        run(*command, str(started.pid)),
                        (1, "", f"jemalloc_exporter: {started.pid} (program): "
                         "a 32-bit program\n"),
                    )
            self.assertIsNone(started.process.poll())

    def test_the_line_about_the_process_has_the_format_of_the_log(self):
        started = self.start("attach_host")
        status, _, err = run(
            "--log.format=json", "show", "--pid", str(started.pid), "--ptrace"
        )
        self.assertEqual(status, 0, err)
        record = json.loads(err)
        self.assertEqual(record["level"], "info")
        self.assertRegex(
            record["msg"], rf"\A{started.pid} \(attach_host\): stopped thread \d+ for"
        )

    def test_explains_what_ptrace_would_do(self):
        status, _, err = run("show", "--pid", str(os.getpid()))
        self.assertEqual(status, 1)
        self.assertIn("--ptrace", err)
        self.assertIn(f"jemalloc_exporter attach {os.getpid()};", err)

    def test_ptrace_needs_a_pid(self):
        status, _, err = run("show", "--ptrace")
        self.assertEqual(status, 2)
        self.assertRegex(err, r"\Ajemalloc_exporter: .*--pid.*\n\Z")


if __name__ == "__main__":
    require_ptrace()
    unittest.main()
