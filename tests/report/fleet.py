"""Machines of a fleet as sessions: one that is well, one that is short of memory, one whose Windows is silent."""

from __future__ import annotations

from msgspec.structs import replace

from tests.samples import GIB, host_memory, later, record, small_sample
from wsltop.core.session import Session
from wsltop.model.sample import (
    Census,
    Counters,
    CpuTimes,
    Family,
    Holders,
    HostMemory,
    KernelLog,
    Sample,
    Surroundings,
    Unavailable,
)
from wsltop.report.metrics import Counts

OS_RELEASE = 'NAME="Ubuntu"\nID=ubuntu\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\n'
SECONDS = 40
NO = Unavailable("not read in this test")
SILENT = Unavailable("timed out: no answer from powershell in 60 s")
NAMES = ("node", "python", "my-secret-project", "java", "chrome", "postgres", "rust", "go", "dotnet", "shell")


def census(names: tuple[str, ...] = NAMES) -> Census:
    families = tuple(
        Family(name=name, held=(20 - number) << 20, anonymous=1 << 20, pids=(number + 10,), estimated=False)
        for number, name in enumerate(names)
    )
    holders = Holders(processes=(), families=families, groups=NO, elsewhere=NO, reason="", unread=0)
    return Census(read_at=1.0, holders=holders)


def first(time: float, host: HostMemory | Unavailable) -> Sample:
    cpu = CpuTimes(user=5000, nice=10, system=900, idle=90_000, iowait=20, cpus=4, boot_time=int(time - 600))
    return small_sample(
        time=time, cpu=cpu, host=host, census=census(), surroundings=Surroundings(flavor="wsl2", reclaim_file=True)
    )


def follow(sample: Sample, seconds: int = SECONDS) -> tuple[Session, Counts]:
    """A session that has seen ``seconds`` samples, the last of them at the time of ``sample``."""
    session, counts = Session(1.0), Counts()
    before = replace(sample, time=sample.time - seconds, monotonic=sample.monotonic - seconds)
    for number in range(seconds + 1):
        now = later(before, float(number))
        if isinstance(now.cpu, CpuTimes):
            now = replace(now, cpu=replace(now.cpu, user=now.cpu.user + number, idle=now.cpu.idle + 399 * number))
        if isinstance(now.host, HostMemory):
            now = replace(now, host=replace(now.host, read_at=now.monotonic - 0.2))
        if number == seconds // 2 and sample.marks:
            now = replace(now, marks=sample.marks)
        session.take(now)
        counts.feed(session)
    return session, counts


def healthy(time: float) -> tuple[Session, Counts]:
    """Windows has half of its memory left."""
    return follow(first(time, host_memory(available=16 * GIB)))


def short(time: float) -> tuple[Session, Counts]:
    """Windows has a twentieth left, WSL keeps 5 GiB of page cache, and the kernel has just killed a process."""
    session, counts = follow(first(time - 1, host_memory(available=int(1.6 * GIB), working_set=9 * GIB)))
    moment = session.moment
    assert moment is not None
    last = later(moment.sample, 1.0)
    assert isinstance(last.counters, Counters)
    text = "Out of memory: Killed process 4242 (node) total-vm:1kB, anon-rss:2kB, file-rss:0kB, shmem-rss:0kB"
    killed = KernelLog(origin="kmsg", records=(record(text, monotonic=last.monotonic - 0.1),))
    session.take(replace(last, kernel_log=killed))
    counts.feed(session)
    return session, counts


def silent(time: float) -> tuple[Session, Counts]:
    """Windows does not answer."""
    return follow(first(time, SILENT))
