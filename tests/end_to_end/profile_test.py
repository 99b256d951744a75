"""Heap profiles of unmodified programs, read by `go tool pprof` and compared with
jeprof's reading of the same dump."""

import fcntl
import os
import re
import resource
import subprocess
import tempfile
import threading
import unittest

from agents import (
    CLEAN_ENV,
    DEADLINE,
    HOSTS,
    NOBODY,
    Host,
    listening,
    query,
    query_as,
    receive_as,
    wait_for,
)
from profiles import PROFILED, PROGRAM, pprof, profiled, request_profile
from programs import EXPORTER, run
from redis import Redis


class Profile:
    """What `jemalloc_exporter profile` writes, as go tool pprof reads it."""

    def __init__(self, pid, *options):
        self.file = tempfile.NamedTemporaryFile(suffix=".pb.gz")
        status, out, err = run("profile", f"--pid={pid}", f"--output={self.file.name}", *options)
        if (status, out, err) != (0, "", ""):
            raise AssertionError(f"profile: {status} {out} {err}")

    def pprof(self, *options):
        return pprof(*options, self.file.name)

    def total(self, value="inuse_space"):
        """The sum of all samples in the last column but for objects."""
        raw = self.pprof("-raw")
        samples = re.findall(r"(?m)^ +(-?\d+) +(-?\d+): ", raw)
        return sum(int(sample[value == "inuse_space"]) for sample in samples)

    def cumulative(self, *options):
        """Bytes by function, those of its callees included."""
        top = self.pprof("-top", "-cum", "-unit=b", "-nodefraction=0", *options)
        rows = re.findall(r"(?m)^ *\S+ +\S+ +\S+ +(-?\d+)B +\S+ +(.*)$", top)
        return {name: int(size) for size, name in rows}


def jeprof_total(program, raw):
    with tempfile.NamedTemporaryFile("w") as dump:
        dump.write(raw)
        dump.flush()
        text = subprocess.run(
            ["jeprof", "--text", "--show_bytes", program, dump.name],
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=True,
        ).stdout
    return int(re.search(r"Total: (\d+) B", text).group(1))


def raw(pid):
    status, out, err = run("profile", f"--pid={pid}", "--format=raw")
    assert (status, err) == (0, ""), err
    return out


class OfCxxProgram(unittest.TestCase):
    def test_names_the_function_and_line_of_a_leak(self):
        with profiled() as host:
            host.await_ready()
            host.answer("leak 10000\n")
            leak = threading.Timer(1, lambda: host.answer("leak 200000\n"))
            leak.start()
            profile = Profile(host.pid, "--seconds=4s")
            leak.join()
        sizes = profile.cumulative()
        # 200,000 orders of 256 bytes and 24, in size classes: 256 and 32.
        truth = 200_000 * (256 + 32)
        # Five standard errors of samples of 512 KiB.
        error = 5 * (truth * 524_288) ** 0.5
        self.assertAlmostEqual(sizes["shop::Parse(int)"], truth, delta=error)
        self.assertGreater(sizes["shop::Parse(int)"], 0.8 * profile.total())
        lines = profile.pprof("-raw")
        with open(os.path.join(os.path.dirname(__file__), "profile_host.cc")) as source:
            text = source.read()
        number = 1 + text[: text.index("  order->lines.resize(")].count("\n")
        self.assertRegex(lines, rf"shop::Parse\(int\) \S*profile_host.cc:{number} ")
        self.assertRegex(lines, r"(?m)^Duration: [34]\.")

    def test_has_the_total_of_jeprof_and_of_the_program(self):
        with profiled() as host:
            host.await_ready()
            host.answer("leak 200000\n")
            dump, profile = raw(host.pid), Profile(host.pid)
        theirs = jeprof_total(f"{HOSTS}/{PROGRAM}", dump)
        self.assertAlmostEqual(profile.total() / theirs, 1, delta=0.01)
        truth = 200_000 * (256 + 32)
        error = (truth * 524_288) ** 0.5
        self.assertAlmostEqual(
            profile.cumulative()["shop::Parse(int)"], truth, delta=4 * error + 4e6
        )

    def test_omits_the_frames_of_jemalloc(self):
        with profiled() as host:
            host.await_ready()
            host.answer("leak 40000\n")
            sizes = Profile(host.pid).cumulative()
        self.assertEqual([name for name in sizes if "jemalloc" in name or "prof_" in name], [])

    def test_has_addresses_and_build_ids_without_symbols(self):
        with profiled() as host:
            host.await_ready()
            host.answer("leak 40000\n")
            text = Profile(host.pid, "--no-symbols").pprof("-raw")
        self.assertNotIn("Parse", text)
        self.assertRegex(text, r"(?m)^1: 0x\w+/0x\w+/0x\w+ \S+/profile_host [0-9a-f]{40} *$")

    def test_is_collapsed_from_the_root(self):
        with profiled() as host:
            host.await_ready()
            host.answer("leak 40000\n")
            status, out, err = run("profile", f"--pid={host.pid}", "--format=collapsed")
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, r"(?m)^_start;.*;main;.*shop::Parse\(int\).* \d+$")

    def test_has_allocations_since_the_start_if_they_are_accumulated(self):
        with profiled(env={"MALLOC_CONF": "prof:true,prof_accum:true"}) as host:
            host.await_ready()
            host.answer("leak 1000\n")
            text = Profile(host.pid).pprof("-raw")
        types = "alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes[dflt]"
        self.assertIn(types, text)


class OfRedis(unittest.TestCase):
    def setUp(self):
        self.redis = Redis()
        self.redis.start(PROFILED, self.addCleanup)
        self.redis.connect()

    def test_agrees_with_redis_and_jeprof_and_names_static_functions(self):
        self.redis.execute("DEBUG", "POPULATE", 200_000, "key", 800)
        dump, profile = raw(self.redis.process.pid), Profile(self.redis.process.pid)
        total = profile.total()
        theirs = jeprof_total(f"/proc/{self.redis.process.pid}/exe", dump)
        self.assertAlmostEqual(total / theirs, 1, delta=0.01)
        used = int(self.redis.info("memory")["used_memory"])
        # A sample is of 512 KiB, so n bytes have a variance of 512 KiB times n.
        self.assertAlmostEqual(total, used, delta=4 * (used * 524_288) ** 0.5)
        sizes = profile.cumulative()
        self.assertGreater(sizes["debugCommand"], 0.8 * total)
        # Stripped: each function has a name, by its symbol or by its start.
        lines = re.findall(r"(?m)^ +\d+: 0x\w+ M=1 (\S*)", profile.pprof("-raw"))
        self.assertTrue(lines)
        self.assertTrue(all(lines), lines)
        self.assertTrue(any(re.search(r"\+0x", name) for name in lines), lines)

    def test_saves_during_dumps(self):
        self.redis.execute("DEBUG", "POPULATE", 20_000, "key", 100)
        self.redis.execute("BGSAVE")
        for _ in range(50):
            document, (file,) = request_profile(self.redis.process.pid)
            file.close()
            self.assertIn('"ok"', document)
        wait_for(
            lambda: self.redis.info("persistence")["rdb_bgsave_in_progress"] == "0", "save"
        )
        self.assertEqual(self.redis.info("persistence")["rdb_last_bgsave_status"], "ok")


class Agent(unittest.TestCase):
    def test_has_no_socket_where_jemalloc_does_not_sample(self):
        for conf in ("", "prof:false", "prof:true,prof_sys_thread_name:true"):
            with self.subTest(conf), profiled(env={"MALLOC_CONF": conf}) as host:
                host.await_ready()
                query(host.pid)
                self.assertNotIn(str(host.pid), listening("jemalloc_exporter_profile"))
                status, out, err = run("profile", f"--pid={host.pid}")
                self.assertEqual((status, out), (3, ""))
                self.assertIn("has no heap profile; start it with: jemalloc_exporter exec", err)

    def test_sends_a_sealed_file_that_is_not_executable(self):
        with profiled() as host:
            host.await_ready()
            document, (file,) = request_profile(host.pid)
            with file:
                seals = fcntl.fcntl(file, fcntl.F_GET_SEALS)
                self.assertTrue(file.read().startswith(b"heap_v2/524288\n"))
        self.assertRegex(
            document,
            rf'^{{"agent":1,"pid":{host.pid},"comm":"profile_host",'
            r'"jemalloc_version":"5[^"]*","profile":"ok"}$',
        )
        every = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
        self.assertEqual(seals & every, every)

    def test_leaves_the_files_of_the_host_alone(self):
        with tempfile.TemporaryDirectory() as folder, profiled() as host:
            host.await_ready()
            host.answer(f"open {folder}\n")
            documents = set()
            for _ in range(5):
                document, files = request_profile(host.pid)
                for file in files:
                    file.close()
                documents.add(document)
            for name in os.listdir(folder):
                with open(os.path.join(folder, name), encoding="utf-8") as content:
                    self.assertEqual(content.read(), f"{folder}/{name}")
            self.assertEqual(len(os.listdir(folder)), 20)
        self.assertRegex(documents.pop(), '"ok"')
        self.assertEqual(documents, set())

    def test_does_not_move_the_host_s_counter_of_allocations(self):
        with profiled() as host:
            host.await_ready()
            host.answer("allocated 0\n")
            before = host.answer("allocated 0\n")
            for _ in range(5):
                request_profile(host.pid)[1][0].close()
            self.assertEqual(host.answer("allocated 0\n"), before)

    def test_is_loaded_and_ended_in_a_running_process(self):
        with Host(program=PROGRAM, env={**CLEAN_ENV, "MALLOC_CONF": "prof:true"}) as host:
            host.await_ready()
            host.answer("leak 40000\n")
            for _ in range(2):
                status, _, err = run("attach", str(host.pid))
                self.assertEqual(status, 0, err)
                self.assertIn("shop::Parse(int)", Profile(host.pid).cumulative())
                status, _, err = run("detach", str(host.pid))
                self.assertEqual(status, 0, err)
                wait_for(
                    lambda: str(host.pid) not in listening("jemalloc_exporter_profile"), "end"
                )

    def test_sends_profiles_of_forked_children(self):
        with Host("fork-twice", env=PROFILED) as host:
            pids = {int(host.line().replace("ready", "") or host.line()) for _ in range(3)}
            self.assertEqual(len(pids), 3)
            for pid in pids:
                document, (file,) = request_profile(pid)
                file.close()
                self.assertIn(f'"pid":{pid},', document)

    def test_reports_limits_of_the_host_and_leaves_it_alive(self):
        for limit in ("file-size 4096", "descriptors 5", "descriptors 6"):
            with self.subTest(limit), profiled() as host:
                host.await_ready()
                host.answer("leak 40000\n")
                host.answer(f"{limit}\n")
                document, files = request_profile(host.pid)
                self.assertIn('"profile":"failed"', document)
                self.assertEqual(files, [])
                status, out, err = run("profile", f"--pid={host.pid}")
                self.assertEqual((status, out), (1, ""))
                self.assertIn("could not write a heap profile", err)
                self.assertEqual(host.answer("leak 10\n"), "leak 0")
                self.assertEqual(query(host.pid)["pid"], host.pid)
                self.assertEqual(host.end(), (0, "", ""))

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_serves_a_host_that_has_changed_its_root_and_user(self):
        with tempfile.TemporaryDirectory() as folder, profiled() as host:
            host.await_ready()
            host.answer("leak 40000\n")
            host.answer(f"chroot {folder}\n")
            host.answer(f"user {NOBODY}\n")
            self.assertIn("shop::Parse(int)", Profile(host.pid).cumulative())
            self.assertEqual(os.listdir(folder), [])

    def test_lets_children_of_the_host_end_during_dumps(self):
        done = threading.Event()
        failures = []

        def poll():
            while not done.is_set():
                document, files = request_profile(host.pid)
                for file in files:
                    file.close()
                if '"ok"' not in document:
                    failures.append(document)

        with profiled(env={"MALLOC_CONF": "prof:true,lg_prof_sample:12"}) as host:
            host.await_ready()
            host.answer("leak 20000\n")
            client = threading.Thread(target=poll)
            client.start()
            try:
                self.assertEqual(host.answer("fork 200\n"), "fork 200")
            finally:
                done.set()
                client.join()
        self.assertEqual(failures, [])

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_refuses_other_users(self):
        with profiled() as host:
            host.await_ready()
            os.chmod(EXPORTER, os.stat(EXPORTER).st_mode | 0o005)
            self.assertEqual(query_as(NOBODY, host.pid), b"")
            profile = f"\0jemalloc_exporter_profile/{host.pid}"
            self.assertEqual(receive_as(NOBODY, profile), b"")


class Command(unittest.TestCase):
    def test_reports_mistakes_on_one_line(self):
        for arguments, message in (
            ([], "--pid is required"),
            (["--pid=0"], "--pid: invalid value '0': expected a process id"),
            (["--pid=x"], "--pid"),
            (["--pid=1", "--seconds=301"], "expected a duration from 1s to 300s"),
            (["--pid=1", "--seconds=0.5"], "expected a duration from 1s to 300s"),
            (["--pid=1", "--seconds=2", "--format=raw"], "--seconds cannot be used with"),
            (["--pid=1", "--format=svg"], "expected collapsed|flamegraph|pprof|raw"),
        ):
            status, out, err = run("profile", *arguments)
            self.assertEqual((status, out), (2, ""), arguments)
            self.assertIn(message, err)
            self.assertEqual(err.count("\n"), 1)

    def test_limits_itself_before_it_reads_symbols(self):
        def allow_core():
            _, most = resource.getrlimit(resource.RLIMIT_CORE)
            resource.setrlimit(resource.RLIMIT_CORE, (most, most))

        def limits(pid):
            with open(f"/proc/{pid}/limits", encoding="utf-8") as file:
                return dict(re.findall(r"(?m)^Max (.*?)  +(\S+)", file.read()))

        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        os.write(writer, bytes(fcntl.fcntl(writer, fcntl.F_GETPIPE_SZ)))
        with profiled() as host:
            host.await_ready()
            # It waits when it writes the profile.
            with subprocess.Popen(
                [EXPORTER, "profile", f"--pid={host.pid}", "--format=collapsed"],
                env=CLEAN_ENV,
                stdin=subprocess.DEVNULL,
                stdout=writer,
                preexec_fn=allow_core,
            ) as process:
                os.close(writer)
                self.addCleanup(process.kill)
                wait_for(lambda: limits(process.pid)["cpu time"] == "20", "limit of CPU time")
                found = limits(process.pid)
                process.kill()
        self.assertEqual(found["address space"], str(1 << 30))
        self.assertEqual(found["core file size"], "0")

    def test_reports_processes_that_do_not_exist(self):
        status, out, err = run("profile", "--pid=4194305")
        self.assertEqual((status, out), (3, ""))
        self.assertEqual(err, "jemalloc_exporter: there is no process 4194305\n")

    def test_writes_no_binary_to_a_terminal(self):
        primary, secondary = os.openpty()
        try:
            done = subprocess.run(
                [EXPORTER, "profile", "--pid=1"],
                stdout=secondary,
                stderr=subprocess.PIPE,
                stdin=subprocess.DEVNULL,
                text=True,
                check=False,
                timeout=DEADLINE,
            )
        finally:
            os.close(primary)
            os.close(secondary)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--output FILE", done.stderr)

    def test_reports_an_output_that_cannot_be_written(self):
        with profiled() as host:
            host.await_ready()
            status, out, err = run("profile", f"--pid={host.pid}", "--output=/no/such/file")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("/no/such/file: No such file or directory", err)


if __name__ == "__main__":
    unittest.main()
