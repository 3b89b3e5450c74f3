"""The sampler: everything once, of this machine and of a made-up one, with nothing left open."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import msgspec
import pytest

from tests.guest.texts import KERNELS, kernel_text, plant
from tests.hogs.fake import FakePool
from tests.samples import ended, hog, host_memory
from wsltop.core.ledger import Ledger, keep_ledger
from wsltop.guest.kernel_files import parse_buddyinfo, parse_meminfo, parse_vmstat, parse_zoneinfo
from wsltop.model.sample import HostMemory, Meminfo, Reading, Sample, Unavailable
from wsltop.sampler import Sampler

GONE = Unavailable("gone", "Look for it.")


class FakeHost:
    """A host that answers what it is told to."""

    def __init__(self, reading: Reading[HostMemory] = GONE) -> None:
        self.reading = reading
        self.pids: tuple[int, ...] = ()
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def read(self) -> Reading[HostMemory]:
        self.calls.append("read")
        return self.reading

    def close(self) -> None:
        self.calls.append("close")


class FakeClock:
    """A clock that goes on by a second each time it is asked for the monotonic time."""

    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return 1_700_000_000.0 + self.now

    def monotonic(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return grow(tmp_path, "6.6")


def grow(root: Path, kernel: str) -> Path:
    """A tree with the recorded texts of a kernel."""
    for name in ("meminfo", "buddyinfo", "zoneinfo", "vmstat"):
        plant(root, f"proc/{name}", kernel_text(kernel, name))
    plant(root, "proc/sys/kernel/osrelease", f"{kernel}-test\n")
    plant(root, "proc/self/statm", "5000 1234 300 1 0 400 0\n")
    plant(root, "sys/module/page_reporting/parameters/page_reporting_order", "5\n")
    plant(root, "etc/os-release", 'PRETTY_NAME="Test Linux"\n')
    return root


def take(root: Path) -> Sample:
    sampler = Sampler(FakeHost(), root=root, clock=FakeClock())
    taken = sampler.sample()
    sampler.close()
    return taken


def open_files() -> set[str]:
    """The files that this process has open, by name; the folder that is listed here is one no more."""
    return {str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()}


@pytest.mark.parametrize("kernel", KERNELS)
def test_each_part_is_what_its_file_says(tmp_path: Path, kernel: str) -> None:
    taken = take(grow(tmp_path, kernel))
    assert taken.meminfo == parse_meminfo(kernel_text(kernel, "meminfo"))
    assert taken.free_blocks == parse_buddyinfo(kernel_text(kernel, "buddyinfo"))
    assert taken.zones == parse_zoneinfo(kernel_text(kernel, "zoneinfo"))
    assert taken.counters == parse_vmstat(kernel_text(kernel, "vmstat"))
    assert not isinstance(taken.reporting, Unavailable)
    assert (taken.reporting.order, taken.reporting.assumed) == (5, False)
    assert taken.identity.kernel == f"{kernel}-test"
    assert (taken.time, taken.monotonic) == (1_700_000_101.0, 101.0)
    assert taken.own.cpu is None
    assert isinstance(taken.own.resident, int), "its own use is real, whatever the root"
    assert taken.own.resident != 1234 * taken.page_size


@pytest.mark.parametrize("name", ["meminfo", "buddyinfo", "zoneinfo", "vmstat"])
def test_a_file_that_is_missing_costs_its_own_part_only(tree: Path, name: str) -> None:
    (tree / "proc" / name).unlink()
    taken = take(tree)
    parts = {
        "meminfo": taken.meminfo,
        "buddyinfo": taken.free_blocks,
        "zoneinfo": taken.zones,
        "vmstat": taken.counters,
    }
    for part, reading in parts.items():
        assert isinstance(reading, Unavailable) == (part == name), part


def test_a_machine_without_anything_is_a_sample_of_reasons(tmp_path: Path) -> None:
    taken = take(tmp_path)
    for reading in (taken.meminfo, taken.free_blocks, taken.zones, taken.counters, taken.kernel_log):
        assert isinstance(reading, Unavailable)
        assert reading.reason
    assert isinstance(taken.own.resident, int), "its own use is real, whatever the root"
    assert isinstance(keep_ledger(taken), Unavailable)


def test_a_file_that_changes_is_read_anew(tree: Path) -> None:
    sampler = Sampler(FakeHost(), root=tree, clock=FakeClock())
    first = sampler.sample()
    text = re.sub("MemFree: +[0-9]+", "MemFree: 77", kernel_text("6.6", "meminfo"))
    (tree / "proc/meminfo").write_text(text)
    second = sampler.sample()
    sampler.close()
    assert isinstance(first.meminfo, Meminfo)
    assert isinstance(second.meminfo, Meminfo)
    assert first.meminfo.free != second.meminfo.free == 77 * 1024
    assert second.own.cpu is not None
    assert second.monotonic == first.monotonic + 1.0


def test_the_host_and_the_hogs_are_part_of_the_sample(tree: Path) -> None:
    host, pool = FakeHost(host_memory()), FakePool()
    pool.there = {1: hog(1), 2: hog(2, status="filling")}
    pool.gone = [ended(3)]
    sampler = Sampler(host, pool, root=tree, clock=FakeClock())
    taken = sampler.sample()
    sampler.close()
    assert taken.host == host_memory()
    assert [one.id for one in taken.hogs] == [1, 2]
    assert [one.id for one in taken.hogs_ended] == [3]


def test_the_host_belongs_to_whoever_made_it(tree: Path) -> None:
    host = FakeHost()
    sampler = Sampler(host, root=tree, clock=FakeClock())
    sampler.sample()
    sampler.sample()
    sampler.close()
    assert host.calls == ["read", "read"]


def test_without_a_pool_there_are_no_hogs(tree: Path) -> None:
    taken = take(tree)
    assert (taken.hogs, taken.hogs_ended) == ((), ())


def test_nothing_stays_open(tree: Path) -> None:
    before = open_files()
    sampler = Sampler(FakeHost(), root=tree)
    sampler.sample()
    assert str(tree / "proc/meminfo") in open_files()
    sampler.close()
    assert open_files() <= before
    sampler.close()


def test_this_machine_gives_whole_samples() -> None:
    sampler = Sampler(FakeHost())
    try:
        first = sampler.sample()
        time.sleep(0.05)
        second = sampler.sample()
    finally:
        sampler.close()
    for taken in (first, second):
        assert isinstance(keep_ledger(taken), Ledger)
        assert not isinstance(taken.counters, Unavailable)
        assert taken.identity.kernel == os.uname().release
        assert msgspec.json.decode(msgspec.json.encode(taken), type=Sample) == taken
    assert abs(second.time - time.time()) < 60
    assert 0.05 <= second.monotonic - first.monotonic < 10
    assert second.own.cpu is not None
    assert second.own.cpu < 1.0


def test_a_sample_costs_little() -> None:
    sampler = Sampler(FakeHost())
    sampler.sample()
    costs = []
    for _ in range(20):
        before = time.process_time()
        sampler.sample()
        costs.append(time.process_time() - before)
    sampler.close()
    # The idle gate allows 5 ms in a second; the fastest of many tells the cost on a busy machine.
    assert min(costs) < 0.004


def test_what_was_marked_is_told_by_the_next_sample_once() -> None:
    sampler = Sampler(FakeHost())
    try:
        before = sampler.sample()
        sampler.mark("compact: failed, sudo said\x1b[31m no", level=4)
        marked, after = sampler.sample(), sampler.sample()
    finally:
        sampler.close()
    assert (before.marks, after.marks) == ((), ())
    (mark,) = marked.marks
    assert (mark.text, mark.level) == ("compact: failed, sudo said no", 4)
    assert before.monotonic <= mark.monotonic <= marked.monotonic


def test_our_own_distribution_has_its_name_in_the_groups_of_a_service_too(tree: Path) -> None:
    """``distro (init pid 312)`` stood there for our own one, where WSL_DISTRO_NAME is not set."""
    plant(tree, "etc/os-release", 'PRETTY_NAME="Debian"\n')
    plant(tree, "proc/self/cgroup", "0::/wsl-user/distro-312/systemd\n")
    for place, size in (("wsl-user/distro-312", 5), ("wsl-user/distro-97", 7)):
        plant(tree, f"sys/fs/cgroup/{place}/memory.current", f"{size}\n")
    plant(tree, "sys/fs/cgroup/cgroup.controllers", "memory\n")
    groups = Sampler(FakeHost(), root=tree, environ={}, clock=FakeClock()).sample().surroundings.groups
    assert not isinstance(groups, Unavailable)
    assert [group.name for group in groups.groups] == ["distro (init pid 97)", "Debian"]
