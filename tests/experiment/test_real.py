"""Experiments as the shell sees them: real loads, a process that stands in for Windows', signals, and what stays."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hogs.started import QUICK, Started, alive, run
from tests.waiting import wait_until
from wsltop.experiment.keeper import offspring

pytestmark = pytest.mark.slow

MIB = 1024**2
STAND_IN = """
import mmap, os, sys, time
memory, size, held = mmap.mmap(-1, 1 << 30), 0, []
print(flush=True)
def read(path):
    try:
        return open(path, "rb").read()
    except OSError:
        return b""
mine = b"process:%d" % os.getpid()
def is_ours(pid):
    for _ in range(6):
        stat = read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        pid = stat[1].decode() if stat else "1"
        if pid in ("0", "1"):
            return False
        if mine in read(f"/proc/{pid}/cmdline"):
            return True
def loads():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if read(f"/proc/{pid}/comm") in (b"wsltop-hog\\n", b"stress\\n") and is_ours(pid):
            yield int((read(f"/proc/{pid}/statm").split() or [0, 0])[1]) * mmap.PAGESIZE
while True:
    held = (held + [sum(loads())])[-5:]
    want = held[0]
    if want > size:
        memory[size:want:mmap.PAGESIZE] = bytes(-(-(want - size) // mmap.PAGESIZE))
    elif want < size:
        memory.madvise(mmap.MADV_DONTNEED, want, size - want)
    size = want
    time.sleep(0.1)
"""
"""Holds what the hogs, or the stress, of the wsltop that watches it held half a second ago."""


@pytest.fixture
def stand_in() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", STAND_IN], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def document(text: str) -> dict[str, Any]:
    value = json.loads(text)
    assert isinstance(value, dict)
    return value


def test_hogs_are_measured_on_both_sides(tmp_path: Path, stand_in: int) -> None:
    times = ("--hold", "3", "--baseline", "1", "--settle", "8")
    files = [tmp_path / f"report.{suffix}" for suffix in ("md", "html", "svg", "json")]
    reports = [word for file in files for word in ("--output", str(file))]
    limits = ("--fail-if", "returned<50%", "--fail-if", "host.taken>10G", "--fail-if", "host.t50>300s")
    code, out, err = run(
        tmp_path, "--hogs", "2", "--size", "128M", *times, "--host", f"process:{stand_in}", *limits, *reports
    )
    assert (code, out) == (0, ""), err
    told = document(files[3].read_text())
    assert [limit["failed"] for limit in told["limits"]] == [False] * 3
    assert [line.endswith(": ok") for line in err.splitlines() if "fail-if" in line] == [True] * 3
    trial = told["trials"][0]
    host, guest = trial["host"], trial["guest"]
    assert 200 * MIB < host["taken"] < 340 * MIB
    assert host["share"] > 0.9
    assert 0.1 < host["t50"]["seconds"] < 5
    assert host["t50"]["uncertainty"] < 3
    assert guest["peak"] > guest["baseline"]
    assert trial["ending"] in ("settled", "not settled")
    assert [phase["phase"] for phase in trial["phases"]][:3] == ["baseline", "load", "hold"]
    seconds = trial["samples"][-1][0]
    assert len(trial["samples"]) / seconds > 2 or os.getloadavg()[0] > 4
    assert "experiment: settle" in err
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(file.name for file in files)


@pytest.mark.skipif(shutil.which("stress") is None, reason="there is no stress: install the package stress")
def test_stress_is_a_load_too_and_measured_on_both_sides(tmp_path: Path, stand_in: int) -> None:
    stress = ("stress", "--vm", "2", "--vm-bytes", "64M", "--vm-keep", "--timeout", "2")
    host = f"process:{stand_in}"
    code, _, err = run(tmp_path, "--baseline", "0.5", "--settle", "4", "--host", host, "--json", "--", *stress)
    assert code == 0, err
    told = document(err[err.index("{") : err.rindex("}") + 1])
    assert told["plan"]["command"] == [shutil.which("stress"), *stress[1:]]
    assert told["trials"][0]["exit_code"] == 0
    assert told["trials"][0]["guest"]["taken"] > 80 * MIB
    outside = told["trials"][0]["host"]
    assert 120 * MIB < outside["taken"] < 150 * MIB
    assert outside["share"] > 0.9
    assert 0.0 <= outside["t50"]["seconds"] < 2


def test_a_signal_during_a_command_ends_all_of_it(tmp_path: Path) -> None:
    """SIGINT is the command's, as Ctrl+C on a terminal is; its status counts."""
    started = Started(tmp_path, "--baseline", "0.5", "--host", "none", "--", "sh", "-c", "sleep 60 & sleep 60")
    wait_until(lambda: len(offspring(started.process.pid)) >= 4)
    below = offspring(started.process.pid)
    started.process.send_signal(signal.SIGINT)
    assert started.end(10)[0] == 130
    assert not any(alive(pid) for pid in below)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--control",), "--control is a trial without the action"),
        (("--then", "dance"), "is none of compact, drop-cache"),
        (("--then", "compact:1G"), "--then compact takes no size"),
        (("--then", "reclaim", "--", "true"), "--then reclaim needs a size"),
        (("--way", "sudo"), "--way says how --then ACTION becomes root"),
        (("--output", "report.doc"), "must end with one of .txt, .json, .md"),
        (("--output", "nowhere/report.md"), "there is no such directory"),
        (("--incompressible", "--kind", "cache"), "--incompressible is for hogs with content of their own"),
        (("--incompressible", "--", "true"), "--incompressible is for hogs with content of their own"),
        (("--size", "much"), "'much' is not a size"),
        (("--hold", "nan"), "is not a number of seconds"),
        (("--size", "100"), "100 B is too small: the least is 64 MiB"),
        (("--then", "pressure:1M"), "1.0 MiB is too small: the least is 64 MiB"),
        (("--",), "there is no command after --"),
        (("--hogs", "1", "--"), "there is no command after --"),
        (("--fail-if", "host.peak"), "Quote it"),
        (("--fail-if", "host.height>1G"), "there is no figure host.height"),
        (("--fail-if", "peak>6"), "6 has no unit"),
        (("--fail-if", "t50>80%"), "only returned has a share in %"),
    ],
)
def test_wrong_usage_is_told_before_anything_runs(tmp_path: Path, arguments: tuple[str, ...], complaint: str) -> None:
    code, out, err = run(tmp_path, *arguments)
    assert (code, out) == (2, "")
    assert complaint in " ".join(err.split())


def test_a_dry_run_says_the_plan_and_does_nothing(tmp_path: Path) -> None:
    code, out, err = run(tmp_path, *QUICK, "--kind", "cache", "--then", "drop-cache", "--control", "--dry-run")
    assert (code, err) == (0, "")
    assert "load     1 hog of 64 MiB, cache, held 10 s, ended after the action was measured" in out
    assert "action   drop-cache: Drop the file cache" in out
    assert "order    control, trial" in out


def test_incompressible_hogs_are_told_as_such(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, *QUICK, "--hold", "0", "--settle", "2", "--incompressible", "--json")
    assert code == 0
    assert json.loads(out)["plan"]["incompressible"] is True
    code, out, _ = run(tmp_path, *QUICK, "--incompressible", "--kind", "leak", "--dry-run")
    assert "load     1 hog of 64 MiB, incompressible leak, held 10 s" in out


WSL = ("--then", "compact", "--way", "wsl", "--hold", "0", "--settle", "2")


def test_the_action_goes_through_wsl_exe_when_that_is_named(tmp_path: Path) -> None:
    """Shown to the letter before it runs, and then run to the letter: by a stand-in that only writes it down."""
    drive, log = tmp_path / "c", tmp_path / "log"
    exe = drive / "Windows/System32/wsl.exe"
    exe.parent.mkdir(parents=True)
    exe.write_text(f'#!/bin/sh\necho "$*" >> {log}\ncat >> {log}\n')
    exe.chmod(0o755)
    arguments = (*QUICK, *WSL, "--drive", str(drive))
    code, out, err = run(tmp_path, *arguments, "--dry-run", WSL_DISTRO_NAME="Ubuntu")
    assert (code, err) == (0, "")
    assert f"runs     {exe} -u root -d Ubuntu -e /usr/bin/env LC_ALL=C " in out
    assert "as       root, through wsl.exe of Windows, which asks for no password; distribution Ubuntu" in out
    assert not log.exists()
    code, out, _ = run(tmp_path, *arguments, WSL_DISTRO_NAME="Ubuntu")
    assert code == 0
    said, text = log.read_text().splitlines()
    assert re.fullmatch(r"-u root -d Ubuntu -e /usr/bin/env LC_ALL=C \S*/tee /proc/sys/vm/compact_memory", said)
    assert text == "1"


def test_wsl_exe_by_name_without_a_windows_is_refused_before_it_begins(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    arguments = (*QUICK, *WSL, "--drive", str(tmp_path / "c"))
    code, out, err = run(tmp_path, *arguments, WSL_DISTRO_NAME="Ubuntu")
    assert (code, out) == (1, "")
    assert "compact: " in err
    assert "has no Windows/System32/wsl.exe" in err
