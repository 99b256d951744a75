"""Heap profiles over HTTP, as browsers, `go tool pprof` and service discovery
request them; and of a command that `exec --profile` starts."""

import base64
import gzip
import http.client
import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import unittest

from agents import HOSTS, Host, wait_for
from profiles import PROFILED, PROGRAM, pprof, profiled
from programs import DEADLINE, EXPORTER, Exporter, get, run, run_exec

HEAP = "/debug/pprof/heap"
HASH_OF_TEST = "$2y$10$3LdtgEv7EXbEC0ChgJ6Ba.rGDtNulE6O9NPr.I4SCaDv7nBUBx/CK"


def children(pid):
    """The command lines of the children of a process."""
    lines = []
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                pids = file.read().split()
            for child in pids:
                with open(f"/proc/{child}/cmdline", encoding="utf-8") as file:
                    lines.append(file.read().split("\0"))
        except OSError:
            pass  # It has ended.
    return lines


def is_stopped(pid):
    states = set()
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/stat", encoding="utf-8") as file:
            states.add(file.read().rpartition(")")[2].split()[0])
    return states == {"T"}


class Endpoint(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.exporter = Exporter()
        cls.addClassCleanup(cls.exporter.__exit__)
        cls.host = profiled()
        cls.addClassCleanup(cls.host.__exit__)
        cls.host.await_ready()
        cls.host.answer("leak 40000\n")
        cls.url = cls.exporter.url + HEAP
        cls.of_host = f"{cls.url}?pid={cls.host.pid}"

    def request(self, url, status, pattern):
        answer = get(url)
        self.assertEqual(answer.status, status, answer.body)
        self.assertEqual(answer.headers["Content-Type"], "text/plain; charset=utf-8")
        self.assertRegex(answer.text, pattern)
        self.assertEqual(answer.text.count("\n"), 1)
        return answer

    def test_is_a_gzip_file_for_pprof(self):
        answer = get(self.of_host)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.headers["Content-Type"], "application/octet-stream")
        self.assertIsNone(answer.headers["Content-Encoding"])
        self.assertEqual(
            answer.headers["Content-Disposition"],
            f'attachment; filename="profile_host-{self.host.pid}.pb.gz"',
        )
        self.assertIn(b"shop::Parse(int)", gzip.decompress(answer.body))
        self.assertNotIn(b"Parse", gzip.decompress(get(f"{self.of_host}&symbols=0").body))

    def test_limits_what_a_browser_does_with_it(self):
        policies = {}
        for name in ("pprof", "raw", "collapsed", "flamegraph"):
            answer = get(f"{self.of_host}&format={name}", method="HEAD")
            self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff")
            policies[name] = answer.headers["Content-Security-Policy"]
        self.assertEqual(
            policies["flamegraph"],
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        )

    def test_has_a_file_name_without_quotes(self):
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(folder, 'a"b;c')
            os.symlink(os.path.join(HOSTS, PROGRAM), program)
            with Host(program=program, env=PROFILED) as host:
                host.await_ready()
                answer = get(f"{self.url}?pid={host.pid}", method="HEAD")
                self.assertEqual(
                    answer.headers["Content-Disposition"],
                    f'attachment; filename="a_b_c-{host.pid}.pb.gz"',
                )

    def test_is_read_by_pprof_over_http(self):
        self.assertRegex(pprof("-top", "-cum", self.of_host), r"shop::Parse\(int\)")

    def test_is_the_difference_of_seconds_for_pprof(self):
        leak = threading.Timer(1, lambda: self.host.answer("leak 40000\n"))
        leak.start()
        text = pprof("-top", "-cum", "-seconds=4", self.of_host)
        leak.join()
        self.assertRegex(text, r"Duration: [45]")
        share = re.search(r"(?m)^.* ([\d.]+)%  shop::Parse\(int\)", text)
        self.assertGreater(float(share.group(1)), 80, text)

    def test_is_text_or_the_dump_of_jemalloc(self):
        answer = get(f"{self.of_host}&format=collapsed")
        self.assertEqual(answer.headers["Content-Type"], "text/plain; charset=utf-8")
        self.assertRegex(answer.text, r"(?m)^_start;.*shop::Parse\(int\).* \d+$")
        answer = get(f"{self.of_host}&format=raw")
        self.assertEqual(answer.headers["Content-Type"], "application/octet-stream")
        self.assertTrue(answer.body.startswith(b"heap_v2/524288\n"))

    def test_has_headers_for_head_without_reading_a_profile(self):
        answer = get(f"{self.of_host}&seconds=300", method="HEAD")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(answer.headers["Content-Type"], "application/octet-stream")
        self.assertIsNone(answer.headers["Content-Length"])

    def test_selects_by_name_or_the_only_process(self):
        for query in ("", "?comm=profile_host", f"?comm=profile_host&pid={self.host.pid}"):
            answer = get(self.url + query)
            self.assertEqual(answer.status, 200, answer.body)
        self.request(f"{self.url}?comm=other", 404, r"^no process named 'other' has a heap")
        self.request(f"{self.of_host}&comm=other", 404, r"is not named 'other'$")

    def test_lists_several_processes_to_choose_from(self):
        with profiled() as other:
            other.await_ready()
            first, second = sorted((self.host.pid, other.pid))
            pids = rf"pid: {first} \(profile_host\), {second} \(profile_host\)$"
            self.request(self.url, 400, rf"^several processes have .* by {pids}")
            self.request(f"{self.url}?comm=profile_host", 400, pids)
            self.assertEqual(get(self.of_host).status, 200)

    def test_rejects_invalid_queries(self):
        queries = "pid=x seconds=0 seconds=301 format=svg symbols=2 pid=1&pid=2"
        for query in queries.split():
            self.request(f"{self.url}?{query}", 400, query.split("=")[0])

    def test_is_absent_without_a_process_or_profiling(self):
        self.request(f"{self.url}?pid=4194305", 404, "^there is no process 4194305$")
        with profiled(env={"MALLOC_CONF": ""}) as host:
            host.await_ready()
            self.request(
                f"{self.url}?pid={host.pid}",
                404,
                rf"^process {host.pid} has no heap profile; start it with: .* exec --profile",
            )

    def test_is_busy_while_the_process_is_read(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.exporter.port)
        connection.request("GET", f"{HEAP}?pid={self.host.pid}&seconds=300")
        wait_for(lambda: children(self.exporter.process.pid), "child")
        answer = self.request(self.of_host, 503, "^another profile of process")
        self.assertGreater(int(answer.headers["Retry-After"]), 200)
        # The client ends, then the child.
        connection.close()
        wait_for(lambda: not children(self.exporter.process.pid), "end of the child")
        wait_for(lambda: get(self.of_host).status == 200, "next profile")

    def test_is_absent_for_a_process_that_ends_meanwhile(self):
        with profiled() as host:
            host.await_ready()
            answers = []
            url = f"{self.url}?pid={host.pid}&seconds=3"
            client = threading.Thread(target=lambda: answers.append(get(url)))
            client.start()
            wait_for(lambda: children(self.exporter.process.pid), "child")
            host.end()
            client.join()
        self.assertEqual(answers[0].status, 404, answers[0].body)
        self.assertEqual(answers[0].text, f"there is no process {host.pid}\n")

    def test_times_out_for_a_stopped_process(self):
        with profiled() as host:
            host.await_ready()
            os.kill(host.pid, signal.SIGSTOP)
            wait_for(lambda: is_stopped(host.pid), "stop")
            try:
                answer = self.request(f"{self.url}?pid={host.pid}", 504, "in time$")
            finally:
                os.kill(host.pid, signal.SIGCONT)
        self.assertEqual(answer.text, f"process {host.pid} sent no heap profile in time\n")

    def test_is_a_target_of_service_discovery(self):
        answer = get(self.exporter.url + "/debug/pprof/targets")
        self.assertEqual(answer.headers["Content-Type"], "application/json")
        (target,) = [
            group
            for group in json.loads(answer.text)
            if group["labels"]["__param_pid"] == str(self.host.pid)
        ]
        self.assertEqual(target["targets"], [f"127.0.0.1:{self.exporter.port}"])
        self.assertEqual(target["labels"]["comm"], "profile_host")
        self.assertTrue(target["labels"]["service_name"])

    def test_is_linked_from_the_landing_page(self):
        page = get(self.exporter.url).text
        link = f'href="./debug/pprof/heap?pid={self.host.pid}&amp;format=flamegraph"'
        self.assertIn(link, page)
        self.assertEqual(page.count("/debug/pprof/heap"), 1)

    def test_takes_no_memory_of_the_exporter(self):
        def rss():
            with open(f"/proc/{self.exporter.process.pid}/status", encoding="ascii") as status:
                return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1))

        get(self.of_host)
        before = rss()
        for _ in range(20):
            self.assertEqual(get(self.of_host).status, 200)
        self.assertLess(rss() - before, 1024)


class Environment(unittest.TestCase):
    def test_of_the_exporter_does_not_change_profiles(self):
        env = {
            "JEMALLOC_EXPORTER_PROFILE_FORMAT": "raw",
            "JEMALLOC_EXPORTER_OUTPUT": "/no/such/file",
            "JEMALLOC_EXPORTER_SECONDS": "300",
        }
        with Exporter(env=env) as exporter, profiled() as host:
            host.await_ready()
            answer = get(f"{exporter.url}{HEAP}?pid={host.pid}")
            self.assertEqual(answer.status, 200, answer.body)
            gzip.decompress(answer.body)

    def test_of_the_formats_differs_between_the_commands(self):
        with profiled() as host:
            host.await_ready()
            env = {"JEMALLOC_EXPORTER_FORMAT": "json"}
            status, out, err = run("show", f"--pid={host.pid}", env=env)
            self.assertEqual((status, err), (0, ""))
            json.loads(out)
            env["JEMALLOC_EXPORTER_PROFILE_FORMAT"] = "raw"
            status, out, err = run("profile", f"--pid={host.pid}", env=env)
            self.assertEqual((status, err), (0, ""))
            self.assertTrue(out.startswith("heap_v2/"))

    def test_may_have_no_signal_of_children(self):
        program = ("env", "--ignore-signal=CHLD", EXPORTER)
        with Exporter(program=program) as exporter, profiled() as host:
            host.await_ready()
            answer = get(f"{exporter.url}{HEAP}?pid={host.pid}")
            self.assertEqual(answer.status, 200, answer.body)

    def test_with_passwords_hides_the_profiles(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as config:
            config.write(f"basic_auth_users:\n  prometheus: {HASH_OF_TEST}\n")
            config.flush()
            with Exporter(f"--web.config.file={config.name}") as exporter:
                login = base64.b64encode(b"prometheus:test").decode()
                for path in (HEAP, "/debug/pprof/targets"):
                    self.assertEqual(get(exporter.url + path).status, 401)
                    answer = get(exporter.url + path, authorization=f"Basic {login}")
                    self.assertIn(answer.status, (200, 400, 404))


class RoutePrefix(unittest.TestCase):
    def test_is_of_the_paths_and_its_host_of_the_targets(self):
        url = "--web.external-url=https://example.org/jem/"
        with Exporter(url) as exporter, profiled() as host:
            host.await_ready()
            self.assertEqual(get(f"{exporter.url}{HEAP}").status, 404)
            self.assertEqual(get(f"{exporter.url}/jem{HEAP}?pid={host.pid}").status, 200)
            targets = json.loads(get(f"{exporter.url}/jem/debug/pprof/targets").text)
            self.assertIn(["example.org"], [group["targets"] for group in targets])


class Exec(unittest.TestCase):
    def start(self, *options, env=None, command=(f"{HOSTS}/{PROGRAM}",)):
        exporter = Exporter(
            "exec", "--log.level=info", *options, env=env, command=command
        )
        self.addCleanup(exporter.__exit__)
        return exporter

    def test_profiles_the_command(self):
        for option, period in (
            (["--profile"], 524_288),
            (["--profile", "65536"], 65_536),
            (["--profile=1048576"], 1_048_576),
        ):
            exporter = self.start(*option)
            wait_for(lambda: get(exporter.url + HEAP).status == 200, "profile")  # noqa: B023
            dump = get(f"{exporter.url}{HEAP}?format=raw").text
            self.assertTrue(dump.startswith(f"heap_v2/{period}\n"), dump[:20])

    def test_takes_the_command_behind_the_separator(self):
        for options, conf in (
            (["--profile"], "prof:true,prof_active:true,lg_prof_sample:19"),
            (["--profile", "1"], "prof:true,prof_active:true,lg_prof_sample:0"),
            (["--profile=4096"], "prof:true,prof_active:true,lg_prof_sample:12"),
        ):
            command = ["sh", "-c", 'echo "$MALLOC_CONF $*"', "sh", "--port", "--profile", "--"]
            status, out, _ = run_exec(*command, options=options)
            self.assertEqual((status, out), (0, f"{conf} --port --profile --\n"))

    def test_leaves_the_last_word_to_the_variable(self):
        exporter = self.start("--profile", env={"MALLOC_CONF": "lg_prof_sample:16"})
        wait_for(lambda: get(exporter.url + HEAP).status == 200, "profile")
        dump = get(f"{exporter.url}{HEAP}?format=raw").text
        self.assertTrue(dump.startswith("heap_v2/65536\n"), dump[:20])

    def test_serves_profiles_of_the_command_only(self):
        exporter = self.start("--profile")
        wait_for(lambda: get(exporter.url + HEAP).status == 200, "profile")
        with profiled() as other:
            other.await_ready()
            self.assertEqual(get(f"{exporter.url}{HEAP}?pid={other.pid}").status, 404)
            targets = json.loads(get(exporter.url + "/debug/pprof/targets").text)
            self.assertEqual(len(targets), 1)

    def test_warns_once_where_nothing_is_profiled(self):
        exporter = self.start("--profile", env={"MALLOC_CONF": "prof:false"})
        exporter.await_log("No process of the command has a heap profile")

    def test_rejects_other_numbers(self):
        for value in ("0", "3", "-1", "1k", "524288.0", "18446744073709551616"):
            status, _, err = run("exec", f"--profile={value}", "--", "true")
            self.assertEqual(status, 2, value)
            self.assertIn("expected a power of two", err)


class Shutdown(unittest.TestCase):
    def test_ends_the_child_before_the_exporter(self):
        with profiled() as host, Exporter() as exporter:
            host.await_ready()
            connection = http.client.HTTPConnection("127.0.0.1", exporter.port)
            connection.request("GET", f"{HEAP}?pid={host.pid}&seconds=300")
            wait_for(lambda: children(exporter.process.pid), "child")
            exporter.process.send_signal(signal.SIGTERM)
            response = connection.getresponse()
            body = response.read()
            self.assertEqual((response.status, body), (503, b"the exporter is ending\n"))
            # After 5 s it would have closed the connection without a response.
            self.assertEqual(exporter.process.wait(DEADLINE), 0)

    def test_ends_the_child_of_an_exporter_that_is_killed(self):
        with profiled() as host:
            host.await_ready()
            with Exporter() as exporter:
                connection = http.client.HTTPConnection("127.0.0.1", exporter.port)
                connection.request("GET", f"{HEAP}?pid={host.pid}&seconds=300")
                wait_for(lambda: children(exporter.process.pid), "child")
                exporter.stop(signal.SIGKILL)
                connection.close()

            def is_running():
                done = subprocess.run(
                    ["pgrep", "-f", f"profile --pid={host.pid} "], check=False,
                    capture_output=True,
                )
                return done.returncode == 0

            wait_for(lambda: not is_running(), "end of the child")


if __name__ == "__main__":
    unittest.main()
