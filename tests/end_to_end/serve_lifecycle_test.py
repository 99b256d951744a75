"""The start and the end of the exporter: listening, errors, signals."""

import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from programs import EXPORTER, FREE_PORT, Exporter, get, run
from support import DEADLINE, wait_for


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
                FREE_PORT,
                f"--web.listen-address={address}",
            )
            self.assertEqual(status, 1)
            self.assertIn(f"cannot listen on {address}", err)

    def test_several_addresses(self):
        with Exporter(
            FREE_PORT, address="127.0.0.1:0"
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
                 FREE_PORT],
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


if __name__ == "__main__":
    unittest.main()
