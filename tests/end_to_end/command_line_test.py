"""What a user meets at the prompt: commands, options, bad input."""

import os
import re
import tempfile
import unittest

from programs import FREE_PORT, Exporter, get, run


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
            run("exec", FREE_PORT, "--",
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
                    "exec", FREE_PORT, *args, "--", "true",
                    env=env,
                )
                self.assertEqual((status, err), (0, expected))
                os.unlink(path)


if __name__ == "__main__":
    unittest.main()
