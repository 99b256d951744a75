"""Debian's Chromium without a window, driven by its DevTools protocol over a
pipe: no port, no package."""

import base64
import json
import os
import select
import subprocess
import tempfile
import time

DEADLINE = 60  # Seconds for anything here.


class Browser:
    """One page in one browser. JavaScript of the page is disabled."""

    def __init__(self):
        self.profile = tempfile.TemporaryDirectory()
        to_browser, self.commands = os.pipe()
        self.replies, from_browser = os.pipe()
        # Chromium reads commands from descriptor 3 and writes to 4.
        self.process = subprocess.Popen(
            [
                "bash", "-c",
                f"exec 3<&{to_browser} 4>&{from_browser} chromium --headless "
                "--no-sandbox --disable-gpu --hide-scrollbars "
                "--disable-dev-shm-usage --disable-background-networking "
                f"--user-data-dir={self.profile.name} --remote-debugging-pipe "
                "about:blank",
            ],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.buffer = b""
        self.session = None
        self.last_id = 0
        self.requested = []  # URLs
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call(
            "Target.attachToTarget", targetId=target, flatten=True
        )["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setScriptExecutionDisabled", value=True)

    def close(self):
        try:
            self.call("Browser.close", session=None)
            self.process.wait(10)
        except (AssertionError, OSError, subprocess.TimeoutExpired):
            pass
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self.commands)
            os.close(self.replies)
            for _ in range(100):  # Its last children may still write.
                try:
                    self.profile.cleanup()
                    break
                except OSError:
                    time.sleep(0.1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _read(self, deadline):
        while b"\0" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.replies], [], [], left)[0]:
                raise AssertionError("no reply from Chromium")
            data = os.read(self.replies, 1 << 20)
            if not data:
                raise AssertionError("Chromium ended")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(message)
        if message.get("method") == "Network.requestWillBeSent":
            self.requested.append(message["params"]["request"]["url"])
        return message

    def call(self, method, session=..., **params):
        self.last_id += 1
        command = {"id": self.last_id, "method": method, "params": params}
        session = self.session if session is ... else session
        if session:
            command["sessionId"] = session
        os.write(self.commands, json.dumps(command).encode() + b"\0")
        deadline = time.monotonic() + DEADLINE
        while True:
            message = self._read(deadline)
            if message.get("id") == self.last_id:
                if "error" in message:
                    raise AssertionError(message["error"])
                return message["result"]

    def open(self, url, width, height, dark=False):
        """Loads the page in a viewport of this size."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )
        scheme = "dark" if dark else "light"
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )
        self.requested = []
        result = self.call("Page.navigate", url=url)
        if "errorText" in result:
            raise AssertionError(result["errorText"])
        deadline = time.monotonic() + DEADLINE
        while self._read(deadline).get("method") != "Page.loadEventFired":
            pass

    def evaluate(self, expression):
        """The value of a JavaScript expression in the page."""
        result = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True
        )
        if "exceptionDetails" in result:
            raise AssertionError(result["exceptionDetails"]["text"])
        return result["result"].get("value")

    def screenshot(self, path):
        """Writes the whole page as a PNG."""
        data = self.call(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True
        )["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
