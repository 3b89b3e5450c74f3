"""``--root DIR``: everything about the guest is below DIR; what wsltop is itself stays real."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.commands.program import Program
from tests.commands.test_group import command
from tests.guest.texts import plant
from tests.laptop.layout import lay_guest, lay_windows
from wsltop.clock import RootClock
from wsltop.commands.group import COMMANDS
from wsltop.guest.kernel_log import KmsgReader
from wsltop.guest.mounts import MountsSource
from wsltop.guest.processes import ProcessSource, ProcFiles
from wsltop.hogs.pool import HogPool
from wsltop.model.sample import KernelLog, Unavailable
from wsltop.system import open_system

GIB = 1024**3
HOST = {"working_set": 6 * GIB, "private": 7 * GIB, "total": 16 * GIB, "available": 5 * GIB}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A guest of WSL with its Windows, that has run for a day."""
    place = tmp_path / "guest"
    lay_guest(place, uptime=86_400.0, boot_time=time.time() - 86_400.0)
    lay_windows(place, period=0.1, wslconfig=b"[wsl2]\r\nmemory=8GB\r\n", written=time.time() - 90_000.0)
    plant(place, "host.json", json.dumps(HOST))
    return place


def snapshot(program: Program, root: Path, *before: object) -> dict[str, Any]:
    done = program(*before, "snapshot", "--json", *(() if before else ("--root", root)))
    assert (done.status, done.err) == (0, "")
    document = json.loads(done.out)
    assert isinstance(document, dict)
    return document


def test_the_guest_and_its_windows_are_those_below_it(program: Program, root: Path) -> None:
    said = json.dumps(snapshot(program, root))
    assert str(HOST["working_set"]) in said
    assert "6.6.87.2-microsoft-standard-WSL2" in said
    assert "2.6.3.0" in said


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_samples_takes_it(name: str) -> None:
    names = {option for one in command(name).params for option in one.opts}
    assert ("--root" in names) == ("--host" in names)


def test_it_may_stand_before_the_command(program: Program, root: Path) -> None:
    assert "WSL2" in json.dumps(snapshot(program, root, "--root", root))


def test_it_is_hidden_and_must_be_a_folder(program: Program, root: Path) -> None:
    assert "--root" not in program("--help").out
    assert "--root" not in program("doctor", "--help").out
    assert program("doctor", "--root", root / "proc/meminfo").status == 2


def test_a_distribution_is_named_by_its_own_environment(
    program: Program, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WSL_DISTRO_NAME", "Elsewhere")
    said = json.dumps(snapshot(program, root))
    assert '"Ubuntu"' in said
    assert "Elsewhere" not in said


def test_require_wsl_asks_the_root(program: Program, root: Path, tmp_path: Path) -> None:
    assert program("--require-wsl", "--root", root, "snapshot").status == 0
    empty = tmp_path / "empty"
    empty.mkdir()
    assert program("--require-wsl", "--root", empty, "snapshot", "--host", "none").status == 3


@pytest.mark.parametrize("command", ["doctor", "snapshot", "wslconfig"])
def test_every_command_reads_the_settings_of_that_windows(program: Program, root: Path, command: str) -> None:
    quick = ("--watch", "0") if command == "doctor" else ()
    assert program(command, "--root", root, *quick).status in (0, 1)
    if command == "wslconfig":
        assert "8GB" in program(command, "--root", root).out


def test_doctor_sees_the_kernel_log_from_before_it_began(program: Program, root: Path) -> None:
    """vm-truth F1: seconds after an OOM kill it said that nothing is wrong."""
    line = "Out of memory: Killed process 512 (java) total-vm:20936kB, anon-rss:901944kB, file-rss:0kB, shmem-rss:0kB"
    plant(root, "dev/kmsg", f"6,1,1000,-;Free page reporting enabled\n3,2,86390000000,-;{line}\n")
    done = program("doctor", "--json", "--watch", "0", "--root", root)
    ids = [finding["id"] for finding in json.loads(done.out)["findings"]]
    assert "oom-kill" in ids
    assert done.status == 1


@pytest.mark.slow
def test_a_log_longer_than_one_read_is_read_to_its_end(program: Program, root: Path) -> None:
    filler = "".join(f"6,{n},{n},-;systemd[1]: line {n} {'x' * 60}\n" for n in range(3000))
    plant(root, "dev/kmsg", filler + "3,3000,86390000000,-;Out of memory: Killed process 512 (java) anon-rss:9kB\n")
    ids = json.loads(program("doctor", "--json", "--watch", "0", "--root", root).out)["findings"]
    assert "oom-kill" in [finding["id"] for finding in ids]


def test_its_time_goes_on_from_its_uptime(root: Path) -> None:
    clock = RootClock(root)
    assert 86_400.0 <= clock.monotonic() < 86_500.0
    assert abs(clock.time() - time.time()) < 60
    (root / "proc/uptime").unlink()
    assert abs(RootClock(root).monotonic() - time.monotonic()) < 60


@pytest.mark.parametrize("kind", ["file", "fifo"])
def test_a_record_that_comes_in_two_pieces_is_one(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "kmsg"
    if kind == "fifo":
        os.mkfifo(path)
        writer = os.open(path, os.O_RDWR)
    else:
        writer = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    reader = KmsgReader(path)
    texts: list[str] = []
    for piece in (b"6,1,1000,-;one\n6,2,2000,-;tw", b"", b"o\n", b"6,3,3000,-;three\n"):
        if piece:
            os.write(writer, piece)
        log = reader.read()
        assert isinstance(log, KernelLog)
        texts += [record.text for record in log.records]
    reader.close()
    os.close(writer)
    assert texts == ["one", "two", "three"]


def test_how_full_a_tmpfs_is_comes_from_a_file(root: Path) -> None:
    plant(root, "statvfs", f"{GIB} {4 * GIB} /mnt/wsl\n")
    mounts = MountsSource(root).read()
    assert not isinstance(mounts, Unavailable)
    (tmpfs,) = mounts.tmpfs
    assert (tmpfs.used, tmpfs.size) == (GIB, 4 * GIB)
    (root / "statvfs").unlink()
    mounts = MountsSource(root).read()
    assert not isinstance(mounts, Unavailable)
    assert isinstance(mounts.tmpfs[0].used, Unavailable)


@pytest.mark.slow
def test_an_action_writes_below_it(program: Program, root: Path) -> None:
    place = root / "proc/sys/vm/compact_memory"
    done = program("reclaim", "compact", "--root", root, "--dry-run")
    assert str(place) in done.out
    assert place.read_text() == ""
    assert program("reclaim", "compact", "--root", root, "--json").status == 0
    assert place.read_text() == "1\n"


def test_no_process_below_it_is_ours(root: Path) -> None:
    """A process there has the number of a real one only by chance: it is never taken for wsltop or its child."""
    from tests.laptop.texts import ProcessFigures, process_texts

    for pid, parent in ((os.getpid(), 1), (7001, os.getpid())):
        for name, text in process_texts(ProcessFigures(pid=pid, name=b"java", rss=1000, parent=parent)).items():
            plant(root, f"proc/{pid}/{name}", text)
    assert ProcFiles(root).own_pids() == ()
    table = ProcessSource(root).read(1.0)
    assert not isinstance(table, Unavailable)
    assert {(use.pid, use.own) for use in table.processes} == {(os.getpid(), False), (7001, False)}


def test_only_our_own_hogs_are_signaled(root: Path) -> None:
    """A pool beside a root whose processes have the numbers of real ones ends its hogs and nothing else."""
    bystander = subprocess.Popen(["/bin/sleep", "60"])
    try:
        plant(root, f"proc/{bystander.pid}/stat", f"{bystander.pid} (wsltop-hog) S 1 1 1 0 -1 0 0\n")
        system = open_system(root)
        with HogPool(clock=system.clock) as pool:
            pool.add(16 * 1024**2)
            assert pool.root == Path("/"), "hogs and their floor stay real"
            pool.kill_all()
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()
