"""The pool with real hogs: what they take, what they are, how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.hogs.real import (
    OVERHEAD,
    PAGE,
    available,
    cpu_seconds,
    on_processor_lists,
    settle,
    wait_for_end,
)
from wsltop.errors import HogRefused
from wsltop.hogs import hog
from wsltop.hogs.pool import HogPool
from wsltop.model.text import GIB, MIB


def plenty(root: Path) -> Path:
    """A root whose machine has 64 GiB, all available."""
    (root / "proc").mkdir()
    (root / "proc" / "meminfo").write_text(f"MemTotal: {64 * MIB} kB\nMemAvailable: {64 * MIB} kB\n")
    return root


def test_a_hog_holds_what_was_asked(pool: HogPool) -> None:
    assert pool.add(128 * MIB) == (1,)
    assert pool.busy
    (hog,) = settle(pool)
    assert (hog.id, hog.kind, hog.target, hog.status, hog.note) == (1, "anonymous", 128 * MIB, "holding", "")
    assert 128 * MIB <= hog.resident <= 128 * MIB + OVERHEAD
    assert hog.speed is not None
    assert hog.speed > 10 * MIB


def test_resident_memory_grows_by_the_size_and_a_few_pages(pool: HogPool) -> None:
    pool.add(64 * MIB)
    pool.add(192 * MIB + 1)  # no multiple of a page
    small, large = settle(pool)
    # The kernel sums resident pages per CPU and lets each CPU lag (lib/percpu_counter.c).
    lag = 64 * (os.cpu_count() or 1) * PAGE
    assert abs(large.resident - small.resident - 128 * MIB) <= 16 * PAGE + 2 * lag


@pytest.mark.slow
def test_it_starts_and_says_so_before_it_is_full(pool: HogPool) -> None:
    pool.add(256 * MIB)
    began = time.monotonic()
    seen = set()
    while pool.busy and time.monotonic() < began + 8:
        seen |= {(hog.status, hog.speed is None) for hog in pool.read()}
    assert seen <= {("starting", True), ("filling", False), ("holding", False)}
    assert ("filling", False) in seen


@pytest.mark.slow
def test_available_memory_falls_and_comes_back(pool: HogPool) -> None:
    def left() -> int:
        return available() + on_processor_lists()

    def once() -> bool:
        before = left()
        (number,) = pool.add(256 * MIB)
        settle(pool)
        held = left()
        pool.kill(number)
        wait_for_end(pool)
        return all(200 * MIB < high - held < 320 * MIB for high in (before, left()))

    assert any(once() for _ in range(12))  # others use this machine as well


def test_a_hog_is_its_own_quiet_and_first_victim(pool: HogPool) -> None:
    pool.add(64 * MIB)
    (hog,) = settle(pool)
    process = Path("/proc") / str(hog.pid)
    assert (process / "comm").read_text() == "wsltop-hog\n"
    assert (process / "oom_score_adj").read_text() == "1000\n"
    assert os.getsid(hog.pid) == hog.pid
    assert str((process / "fd" / "0").readlink()).startswith("pipe:")
    assert (process / "cwd").readlink() == Path("/")


def test_holding_costs_no_processor_time(pool: HogPool) -> None:
    pool.add(64 * MIB)
    (hog,) = settle(pool)
    before = cpu_seconds(hog.pid)
    time.sleep(1)
    assert cpu_seconds(hog.pid) - before < 0.02


def test_hogs_share_no_pipes(pool: HogPool) -> None:
    pool.add(MIB, 3)
    links = [{str(link.readlink()) for link in Path("/proc", str(hog.pid), "fd").iterdir()} for hog in settle(pool)]
    pipes = [{link for link in own if link.startswith("pipe:")} for own in links]
    assert [len(own) for own in pipes] == [2, 2, 2]
    assert len(set.union(*pipes)) == 6


def test_killing_one_of_several_by_id(pool: HogPool) -> None:
    one, two, three = pool.add(64 * MIB, 3)
    settle(pool)
    pool.kill(two)
    pool.kill(two)
    pool.kill(99)
    assert [(hog.id, hog.status) for hog in pool.read() if hog.id != two] == [(one, "holding"), (three, "holding")]
    (ended,) = wait_for_end(pool)
    assert (ended.id, ended.how, ended.note, ended.target) == (two, "killed", "SIGKILL", 64 * MIB)
    assert 64 * MIB <= ended.resident <= 64 * MIB + OVERHEAD
    assert ended.teardown is not None
    assert 0 <= ended.teardown < ended.lived
    assert [hog.id for hog in pool.read()] == [one, three]
    assert pool.ended() == ()
    assert pool.add(MIB) == (4,)


@pytest.mark.slow
def test_a_killed_hog_is_ending_and_the_caller_does_not_wait(pool: HogPool) -> None:
    pool.add(256 * MIB)
    settle(pool)
    began = time.monotonic()
    pool.kill_all()
    assert time.monotonic() - began < 0.05
    assert [(hog.status, pool.busy) for hog in pool.read()] in ([("ending", True)], [])
    wait_for_end(pool)
    assert not pool.busy


@pytest.mark.parametrize(("number", "name"), [(15, "SIGTERM"), (9, "SIGKILL"), (37, "signal 37")])
def test_a_hog_killed_from_outside_is_told_with_the_signal(pool: HogPool, number: int, name: str) -> None:
    pool.add(64 * MIB)
    (hog,) = settle(pool)
    os.kill(hog.pid, number)
    (ended,) = wait_for_end(pool)
    assert (ended.how, ended.note, ended.teardown) == ("signal", name, None)
    assert ended.resident >= 64 * MIB
    assert pool.read() == ()


def test_a_sigkill_is_the_oom_killers_when_the_kernel_counted_one(tmp_path: Path) -> None:
    root = plenty(tmp_path)
    (root / "proc" / "vmstat").write_text("pgfault 1\noom_kill 4\n")
    with HogPool(root=root, floor=0) as pool:
        pool.add(MIB, 2)
        one, two = settle(pool)
        (root / "proc" / "vmstat").write_text("pgfault 1\noom_kill 5\n")
        os.kill(one.pid, signal.SIGKILL)
        assert [ended.how for ended in wait_for_end(pool)] == ["oom"]
        os.kill(two.pid, signal.SIGKILL)
        assert [ended.how for ended in wait_for_end(pool)] == ["signal"]


def test_closing_leaves_nothing_and_may_be_repeated() -> None:
    pool = HogPool(floor=0)
    pool.add(64 * MIB, 3)
    pids = pool.pids
    pool.close()
    assert not [pid for pid in pids if Path("/proc", str(pid)).exists()]
    assert [ended.how for ended in pool.ended()] == ["killed"] * 3
    pool.close()
    with pytest.raises(HogRefused, match="ending"):
        pool.add(MIB)


def test_too_much_is_refused_before_anything_starts() -> None:
    with HogPool(floor=available() - 200 * MIB) as pool:
        with pytest.raises(HogRefused, match=r"^would leave .+ of .+; the floor is .+: choose a smaller size"):
            pool.add(GIB)
        with pytest.raises(HogRefused, match="would leave nothing of"):
            pool.add(1024 * GIB)
        assert pool.read() == ()
        assert pool.pids == ()


def test_what_running_hogs_still_have_to_fill_counts(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text(f"MemTotal: {MIB} kB\nMemAvailable: {MIB} kB\n")
    with HogPool(root=tmp_path, floor=256 * MIB) as pool:
        pool.add(512 * MIB)
        with pytest.raises(HogRefused, match=r"of 1\.0 GiB; the floor is 256 MiB"):
            pool.add(512 * MIB)
        assert len(pool.pids) == 1


@pytest.mark.parametrize(("size", "count", "kind"), [(0, 1, "anonymous"), (MIB, 0, "anonymous"), (MIB, 1, "sheep")])
def test_nonsense_is_refused(pool: HogPool, size: int, count: int, kind: str) -> None:
    with pytest.raises(HogRefused):
        pool.add(size, count, kind)
    assert pool.pids == ()


def test_without_meminfo_nothing_starts(tmp_path: Path) -> None:
    with HogPool(root=tmp_path) as pool, pytest.raises(HogRefused, match="cannot tell how much memory"):
        pool.add(MIB)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 4])
def test_growth_stops_at_the_floor(tmp_path: Path, count: int) -> None:
    """The pool believes in 64 GiB, the hogs look for themselves."""
    root = plenty(tmp_path)

    def once() -> bool:
        cached = on_processor_lists()  # the kernel hands these out first, and MemAvailable does not fall
        with HogPool(root=root, floor=available() - 200 * MIB) as pool:
            pool.add(GIB, count)
            hogs = settle(pool)
        assert {(hog.status, hog.note) for hog in hogs} <= {("floor", "memory is near the floor"), ("holding", "")}
        taken = sum(hog.resident for hog in hogs)
        return {hog.status for hog in hogs} == {"floor"} and 150 * MIB < taken < cached + 250 * MIB

    assert any(once() for _ in range(12))  # others use this machine as well


def test_all_or_none_when_a_process_cannot_be_started(pool: HogPool, monkeypatch: pytest.MonkeyPatch) -> None:
    start = subprocess.Popen
    started: list[int] = []

    def second_fails(command: Sequence[str], **options: int) -> subprocess.Popen[bytes]:
        if started:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        process = start(command, stdin=-1, stdout=-1, bufsize=0)
        started.append(process.pid)
        return process

    monkeypatch.setattr(subprocess, "Popen", second_fails)
    with pytest.raises(HogRefused, match="Resource temporarily unavailable"):
        pool.add(MIB, 3)
    assert pool.pids == ()
    assert not Path("/proc", str(started[0])).exists()


def test_a_mapping_that_the_kernel_refuses_is_told(tmp_path: Path) -> None:
    root = plenty(tmp_path)
    (root / "proc" / "meminfo").write_text(f"MemTotal: {2**50} kB\nMemAvailable: {2**50} kB\n")
    with HogPool(root=root, floor=0) as pool:
        pool.add(2**48)
        (ended,) = wait_for_end(pool)
    assert (ended.how, ended.note) == ("exited", "status 1: Cannot allocate memory")


def test_what_a_broken_hog_says_last_is_kept_and_made_safe(
    pool: HogPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "broken.py"
    program.write_text(r"import os; os.write(2, b'first\n\x1b[31mfilling 1 \xff\xe2\x80\xaeworse\n\n '); os._exit(3)")
    monkeypatch.setattr(hog, "__file__", str(program))
    pool.add(MIB)
    (ended,) = wait_for_end(pool)
    assert (ended.how, ended.note) == ("exited", "status 3: filling 1 \ufffdworse")
    assert ended.resident < 64 * MIB
    program.write_text("import os; os.write(2, b'no end'); os._exit(0)")
    pool.add(MIB)
    assert [ended.note for ended in wait_for_end(pool)] == ["status 0: no end"]
