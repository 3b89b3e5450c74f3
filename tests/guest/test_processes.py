from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.guest.texts import plant
from wsltop.core.holders import cpu_between
from wsltop.guest.processes import (
    DENIED_FOR,
    FRESH,
    INITIAL,
    PAGE_SIZE,
    ProcessSource,
    ProcessStat,
    ProcFiles,
    PssSource,
    hides_others,
    parse_process_stat,
    parse_rollup,
    parse_statm,
    see_pids,
)
from wsltop.model.sample import ProcessTable, ProcessUse, Pss, Reading, Unavailable
from wsltop.model.text import GIB, KIB, MIB

ROLLUP = """\
55d73ebd0000-7ffc09f42000 ---p 00000000 00:00 0                          [rollup]
Rss:             1059900 kB
Pss:             1054917 kB
Pss_Anon:        1053668 kB
Pss_File:           1249 kB
Pss_Shmem:             0 kB
Anonymous:       1053668 kB
"""


def stat_line(
    pid: int = 1,
    name: str = "work",
    *,
    parent: int = 0,
    ticks: tuple[int, int] = (0, 0),
    nice: int = 0,
    started: int = 5,
    rss: int = 100,
) -> str:
    user, system = ticks
    return (
        f"{pid} ({name}) S {parent} 1 1 0 -1 4194560 9 9 0 0 {user} {system} 0 0 20 {nice} 1 0 {started} 9999999 {rss} "
        "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
    )


def plant_process(root: Path, pid: int, line: str = "", shared: int = 10, *, rss: int = 100, name: str = "w") -> None:
    plant(root, f"proc/{pid}/stat", line or stat_line(pid, name, rss=rss))
    plant(root, f"proc/{pid}/statm", f"9999 {rss} {shared} 1 0 50 0\n")


class Counted(ProcFiles):
    """Counts what is opened, and can lose or refuse a file."""

    def __init__(self, root: Path) -> None:
        self.reads: Counter[str] = Counter()
        self.pids_read: Counter[int] = Counter()
        self.errors: dict[tuple[int, str], int] = {}
        super().__init__(root, self._note)

    def _note(self, pid: int, name: str) -> None:
        self.reads[name] += 1
        if name == "stat":
            self.pids_read[pid] += 1
        if (pid, name) in self.errors:
            number = self.errors[pid, name]
            raise OSError(number, os.strerror(number))


def table_of(reading: Reading[ProcessTable]) -> ProcessTable:
    assert isinstance(reading, ProcessTable)
    return reading


def by_pid(reading: Reading[ProcessTable]) -> dict[int, ProcessUse]:
    return {use.pid: use for use in table_of(reading).processes}


def frozen_clock() -> float:
    return 0.0


# Parsing


def test_a_stat_line() -> None:
    line = stat_line(7, "work", parent=3, ticks=(11, 12), nice=-5, started=44, rss=66)
    assert parse_process_stat(line.encode()) == ProcessStat("work", "S", 3, 11, 12, -5, 44, 66)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (") S 1 2 3", ") S 1 2 3"),
        ("a) R 0 0 (b", "a) R 0 0 (b"),
        ("two\nlines", "two lines"),
        ("\x1b]0;owned\x07red", "red"),
        ("\u202egnp", "gnp"),
        ("", "(no name)"),
        ("\x1b[2J", "(no name)"),
    ],
)
def test_a_hostile_name_is_parsed_right_and_cleaned(name: str, shown: str) -> None:
    stat = parse_process_stat(stat_line(9, name, parent=3).encode())
    assert isinstance(stat, ProcessStat)
    assert (stat.name, stat.parent, stat.rss) == (shown, 3, 100)


@given(st.binary(max_size=64).filter(lambda name: b"\0" not in name), st.integers(0, 2**40), st.integers(-20, 19))
def test_any_name_leaves_the_fields_alone(name: bytes, rss: int, nice: int) -> None:
    line = stat_line(5, "NAME", rss=rss, nice=nice).encode().replace(b"NAME", name)
    stat = parse_process_stat(line)
    assert isinstance(stat, ProcessStat)
    assert (stat.rss, stat.nice, stat.started) == (rss, nice, 5)
    assert stat.name.isprintable()


@given(st.binary(max_size=400))
def test_nonsense_is_unavailable_and_raises_nothing(data: bytes) -> None:
    assert isinstance(parse_process_stat(data), ProcessStat | Unavailable)
    assert isinstance(parse_statm(data), tuple | Unavailable)


@given(st.integers(0, len(stat_line()) - 1))
def test_a_cut_off_line_is_never_a_wrong_number(end: int) -> None:
    stat = parse_process_stat(stat_line(rss=123456).encode()[:end])
    assert isinstance(stat, Unavailable) or stat.rss == 123456 or end < stat_line(rss=123456).index("123456") + 6


def test_shared_is_never_more_than_resident() -> None:
    assert parse_statm(b"9 5 7 1 0 1 0\n") == (5, 5)
    assert isinstance(parse_statm(b"9 -5 7\n"), Unavailable)


def test_a_rollup_of_an_old_kernel_has_no_parts() -> None:
    use = by_pid(ProcessSource().read(0, pss=False))[os.getpid()]
    new = parse_rollup(ROLLUP.encode(), use, 3.0)
    assert isinstance(new, Pss)
    assert (new.total, new.anonymous, new.file, new.shared, new.read_at) == (
        1054917 * KIB,
        1053668 * KIB,
        1249 * KIB,
        0,
        3.0,
    )
    old = parse_rollup(b"Rss: 8 kB\nPss:   5 kB\nAnonymous: 8 kB\n", use, 3.0)
    assert isinstance(old, Pss)
    assert (old.total, old.anonymous, old.file, old.shared) == (5 * KIB, None, None, None)
    assert isinstance(parse_rollup(b"", use, 3.0), Unavailable)


# The source, on fake trees


def test_sizes_ticks_and_parents(tmp_path: Path) -> None:
    plant_process(tmp_path, 5, stat_line(5, "work", parent=2, ticks=(3, 4), nice=7), shared=40)
    plant_process(tmp_path, 6, stat_line(6, "kworker/0:0", rss=0))
    plant(tmp_path, "proc/meminfo", "")
    plant(tmp_path, "proc/self-made/stat", "")
    source = ProcessSource(tmp_path)
    uses = by_pid(source.read(0))
    source.close()
    assert set(uses) == {5, 6}
    use = uses[5]
    assert (use.rss, use.shared, use.rss_anon) == (100 * PAGE_SIZE, 40 * PAGE_SIZE, 60 * PAGE_SIZE)
    assert (use.parent, use.user_ticks, use.system_ticks, use.nice, use.family) == (2, 3, 4, 7, "work")
    assert (uses[6].rss, uses[6].family) == (0, "kworker")


def test_own_processes_are_ours_and_our_childrens(tmp_path: Path) -> None:
    for pid, parent in ((50, 1), (60, 50), (70, 60), (80, 1), (90, 2)):
        plant_process(tmp_path, pid, stat_line(pid, parent=parent))
    source = ProcessSource(tmp_path)
    assert {pid for pid, use in by_pid(source.read(0, own=(50, 90))).items() if use.own} == {50, 60, 70, 90}
    plant_process(tmp_path, 70, stat_line(70, parent=1))  # its parent ended: it stays ours
    assert by_pid(source.read(1, own=(50, 80)))[70].own
    assert by_pid(source.read(1, own=(50, 80)))[80].own
    source.close()


def test_only_a_process_that_did_something_is_read_further(tmp_path: Path) -> None:
    plant_process(tmp_path, 5)
    files = Counted(tmp_path)
    source = ProcessSource(tmp_path, files=files)
    first = by_pid(source.read(0, pss=False))[5]
    assert by_pid(source.read(1, pss=False))[5] is first
    assert files.reads == {"stat": 2, "statm": 1}
    plant_process(tmp_path, 5, stat_line(5, ticks=(1, 0)))
    assert by_pid(source.read(2, pss=False))[5].user_ticks == 1
    assert files.reads == {"stat": 3, "statm": 1}
    plant_process(tmp_path, 5, rss=200)
    assert by_pid(source.read(3, pss=False))[5].rss == 200 * PAGE_SIZE
    assert files.reads == {"stat": 4, "statm": 2}


def test_the_command_is_read_once_and_of_interpreters_only(tmp_path: Path) -> None:
    for pid, name in ((5, "node"), (6, "postgres")):
        plant_process(tmp_path, pid, name=name)
        plant(tmp_path, f"proc/{pid}/cmdline", b"/home/u/.vscode-server/node\0--token=secret\0")
    files = Counted(tmp_path)
    source = ProcessSource(tmp_path, files=files)
    uses = by_pid(source.read(0, pss=False))
    assert (uses[5].family, uses[6].family) == ("vscode-server", "postgres")
    plant_process(tmp_path, 5, name="node", rss=999)
    assert by_pid(source.read(1, pss=False))[5].family == "vscode-server"
    assert files.reads["cmdline"] == 1
    assert "secret" not in repr(uses)


def test_a_pid_that_was_used_again_is_another_process(tmp_path: Path) -> None:
    plant_process(tmp_path, 5, stat_line(5, "old", ticks=(90, 0), started=1))
    source = ProcessSource(tmp_path)
    before = table_of(source.read(0, own=(5,)))
    plant_process(tmp_path, 5, stat_line(5, "new", ticks=(3, 0), started=2))
    after = table_of(source.read(1))
    assert [(use.name, use.own) for use in after.processes] == [("new", False)]
    assert [(one.user, one.name) for one in cpu_between(before.processes, after.processes)] == [(3, "new")]


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ESRCH])
@pytest.mark.parametrize("name", ["stat", "statm"])
def test_a_process_that_vanishes_mid_read_is_forgotten(tmp_path: Path, name: str, number: int) -> None:
    plant_process(tmp_path, 5)
    plant_process(tmp_path, 6)
    files = Counted(tmp_path)
    source = ProcessSource(tmp_path, files=files)
    files.errors[5, name] = number
    table = table_of(source.read(0))
    assert ([use.pid for use in table.processes], table.unread, table.refused) == ([6], 0, 0)
    shutil.rmtree(tmp_path / "proc/6")
    assert table_of(source.read(1)).processes == ()
    source.close()


def test_a_refused_process_is_counted_and_not_asked_again(tmp_path: Path) -> None:
    plant_process(tmp_path, 5)
    plant_process(tmp_path, 6, "nonsense")
    files = Counted(tmp_path)
    source = ProcessSource(tmp_path, files=files)
    files.errors[5, "stat"] = errno.EACCES
    for now in range(3):
        table = table_of(source.read(now))
        assert (table.processes, table.unread, table.refused) == ((), 0, 2)
    assert files.reads["stat"] == 2


def test_an_error_that_may_pass_is_tried_again(tmp_path: Path) -> None:
    plant_process(tmp_path, 5)
    files = Counted(tmp_path)
    source = ProcessSource(tmp_path, files=files)
    files.errors[5, "stat"] = errno.EMFILE
    assert table_of(source.read(0)).unread == 1
    files.errors.clear()
    assert len(table_of(source.read(1)).processes) == 1


def test_without_proc_there_is_a_reason(tmp_path: Path) -> None:
    assert ProcessSource(tmp_path).read(0) == Unavailable(f"there is no {tmp_path}/proc")


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    plant_process(tmp_path, 5)
    os.mkfifo(tmp_path / "proc/5/smaps_rollup")
    before = len(list(Path("/proc/self/fd").iterdir()))
    source = ProcessSource(tmp_path)
    for now in range(3):
        source.read(now)
    source.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


# Bounded work


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("crowd")
    for pid in range(1, 3001):
        plant_process(root, pid, rss=pid)
    yield root
    shutil.rmtree(root)


@pytest.mark.slow
def test_three_thousand_processes_are_bounded_work_and_all_get_their_turn(crowd: Path) -> None:
    files = Counted(crowd)
    source = ProcessSource(crowd, files=files, clock=frozen_clock)
    unread: list[int] = []
    while not unread or unread[-1]:
        before = files.reads.total()
        unread.append(table_of(source.read(len(unread))).unread)
        assert files.reads.total() - before <= 2 * 256 + 2
    assert unread[0] <= 3000 - 200
    assert len(unread) <= 3000 / 200 + 1
    files.pids_read.clear()
    files.reads.clear()
    for now in range(100, 114):
        before = files.reads["stat"]
        table = table_of(source.read(now))
        assert files.reads["stat"] - before <= 256
    assert len(table.processes) == 3000
    assert len(files.pids_read) == 3000, "each is read within 14 calls"
    assert all(files.pids_read[pid] == 14 for pid in range(2986, 3001)), "the biggest at each call"
    source.close()


@pytest.mark.slow
def test_the_budget_of_time_ends_a_call_but_turns_go_on(crowd: Path) -> None:
    ticking = iter(range(10**6))
    files = Counted(crowd)
    source = ProcessSource(crowd, files=files, clock=lambda: float(next(ticking)))
    source.read(0, pss=False)
    assert files.reads["stat"] == 16
    for now in range(1, 9):
        source.read(now, pss=False)
    assert files.reads["stat"] == 9 * 16


@pytest.mark.slow
def test_a_storm_of_new_processes_does_not_starve_the_others(tmp_path: Path) -> None:
    for pid in range(1, 41):
        plant_process(tmp_path, pid)
    files = Counted(tmp_path)
    source = ProcessSource(tmp_path, files=files, limit=64, clock=frozen_clock)
    source.read(0, pss=False)
    files.pids_read.clear()
    for call in range(1, 13):
        for pid in range(call * 100, call * 100 + 90):
            plant_process(tmp_path, pid)
        source.read(call, pss=False)
    assert all(files.pids_read[pid] for pid in range(1, 41))


# PSS


def sized(pid: int, rss: int) -> ProcessUse:
    return ProcessUse(
        pid=pid,
        started=1,
        name="w",
        family="w",
        parent=1,
        state="S",
        rss=rss,
        shared=0,
        user_ticks=0,
        system_ticks=0,
        nice=0,
    )


def test_pss_is_read_for_two_at_a_time_the_biggest_first(tmp_path: Path) -> None:
    uses = [sized(pid, pid * MIB) for pid in (9, 8, 7)]
    for use in uses:
        plant(tmp_path, f"proc/{use.pid}/smaps_rollup", ROLLUP)
    files = Counted(tmp_path)
    source = PssSource(files, frozen_clock)
    assert list(source.refresh(uses, 0)) == [9, 8]
    assert list(source.refresh(uses, 1)) == [7]
    assert source.refresh(uses, 2) == {}
    grown = [sized(9, 90 * MIB), *uses[1:]]
    assert list(source.refresh(grown, 3)) == [9], "it has moved on"
    assert list(source.refresh(grown, 1 + FRESH)) == [8, 7], "they are old"
    assert isinstance(source.of(8, 1), Pss)
    assert isinstance(source.of(8, 2), Unavailable), "another process under the same pid"
    files.close()


def test_of_forks_one_is_read_before_all_else(tmp_path: Path) -> None:
    """The estimate of eight forks is eight times too large, that of a process that shares nothing nearly right."""
    alone = [sized(pid, pid * MIB) for pid in (99, 98)]
    forks = [replace(sized(pid, 40 * MIB), parent=50, name="worker") for pid in (51, 52, 53)]
    for use in (*alone, *forks):
        plant(tmp_path, f"proc/{use.pid}/smaps_rollup", ROLLUP)
    source = PssSource(ProcFiles(tmp_path), frozen_clock)
    assert list(source.refresh([*alone, *forks], 0)) == [51, 99]
    assert list(source.refresh([*alone, *forks], 1)) == [98, 52]


def test_what_a_pss_costs_is_paid_back_by_waiting(tmp_path: Path) -> None:
    uses = [sized(pid, 100 * MIB) for pid in (1, 2)]
    for use in uses:
        plant(tmp_path, f"proc/{use.pid}/smaps_rollup", ROLLUP)
    times = iter((0.0, 0.01, 5.0, 5.01))
    source = PssSource(ProcFiles(tmp_path), lambda: next(times))
    assert list(source.refresh(uses, 100)) == [1]
    assert source.refresh(uses, 104.9) == {}
    assert list(source.refresh(uses, 105.1)) == [2]


def test_a_giant_keeps_its_estimate(tmp_path: Path) -> None:
    files = Counted(tmp_path)
    answer = PssSource(files, frozen_clock).refresh([sized(1, 64 * GIB)], 0)[1]
    assert isinstance(answer, Unavailable)
    assert "would take" in answer.reason
    assert not files.reads


def test_another_users_process_is_asked_again_much_later(tmp_path: Path) -> None:
    files = Counted(tmp_path)
    files.errors[1, "smaps_rollup"] = errno.EACCES
    files.errors[2, "smaps_rollup"] = errno.ESRCH
    uses = [sized(1, MIB), sized(2, MIB)]
    source = PssSource(files, frozen_clock)
    answers = source.refresh(uses, 0)
    assert answers[1] == Unavailable("the process belongs to another user", "Run wsltop as root to see its PSS.")
    assert isinstance(answers[2], Unavailable)
    assert source.refresh(uses, DENIED_FOR - 1) == {}
    assert set(source.refresh(uses, DENIED_FOR)) == {1, 2}


# The real /proc


def test_the_real_table_agrees_with_ps() -> None:
    ps = shutil.which("ps")
    if ps is None:
        pytest.skip("there is no ps")
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as child:
        time.sleep(0.2)
        source = ProcessSource(limit=10**6)
        table = table_of(source.read(0, budget=60))
        told = subprocess.run([ps, "-eo", "pid=,ppid=,rss=,comm="], capture_output=True, text=True, check=True).stdout
        source.close()
    rows = {int(row.split()[0]): row.split(None, 3)[1:] for row in told.splitlines()}
    uses = {use.pid: use for use in table.processes}
    assert len(uses.keys() & rows.keys()) >= 0.5 * len(rows)
    use, row = uses[child.pid], rows[child.pid]
    assert use.own
    assert uses[os.getpid()].own
    assert use.parent == int(row[0]) == os.getpid()
    assert use.rss == pytest.approx(int(row[1]) * KIB, rel=0.1, abs=2 * MIB)
    assert use.name == row[2].strip()


def test_a_process_that_names_itself_after_a_stat_line() -> None:
    body = "open('/proc/self/comm', 'w').write('x) R 1 (\\n\\x1b[2J'); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", body], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        source = ProcessSource(limit=10**6)
        use = by_pid(source.read(0, pss=False, budget=60))[child.pid]
        source.close()
        child.communicate(b"\n")
    assert use.parent == os.getpid()
    assert use.name.startswith("x) R 1 (")
    assert use.name.isprintable()


def test_pss_of_this_process_agrees_with_its_rss() -> None:
    held = bytearray(os.urandom(1)) * (64 * MIB)
    source = ProcessSource(limit=10**6)
    for now in range(30):
        use = by_pid(source.read(now * 100, budget=60))[os.getpid()]
        if isinstance(use.pss, Pss):
            break
    source.close()
    assert isinstance(use.pss, Pss), use.pss
    assert len(held) <= use.pss.total <= use.pss.rss * 1.1 + 4 * MIB
    assert use.anonymous >= len(held)


def test_the_cpu_that_this_process_used_is_found() -> None:
    source = ProcessSource(limit=10**6)
    before = table_of(source.read(0, pss=False, budget=60))
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    after = table_of(source.read(1, pss=False, budget=60))
    source.close()
    used = {one.pid: one for one in cpu_between(before.processes, after.processes)}
    assert used[os.getpid()].own
    assert used[os.getpid()].user + used[os.getpid()].system >= 5


# Whose processes


def plant_self(root: Path, namespace: str, nspid: str = "77") -> None:
    plant(root, "proc/self/status", f"Name:\tx\nNSpid:\t{nspid}\n")
    (root / "proc/self/ns").mkdir()
    (root / "proc/self/ns/pid").symlink_to(namespace)


def test_the_first_namespace_is_known_by_its_number_whatever_else_is_there(tmp_path: Path) -> None:
    plant_self(tmp_path, INITIAL)
    plant(tmp_path, ".dockerenv", "")
    assert see_pids(tmp_path, {"WSL_DISTRO_NAME": "Ubuntu"}) == "initial"


def test_kernel_threads_prove_the_first_namespace_where_the_number_cannot_be_read(tmp_path: Path) -> None:
    plant(tmp_path, "proc/2/comm", "kthreadd\n")
    assert see_pids(tmp_path, {}) == "initial"


def test_a_distro_is_told_from_a_container_in_wsl(tmp_path: Path) -> None:
    plant_self(tmp_path, "pid:[4026532245]")
    plant(tmp_path, "proc/sys/kernel/osrelease", "6.6.87.2-microsoft-standard-WSL2\n")
    plant(tmp_path, ".dockerenv", "")  # a container, or an image imported into WSL
    assert see_pids(tmp_path, {}) == "container"
    (tmp_path / "run/WSL").mkdir(parents=True)
    assert see_pids(tmp_path, {}) == "distro"


def test_other_namespaces(tmp_path: Path) -> None:
    assert see_pids(tmp_path, {}) == "unknown"
    plant_self(tmp_path, "pid:[4026532245]")
    assert see_pids(tmp_path, {}) == "nested"
    assert see_pids(tmp_path, {"container": "lxc"}) == "container"


@pytest.mark.slow
def test_a_proc_of_an_outer_namespace_is_not_judged_by_our_own(tmp_path: Path) -> None:
    plant_self(tmp_path, INITIAL, nspid="77\t1")
    assert see_pids(tmp_path, {}) == "nested"
    plant(tmp_path, "proc/2/comm", "kthreadd\n")
    assert see_pids(tmp_path, {}) == "initial"


@pytest.mark.slow
def test_hidepid_hides_the_first_process(tmp_path: Path) -> None:
    assert not hides_others(tmp_path)
    plant(tmp_path, "proc/self/stat", "")
    assert hides_others(tmp_path)
    plant(tmp_path, "proc/1/stat", "")
    assert not hides_others(tmp_path)
