"""Lays a reported case out as a guest below a root, and runs wsltop on it in a time that the test sets."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from click.testing import CliRunner

from tests.guest.texts import plant
from tests.laptop.layout import RELEASE, lay_guest, lay_windows
from tests.laptop.texts import (
    GroupFigures,
    ProcessFigures,
    ZoneFigures,
    buddyinfo_text,
    free_counts,
    group_texts,
    meminfo_text,
    process_texts,
    zoneinfo_text,
)
from wsltop import cli
from wsltop.clock import SystemClock
from wsltop.commands.common import watch
from wsltop.config import parse_toml
from wsltop.core.session import Session
from wsltop.system import open_system

DATA: Final = Path(__file__).with_name("data")
NAMES: Final = sorted(path.stem for path in DATA.glob("*.toml"))
NOW: Final = 1_790_000_000.0
"""The wall clock when wsltop starts, seconds since the epoch."""
WROTE_CONFIG: Final = -90_000.0
"""When ``.wslconfig`` was written, in seconds after boot, unless the case says otherwise."""
HASTE: Final = 0.02
"""Seconds that a sleep really takes: the stand-in for PowerShell, which is a process, tells its figures meanwhile."""


@dataclass(frozen=True)
class Case:
    """One case: the tables of its file."""

    name: str
    said: dict[str, Any]

    @property
    def uptime(self) -> float:
        """Seconds since boot when wsltop starts."""
        return float(self.said.get("uptime", 100_000.0))

    @property
    def watch(self) -> float:
        """Seconds for which wsltop has to watch; 0 where the first sample with Windows' answer tells all."""
        return float(self.said.get("watch", 0.0))

    @property
    def boot_time(self) -> float:
        """Seconds since the epoch."""
        return NOW - self.uptime


def load(name: str) -> Case:
    """The case of a name."""
    return Case(name, parse_toml((DATA / f"{name}.toml").read_text(encoding="utf-8")))


def lay_out(case: Case, root: Path) -> Path:
    """Write the guest and the Windows of a case below ``root``, and return it."""
    said = case.said
    lay_kernel(said, root)
    for figures in said.get("processes", ()):
        lay_process(root, figures)
    for path, figures in said.get("groups", {}).items():
        for name, text in group_texts(GroupFigures(**figures)).items():
            plant(root, f"sys/fs/cgroup/{path}/{name}", text)
    lay_guest(
        root,
        release=said.get("release", RELEASE),
        wsl_version=said.get("wsl_version"),
        uptime=case.uptime,
        boot_time=case.boot_time,
    )
    for place, seconds in said.get("boot_files", {}).items():
        path = root / place if (root / place).exists() else plant(root, place, "")
        os.utime(path, (case.boot_time + seconds,) * 2)
    config = said.get("wslconfig")
    lay_windows(
        root,
        period=HASTE / 2,
        wslconfig=config.encode() if isinstance(config, str) else config,
        written=case.boot_time + said.get("config_written", WROTE_CONFIG),
    )
    lay_programs(said, root)
    return root


def lay_kernel(said: dict[str, Any], root: Path) -> None:
    """Write what the report says of the kernel's files."""
    for place, text in said.get("files", {}).items():
        plant(root, place, text.encode("latin-1"))
    if "memory" in said:
        plant(root, "proc/meminfo", meminfo_text(said["memory"]))
    if "kmsg" in said:
        plant(root, "dev/kmsg", said["kmsg"])
    zones = [ZoneFigures(**zone) for zone in said.get("zones", ())] or suppose_zones(root)
    if zones:
        plant(root, "proc/zoneinfo", zoneinfo_text(zones))
        plant(root, "proc/buddyinfo", buddyinfo_text(zones))


def lay_programs(said: dict[str, Any], root: Path) -> None:
    """Let Windows' programs tell the report's figures, or take them away where it says nothing of Windows."""
    if "host" in said:
        plant(root, "host.json", json.dumps(said["host"]))
    for program in list((root / "mnt/c/Windows").rglob("*.exe")):
        if "host" not in said:
            program.unlink()
        elif "exe_mode" in said:
            program.chmod(said["exe_mode"])


def suppose_zones(root: Path) -> list[ZoneFigures]:
    """One zone that fits the ``meminfo`` of a report that has no more than that; none where it has not that either."""
    path = root / "proc/meminfo"
    if not path.exists():
        return []
    kib = {name: int(size) for name, size in re.findall(r"^(\w+): *(\d+)", path.read_text(), re.MULTILINE)}
    return [ZoneFigures("Normal", kib["MemTotal"] // 4, free_counts(kib["MemFree"] // 4))]


def lay_process(root: Path, figures: dict[str, Any]) -> None:
    """Write the files of a process; names are Latin-1, so that any byte can be written down."""
    figures = {"shared": 1024} | figures
    figures["name"] = figures["name"].encode("latin-1")
    figures["command"] = tuple(word.encode("latin-1") for word in figures.get("command", ()))
    for name, data in process_texts(ProcessFigures(**figures)).items():
        plant(root, f"proc/{figures['pid']}/{name}", data)


class CaseClock(SystemClock):
    """A clock that goes on by what is slept, without waiting for it."""

    def __init__(self, root: Path) -> None:
        self._began = float((root / "proc/uptime").read_text().split()[0])
        self._real = time.monotonic()
        self._slept = 0.0

    def time(self) -> float:
        """The wall clock goes with the monotonic one."""
        return NOW + self.monotonic() - self._began

    def monotonic(self) -> float:
        """Seconds since boot: what was slept, and the time that the program itself takes."""
        return self._began + self._slept + time.monotonic() - self._real

    def sleep(self, seconds: float) -> None:
        """Go on by so many seconds."""
        time.sleep(min(HASTE, seconds))
        self._slept += max(0.0, seconds - HASTE)


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    status: int
    out: str

    @property
    def document(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)


def run_case(root: Path, *arguments: str) -> Result:
    """Run a command on a case that is laid out."""
    home = root.parent / "home"
    home.mkdir(exist_ok=True)
    names = ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
    with patch("wsltop.system.RootClock", CaseClock):
        done = CliRunner().invoke(
            cli.program, ["--root", str(root), *arguments], env=dict.fromkeys(names, str(home)), catch_exceptions=False
        )
    return Result(done.exit_code, done.stdout)


def run_doctor(case: Case, root: Path) -> Result:
    """What ``doctor --json`` says once it has watched for as long as the case needs."""
    return run_case(root, "doctor", "--json", "--watch", str(case.watch))


def watch_case(case: Case, root: Path) -> Session:
    """A session that has watched a case for as long as it needs."""
    with patch("wsltop.system.RootClock", CaseClock):
        system = open_system(root)
        host = system.open_host("auto", 0.5)
        host.start()
        sampler = system.open_sampler(host)
        session = Session(0.5)
        try:
            watch(sampler, session, system.clock, wait=8.0, seconds=case.watch)
        finally:
            sampler.close()
            host.close()
    return session
