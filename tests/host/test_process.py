from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from wsltop.host.process import LOOK_AGAIN, ProcessSource
from wsltop.model.sample import HostMemory, Unavailable

NAME = "wsltop-vmm"
"""With five digits of the pid it has the 15 bytes that the kernel keeps of a name."""


class HandClock:
    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


class Machine:
    """Processes with a name of their own."""

    def __init__(self, directory: Path) -> None:
        self.program = directory / f"{NAME}{os.getpid() % 100_000}"
        shutil.copy(shutil.which("sleep") or "/bin/sleep", self.program)
        self.name = self.program.name
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> subprocess.Popen[bytes]:
        self.processes.append(subprocess.Popen([str(self.program), "60"]))
        return self.processes[-1]

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.end()


def read(source: ProcessSource) -> HostMemory:
    reading = source.read()
    assert isinstance(reading, HostMemory), reading
    return reading


def fail(source: ProcessSource) -> Unavailable:
    reading = source.read()
    assert isinstance(reading, Unavailable)
    return reading


def test_a_process_is_read_by_pid() -> None:
    clock = HandClock()
    source = ProcessSource(str(os.getpid()), clock=clock)
    source.start()
    reading = read(source)
    assert reading.source == "process"
    assert reading.pid == os.getpid()
    assert reading.working_set > 1 << 20
    assert isinstance(reading.private_bytes, int)
    assert isinstance(reading.total, int)
    assert isinstance(reading.available, int)
    assert 0 < reading.available < reading.total
    assert reading.read_at == 100.0
    assert source.pids == ()
    source.close()


def test_a_process_is_read_by_name_and_followed(machine: Machine) -> None:
    clock = HandClock()
    source = ProcessSource(machine.name, clock=clock)
    first = machine.start()
    source.start()
    assert read(source).pid == first.pid
    machine.end()
    assert "has ended" in fail(source).reason
    second = machine.start()
    clock.now += 0.5
    assert "no process" in fail(source).reason or "ended" in fail(source).reason
    clock.now += LOOK_AGAIN
    assert read(source).pid == second.pid


def test_a_pid_is_bound_to_its_process(machine: Machine) -> None:
    clock = HandClock()
    process = machine.start()
    source = ProcessSource(str(process.pid), clock=clock)
    source.start()
    machine.end()
    assert "has ended" in fail(source).reason
    clock.now += 10 * LOOK_AGAIN
    assert "has ended" in fail(source).reason


def test_several_by_that_name_are_ambiguous(machine: Machine) -> None:
    pids = [machine.start().pid, machine.start().pid]
    why = fail(ProcessSource(machine.name, clock=HandClock()))
    assert "ambiguous" in why.reason
    assert all(str(pid) in why.hint for pid in pids)


def test_a_zombie_has_no_memory(machine: Machine) -> None:
    process = machine.start()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    why = fail(ProcessSource(str(process.pid), clock=HandClock()))
    assert "zombie" in why.reason or "ended" in why.reason


@pytest.mark.parametrize("which", ["999999999", "9" * 40, "no such\x1b[31m process"])
def test_what_is_not_there_is_told(which: str) -> None:
    why = fail(ProcessSource(which, clock=HandClock()))
    assert why.reason.startswith(("there is no process", "no process is named"))
    assert why.reason.isprintable()
