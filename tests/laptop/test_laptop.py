"""The simulated laptop behaves as WSL does, and wsltop reads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.commands.program import Program
from tests.laptop.memory import GIB, MIB, PASS, Memory
from tests.laptop.scenarios import SCENARIOS, memory
from tests.laptop.simulator import Laptop
from tests.laptop.texts import PAGE
from tests.shell import environ_of
from tests.terminal.harness import Terminal
from wsltop.core.ledger import keep_ledger
from wsltop.core.moment import interpret
from wsltop.hogs.load import HogOptions
from wsltop.hogs.pool import HogPool
from wsltop.host.choose import NOT_ASKED
from wsltop.host.source import FixedSource
from wsltop.model.sample import Sample, Unavailable
from wsltop.system import open_system


@pytest.fixture
def lay() -> Iterator[Callable[[Path, str], Laptop]]:
    """Lays a laptop out below a folder, by the name of its scenario, and closes its files in the end."""
    with ExitStack() as laptops:
        yield lambda root, name: laptops.enter_context(closing(Laptop(root, SCENARIOS[name])))


def sample_of(root: Path) -> Sample:
    sampler = open_system(root).open_sampler(FixedSource(NOT_ASKED))
    try:
        sampler.wait(2.0)
        return sampler.sample()
    finally:
        sampler.close()


def settle(mem: Memory, seconds: float = 120.0) -> None:
    for _ in range(int(seconds / 0.25)):
        mem.step(0.25)


def test_what_is_freed_drains_to_windows_in_passes() -> None:
    mem = memory()
    mem.set_hogs({"anonymous": GIB})
    mem.step(0.25)
    held = mem.lent
    mem.set_hogs({})
    mem.step(PASS - 0.25)
    assert mem.lent == held, "the first pass is two seconds after the free"
    mem.step(0.25)
    first = held - mem.lent
    assert 0 < first < GIB
    settle(mem)
    assert held - mem.lent == pytest.approx(GIB * 0.94, rel=0.01)
    assert mem.reported == mem.reportable


def test_taking_memory_is_lent_at_once() -> None:
    mem = memory()
    before = mem.lent
    mem.set_hogs({"anonymous": 512 * MIB})
    mem.step(0.0)
    assert mem.lent - before == 512 * MIB


def test_the_holes_of_a_fragmenting_hog_are_scattered_until_it_ends() -> None:
    mem = memory()
    before = mem.scattered
    mem.set_hogs({"fragment": GIB})
    mem.set_hogs({"fragment": GIB // 2})
    assert mem.scattered == before + GIB // 2
    mem.set_hogs({})
    assert mem.scattered == pytest.approx(before, abs=GIB // 25)


@pytest.mark.parametrize("act", ["compact", "drop", "reclaim"])
def test_an_action_gives_back(act: str) -> None:
    mem = memory()
    before, free = mem.lent, mem.free
    if act == "compact":
        mem.compact()
    elif act == "drop":
        mem.drop(3)
    else:
        mem.reclaim(GIB)
    assert (mem.free > free) == (act != "compact")
    settle(mem)
    assert mem.lent < before - 100 * MIB
    assert mem.counters


def test_free_blocks_sum_to_what_is_free() -> None:
    for mem in (memory(), memory(scattered=0), memory(order=9)):
        assert sum(count << order for order, count in enumerate(mem.blocks)) == mem.free // PAGE


def test_without_room_the_kernel_takes_cache_back_and_then_swaps() -> None:
    mem = memory()
    mem.set_hogs({"anonymous": 5 * GIB})
    settle(mem, 1.0)
    assert mem.free > 0
    assert mem.swapped > 0
    assert mem.counters["pgsteal_kswapd"] > 0


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_a_machine_that_adds_up(
    lay: Callable[[Path, str], Laptop], tmp_path: Path, name: str
) -> None:
    laptop = lay(tmp_path, name)
    taken = sample_of(tmp_path)
    ledger = keep_ledger(taken)
    assert not isinstance(ledger, Unavailable)
    buckets = (
        (ledger.anonymous + ledger.shared + ledger.cache + ledger.slab_reclaimable + ledger.slab_unreclaimable)
        + ledger.page_tables
        + ledger.huge_pages
        + ledger.kernel_other
    )
    split = ledger.free_split
    assert not isinstance(split, Unavailable)
    assert buckets + split.fragmented + split.reportable == ledger.total
    assert not isinstance(ledger.expected_host, Unavailable)
    assert ledger.expected_host + laptop.memory.overhead == pytest.approx(laptop.memory.lent, abs=2 * MIB)
    assert not isinstance(taken.kernel_log, Unavailable)
    assert all(record.monotonic <= taken.monotonic for record in taken.kernel_log.records)
    assert interpret(taken, 1.0).sample.surroundings.flavor == "wsl2"


def test_a_hog_of_wsltop_shows_in_it(lay: Callable[[Path, str], Laptop], tmp_path: Path) -> None:
    laptop = lay(tmp_path, "laptop")
    laptop.watched = os.getpid()
    before = laptop.memory.lent
    with HogPool() as pool:
        pool.add(64 * MIB)
        deadline = time.monotonic() + 20
        while laptop.memory.hog < 60 * MIB and time.monotonic() < deadline:
            time.sleep(0.05)
            laptop.step(0.05)
    assert 60 * MIB < laptop.memory.hog < 80 * MIB
    assert laptop.memory.lent - before > 60 * MIB
    laptop.step(0.05)
    assert laptop.memory.hog == 0


def test_a_hog_that_fills_the_cache_fills_the_cache_of_the_vm(
    lay: Callable[[Path, str], Laptop], tmp_path: Path
) -> None:
    laptop = lay(tmp_path / "root", "laptop")
    laptop.watched = os.getpid()
    before = laptop.memory.cache
    with HogPool() as pool:
        pool.add(16 * MIB, kind="cache", options=HogOptions(directory=str(tmp_path)))
        deadline = time.monotonic() + 20
        while laptop.memory.cache < before + 16 * MIB and time.monotonic() < deadline:
            time.sleep(0.05)
            laptop.step(0.05)
        assert laptop.memory.cache == before + 16 * MIB
    laptop.step(0.05)
    assert laptop.memory.cache == before


def test_it_does_what_is_written_and_says_so(lay: Callable[[Path, str], Laptop], tmp_path: Path) -> None:
    laptop = lay(tmp_path, "laptop")
    cache = laptop.memory.cache
    (tmp_path / "proc/sys/vm/drop_caches").write_text("1\n")
    laptop.step()
    assert laptop.memory.cache < cache / 2
    assert "drop_caches: 1" in (tmp_path / "dev/kmsg").read_text()
    scattered = laptop.memory.scattered
    (tmp_path / "proc/sys/vm/compact_memory").write_text("1\n")
    laptop.step()
    assert laptop.memory.scattered < scattered / 2


def test_wsl_itself_compacts_and_drops_when_it_rests(lay: Callable[[Path, str], Laptop], tmp_path: Path) -> None:
    laptop = lay(tmp_path, "idle")
    for _ in range(5):
        laptop.step(10.0)
    assert laptop.memory.counters["drop_pagecache"] == 1, "once in an idle period"
    assert laptop.memory.counters["compact_isolated"] > 0
    assert "mini_init (175): drop_caches: 1" in (tmp_path / "dev/kmsg").read_text()
    busy = lay(tmp_path / "busy", "laptop")
    for _ in range(100):
        busy.step(10.0)
    assert "drop_pagecache" not in busy.memory.counters


@pytest.mark.slow
def test_an_action_of_wsltop_takes_effect_in_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    program = Program(monkeypatch, capfd, tmp_path / "home")
    with Laptop(tmp_path / "root", SCENARIOS["laptop"]) as laptop:
        cache = laptop.memory.cache
        assert program("reclaim", "drop-cache", "--dry-run", "--root", laptop.root).status == 0
        assert laptop.memory.cache == cache
        done = program("reclaim", "drop-cache", "--json", "--root", laptop.root)
        assert done.status == 0
        assert laptop.memory.cache < cache / 2
    assert json.loads(done.out)["action"] == "drop-cache"


@pytest.mark.slow
def test_the_screen_shows_it(tmp_path: Path) -> None:
    root = tmp_path / "root"
    with (
        Laptop(root, SCENARIOS["laptop"]),
        Terminal(tmp_path, "--root", str(root), size=(120, 36)) as terminal,
    ):
        terminal.wait_for_frame()
        terminal.wait_for("of 15.7 GiB")
        assert "Ubuntu" in terminal.text
        terminal.press("q")
        assert terminal.wait_for_end() == 0


@pytest.mark.slow
def test_one_command_starts_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.laptop", "--scenario", "killed", "--", "doctor", "--json", "--watch", "0"],
        capture_output=True,
        text=True,
        env=environ_of(tmp_path) | {"PYTHONWARNINGS": ""},
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    said: dict[str, Any] = json.loads(done.stdout)
    assert "oom-kill" in [finding["id"] for finding in said["findings"]]
    assert done.returncode == 1


@pytest.mark.slow
def test_its_windows_answers_the_self_test_as_a_real_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.laptop", "--", "doctor", "--self-test"],
        capture_output=True,
        text=True,
        env=environ_of(tmp_path) | {"PYTHONWARNINGS": ""},
        timeout=120,
        check=False,
    )
    assert [line for line in done.stdout.splitlines() if line.startswith("DIFFERS")] == []
    assert "OK wsl-version" in done.stdout.splitlines()
    assert "OK exit-byte" in done.stdout.splitlines()
