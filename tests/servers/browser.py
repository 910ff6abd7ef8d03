"""A headless Chromium, spoken to through a pipe in its own protocol (Chrome DevTools Protocol, JSON and a NUL).

Knows how to open a page, wait until something on it is true, use it, and take its picture. Must not know sendkit.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_LIMIT = 300.0  # seconds for one answer, or one condition
_PAUSE = 0.02


class Browser:
    """One browser with one tab. Close it."""

    def __init__(self) -> None:
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        self._home = tempfile.mkdtemp(prefix="sendkit-browser-")
        self._process = subprocess.Popen(
            [*_command(self._home), "about:blank"],
            preexec_fn=lambda: _hand_over(to_browser, from_browser),  # noqa: PLW1509 - no thread of ours is about
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "HOME": self._home},
        )
        os.close(to_browser)
        os.close(from_browser)
        self._left, self._number, self._session = b"", 0, None
        self._session = self.call("Target.attachToTarget", targetId=self._tab(), flatten=True)["sessionId"]
        self.call("Page.enable")
        self.size(1280, 800)

    def _tab(self) -> str:
        """The one tab, which may be there a little later than the browser answers."""
        end = time.monotonic() + _LIMIT
        while time.monotonic() < end:
            for target in self.call("Target.getTargets")["targetInfos"]:
                if target["type"] == "page":
                    return str(target["targetId"])
            time.sleep(_PAUSE)
        raise TimeoutError("the browser opens no tab")

    @staticmethod
    def missing() -> str | None:
        """Why it cannot be started here, and what helps; None if it can."""
        return None if _program() else "there is no Chromium here: apt-get install chromium"

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Ask for something, and return the answer."""
        self._number += 1
        asked: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._write, json.dumps(asked).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def size(self, width: int, height: int, *, phone: bool = False, dark: bool = False) -> None:
        """Be a screen of this size."""
        scale = 2 if phone else 1
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=phone
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.call("Emulation.setEmulatedMedia", features=[scheme, still])

    def open(self, url: str) -> None:
        """Open a page afresh, whatever its fragment: nothing of the one before is there to be taken for it."""
        self.call("Page.navigate", url="about:blank")
        self.until("location.href === 'about:blank'")
        self.call("Page.navigate", url=url)

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript comes to on the page."""
        options = {"expression": expression, "returnByValue": True, "awaitPromise": True, "userGesture": True}
        found = self.call("Runtime.evaluate", **options)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["exception"].get("description", "it threw"))
        return found["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait until an expression is true on the page, and return its value."""
        return self._wait(expression, self.value)

    def inside(self, expression: str) -> Any:
        """Wait until an expression is true within the one frame of the page, whatever its origin, and return its value.

        All of the frame has been read by then. It is asked from a world beside the frame's own, so that a frame without
        scripts answers too.
        """
        return self._wait(f"document.readyState === 'complete' && ({expression})", self._inside)

    def _wait(self, expression: str, ask: Callable[[str], Any]) -> Any:
        end = time.monotonic() + _LIMIT
        while time.monotonic() < end:
            with contextlib.suppress(RuntimeError):  # it is on its way from one document to the next
                if value := ask(expression):
                    return value
            time.sleep(_PAUSE)
        raise TimeoutError(f"it never came true: {expression}")

    def _inside(self, expression: str) -> Any:
        frames = self.call("Page.getFrameTree")["frameTree"].get("childFrames")
        if not frames:
            return None
        world = self.call("Page.createIsolatedWorld", frameId=frames[0]["frame"]["id"])["executionContextId"]
        found = self.call("Runtime.evaluate", expression=expression, contextId=world, returnByValue=True)
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key)

    def picture(self, file: Path) -> None:
        """Write what is on the screen as a PNG."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        """End the browser, and remove what it wrote."""
        os.close(self._write)  # its end of the pipe is its life
        os.close(self._read)
        self._process.wait(timeout=_LIMIT)
        shutil.rmtree(self._home, ignore_errors=True)

    def _next(self) -> dict[str, Any]:
        end = time.monotonic() + _LIMIT
        while b"\0" not in self._left:
            if not select.select([self._read], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError("the browser does not answer")
            if not (octets := os.read(self._read, 1 << 16)):
                raise RuntimeError("the browser has ended")
            self._left += octets
        message, _, self._left = self._left.partition(b"\0")
        return json.loads(message)


def _hand_over(reading: int, writing: int) -> None:
    # Chromium reads from 3 and writes to 4. Either number may be in use for the other end.
    spare = [os.dup(end) for end in (reading, writing, reading, writing)][2:]  # by now both are beyond 4
    os.dup2(spare[0], 3)
    os.dup2(spare[1], 4)


def _program() -> str | None:
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def _command(home: str) -> list[str]:
    options = ("headless", "no-sandbox", "disable-gpu", "hide-scrollbars", "remote-debugging-pipe", "no-first-run")
    # One session speaks to all frames of a page as long as they live in one process.
    frames = "disable-features=IsolateSandboxedIframes"
    quiet = ("disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage")
    return [_program() or "chromium", *(f"--{one}" for one in (*options, frames, *quiet)), f"--user-data-dir={home}"]
