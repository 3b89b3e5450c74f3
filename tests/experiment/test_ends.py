"""However an experiment ends, in whatever phase: no process and no file stays, and what was measured is told."""

from __future__ import annotations

import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from tests.hogs.started import QUICK, Started, alive
from tests.waiting import wait_until
from wsltop.experiment.keeper import offspring

pytestmark = pytest.mark.slow

DEAF: Final = ("--", "sh", "-c", "trap '' TERM; sleep 60; sleep 60")
SHORT: Final = ("--hold", "0", "--settle", "1")
PLACES: Final = (Path("/dev/shm"), Path("/var/tmp"), Path("/tmp"))

PHASES: dict[str, tuple[str, ...]] = {
    "baseline": ("--baseline", "60"),
    "load": ("--kind", "leak", "--size", "2G"),
    "load of cache": ("--kind", "cache", "--size", "128M"),
    "load of shared": ("--kind", "shared", "--size", "128M"),
    "hold": ("--hold", "60"),
    "hold of cache": ("--kind", "cache", "--hold", "60"),
    "hold of shared": ("--kind", "shared", "--hold", "60"),
    "hold of fragment": ("--kind", "fragment", "--hold", "60"),
    "hold of churn": ("--kind", "churn", "--hold", "60"),
    "release": ("--hold", "0.5", *DEAF),
    "wait": ("--hold", "0", "--settle", "60", "--then", "pressure:64M"),
    "action": (*SHORT, "--then", "compact", "--way", "wsl"),
    "settle": ("--hold", "0", "--settle", "60"),
}
"""How to get into each phase and to stay there; behind "of" stands the kind of the hogs."""
COMPACT: Final = Path("/proc/sys/vm/compact_memory")
if os.geteuid() == 0 and os.access(COMPACT, os.W_OK):  # an action that is quick, and ends, needs root
    PHASES["settle of fragment"] = ("--kind", "fragment", "--hold", "0", "--settle", "60", "--then", "compact")
    PHASES["clear"] = ("--kind", "fragment", *SHORT, "--repeat", "2", "--then", "compact")
EMPTY: Final = ("baseline", "wait", "settle")
"""Phases in which no load runs."""


def put_slow_wsl(drive: Path) -> None:
    """A Windows through which an action takes its time, whoever the user is; what it has begun ends by itself."""
    program = drive / "Windows/System32/wsl.exe"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\nexec sleep 4\n")
    program.chmod(0o755)


def end_in(folder: Path, name: str, number: int) -> tuple[int, str, list[int]]:
    """Send a signal as soon as a phase has begun: the status, what was printed, and the processes that ran then."""
    folder.mkdir()
    drive = folder.parent / f"{folder.name}-drive"
    put_slow_wsl(drive)
    started = Started(
        folder, *QUICK, "--output", "report.md", "--drive", str(drive), *PHASES[name], WSL_DISTRO_NAME="Ubuntu"
    )
    started.until(name.partition(" of ")[0])
    below = list(offspring(started.process.pid))
    started.process.send_signal(number)
    status, out, _ = started.end()
    return status, out, below


def in_all_phases(folder: Path, number: int) -> dict[str, tuple[int, str, list[int]]]:
    """Do so in all phases, side by side: most of it is waiting."""
    with ThreadPoolExecutor(len(PHASES)) as pool:
        waiting = {name: pool.submit(end_in, folder / name.replace(" ", "-"), name, number) for name in PHASES}
        return {name: one.result() for name, one in waiting.items()}


def left_behind() -> set[Path]:
    """Files that a hog may have made."""
    return {path for place in PLACES for path in place.iterdir() if "hog" in path.name}


def test_a_wsltop_that_is_killed_in_any_phase_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    before = left_behind()
    ends = in_all_phases(tmp_path, signal.SIGKILL)
    idle = {name for name, (_, _, below) in ends.items() if not below}
    assert idle - {"clear"} == set(EMPTY), "where it clears, the load may be gone already"
    for name, (status, out, below) in ends.items():
        assert (status, out) == (-signal.SIGKILL, ""), name
        wait_until(lambda pids=below: not any(alive(pid) for pid in pids))  # type: ignore[misc]
        assert list((tmp_path / name.replace(" ", "-")).iterdir()) == [], name
    assert left_behind() <= before


def test_an_experiment_that_is_interrupted_in_any_phase_cleans_up_and_tells_what_it_measured(tmp_path: Path) -> None:
    before = left_behind()
    ends = in_all_phases(tmp_path, signal.SIGINT)
    for name, (status, out, below) in ends.items():
        report = (tmp_path / name.replace(" ", "-") / "report.md").read_text()
        assert status == (124 if name == "release" else 130), name  # --hold had ended that command
        assert out == "", name
        assert "interrupted by sigint" in report.lower(), name
        # A relay of a Windows program is left to end when its input does, never killed (host/relay.py).
        wait_until(lambda pids=below: not any(alive(pid) for pid in pids), 10.0 if name == "action" else 0.5)  # type: ignore[misc]
    assert left_behind() <= before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_signal_that_asks_to_end_is_heard(tmp_path: Path, number: signal.Signals) -> None:
    started = Started(tmp_path, *QUICK, "--hold", "60", "--output", "report.md")
    started.until("hold")
    below = offspring(started.process.pid)
    time.sleep(0.6)
    started.process.send_signal(number)
    status, out, _ = started.end(10)
    report = (tmp_path / "report.md").read_text()
    assert (status, out) == (128 + number, "")
    assert f"verdict  Interrupted by {number.name} before anything could come back: no verdict." in report
    assert "taken by the load" in report
    assert below
    assert not any(alive(pid) for pid in below)


@pytest.mark.skipif(shutil.which("nohup") is None, reason="there is no nohup")
def test_a_hang_up_that_nohup_keeps_away_ends_nothing(tmp_path: Path) -> None:
    started = Started(tmp_path, *QUICK, "--hold", "1", "--settle", "1", before=("nohup",))
    started.until("hold")
    started.process.send_signal(signal.SIGHUP)
    status, out, _ = started.end()
    assert status == 0
    assert "nterrupted" not in out
