"""Owner, command line and control group of processes, as the screen reads them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from tests.hostile import controls
from tests.waiting import wait_for_command_line
from wsltop.guest.process_details import DetailSource, ProcessDetails, group_of, place_of
from wsltop.model.sample import Group, ProcessUse
from wsltop.model.text import KIB
from wsltop.reclaim.end import start_of

SECRET = "--password=Tr0ub4dor"  # noqa: S105 - looked for, and found nowhere
USE = ProcessUse(
    pid=7, started=5, name="node", family="node", parent=1, state="S", rss=4096, shared=0,
    user_ticks=0, system_ticks=0, nice=0,
)  # fmt: skip


@pytest.fixture
def running() -> Iterator[ProcessUse]:
    """A process of ours with a secret in its command line."""
    with subprocess.Popen([sys.executable, "-S", "-c", "input()", SECRET], stdin=subprocess.PIPE) as process:
        wait_for_command_line(process.pid)
        yield replace(USE, pid=process.pid, started=start_of(process.pid) or 0)
        process.kill()


def plant(root: Path, pid: int = 7, *, started: int = 5, **files: bytes) -> None:
    """Lay a process out below ``root``."""
    folder = root / f"proc/{pid}"
    folder.mkdir(parents=True, exist_ok=True)
    stat = f"{pid} (node) S 1 1 1 0 -1 0 9 9 0 0 1 1 0 0 20 0 1 0 {started} 9999 9 " + "0 " * 28
    for name, data in {"stat": stat.encode(), **files}.items():
        (folder / name).write_bytes(data)


def test_owner_command_and_group_of_a_process_are_read(running: ProcessUse) -> None:
    source = DetailSource()
    seen = source.look([running], 0.0)[running.pid]
    assert seen.command is not None
    assert seen.command.endswith(f"-S -c input() {SECRET}")
    assert seen.owner
    assert seen.group is not None
    status = source.status(running)
    assert status.threads == 1
    assert status.swap is not None
    assert status.oom_score is not None
    source.close()


def test_of_another_process_with_the_same_number_nothing_is_told(running: ProcessUse) -> None:
    source = DetailSource()
    other = replace(running, started=running.started + 1)
    seen = source.look([other], 0.0)[other.pid]
    assert (seen.command, seen.owner, seen.group) == ("", "", None)
    assert source.status(other).threads is None
    source.close()


def test_a_command_line_can_be_written_nowhere() -> None:
    seen = ProcessDetails(0.0, command=SECRET)
    with pytest.raises(TypeError):
        msgspec.json.encode(seen)
    assert SECRET not in repr(seen)


def test_a_command_line_that_is_not_asked_for_is_not_read(tmp_path: Path) -> None:
    plant(tmp_path, cmdline=b"node\0secret\0")
    source = DetailSource(tmp_path)
    assert source.look([USE], 0.0, commands=False)[7].command is None
    assert source.look([USE], 1.0)[7].command == "node secret"
    source.close()


@pytest.mark.parametrize("state", ["D", "Z"])
def test_a_process_that_may_hold_its_lock_for_ever_is_not_asked_for_its_command_line(
    tmp_path: Path, state: str
) -> None:
    plant(tmp_path, cmdline=b"node\0secret\0")
    source = DetailSource(tmp_path)
    assert source.look([replace(USE, state=state)], 0.0)[7].command == ""
    source.close()


def test_details_are_read_again_after_a_while_and_forgotten(tmp_path: Path) -> None:
    plant(tmp_path, cmdline=b"first\0")
    source = DetailSource(tmp_path)
    assert source.look([USE], 0.0)[7].command == "first"
    plant(tmp_path, cmdline=b"second\0")
    assert source.look([USE], 9.0)[7].command == "first"
    assert source.look([USE], 11.0)[7].command == "second"
    source.keep([])
    plant(tmp_path, cmdline=b"third\0")
    assert source.look([USE], 12.0)[7].command == "third"
    source.close()


def test_a_hostile_command_line_is_cleaned(tmp_path: Path) -> None:
    hostile = "x\x1b[31m\x9b5m\u202e\n\t\x07y".encode()
    plant(tmp_path, cmdline=b"a\0" + hostile + b"\xff\0")
    source = DetailSource(tmp_path)
    command = source.look([USE], 0.0)[7].command
    assert command is not None
    assert not controls() & set(map(ord, command))
    source.close()


def test_a_user_is_named_by_the_file_of_that_guest(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nada:x:1000:1000::/home/ada:/bin/sh\n")
    for pid, uids in ((7, b"0\t1000\t0\t0"), (8, b"4242\t4242\t4242\t4242")):
        plant(tmp_path, pid, status=b"Name:\tnode\nUid:\t" + uids + b"\nThreads:\t3\nVmSwap:\t  12 kB\n")
    source = DetailSource(tmp_path)
    seen = source.look([USE, replace(USE, pid=8)], 0.0)
    assert (seen[7].owner, seen[8].owner) == ("ada", "4242")
    assert (source.status(USE).threads, source.status(USE).swap) == (3, 12 * KIB)
    assert source.status(USE).oom_score is None
    source.close()


def test_what_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    source = DetailSource(tmp_path)
    seen = source.look([USE], 0.0)[7]
    assert (seen.owner, seen.command, seen.group) == ("", "", None)
    source.close()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (b"0::/user.slice/a.scope\n", "user.slice/a.scope"),
        (b"0::/\n", ""),
        (b"12:cpu:/x\n9:memory:/docker/abc\n0::/y\n", "docker/abc"),
        (b"3:cpu,memory:/both\n", "both"),
        (b"", None),
        (b"nonsense", None),
    ],
)
def test_the_group_is_that_which_counts_memory(text: bytes, path: str | None) -> None:
    assert group_of(text) == path


CONTAINER = "docker/" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("", "Debian"),
        (CONTAINER, "web-1"),
        (f"{CONTAINER}/init.scope", "web-1"),
        ("system.slice/docker.service", "docker.service"),
        ("user.slice/session-1.scope", "Debian"),
    ],
)
def test_the_place_is_a_container_a_unit_or_the_distribution(path: str, place: str) -> None:
    named = Group(path=CONTAINER, name="web-1", kind="container", current=1)
    assert place_of(path, [named], "Debian") == place


def test_no_files_stay_open() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    source = DetailSource()
    source.look([replace(USE, pid=os.getpid())], 0.0)
    source.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
