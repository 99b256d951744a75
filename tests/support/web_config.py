"""A server with a --web.config.file."""

import contextlib
import ctypes
import os
import shutil
import subprocess
import tempfile
import unittest

from pki import Pki
from programs import Exporter

# bcrypt of "secret" at the lowest cost.
HASH = "$2y$04$IGD/uEW4F/ENWOZ30V.pXuXCwyKYp914x5RjBQY5tIlps78orJ7yy"
USERS = f"basic_auth_users:\n  prom: {HASH}\n"
TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"


@contextlib.contextmanager
def hung_mount():
    """A file system whose server never answers; takes root and /dev/fuse."""
    try:
        fuse = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        raise unittest.SkipTest(f"no FUSE: {error}") from error
    folder = tempfile.mkdtemp()
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0"
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if libc.mount(b"hung", folder.encode(), b"fuse", 0, options.encode()) != 0:
            raise unittest.SkipTest(f"no mount: {os.strerror(ctypes.get_errno())}")
        try:
            yield os.path.join(folder, "web.yml")
        finally:
            # Ends what waits for an answer.
            os.close(fuse)
            fuse = None
            libc.umount2(folder.encode(), 2)  # MNT_DETACH
    finally:
        if fuse is not None:
            os.close(fuse)
        os.rmdir(folder)


class WebConfigCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.pki = Pki(cls.folder)
        cls.pki.issue("server")
        cls.pki.issue("client", "DNS:prometheus", "clientAuth")
        cls.pki.issue("other", "IP:10.0.0.1,email:a@b.c,URI:spiffe://x/y", "clientAuth")
        other = os.path.join(cls.folder, "elsewhere")
        os.mkdir(other)
        Pki(other).issue("client", "DNS:prometheus", "clientAuth")

    def serve(self, config, *options):
        """Starts an exporter with this configuration."""
        self.config = self.pki.path("web.yml")
        self.write(config)
        exporter = Exporter(f"--web.config.file={self.config}", *options)
        self.addCleanup(exporter.__exit__)
        return exporter

    def write(self, config):
        """Replaces the configuration atomically."""
        with open(self.config + ".new", "w") as file:
            file.write(config)
        os.rename(self.config + ".new", self.config)

    def curl(self, exporter, *options, client=None, scheme="https"):
        """Returns the status of /metrics; 0 without a response."""
        if client:
            options = (
                "--cert", self.pki.path(f"{client}.pem"),
                "--key", self.pki.path(f"{client}.key"),
                *options,
            )
        done = subprocess.run(
            [
                "curl", "--silent", "--max-time", "10", "--output", "/dev/null",
                "--write-out", "%{http_code}", "--cacert", self.pki.path("ca.pem"),
                *options, f"{scheme}://localhost:{exporter.port}/metrics",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        return int(done.stdout)

    def s_client(self, exporter, *options):
        """Returns the output of openssl s_client."""
        done = subprocess.run(
            [
                "openssl", "s_client", "-connect", f"localhost:{exporter.port}",
                "-CAfile", self.pki.path("ca.pem"), *options,
            ],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            check=False,
        )
        return done.stdout
