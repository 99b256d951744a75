"""Debian's nginx as a reverse proxy on a free port of loopback."""

import contextlib
import os
import socket
import subprocess
import tempfile
import time

DEADLINE = 60  # Seconds for anything here.

CONFIG = """
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} reuseport;
    absolute_redirect off;
    {locations}
  }}
}}
"""


class Nginx:
    """Serves `locations`, the text of location blocks; `url` is its root.
    Stops with the block."""

    def __init__(self, locations):
        self.folder = tempfile.TemporaryDirectory()
        # nginx cannot bind port 0. This socket reserves a port and never
        # listens, and SO_REUSEPORT lets nginx bind the same one.
        self.reservation = socket.socket()
        self.reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self.reservation.bind(("127.0.0.1", 0))
        port = self.reservation.getsockname()[1]
        config = os.path.join(self.folder.name, "nginx.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(
                CONFIG.format(
                    folder=self.folder.name, port=port, locations=locations
                )
            )
        self.process = subprocess.Popen(
            ["/usr/sbin/nginx", "-c", config, "-p", self.folder.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._await_listening(port)
        self.url = f"http://127.0.0.1:{port}"

    def _await_listening(self, port):
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), DEADLINE).close()
                return
            time.sleep(0.01)
        self.__exit__()
        raise AssertionError("nginx does not listen")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.communicate(timeout=DEADLINE)
        finally:
            self.process.kill()
            self.reservation.close()
            self.folder.cleanup()
