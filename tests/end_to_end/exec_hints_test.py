"""exec: warnings about commands that are not served, or not well."""

import os
import shutil
import signal
import tempfile
import unittest

from programs import EXPORTER, FREE_PORT, run, run_exec

HOSTS = os.environ["AGENT_HOSTS"]
AGENT = os.path.join(os.path.dirname(EXPORTER), "libjemalloc_exporter_agent.so")


class Hints(unittest.TestCase):
    def test_for_a_static_program(self):
        status, _, err = run_exec("/sbin/ldconfig", "--version")
        self.assertEqual(status, 0)
        self.assertEqual(
            err,
            "jemalloc_exporter: /sbin/ldconfig is linked statically and takes no "
            "agent; its heap will not be seen\n",
        )

    def test_for_a_stripped_jemalloc(self):
        program = os.path.join(os.environ["AGENT_HOSTS"], "agent_host_rjem_stripped")
        _, _, err = run_exec(program, "no-mode")
        self.assertEqual(
            err,
            f"jemalloc_exporter: {program}: jemalloc 5.3.0 is present, but its symbols are "
            "stripped: link the program without strip; its heap will not be seen\n",
        )

    @unittest.skipIf(os.getuid() != 0, "needs root to make a setuid program")
    def test_for_a_setuid_program(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            program = os.path.join(folder, "true")
            with open("/bin/true", "rb") as file, open(program, "wb") as copy:
                copy.write(file.read())
            os.chown(program, 1, 1)
            os.chmod(program, 0o4755)
            status, _, err = run_exec(program)
        self.assertEqual(status, 0)
        self.assertEqual(
            err,
            f"jemalloc_exporter: {program} is setuid or setgid and takes no "
            "agent; its heap will not be seen\n",
        )

    @unittest.skipIf(os.getuid() != 0, "needs root to change the user")
    def test_for_an_agent_that_another_user_cannot_read(self):
        with tempfile.TemporaryDirectory() as folder:  # Of mode 0700.
            agent = shutil.copy(AGENT, folder)
            status, _, err = run_exec(
                "runuser", "-u", "nobody", "--", "true",
                options=[f"--agent.path={agent}"],
            )
        self.assertEqual(status, 0)
        self.assertEqual(
            err.splitlines()[0],
            f"jemalloc_exporter: {agent} cannot be read by other users; "
            "programs that runuser starts as another user will not be served",
        )

    def test_for_a_daemon(self):
        status, out, err = run_exec(
            "sh", "-c",
            f"setsid {HOSTS}/agent_host close-all >/dev/null 2>&1 & echo $!; sleep 0.5",
        )
        os.kill(int(out), signal.SIGKILL)
        self.assertEqual(status, 0)
        self.assertEqual(
            err,
            "jemalloc_exporter: sh has exited; 1 process that it started will "
            "not be served: keep daemons in the foreground under exec\n",
        )

    def test_for_a_program_that_jemalloc_may_have_terminated(self):
        status, _, err = run_exec(
            "sh", "-c", "kill -ABRT $$", options=["--with-jemalloc"]
        )
        self.assertEqual(status, -signal.SIGABRT)
        self.assertEqual(
            err,
            "jemalloc_exporter: sh was terminated by SIGABRT; --with-jemalloc may "
            "be the reason: it replaces the malloc that the program was built "
            "for\n",
        )

    def test_for_options_of_a_command_without_two_dashes(self):
        self.assertEqual(
            run("exec", FREE_PORT, "ls", "--all"),
            (
                2,
                "",
                "jemalloc_exporter: The following argument was not expected: "
                "--all; write -- before the command: jemalloc_exporter exec -- ls\n",
            ),
        )

    def test_for_sockets_of_systemd(self):
        for args, env in (
            (["--web.systemd-socket"], {}),
            ([], {"JEMALLOC_EXPORTER_WEB_SYSTEMD_SOCKET": "1"}),
        ):
            self.assertEqual(
                run("exec", *args, "--", "true", env=env),
                (
                    2,
                    "",
                    "jemalloc_exporter: --web.systemd-socket cannot be used with "
                    "exec: the sockets belong to the command\n",
                ),
            )

    def test_for_a_program_without_jemalloc(self):
        status, _, err = run_exec("sleep", "6")
        self.assertEqual(status, 0)
        self.assertRegex(err, r"\A\S+ level=warn msg=\"No process of the command")
        self.assertIn("--with-jemalloc", err)


if __name__ == "__main__":
    unittest.main()
