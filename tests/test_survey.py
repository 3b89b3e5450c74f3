"""The survey: settings, mounts and processes of a made-up machine, and a drive that never answers."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.core.gate_machine import times
from tests.guest.texts import plant
from tests.host.stand_ins import fake_wsl, wait_for
from tests.samples import MIB, meminfo
from wsltop import sampler as survey_module
from wsltop.model.sample import Census, CpuTimes, Mounts, ProcessCpu, Reading, Unavailable, WslconfigFile
from wsltop.sampler import BIGGEST, BUSIEST, CENSUS_EVERY, SURROUNDINGS_EVERY, SlowSources, keep_busiest

NO = Unavailable("not read in this test")
MOUNTINFO = """\
22 1 8:32 / / rw,relatime - ext4 /dev/sdc rw
30 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
41 22 0:35 / /dev/shm rw - tmpfs tmpfs rw
"""


class Machine:
    """A tree with processes whose CPU time goes on when a test says so."""

    def __init__(self, root: Path) -> None:
        self.root = fake_wsl(root)
        self.cpu = 0
        plant(root, "proc/self/mountinfo", MOUNTINFO)
        plant(root, "proc/cmdline", "initrd=\\initrd.img panic=-1\n")
        plant(root, "proc/1/ns/.keep", "")
        (root / "dev/shm").mkdir(parents=True)

    def process(self, pid: int, name: str = "node", *, user: int = 0, pages: int = 1000) -> None:
        """Write one process; with ``user`` ticks of CPU since it started."""
        numbers = [1, pid, pid, 0, -1, 0, 0, 0, 0, 0, user, 0, 0, 0, 20, 0, 1, 0, 50, pages * 4096, pages]
        plant(self.root, f"proc/{pid}/stat", f"{pid} ({name}) S {' '.join(map(str, numbers))} {'0 ' * 28}\n")
        plant(self.root, f"proc/{pid}/statm", f"{pages} {pages} 0 1 0 1 0\n")
        plant(self.root, f"proc/{pid}/cmdline", f"{name}\0")
        plant(self.root, f"proc/{pid}/comm", f"{name}\n")

    def profile(self, data: str | bytes | None) -> Path:
        """Write the only profile of Windows."""
        folder = self.root / "c/Users/me"
        folder.mkdir(parents=True, exist_ok=True)
        if data is not None:
            plant(folder, ".wslconfig", data)
        return folder


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def free_of_charge() -> float:
    """A clock that finds no CPU used, so that nothing is put off."""
    return 0.0


def open_survey(
    machine: Machine, *, drive: Path | None = None, clock: Callable[[], float] = free_of_charge
) -> SlowSources:
    return SlowSources(machine.root, environ={}, drive=drive, clock=clock)


@pytest.fixture
def survey(machine: Machine) -> Iterator[SlowSources]:
    opened = open_survey(machine)
    yield opened
    opened.close()


def ticks(seconds: float) -> CpuTimes:
    return times(idle=round(seconds * 400))


def count(survey: SlowSources, monotonic: float, cpu: Reading[CpuTimes] | None = None) -> Census:
    counted = survey.census(monotonic, NO, ticks(monotonic) if cpu is None else cpu, ())
    assert isinstance(counted, Census)
    return counted


# Surroundings


def test_the_mounts_are_read_at_once_when_shared_memory_has_changed(
    survey: SlowSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tmpfs file of 600 MiB was not known for up to half a minute, and was taken for mapped."""
    reads = 0
    read = survey._mounts.read

    def counted() -> Reading[Mounts]:
        nonlocal reads
        reads += 1
        return read()

    monkeypatch.setattr(survey._mounts, "read", counted)
    for second, shmem in ((0, 100), (1, 110), (2, 700), (3, 710), (4, 100)):
        survey.surroundings(float(second), meminfo(shmem=shmem * MIB))
    assert reads == 3


def test_huge_pages_are_read_at_once_when_parts_of_them_were_unmapped(
    survey: SlowSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was unmapped within the last half minute counted as other kernel memory."""
    reads: list[Path] = []
    monkeypatch.setattr("wsltop.sampler.read_huge_pages", reads.append)
    for second, active in ((0, 100), (1, 110), (2, 700), (3, 710), (4, 100)):
        survey.surroundings(float(second), meminfo(active_anon=active * MIB, inactive_anon=0))
    assert len(reads) == 3


def test_surroundings_of_wsl_are_complete(machine: Machine) -> None:
    machine.profile("[wsl2]\nmemory=8GB\n")
    plant(machine.root, "sys/fs/cgroup/memory.reclaim", "")
    (machine.root / "sys/module/page_reporting").mkdir(parents=True)
    survey = open_survey(machine)
    survey.surroundings(100.0)
    survey.wait(10.0)
    around = survey.surroundings(101.0)
    assert around.flavor == "wsl2"
    assert isinstance(around.wslconfig, WslconfigFile)
    assert around.wslconfig.text == "[wsl2]\nmemory=8GB\n"
    assert (around.reclaim_file, around.page_reporting, around.interop_fault) == (True, True, None)
    assert isinstance(around.cmdline, str)
    assert around.cmdline.startswith("initrd=")
    assert not isinstance(around.mounts, Unavailable)
    assert [place.place for place in around.mounts.tmpfs] == ["/dev/shm"]
    survey.close()


def test_nothing_raises_on_an_empty_root(tmp_path: Path) -> None:
    survey = SlowSources(tmp_path, environ={})
    for second in range(0, 100, 5):
        around = survey.surroundings(float(second))
        assert isinstance(survey.census(float(second), NO, NO, ()), Unavailable)
    assert around.flavor == "none"
    assert (around.reclaim_file, around.page_reporting, around.interop_fault) == (False, False, None)
    for reading in (around.wslconfig, around.mounts, around.groups, around.cmdline):
        assert isinstance(reading, Unavailable)
        assert reading.reason
    survey.wait(1.0)
    survey.close()


def test_outside_of_wsl_no_drive_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find(*_: object) -> Reading[WslconfigFile]:
        raise AssertionError("it was asked")

    monkeypatch.setattr(survey_module, "find_wslconfig", find)
    survey = SlowSources(tmp_path, environ={})
    assert survey.surroundings(1.0).wslconfig == Unavailable("there is no Windows here")
    survey.wait(1.0)


def test_a_drive_that_the_user_names_is_asked_anywhere(tmp_path: Path) -> None:
    plant(tmp_path, "elsewhere/Users/me/.wslconfig", "[wsl2]\n")
    survey = SlowSources(tmp_path / "root", environ={}, drive=tmp_path / "elsewhere")
    survey.surroundings(1.0)
    survey.wait(10.0)
    assert isinstance(survey.surroundings(2.0).wslconfig, WslconfigFile)
    survey.close()


def test_wsl_without_a_drive_says_so(machine: Machine) -> None:
    plant(machine.root, "proc/self/mounts", "/dev/sdc / ext4 rw 0 0\n")
    survey = open_survey(machine)
    survey.surroundings(1.0)
    survey.wait(10.0)
    assert survey.surroundings(2.0).wslconfig == Unavailable("no Windows drive is mounted")
    survey.close()


def test_between_two_looks_the_surroundings_are_the_same_object(survey: SlowSources) -> None:
    survey.surroundings(100.0)
    survey.wait(10.0)
    first = survey.surroundings(100.5)
    assert survey.surroundings(100.0 + SURROUNDINGS_EVERY - 0.1) is first
    assert survey.surroundings(100.0 + SURROUNDINGS_EVERY) is not first


def test_a_changed_file_is_seen_at_the_next_look(machine: Machine, survey: SlowSources) -> None:
    machine.profile("[wsl2]\n")
    survey.surroundings(100.0)
    survey.wait(10.0)
    machine.profile("[experimental]\n")
    before = survey.surroundings(120.0).wslconfig
    survey.surroundings(131.0)
    survey.wait(10.0)
    after = survey.surroundings(132.0).wslconfig
    assert isinstance(before, WslconfigFile)
    assert isinstance(after, WslconfigFile)
    assert (before.text, after.text) == ("[wsl2]\n", "[experimental]\n")


class HangingDrive:
    """A drive that answers when the test lets it."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.asked = 0

    def __call__(self, *_: object) -> Reading[WslconfigFile]:
        self.asked += 1
        self.let.wait(60.0)
        return WslconfigFile(path="late", present=True, chosen_by="only profile")


def test_a_drive_that_hangs_holds_nobody_up(survey: SlowSources, monkeypatch: pytest.MonkeyPatch) -> None:
    drive = HangingDrive()
    monkeypatch.setattr(survey_module, "find_wslconfig", drive)
    try:
        for number in range(20):
            around = survey.surroundings(100.0 + number * SURROUNDINGS_EVERY)
            assert around.wslconfig == Unavailable("Windows' drive has not answered yet")
        start = time.monotonic()
        survey.wait(0.05)
        assert time.monotonic() - start < 30.0
        wait_for(lambda: drive.asked > 0)
        assert drive.asked == 1, "one thread waits, not twenty"
        survey.close()
    finally:
        drive.let.set()
    survey.wait(10.0)
    answered = survey.surroundings(100.0 + 20 * SURROUNDINGS_EVERY).wslconfig
    assert isinstance(answered, WslconfigFile)
    survey.wait(10.0)


def test_what_was_read_stays_while_the_drive_hangs_later(
    machine: Machine, survey: SlowSources, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.profile("[wsl2]\n")
    survey.surroundings(100.0)
    survey.wait(10.0)
    known = survey.surroundings(101.0).wslconfig
    assert isinstance(known, WslconfigFile)
    drive = HangingDrive()
    monkeypatch.setattr(survey_module, "find_wslconfig", drive)
    try:
        assert survey.surroundings(140.0).wslconfig == known
        assert survey.surroundings(180.0).wslconfig == known
    finally:
        drive.let.set()
        survey.wait(10.0)


def test_a_pipe_in_place_of_the_file_is_told_and_not_waited_for(machine: Machine, survey: SlowSources) -> None:
    os.mkfifo(machine.profile(None) / ".wslconfig")
    survey.surroundings(100.0)
    survey.wait(10.0)
    found = survey.surroundings(101.0).wslconfig
    assert isinstance(found, Unavailable)
    assert "no regular file" in found.reason


# Census


def test_a_census_is_taken_every_ten_seconds(machine: Machine, survey: SlowSources) -> None:
    machine.process(10)
    seen = [count(survey, 100.0 + second) for second in range(31)]
    assert [census.read_at for census in seen] == [100.0 + second // 10 * 10 for second in range(31)]
    assert len({id(census) for census in seen}) == 4


def test_the_first_census_spans_no_time(machine: Machine, survey: SlowSources) -> None:
    machine.process(10, user=500)
    first = count(survey, 100.0)
    assert (first.since, first.busy) == (None, ())
    assert first.until == ticks(100.0)


@pytest.mark.parametrize("attentive", [False, True])
def test_busy_ticks_are_told_over_at_least_ten_seconds(machine: Machine, survey: SlowSources, attentive: bool) -> None:
    survey.attentive = attentive
    machine.process(10)
    spans = set()
    for second in range(41):
        machine.process(10, user=2 * second)
        census = count(survey, 100.0 + second)
        if census.since is not None and census.until is not None:
            spans.add((census.until.idle - census.since.idle) / 400)
            assert census.busy == (ProcessCpu(pid=10, name="node", user=20, system=0),)
    assert spans == {CENSUS_EVERY}


def test_while_somebody_looks_every_sample_has_a_census(machine: Machine, survey: SlowSources) -> None:
    machine.process(10, pages=1000)
    count(survey, 100.0)
    survey.attentive = True
    machine.process(10, pages=9000)
    grown = count(survey, 101.0)
    assert grown.read_at == 101.0
    assert grown.holders.processes[0].rss == 9000 * os.sysconf("SC_PAGE_SIZE")
    survey.attentive = False
    assert count(survey, 102.0) is grown
    assert count(survey, 110.0).read_at == 110.0


def test_thousands_of_processes_are_counted_as_seldom_as_it_costs(machine: Machine) -> None:
    machine.process(10)
    spent = itertools.count(0.0, 0.0045)  # each look at the clock finds 4.5 ms more used
    survey = open_survey(machine, clock=lambda: next(spent))
    survey.attentive = True
    assert [count(survey, 100.0 + second).read_at for second in range(6)] == [100.0, 100.0, 102.0, 102.0, 104.0, 104.0]
    survey.close()


def test_pss_is_read_only_while_somebody_looks(machine: Machine, survey: SlowSources) -> None:
    machine.process(10)
    plant(machine.root, "proc/10/smaps_rollup", "00-ff ---p 00 00:00 0 [rollup]\nRss: 4000 kB\nPss: 3000 kB\n")
    assert isinstance(count(survey, 100.0).holders.processes[0].pss, Unavailable)
    survey.attentive = True
    pss = count(survey, 101.0).holders.processes[0].pss
    assert not isinstance(pss, Unavailable)
    assert pss.total == 3000 * 1024


def test_only_the_biggest_processes_are_kept(machine: Machine, survey: SlowSources) -> None:
    for number in range(BIGGEST + 20):
        machine.process(100 + number, pages=1000 + number)
    kept = count(survey, 100.0).holders.processes
    assert len(kept) == BIGGEST
    assert kept[0].pid == 100 + BIGGEST + 19


def test_all_that_hold_memory_are_listed_while_they_are_shown(machine: Machine, survey: SlowSources) -> None:
    for number in range(BIGGEST + 20):
        machine.process(100 + number, pages=number)
    assert len(count(survey, 100.0).holders.processes) == BIGGEST
    assert not any(survey.listed)
    survey.attentive = True
    assert len(count(survey, 101.0).holders.processes) == BIGGEST
    assert [use.pid for use in survey.listed[0]] == [100 + number for number in range(BIGGEST + 19, 0, -1)]


def test_the_busiest_are_kept_and_all_of_our_own() -> None:
    others = [ProcessCpu(pid=number, name="x", user=1000 - number, system=0) for number in range(100)]
    own = [ProcessCpu(pid=500 + number, name="wsltop", user=0, system=1, own=True) for number in range(3)]
    kept = keep_busiest((*own, *reversed(others)))
    assert [use.pid for use in kept] == [*range(BUSIEST), 500, 501, 502]
    assert keep_busiest(()) == ()


def test_cpu_times_that_are_missing_cost_only_the_share(machine: Machine, survey: SlowSources) -> None:
    machine.process(10)
    count(survey, 100.0, NO)
    assert count(survey, 110.0).since is None
    assert count(survey, 120.0).since == ticks(110.0)


def test_processes_that_vanish_and_a_proc_that_fails_are_survived(machine: Machine, survey: SlowSources) -> None:
    machine.process(10)
    count(survey, 100.0)
    (machine.root / "proc").rename(machine.root / "gone")
    for second in (110.0, 120.0, 130.0):
        survey.surroundings(second)
        survey.census(second, NO, ticks(second), ())
    (machine.root / "gone").rename(machine.root / "proc")
    assert count(survey, 140.0).read_at == 140.0


def test_a_name_that_only_looks_like_an_attack_is_cleaned(machine: Machine, survey: SlowSources) -> None:
    machine.process(10, name="a\x1b[31mb) R 1")
    (use,) = count(survey, 100.0).holders.processes
    assert "\x1b" not in use.name + use.family


def test_close_lets_go_of_every_file(machine: Machine) -> None:
    def below(root: Path) -> list[str]:
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return [target for target in map(read_link, links) if target.startswith(str(root))]

    machine.process(10)
    survey = open_survey(machine)
    survey.surroundings(100.0)
    survey.wait(10.0)
    survey.attentive = True
    count(survey, 100.0)
    survey.close()
    assert below(machine.root) == []
    survey.close()


def read_link(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:
        return ""


@pytest.mark.parametrize(
    "environ",
    [{"WSL_INTEROP": "/run/" + "x" * 5000}, {"USERPROFILE": "/" + "x" * 5000}, {"WSL_DISTRO_NAME": "\x1b[31m/../.."}],
    ids=["socket", "profile", "distro"],
)
def test_odd_variables_are_survived(machine: Machine, environ: dict[str, str]) -> None:
    survey = SlowSources(machine.root, environ=environ)
    survey.surroundings(1.0)
    survey.wait(10.0)
    survey.surroundings(2.0)
    survey.close()


def test_the_real_machine_is_surveyed() -> None:
    survey = SlowSources(environ={})
    around = survey.surroundings(time.monotonic())
    assert count(survey, 1.0).holders.processes
    assert not isinstance(around.mounts, Unavailable)
    survey.close()
