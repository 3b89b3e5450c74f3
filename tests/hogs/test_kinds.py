"""Every kind of hog: what it takes and where it shows, its floor, and that nothing of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

import wsltop
from tests.hogs.real import OVERHEAD, available, cpu_seconds, is_hog, settle, wait_for_end
from tests.waiting import wait_until
from wsltop.errors import HogRefused
from wsltop.hogs import kinds as hog_cache
from wsltop.hogs.kinds import KINDS, count_cached, count_in_core
from wsltop.hogs.load import HogOptions, Noise, parse_options
from wsltop.hogs.pool import HogPool
from wsltop.model.sample import Hog
from wsltop.model.text import MIB

PAGE = os.sysconf("SC_PAGE_SIZE")
SIZE = 96 * MIB


@pytest.fixture
def disk() -> Path:
    """A directory whose files have a page cache."""
    path = Path("/var/tmp")
    file = hog_cache.open_unnamed(str(path))
    try:
        os.ftruncate(file, MIB)
        os.pread(file, MIB, 0)
        if count_cached(file, MIB)[0] < MIB // 2:
            pytest.skip("/var/tmp is in memory here")
    finally:
        os.close(file)
    return path


def rollup(pid: int) -> dict[str, int]:
    """``/proc/PID/status`` sizes in bytes."""
    lines = Path("/proc", str(pid), "status").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith(" kB")}


def one(pool: HogPool, kind: str, options: HogOptions | None = None, size: int = SIZE) -> Hog:
    pool.add(size, kind=kind, options=options)
    return settle(pool)[-1]


def test_every_kind_is_described_and_options_survive_the_way() -> None:
    assert all(kind.about and set(kind.options) <= set(HogOptions.__slots__) for kind in KINDS.values())
    words = HogOptions(incompressible=True, directory="/a=b c", rate=7, cpu=0.25).words()
    back = parse_options(words)
    assert (back.incompressible, back.directory, back.rate, back.cpu) == (True, "/a=b c", 7, 0.25)
    assert parse_options([]).words() == HogOptions().words()
    with pytest.raises(KeyError):
        parse_options(["surprise=1"])


def test_a_shared_hog_is_shared_memory(pool: HogPool) -> None:
    hog = one(pool, "shared")
    assert hog.status == "holding"
    assert SIZE <= hog.resident <= SIZE + OVERHEAD
    held = rollup(hog.pid)
    assert held["RssShmem"] >= SIZE
    assert held["RssAnon"] < OVERHEAD


def test_a_fragment_hog_keeps_a_random_half(pool: HogPool) -> None:
    hog = one(pool, "fragment")
    assert (hog.status, hog.note) == ("holding", "a random half is free again")
    assert SIZE // 2 * 0.95 < rollup(hog.pid)["RssAnon"] < SIZE // 2 * 1.05 + OVERHEAD
    lines = Path("/proc", str(hog.pid), "maps").read_text().splitlines()
    assert len(lines) < 200  # far from vm.max_map_count
    runs = lengths_of_runs(hog.pid)
    assert runs[1] > runs[2] > runs[4]  # coin flips: short runs are common, long ones are rare


def lengths_of_runs(pid: int) -> Counter[int]:
    """How often so many pages in a row are present in the largest mapping (/proc/PID/pagemap, bit 63)."""
    spans = [line.split()[0].split("-") for line in Path("/proc", str(pid), "maps").read_text().splitlines()]
    start, end = max(((int(a, 16), int(b, 16)) for a, b in spans), key=lambda span: span[1] - span[0])
    with Path("/proc", str(pid), "pagemap").open("rb") as pagemap:
        pagemap.seek(start // PAGE * 8)
        entries = pagemap.read((end - start) // PAGE * 8)
    present = "".join("x" if byte & 0x80 else " " for byte in entries[7::8])
    return Counter(len(run) for run in present.split())


def test_a_churn_hog_touches_its_pages_within_its_share(pool: HogPool) -> None:
    hog = one(pool, "churn", HogOptions(cpu=0.1))
    assert hog.note == "uses 10% of a core"
    before = cpu_seconds(hog.pid)
    time.sleep(1.5)
    assert 0.01 <= cpu_seconds(hog.pid) - before < 0.25


def test_a_leak_grows_at_its_rate(pool: HogPool) -> None:
    pool.add(12 * MIB, kind="leak", options=HogOptions(rate=16 * MIB))
    began = time.monotonic()
    seen = set()
    while not (hogs := pool.read()) or hogs[0].status in ("starting", "filling"):
        seen.add(hogs[0].resident // MIB)
        time.sleep(0.02)
        assert time.monotonic() < began + 8
    assert hogs[0].status == "holding"
    assert time.monotonic() - began > 0.65
    assert len(seen) > 4
    assert hogs[0].speed is not None
    assert hogs[0].speed < 20 * MIB


@pytest.mark.parametrize("kind", ["anonymous", "shared"])
def test_incompressible_content_differs_from_page_to_page(pool: HogPool, kind: str) -> None:
    hog = one(pool, kind, HogOptions(incompressible=True), 8 * MIB)
    assert 8 * MIB <= hog.resident <= 8 * MIB + OVERHEAD


def test_noise_has_no_two_pages_alike() -> None:
    import mmap
    import zlib

    with mmap.mmap(-1, 6 * MIB + 5 * PAGE) as memory:
        Noise().write(memory, 0, len(memory))
        pages = [memory[place : place + PAGE] for place in range(0, len(memory), PAGE)]
    assert len(set(pages)) == len(pages)
    assert all(len(zlib.compress(page, 1)) > 0.9 * PAGE for page in pages[::97])


def test_a_cache_hog_fills_the_cache_and_not_the_disk(pool: HogPool, disk: Path) -> None:
    names = set(disk.iterdir())
    hog = one(pool, "cache", HogOptions(directory=str(disk)))
    assert hog.status == "holding"
    assert SIZE * 0.9 <= hog.resident <= SIZE
    assert rollup(hog.pid)["VmRSS"] < OVERHEAD
    (link,) = [
        link
        for link in Path("/proc", str(hog.pid), "fd").iterdir()
        if str(link.readlink()).startswith(str(disk)) and link.name not in "012"
    ]
    with link.open("rb") as file:
        assert os.fstat(file.fileno()).st_nlink == 0
        assert os.fstat(file.fileno()).st_blocks * 512 < MIB
        assert count_cached(file.fileno(), SIZE)[0] >= SIZE * 0.9
    assert set(disk.iterdir()) - names == set()


def test_a_cache_hog_tells_when_its_cache_is_gone(pool: HogPool, disk: Path) -> None:
    hog = one(pool, "cache", HogOptions(directory=str(disk)), 16 * MIB)
    (link,) = [link for link in Path("/proc", str(hog.pid), "fd").iterdir() if str(link.readlink()).startswith("/var")]
    with link.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    wait_until(lambda: pool.read()[0].resident < MIB, seconds=4)
    assert pool.read()[0].status == "holding"
    assert pool.read()[0].speed == hog.speed


def test_the_two_ways_to_count_the_cache_agree(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = hog_cache.open_unnamed(str(disk))
    os.ftruncate(file, 8 * MIB + 1)
    os.pread(file, MIB, 0)
    assert MIB <= count_in_core(file, 8 * MIB + 1) <= 8 * MIB
    monkeypatch.setattr(hog_cache, "CACHESTAT", 100_000)
    assert count_cached(file, 8 * MIB + 1) == (count_in_core(file, 8 * MIB + 1), hog_cache.LOOK_SELDOM)
    os.close(file)


def test_a_tmpfs_is_no_place_for_a_cache_hog(pool: HogPool) -> None:
    shm = Path("/dev/shm")
    if "/dev/shm tmpfs" not in Path("/proc/mounts").read_text():
        pytest.skip("no tmpfs at /dev/shm")
    pool.add(SIZE, kind="cache", options=HogOptions(directory=str(shm)))
    (ended,) = wait_for_end(pool)
    assert ended.note == "status 1: /dev/shm has no page cache that fills (a tmpfs?)"


def test_a_file_system_without_unnamed_files_serves_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "O_TMPFILE", os.O_DIRECTORY)  # a kernel that does not know it opens the directory: EISDIR
    file = hog_cache.open_unnamed(str(tmp_path))
    assert os.fstat(file).st_nlink == 0
    assert list(tmp_path.iterdir()) == []
    os.close(file)


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("leak", HogOptions(rate=0), "rate above zero"),
        ("churn", HogOptions(cpu=1.5), "at most 1"),
        ("churn", HogOptions(cpu=float("nan")), "at most 1"),
        ("cache", HogOptions(directory="tmp"), "not an absolute path"),
        ("cache", HogOptions(directory="/nowhere/at/all"), "is no directory"),
    ],
)
def test_options_that_make_no_sense_are_refused(pool: HogPool, kind: str, options: HogOptions, words: str) -> None:
    with pytest.raises(HogRefused, match=words):
        pool.add(MIB, kind=kind, options=options)
    assert pool.add(MIB, kind="anonymous", options=options)


@pytest.mark.parametrize("kind", ["fragment", "churn", "leak", "shared"])
def test_every_kind_stops_at_the_floor(tmp_path: Path, kind: str) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text(f"MemTotal: {64 * MIB} kB\nMemAvailable: {64 * MIB} kB\n")
    with HogPool(root=tmp_path, floor=available() + 256 * MIB) as pool:
        pool.add(512 * MIB, kind=kind)
        (hog,) = settle(pool)
        assert (hog.status, hog.note) == ("floor", "memory is near the floor")
        assert hog.resident < OVERHEAD


ORPHANS = """
import os, signal, sys, time
from wsltop.hogs.pool import HogPool
from wsltop.hogs.kinds import KINDS
pool = HogPool(floor=0)
for kind in KINDS:
    pool.add(8 << 20, kind=kind)
while any(hog.status in ("starting", "filling") for hog in pool.read()):
    time.sleep(0.002)
print(*pool.pids, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_no_kind_leaves_a_process_or_a_file(disk: Path) -> None:
    places = (disk, Path("/dev/shm"), Path("/tmp"))
    before = {path for place in places for path in place.iterdir()}
    parent = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ORPHANS],
        capture_output=True,
        text=True,
        timeout=20,
        cwd=str(Path(wsltop.__file__).parents[1]),
        check=False,
    )
    pids = [int(pid) for pid in parent.stdout.split()]
    assert len(pids) == len(KINDS)
    wait_until(lambda: not any(is_hog(pid) for pid in pids), seconds=1.0)
    left = {path for place in places for path in place.iterdir()} - before
    assert not [path for path in left if "hog" in path.name]


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_hog_killed_from_outside_leaves_nothing(pool: HogPool, disk: Path, kind: str) -> None:
    hog = one(pool, kind, size=MIB)
    os.kill(hog.pid, signal.SIGKILL)
    (ended,) = wait_for_end(pool)
    assert (ended.kind, ended.how) == (kind, "signal")
    assert not [path for path in disk.iterdir() if "wsltop-hog" in path.name]


def test_what_is_incompressible_says_so_and_page_cache_cannot_be(pool: HogPool) -> None:
    assert one(pool, "shared", HogOptions(incompressible=True), size=MIB).incompressible
    assert not one(pool, "shared", size=MIB).incompressible
    with pytest.raises(HogRefused, match="a cache hog cannot be incompressible"):
        pool.add(MIB, kind="cache", options=HogOptions(incompressible=True))
