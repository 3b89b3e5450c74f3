"""Reading what is left: the machine, and the cgroups of both versions, from files as kernels print them."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsltop.hogs.guard import MemoryGuard, Supply, floor_for
from wsltop.model.text import GIB, MIB

MEMINFO = "MemTotal:       16316412 kB\nMemFree:         1048576 kB\nMemAvailable:    8388608 kB\nBuffers:  12 kB\n"


class Machine:
    """A folder that looks like the root of a machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("proc/meminfo", MEMINFO)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def version_2(self, folder: str, *, limit: str, usage: int, high: str = "max", cache: int = 0) -> None:
        self.write(f"sys/fs/cgroup/{folder}/memory.max", f"{limit}\n")
        self.write(f"sys/fs/cgroup/{folder}/memory.high", f"{high}\n")
        self.write(f"sys/fs/cgroup/{folder}/memory.current", f"{usage}\n")
        self.write(f"sys/fs/cgroup/{folder}/memory.stat", f"anon 1\ninactive_file {cache}\nactive_file 7\n")

    def read(self, floor: int | None = None) -> Supply:
        gauge = MemoryGuard(str(self.root), floor)
        try:
            return gauge.read()
        finally:
            gauge.close()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_machine_alone(machine: Machine) -> None:
    supply = machine.read()
    assert (supply.name, supply.total, supply.available) == ("memory", 16316412 * 1024, 8 * GIB)
    assert supply.floor == floor_for(16316412 * 1024)
    assert machine.read(floor=5).floor == 5


def test_a_kernel_without_available_memory_falls_back_to_free(machine: Machine) -> None:
    machine.write("proc/meminfo", "MemTotal: 4194304 kB\nMemFree: 1048576 kB\n")
    assert machine.read().available == GIB


@pytest.mark.parametrize("text", ["", "MemTotal: 1 kB\n", "MemTotal: x kB\nMemAvailable: 1 kB\n", "\x00\xff\n"])
def test_a_machine_that_does_not_say_raises(machine: Machine, text: str) -> None:
    machine.write("proc/meminfo", text)
    with pytest.raises(OSError, match="does not say"):
        machine.read()


def test_a_limit_of_version_2_counts_with_its_inactive_cache(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "0::/user/shell\n")
    machine.version_2("user/shell", limit=str(2 * GIB), usage=GIB, cache=256 * MIB)
    supply = machine.read(floor=5)
    assert (supply.total, supply.available) == (2 * GIB, GIB + 256 * MIB)
    assert supply.floor == floor_for(2 * GIB)
    assert supply.name == "the cgroup's memory"


def test_the_tightest_ancestor_counts(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "0::/user/shell\n")
    machine.version_2("user", limit=str(2 * GIB), usage=GIB)
    machine.version_2("user/shell", limit=str(4 * GIB), usage=0)
    assert machine.read().total == 2 * GIB


def test_the_throttling_limit_counts_like_the_hard_one(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "0::/\n")
    machine.version_2("", limit="max", high=str(3 * GIB), usage=GIB)
    assert machine.read().available == 2 * GIB


def test_no_limit_is_none(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "4:memory:/deep\n0::/user\n")
    machine.version_2("user", limit="max", usage=GIB)
    machine.write("sys/fs/cgroup/memory/deep/memory.limit_in_bytes", "9223372036854771712\n")
    machine.write("sys/fs/cgroup/memory/deep/memory.usage_in_bytes", "0\n")
    assert machine.read().name == "memory"


def test_a_limit_of_version_1_is_found_in_a_container_that_sees_only_its_own_folder(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "9:name=systemd:/docker/abc\n4:cpu,memory:/docker/abc\n")
    machine.write("sys/fs/cgroup/memory/memory.limit_in_bytes", f"{GIB}\n")
    machine.write("sys/fs/cgroup/memory/memory.usage_in_bytes", f"{512 * MIB}\n")
    machine.write("sys/fs/cgroup/memory/memory.stat", f"inactive_file 5\ntotal_inactive_file {64 * MIB}\n")
    assert machine.read().available == 576 * MIB


@pytest.mark.parametrize("text", ["garbage\n", "0::\n", "0::/../..\n", ":::::\n", "\x00\xff"])
def test_a_strange_cgroup_file_leaves_the_machine(machine: Machine, text: str) -> None:
    machine.write("proc/self/cgroup", text)
    assert machine.read().name == "memory"
