"""What a user meets at the prompt: commands, options, bad input."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from programs import EXPORTER, Exporter, get, run
from support import DEADLINE, wait_for

STATE = {
    "allocated_bytes": 524288,
    "active_bytes": 1048576,
    "resident_bytes": 2097152,
    "mapped_bytes": 4194304,
    "narenas": 64,
}


class BadCommandLine(unittest.TestCase):
    def assert_refused(self, args, message, env=None):
        self.assertEqual(
            run(*args, env=env), (2, "", f"jemalloc_exporter: {message}\n")
        )

    def test_unknown_option(self):
        self.assert_refused(
            ["--nope"], "The following argument was not expected: --nope"
        )

    def test_unknown_command(self):
        self.assert_refused(
            ["sreve"], "The following argument was not expected: sreve"
        )

    def test_unknown_option_of_a_command(self):
        self.assert_refused(
            ["show", "--nope"], "The following argument was not expected: --nope"
        )

    def test_unknown_choice(self):
        self.assert_refused(
            ["--log.level=loud"],
            "--log.level: invalid value 'loud': expected debug|error|info|warn",
        )

    def test_invalid_number(self):
        self.assert_refused(
            ["--web.max-requests=many"],
            "--web.max-requests: invalid value 'many': expected an integer >= 0",
        )

    def test_duration(self):
        for option in (["show", "--watch"], ["--agent.timeout"]):
            for text in ("soon", "0", "-1", "nan", "inf", "1e300", "1d", "s"):
                self.assert_refused(
                    [*option[:-1], f"{option[-1]}={text}"],
                    f"{option[-1]}: invalid value '{text}': expected a duration of "
                    "at most 24h, such as 1s, 500ms or a number of seconds",
                )

    def test_process_id(self):
        for command in (["show", "--pid"], ["profile", "--pid"]):
            self.assert_refused(
                [*command, "--ptrace"], "--pid: expected a process id before --ptrace"
            )
        for command in (["show", "--pid"], ["profile", "--pid"], ["attach"], ["detach"]):
            for text in ("x", "0", "1x", "4294967296"):
                self.assert_refused(
                    [*command, text],
                    f"{command[1] if command[1:] else 'PID'}: invalid value '{text}': "
                    "expected a process id",
                )

    def test_empty_value(self):
        """CLI11 would take the next argument as the value."""
        for command, option in (
            ([], "--web.listen-address"),
            ([], "--web.config.file"),
            ([], "--web.telemetry-path"),
            ([], "--web.max-requests"),
            ([], "--agent.timeout"),
            ([], "--log.level"),
            (["show"], "--pid"),
            (["show"], "--watch"),
            (["exec"], "--report"),
            (["exec"], "--agent.path"),
            (["exec"], "--agent.exclude"),
            (["exec"], "--sidecar"),
        ):
            message = f"{option}: the value is empty"
            self.assert_refused([*command, f"{option}=", "true"], message)
            if option in ("--web.config.file", "--web.listen-address"):
                self.assert_refused([*command, option, ""], message)

    def test_empty_value_leaves_the_next_argument_alone(self):
        for option in ("--report=", "--sidecar="):
            with self.subTest(option=option), tempfile.TemporaryDirectory() as folder:
                status, _, _ = run("exec", option, "target", "true", cwd=folder)
                self.assertEqual((status, os.listdir(folder)), (2, []))

    def test_empty_value_of_the_commands_own_option_is_passed(self):
        self.assertEqual(
            run("exec", "--web.listen-address=127.0.0.1:0", "--",
                "printf", "%s,", "--option=", ""),
            (0, "--option=,,", ""),
        )

    def test_telemetry_path_without_a_slash(self):
        self.assert_refused(
            ["--web.telemetry-path=metrics"],
            "--web.telemetry-path: 'metrics' does not begin with /",
        )

    def test_telemetry_path_that_no_client_can_request(self):
        for path, encoded in (
            ("/a b", "/a%20b"),
            ("/a?b", "/a%3Fb"),
            ("/a#b", "/a%23b"),
            ("/100%", "/100%25"),
            ("/métriques", "/m%C3%A9triques"),
        ):
            self.assert_refused(
                [f"--web.telemetry-path={path}"],
                f"--web.telemetry-path: '{path}' is not a path that a client can "
                f"request; the percent-encoded form is '{encoded}'",
            )

    def test_telemetry_path_that_clients_change(self):
        self.assert_refused(
            ["--web.telemetry-path=/a/../b"],
            "--web.telemetry-path: '/a/../b' has a '.' or '..' segment, which "
            "clients remove",
        )

    def test_route_prefix_that_no_client_can_request(self):
        self.assert_refused(
            ["--web.route-prefix=/a b"],
            "--web.route-prefix: '/a b' is not a path that a client can request; "
            "the percent-encoded form is '/a%20b'",
        )

    def test_invalid_external_url(self):
        self.assert_refused(
            ["--web.external-url=example.org/jem"],
            "--web.external-url: 'example.org/jem' is neither an http(s) URL nor "
            "a path",
        )

    def test_bad_value_in_the_environment(self):
        self.assert_refused(
            [],
            "--log.format: invalid value 'xml': expected json|logfmt",
            env={"JEMALLOC_EXPORTER_LOG_FORMAT": "xml"},
        )

    def test_missing_file_of_diff(self):
        self.assert_refused(["diff", "before.json"], "AFTER is required")


class Help(unittest.TestCase):
    def test_is_on_stdout(self):
        status, out, err = run("--help")
        self.assertEqual((status, err), (0, ""))
        for option in ("--web.listen-address", "--log.level", "serve", "diff"):
            self.assertIn(option, out)

    def test_names_the_variable_of_every_option(self):
        for command in ([], ["exec"], ["show"], ["diff"]):
            _, out, _ = run(*command, "--help")
            for option in re.findall(r"^  (--[a-z.-]+)", out, re.M):
                if option in ("--help", "--version"):
                    continue
                variable = "JEMALLOC_EXPORTER_" + re.sub(
                    r"[.-]", "_", option.removeprefix("--").upper()
                )
                self.assertRegex(out, rf"(?m)^  {option}\b.* \(Env:{variable}\)$")

    def test_version_is_in_the_form_of_the_exporters(self):
        status, out, err = run("--version")
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(
            out,
            r"\Ajemalloc_exporter, version \d+\.\d+\.\d+ \(revision: \S+\)\n"
            r"  compiler: .+\n\Z",
        )


class Listening(unittest.TestCase):
    def assert_cannot_listen(self, address, reason):
        status, out, err = run(f"--web.listen-address={address}")
        self.assertEqual((status, out), (1, ""))
        self.assertEqual(err, f"jemalloc_exporter: {reason}\n")

    def test_busy_port(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            self.assert_cannot_listen(
                address, f"cannot listen on {address}: Address already in use"
            )

    def test_one_busy_port_among_good_ones(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            address = f"127.0.0.1:{other.getsockname()[1]}"
            status, _, err = run(
                "--web.listen-address=127.0.0.1:0",
                f"--web.listen-address={address}",
            )
            self.assertEqual(status, 1)
            self.assertIn(f"cannot listen on {address}", err)

    def test_several_addresses(self):
        with Exporter(
            "--web.listen-address=127.0.0.1:0", address="127.0.0.1:0"
        ) as exporter:
            get(exporter.url + "/-/healthy")  # Both are in the log.
            exporter.stop()
            ports = re.findall(r"address=127\.0\.0\.1:(\d+)", exporter.log)
            self.assertEqual(len(set(ports)), 2)

    def test_address_from_the_environment(self):
        with Exporter(
            address=None,
            env={"JEMALLOC_EXPORTER_WEB_LISTEN_ADDRESS": "127.0.0.1:0"},
        ) as exporter:
            self.assertEqual(get(exporter.url + "/-/healthy").status, 200)

    def test_option_wins_over_the_environment(self):
        with Exporter(
            "serve",
            env={"JEMALLOC_EXPORTER_WEB_LISTEN_ADDRESS": "malformed"},
        ) as exporter:
            self.assertEqual(get(exporter.url + "/-/healthy").status, 200)


class StartUpErrors(unittest.TestCase):
    """Are log records where the log format is JSON."""

    def record(self, *args, env=None):
        status, out, err = run("--log.format=json", *args, env=env)
        self.assertEqual(out, "")
        (line,) = err.splitlines()
        record = json.loads(line)
        self.assertEqual(set(record), {"time", "level", "msg"})
        self.assertEqual(record["level"], "error")
        return status, record["msg"]

    def test_of_listening(self):
        self.assertEqual(
            self.record("--web.listen-address=nowhere"),
            (1, "cannot listen on nowhere: " + self.reason("nowhere")),
        )

    @staticmethod
    def reason(address):
        _, _, err = run(f"--web.listen-address={address}")
        return err.partition(f"cannot listen on {address}: ")[2].rstrip()

    def test_of_the_command_line(self):
        message = "The following argument was not expected: --nope"
        self.assertEqual(self.record("--nope"), (2, message))
        status, _, err = run("--nope", env={"JEMALLOC_EXPORTER_LOG_FORMAT": "json"})
        self.assertEqual((status, json.loads(err)["msg"]), (2, message))

    def test_of_show(self):
        status, message = self.record("show", f"--pid={os.getpid()}")
        self.assertEqual(status, 1)
        self.assertIn(f"process {os.getpid()} does not carry the agent", message)

    def test_of_diff(self):
        self.assertEqual(
            self.record("diff", "none.json", "none.json"),
            (2, "none.json: No such file or directory"),
        )


class Durations(unittest.TestCase):
    def test_of_go_and_plain_seconds_are_accepted(self):
        for text in ("1s", "500ms", "1m30s", "2", "0.5"):
            with Exporter(f"--agent.timeout={text}") as exporter:
                self.assertEqual(get(exporter.url + "/-/healthy").status, 200)


class Deprecated(unittest.TestCase):
    def test_names_of_the_report_option_print_a_warning(self):
        warning = (
            "jemalloc_exporter: --sidecar and JEMALLOC_EXPORTER_SIDECAR are "
            "deprecated; use --report and JEMALLOC_EXPORTER_REPORT\n"
        )
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/report.json"
            for args, env, expected in (
                ([f"--report={path}"], {}, ""),
                ([], {"JEMALLOC_EXPORTER_REPORT": path}, ""),
                ([f"--sidecar={path}"], {}, warning),
                ([], {"JEMALLOC_EXPORTER_SIDECAR": path}, warning),
            ):
                status, _, err = run(
                    "exec", "--web.listen-address=127.0.0.1:0", *args, "--", "true",
                    env=env,
                )
                self.assertEqual((status, err), (0, expected))
                os.unlink(path)


class Hangup(unittest.TestCase):
    def test_leaves_the_exporter_running(self):
        with Exporter() as exporter:
            exporter.process.send_signal(signal.SIGHUP)
            self.assertEqual(get(exporter.url + "/metrics").status, 200)
            self.assertEqual(exporter.stop(), 0)
            self.assertIn("signal=Terminated", exporter.log)

    def test_reloads_the_web_configuration(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write("http_server_config:\n  headers: {X-Frame-Options: deny}\n")
            file.flush()
            with Exporter(f"--web.config.file={file.name}") as exporter:
                exporter.process.send_signal(signal.SIGHUP)
                exporter.await_log("(Web configuration reloaded)")


class SystemdSockets(unittest.TestCase):
    def test_without_the_option_are_reported(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/activated"
            with subprocess.Popen(
                ["systemd-socket-activate", "-l", path, EXPORTER,
                 "--web.listen-address=127.0.0.1:0"],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            ) as process, socket.socket(socket.AF_UNIX) as client:
                wait_for(lambda: client.connect_ex(path) == 0, "socket")
                log = ""
                while "--web.systemd-socket" not in log:
                    line = process.stderr.readline()
                    self.assertNotEqual(line, "", log)
                    log += line
                process.terminate()
        self.assertRegex(line, "level=warn .*are not used")


class Ending(unittest.TestCase):
    def assert_ends_cleanly(self, number):
        with Exporter() as exporter:
            with socket.create_connection(("127.0.0.1", exporter.port)):
                begin = time.monotonic()
                self.assertEqual(exporter.stop(number), 0)
                self.assertLess(time.monotonic() - begin, 5)
            self.assertEqual(exporter.stdout, "")
            self.assertNotIn("level=error", exporter.log)

    def test_by_sigterm(self):
        self.assert_ends_cleanly(signal.SIGTERM)

    def test_when_its_log_is_closed(self):
        with Exporter() as exporter:
            exporter.process.stderr.close()
            exporter.process.terminate()
            self.assertEqual(exporter.process.wait(DEADLINE), 0)

    def scrape_in_progress(self, silent, exporter):
        scrape = socket.create_connection(("127.0.0.1", exporter.port))
        self.addCleanup(scrape.close)
        scrape.sendall(b"GET /metrics HTTP/1.0\r\nHost: x\r\n\r\n")
        return scrape

    def silent_agent(self):
        silent = socket.socket(socket.AF_UNIX)
        self.addCleanup(silent.close)
        silent.bind(f"\0jemalloc_exporter/{os.getpid()}")
        silent.listen()
        silent.settimeout(DEADLINE)
        return silent

    def test_lets_a_scrape_in_progress_finish(self):
        silent = self.silent_agent()
        with Exporter("--agent.timeout=2s") as exporter:
            scrape = self.scrape_in_progress(silent, exporter)
            peer, _ = silent.accept()
            exporter.process.terminate()
            self.assertEqual(exporter.process.wait(DEADLINE), 0)
            page = scrape.makefile("rb").read()
            peer.close()
            self.assertIn(b"200 OK", page)
            self.assertIn(b"jemalloc_up", page)

    def test_aborts_a_scrape_that_takes_longer_than_five_seconds(self):
        silent = self.silent_agent()
        with Exporter("--agent.timeout=60s") as exporter:
            self.scrape_in_progress(silent, exporter)
            peer, _ = silent.accept()
            begin = time.monotonic()
            self.assertEqual(exporter.stop(), 0)
            self.assertGreaterEqual(time.monotonic() - begin, 4.9)
            self.assertLess(time.monotonic() - begin, 15)
            peer.close()

    def test_by_sigint(self):
        self.assert_ends_cleanly(signal.SIGINT)


class Diff(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def file(self, name, text):
        with open(os.path.join(self.folder.name, name), "w") as file:
            file.write(text)
        return name

    def diff(self, before, after):
        return run("diff", before, after, cwd=self.folder.name)

    def assert_trouble(self, text, reason):
        good = self.file("good.json", json.dumps(STATE))
        bad = self.file("bad.json", text)
        expected = (2, "", f"jemalloc_exporter: bad.json: {reason}\n")
        self.assertEqual(self.diff(bad, good), expected)
        self.assertEqual(self.diff(good, bad), expected)

    def test_on_a_full_disk_is_trouble(self):
        file = self.file("state.json", json.dumps(STATE))
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [EXPORTER, "diff", file, self.file("empty.json", "{}")],
                cwd=self.folder.name,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        self.assertEqual(
            (done.returncode, done.stderr),
            (2, "jemalloc_exporter: cannot write to stdout\n"),
        )

    def test_equal(self):
        file = self.file("state.json", json.dumps(STATE))
        self.assertEqual(self.diff(file, file), (0, "", ""))

    def test_different(self):
        before = self.file("before.json", json.dumps(STATE))
        after = self.file("after.json", json.dumps({**STATE, "narenas": 65}))
        self.assertEqual(self.diff(before, after), (1, "narenas: 64 → 65\n", ""))

    def report(self, name, growth):
        test = {"name": "Cache.Evicts", "result": "passed", **growth}
        run = {"name": "cache_test", "result": "passed"}
        return self.file(name, json.dumps({"run": run, "entries": [test]}))

    def test_reports_of_test_runs(self):
        before = self.report("before.json", {"heap_growth_bytes": 0})
        after = self.report("after.json", {"heap_growth_bytes": 4096})
        self.assertEqual(self.diff(before, before), (0, "", ""))
        self.assertEqual(
            self.diff(before, after),
            (1, "Cache.Evicts heap_growth_bytes: 0 → 4096\n", ""),
        )

    def test_report_beside_a_snapshot(self):
        report = self.report("report.json", {})
        snapshot = self.file("state.json", "{}")
        self.assertEqual(
            self.diff(snapshot, report),
            (
                2,
                "",
                "jemalloc_exporter: report.json is of a test run and state.json "
                "is not\n",
            ),
        )

    def test_broken_report(self):
        self.file("bad.json", '{"run":[]}')
        status, out, err = self.diff("bad.json", "bad.json")
        self.assertEqual((status, out), (2, ""))
        self.assertRegex(err, r"\Ajemalloc_exporter: bad.json: run\b.*\n\Z")

    def test_missing_file(self):
        good = self.file("good.json", "{}")
        self.assertEqual(
            self.diff(good, "none.json"),
            (2, "", "jemalloc_exporter: none.json: No such file or directory\n"),
        )

    def test_folder(self):
        good = self.file("good.json", "{}")
        self.assertEqual(
            self.diff(good, "."),
            (2, "", "jemalloc_exporter: .: Is a directory\n"),
        )

    def test_empty(self):
        self.assert_trouble(
            "",
            "line 1, column 1: syntax error while parsing value - unexpected "
            "end of input; expected '[', '{', or a literal",
        )

    def test_truncated(self):
        self.assert_trouble(
            '{"narenas":6',
            "line 1, column 13: syntax error while parsing object - "
            "unexpected end of input; expected '}'",
        )

    def test_no_json(self):
        self.assert_trouble(
            "narenas: 64\n",
            "line 1, column 2: syntax error while parsing value - invalid "
            "literal",
        )

    def test_wrong_type(self):
        self.assert_trouble(
            '{"narenas":"64"}',
            "narenas: expected an integer from 0 to 2^64 - 1, found string",
        )

    def test_negative(self):
        self.assert_trouble(
            '{"active_bytes":-1}',
            "active_bytes: expected an integer from 0 to 2^64 - 1, found -1",
        )

    def test_more_than_64_bits(self):
        self.assert_trouble(
            '{"active_bytes":18446744073709551616}',
            "active_bytes: expected an integer from 0 to 2^64 - 1, found "
            "18446744073709551616",
        )

    def test_device(self):
        self.assertEqual(
            self.diff("/dev/zero", "/dev/zero"),
            (2, "", "jemalloc_exporter: /dev/zero: not a regular file or a pipe\n"),
        )


if __name__ == "__main__":
    unittest.main()
