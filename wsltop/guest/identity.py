"""What this guest is: WSL or not, kernel, distribution, WSL version."""

from __future__ import annotations

import os
import re
import shlex
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from wsltop.child import run_command
from wsltop.guest.files import KernelFile
from wsltop.model.sample import Identity, KernelRecord, Reading, Unavailable
from wsltop.model.text import clean

WslFlavor = Literal["wsl2", "wsl1", "none"]


class Guest(Struct, frozen=True):
    """Where this Linux runs, and its kernel's release, empty when it cannot be read."""

    flavor: WslFlavor
    release: str


def identify_guest(root: Path, environ: Mapping[str, str]) -> Guest:
    """Tell WSL 2, WSL 1 and other Linux apart."""
    file = KernelFile(root / "proc/sys/kernel/osrelease")
    text = file.read()
    file.close()
    release = "" if isinstance(text, Unavailable) else clean(text).strip()
    return Guest(wsl_flavor(release, environ, root), release)


def wsl_flavor(release: str, environ: Mapping[str, str], root: Path) -> WslFlavor:
    """Tell WSL 2, WSL 1 and other Linux apart by the kernel's release.

    It ends in ``-microsoft-standard-WSL2`` on WSL 2 and in ``-Microsoft`` on WSL 1 (``4.4.0-19041-Microsoft``), whose
    kernel is not Linux. A kernel of the user's own may be called anything, but runs on WSL 2 only: then WSL's variables
    and ``/run/WSL`` tell.
    """
    if release.endswith("-Microsoft"):
        return "wsl1"
    if "microsoft" in release.lower() or "wsl2" in release.lower():
        return "wsl2"
    if environ.get("WSL_DISTRO_NAME") or environ.get("WSL_INTEROP"):
        return "wsl2"
    try:
        return "wsl2" if (root / "run/WSL").is_dir() else "none"
    except OSError:
        return "none"


BOOT_LINE: Final = re.compile(r"WSL \(1 - [^)]*\): WSL version ([0-9]+(?:\.[0-9]+){1,4})", re.ASCII)
"""What init writes to the kernel log since WSL 2.7.1."""
VERSION: Final = re.compile(r"wsl1|[0-9]+(?:\.[0-9]+){1,4}", re.ASCII)
WSLINFO: Final = "usr/bin/wslinfo"
WSLINFO_TIMEOUT: Final = 3.0
"""Seconds; wslinfo only prints a constant."""


def parse_pretty_name(text: str) -> Reading[str]:
    """Find ``PRETTY_NAME`` in an os-release file, which is quoted as for a shell (os-release(5))."""
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if key == "PRETTY_NAME" and equals:
            try:
                name = "".join(shlex.split(value))
            except ValueError:
                continue
            if value.startswith('"'):  # shlex leaves these two escapes of a shell alone
                name = name.replace("\\$", "$").replace("\\`", "`")
            name = clean(name).strip()
            if name:
                return name
    return Unavailable("os-release has no PRETTY_NAME")


class IdentitySource:
    """Finds out once what this guest is, in the background; ``read`` never waits."""

    def __init__(
        self,
        root: Path = Path("/"),
        environ: Mapping[str, str] = os.environ,
        wslinfo: Path | None = None,
        timeout: float = WSLINFO_TIMEOUT,
    ) -> None:
        kernel = _read_once(root / "proc/sys/kernel/osrelease")
        self._kernel: Reading[str] = kernel if isinstance(kernel, Unavailable) else clean(kernel).strip()
        self.flavor: WslFlavor = wsl_flavor(self._kernel if isinstance(self._kernel, str) else "", environ, root)
        self._distro = read_distro(root, environ)
        self._wslinfo = wslinfo or root / WSLINFO
        self._timeout = timeout
        self._version: Reading[str] = Unavailable("not WSL")
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        if self.flavor != "none":
            self._version = Unavailable("wslinfo has not answered yet")
            self._thread = threading.Thread(target=self._ask, name="wslinfo", daemon=True)
            self._thread.start()

    def read(self) -> Identity:
        """What is known now."""
        return Identity(kernel=self._kernel, distro=self._distro, wsl_version=self._version)

    def note(self, record: KernelRecord) -> None:
        """Take the version of WSL from a record of the kernel log, where it names one."""
        if self.flavor != "none" and (match := BOOT_LINE.fullmatch(record.text.rstrip())) is not None:
            self._version = match[1]

    def wait(self, timeout: float) -> bool:
        """Wait until the version is known, for a caller that reads once only; whether it is."""
        if self._thread is not None:
            self._thread.join(timeout)
            return not self._thread.is_alive()
        return True

    def close(self) -> None:
        """Stop asking."""
        self._closed.set()
        self.wait(2.0)

    def _ask(self) -> None:
        output = run_command([str(self._wslinfo), "--wsl-version"], self._timeout, self._closed.is_set)
        answer: Reading[str]
        if isinstance(output, Unavailable):
            answer = output
        else:
            text = output.stdout.decode("utf-8", "replace").strip()
            known = not output.status and VERSION.fullmatch(text) is not None
            answer = text if known else Unavailable(f"{self._wslinfo} does not know it", "Run: wsl.exe --update")
        if isinstance(self._version, Unavailable):  # the kernel log may have named it meanwhile
            self._version = answer


def _read_once(path: Path) -> Reading[str]:
    file = KernelFile(path)
    text = file.read()
    file.close()
    return text


def read_distro(root: Path, environ: Mapping[str, str]) -> Reading[str]:
    """Return the name that WSL knows the distribution by, else the one it calls itself."""
    name = clean(environ.get("WSL_DISTRO_NAME", "")).strip()
    if name:
        return name
    text = _read_once(root / "etc/os-release")
    if isinstance(text, Unavailable):
        text = _read_once(root / "usr/lib/os-release")
    return text if isinstance(text, Unavailable) else parse_pretty_name(text)


def read_init_began(root: Path) -> Reading[float]:
    """When WSL's init made its socket, in seconds since the epoch; a later btime means that the clock was stepped."""
    times = []
    for name in ("1_interop", "2_interop"):
        try:
            times.append((root / "run/WSL" / name).stat().st_mtime)
        except OSError:
            continue
    return min(times) if times else Unavailable("WSL's init has no socket here")
