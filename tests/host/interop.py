"""WSL's interop in a test: files that begin with ``MZ`` are executed by ``relay.py``, as WSL's binfmt_misc entry does.

The kernel gives each user namespace a binfmt_misc of its own (Linux 6.7), so nothing outside the test sees it.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from wsltop.host.interop import CLIP, CMD, POWERSHELL, TASKLIST, WSL_EXE

REGISTER = (
    "mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc && "
    'echo ":WSLInterop:M::MZ::$0:P" >/proc/sys/fs/binfmt_misc/register && exec "$@"'
)
NAMESPACE = ("--user", "--map-root-user", "--mount")
INTERPRETER = """#!/bin/sh
RELAY_SIGIGN=$(sed -n 's/^SigIgn:[[:space:]]*//p' /proc/self/status) exec {python} -I {here}/relay.py "$@"
"""
"""Python ignores SIGPIPE itself, so what was ignored on entry is noted before."""


@functools.cache
def missing() -> str:
    """Why there can be no interop of our own here; empty where there can."""
    if not os.access("/usr/bin/unshare", os.X_OK):
        return "there is no unshare(1)"
    done = subprocess.run(
        ["/usr/bin/unshare", *NAMESPACE, "sh", "-c", REGISTER, "/bin/true", "true"],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else f"no binfmt_misc in a user namespace (Linux 6.7): {done.stderr.strip()}"


class Interop:
    """A drive of Windows whose programs run through the stand-in for WSL's relay."""

    def __init__(self, folder: Path, boot: float = 0.0) -> None:
        self.here = folder / "relay"
        self.drive = folder / "c"
        self.runtime = folder / "runtime"
        self.here.mkdir()
        self.runtime.mkdir(mode=0o700)
        shutil.copy(Path(__file__).parent / "relay.py", self.here / "relay.py")
        self.put("boot", str(boot))
        self.interpreter = self.put("init", INTERPRETER.format(python=sys.executable, here=self.here))
        self.interpreter.chmod(0o755)
        for program in (POWERSHELL, TASKLIST, WSL_EXE, CLIP, CMD):
            path = self.drive / program
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"MZ")
            path.chmod(0o755)

    def put(self, name: str, text: str = "") -> Path:
        """Tell the stand-in what to do."""
        path = self.here / name
        path.write_text(text)
        return path

    def environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.here),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "XDG_CONFIG_HOME": str(self.here),
            "XDG_STATE_HOME": str(self.here),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }

    def command(self, *words: str) -> list[str]:
        """The argument vector that runs ``words`` where the interop is."""
        inside = ["/usr/bin/unshare", *NAMESPACE, "sh", "-c", REGISTER, str(self.interpreter)]
        return [*inside, *words]

    def wsltop(self, *arguments: str) -> list[str]:
        """The argument vector of wsltop there, on this drive."""
        return self.command(sys.executable, "-m", "wsltop", *arguments, "--drive", str(self.drive))

    def start(self, command: Sequence[str], **more: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            env=self.environ() | more,
        )

    def run(self, *arguments: str, seconds: float = 60.0) -> tuple[int, str, str]:
        """Run wsltop to its end: status, standard output, standard error."""
        with self.start(self.wsltop(*arguments)) as process:
            try:
                out, err = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return process.returncode, out.decode(), err.decode()

    def log(self, word: str = "") -> list[str]:
        """Lines of the log with ``word`` in them."""
        path = self.here / "log"
        return [line for line in path.read_text().splitlines() if word in line] if path.exists() else []

    def wait_log(self, word: str, seconds: float, count: int = 1) -> list[str]:
        """Wait for so many lines with ``word``."""
        deadline = time.monotonic() + seconds
        while len(lines := self.log(word)) < count:
            assert time.monotonic() < deadline, f"{word!r} is not {count} times in {self.log()}"
            time.sleep(0.02)
        return lines

    def end_relays(self, seconds: float = 8.0) -> None:
        """Wait until every relay that was started is gone, and none was killed early."""
        (self.here / "silent").unlink(missing_ok=True)
        self.wait_log("relay gone", seconds, len(self.log("started")))
        assert self.log("KILLED early") == [], self.log()


needs_interop = pytest.mark.skipif(bool(missing()), reason=missing())
"""For tests that execute programs of Windows."""
