"""The Debian package: what lintian reports, and its life on a bare machine.

The machine is a folder with the packages that every Debian has. It takes root,
mmdebstrap and Debian's archive: `bare_machine` as argument runs these tests."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from programs import EXPORTER, Exporter, get

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(EXPORTER).parents[1]
WANTS = "etc/systemd/system/multi-user.target.wants/jemalloc_exporter.service"
SOURCES = ["/etc/apt/sources.list.d/debian.sources"]  # Else mmdebstrap's own.
CONFIGURATION = "etc/default/jemalloc_exporter"


def output(*command, **options):
    done = subprocess.run(
        [*map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}")
    return done.stdout


def make_package(folder, release):
    """The path of the package with this release number."""
    output(
        "cpack", "-G", "DEB", "-B", folder / release,
        "-D", f"CPACK_DEBIAN_PACKAGE_RELEASE={release}", cwd=BUILD,
    )  # fmt: skip
    [package] = (folder / release).glob("*.deb")
    return package


def setUpModule():
    global FOLDER, PACKAGE
    FOLDER = pathlib.Path(tempfile.mkdtemp(prefix="debian_package_test."))
    unittest.addModuleCleanup(shutil.rmtree, FOLDER)
    PACKAGE = make_package(FOLDER, "1")


class Package(unittest.TestCase):
    def test_has_no_error_but_the_missing_copyright(self):
        done = subprocess.run(
            ["lintian", "--no-cfg", "--allow-root", "--fail-on=none", PACKAGE],
            capture_output=True,
            text=True,
        )
        self.assertEqual(
            (done.stdout, done.stderr),
            ("E: jemalloc-exporter: no-copyright-file\n", ""),
        )

    def test_depends_on_the_packages_of_its_libraries(self):
        depends = output("dpkg-deb", "--field", PACKAGE, "Depends")
        names = set(re.findall(r"(?:^|, )([a-z0-9.+-]+)", depends))
        self.assertLessEqual(
            {"libc6", "libjemalloc2", "libssl3", "systemd-standalone-sysusers"}, names
        )

    def test_is_made_with_the_packages_for_that(self):
        listed = output(
            ROOT / "exporter/packaging/install-dependencies", "--list", "build", "package"
        ).split()
        for tool in ("dpkg-shlibdeps", "file", "cpack"):
            package = output("dpkg", "--search", shutil.which(tool)).partition(":")[0]
            self.assertIn(package, listed, tool)

    def test_has_a_page_for_each_command(self):
        files = output("dpkg-deb", "--contents", PACKAGE)
        pages = set(re.findall(r"man1/jemalloc_exporter-?(\w*)\.1\.gz", files))
        help_text = output(EXPORTER, "--help")
        commands = re.findall(r"(?m)^  (\w+) ", help_text.partition("Subcommands:")[2])
        self.assertEqual(pages, {"", *commands})


class Archive(unittest.TestCase):
    def test_has_programs_that_find_each_other(self):
        output("cpack", "-G", "TGZ", "-B", FOLDER, cwd=BUILD)
        [archive] = FOLDER.glob("*.tar.gz")
        output("tar", "-C", FOLDER, "-xzf", archive)
        local = FOLDER / "usr/local"
        printed = output(
            local / "bin/jemalloc_exporter", "exec", "--web.listen-address=127.0.0.1:0",
            "--", "sh", "-c", "echo $LD_PRELOAD",
        )  # fmt: skip
        agent = local / "lib/jemalloc_exporter/libjemalloc_exporter_agent.so"
        self.assertEqual(printed, f"{agent}\n")
        self.assertFalse((FOLDER / "etc").exists())
        self.assertTrue((local / "lib/systemd/system/jemalloc_exporter.service").is_file())


@unittest.skipUnless("bare_machine" in sys.argv, "needs a bare machine")
class BareMachine(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
            sys.exit(77)
        cls.machine = FOLDER / "machine"
        acquire = FOLDER / "acquire.conf"
        settings = output("apt-config", "dump").splitlines(keepends=True)
        acquire.write_text("".join(s for s in settings if s.startswith("Acquire")))
        try:
            output(
                "mmdebstrap", "--variant=minbase", f"--aptopt={acquire}",
                "--skip=cleanup/apt", "bookworm", cls.machine,
                *filter(os.path.exists, SOURCES),
            )  # fmt: skip
        except AssertionError as error:
            print(f"no machine: {error}", file=sys.stderr)
            sys.exit(77)
        shutil.copy(PACKAGE, cls.machine / "root")
        output(
            "chroot", cls.machine, "apt-get", "install", "--yes",
            "--no-install-recommends", f"/root/{PACKAGE.name}",
        )  # fmt: skip

    def chroot(self, *command, **options):
        return output("chroot", self.machine, *command, **options)

    def install(self, package):
        shutil.copy(package, self.machine / "root")
        return self.chroot("dpkg", "--install", f"/root/{package.name}")

    def status(self):
        return self.chroot(
            "dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version}",
            "jemalloc-exporter",
        ).split()  # fmt: skip

    def test_1_serves_the_heap(self):
        self.assertIn("installed", self.status())
        in_chroot = f"mount -t proc proc {self.machine}/proc && exec chroot {self.machine} "
        program = ["unshare", "--mount", "sh", "-c", in_chroot + '"$@"', "sh"]
        with Exporter(program=(*program, "jemalloc_exporter")) as exporter:
            page = get(exporter.url + "/metrics").text
        self.assertRegex(page, r"(?m)^jemalloc_allocated_bytes\{.*\} \d+$")

    def test_2_has_the_user_and_the_enabled_unit(self):
        users = (self.machine / "etc/passwd").read_text()
        self.assertRegex(users, r"(?m)^jemalloc_exporter:[^:]*:536:")
        self.assertTrue(os.path.islink(self.machine / WANTS))

    def test_3_keeps_the_configuration_in_an_upgrade(self):
        configuration = self.machine / CONFIGURATION
        configuration.write_text("JEMALLOC_EXPORTER_LOG_LEVEL=debug\n")
        self.install(make_package(FOLDER, "2"))
        self.assertEqual(self.status()[0], "installed")
        self.assertRegex(self.status()[1], "-2$")
        self.assertEqual(
            configuration.read_text(), "JEMALLOC_EXPORTER_LOG_LEVEL=debug\n"
        )

    def test_4_keeps_the_unit_disabled_in_an_upgrade(self):
        (self.machine / WANTS).unlink()
        self.install(make_package(FOLDER, "3"))
        self.assertFalse(os.path.lexists(self.machine / WANTS))

    def test_5_repairs_an_upgrade_that_failed(self):
        self.repair_with(lambda: self.install(PACKAGE))

    def repair_with(self, repair):
        sysusers = self.machine / "usr/bin/systemd-sysusers"
        kept = sysusers.rename(f"{sysusers}.kept")
        sysusers.symlink_to("false")
        with self.assertRaises(AssertionError):
            self.install(PACKAGE)
        self.assertEqual(self.status()[0], "half-configured")
        kept.rename(sysusers)
        repair()
        self.assertEqual(self.status()[0], "installed")

    def test_6_leaves_no_file_after_a_purge(self):
        files = [
            self.machine / name.lstrip("/")
            for name in self.chroot("dpkg", "--listfiles", "jemalloc-exporter").split()
        ]
        files = [file for file in files if not file.is_dir()]
        self.assertIn(self.machine / CONFIGURATION, files)
        self.chroot("dpkg", "--remove", "jemalloc-exporter")
        kept = [file for file in files if file.exists()]
        self.assertEqual(kept, [self.machine / CONFIGURATION])
        self.chroot("dpkg", "--purge", "jemalloc-exporter")
        self.assertEqual([file for file in files if file.exists()], [])
        left = output(
            "find", self.machine, "-xdev", "-path", self.machine / "root", "-prune", "-o",
            "-name", "*jemalloc?exporter*", "-print",
        )  # fmt: skip
        self.assertEqual(left, "")
        users = (self.machine / "etc/passwd").read_text()
        self.assertIn("jemalloc_exporter:", users)  # It owns files, maybe.

    def test_7_repairs_a_first_installation_that_failed(self):
        self.repair_with(lambda: self.chroot("dpkg", "--configure", "--pending"))
        self.assertTrue(os.path.islink(self.machine / WANTS))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
