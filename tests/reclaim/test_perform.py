"""Performing plans: with stand-ins for sudo and Windows, and for real where this process may."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.hogs.real import is_hog
from tests.reclaim.machine import LEDGER, Machine, finish
from tests.waiting import wait_until
from wsltop.hogs.kinds import count_cached, open_unnamed
from wsltop.model.text import GIB, MIB
from wsltop.reclaim.actions import ActionName
from wsltop.reclaim.perform import Done, Failed, HogAction, Running, explain_failure, perform
from wsltop.reclaim.plan import Plan, plan
from wsltop.reclaim.root import Start, Way, find_root_access


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def compaction(machine: Machine, way: Way | None = None, uid: int = 1000) -> Plan:
    access = machine.access(uid, WSL_DISTRO_NAME="Ubuntu")
    return plan("compact", ledger=LEDGER, access=access, way=way, root=machine.root)


def failure(made: Plan, timeout: float = 5.0) -> Failed:
    failed = finish(perform(made, timeout=timeout))
    assert isinstance(failed, Failed)
    return failed


@pytest.mark.parametrize(("uid", "way"), [(0, "direct"), (1000, "sudo")])
def test_the_text_arrives(machine: Machine, uid: int, way: Way) -> None:
    machine.sudo()
    made = compaction(machine, uid=uid)
    assert made.way == way
    done = finish(perform(made))
    assert isinstance(done, Done)
    assert 0 < done.seconds < 5
    assert machine.compact.read_text() == "1\n"


def test_wsl_exe_does_it_as_root(machine: Machine) -> None:
    """The stand-in stands where Windows' would, and gets what Windows' would."""
    log = machine.root / "log"
    machine.wsl(f'#!/bin/sh\necho "$PWD|$*" > {log}\nshift 5\nexec "$@"\n')
    assert isinstance(finish(perform(compaction(machine, "wsl"))), Done)
    assert machine.compact.read_text() == "1\n"
    assert log.read_text().startswith(f"{machine.root}/c/Windows/System32|-u root -d Ubuntu -e /usr/bin/env LC_ALL=C ")


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("sudo: a password is required", "sudo needs a password"),
        ("sudo: unable to resolve host x\nsudo: a terminal is required to read the password", "sudo needs a password"),
        ("sudo: interactive authentication is required", "sudo needs a password"),
        ("joe is not in the sudoers file.", "sudo does not allow this user to do it"),
        ("Sorry, user joe is not allowed to execute '/usr/bin/tee x' as root on y.", "sudo does not allow this user"),
        ("sudo: sorry, you must have a tty to run sudo", "sudo is set up to work in a terminal only"),
        ('sudo: The "no new privileges" flag is set', "sudo cannot become root here"),
        ("sudo: something \x1b[31mnew", "sudo failed: sudo: something new"),
    ],
)
def test_what_sudo_says_is_understood(machine: Machine, says: str, reason: str) -> None:
    machine.sudo(f"#!/bin/sh\ncat >&2 <<'END'\n{says}\nEND\nexit 1\n")
    failed = failure(compaction(machine))
    assert failed.reason.startswith(reason)
    assert failed.hint
    assert machine.compact.read_text() == ""


def test_a_sudo_that_hangs_is_given_up_and_gone(machine: Machine) -> None:
    pid = machine.root / "pid"
    machine.sudo(f"#!/bin/sh\necho $$ > {pid}\nexec sleep 60\n")
    failed = failure(compaction(machine), timeout=0.5)
    assert failed.reason == "sudo: no answer within 0.5 s"
    assert f"echo 1 | sudo tee {machine.compact}" in failed.hint
    assert not Path("/proc", pid.read_text().strip()).exists()


def test_an_interrupted_sudo_is_told_as_such(machine: Machine) -> None:
    machine.sudo("#!/bin/sh\nkill -INT $$\n")
    assert failure(compaction(machine)).reason.startswith("sudo was interrupted by SIGINT: nothing was done")


def test_canceling_ends_it_at_once(machine: Machine) -> None:
    machine.sudo("#!/bin/sh\nexec sleep 60\n")
    performance = perform(compaction(machine))
    performance.start()
    assert isinstance(performance.poll(), Running)
    began = time.monotonic()
    performance.cancel()
    assert performance.poll() == Failed(
        reason="sudo: canceled", hint=f"Run by hand: echo 1 | sudo tee {machine.compact}"
    )
    assert time.monotonic() - began < 0.2
    performance.close()
    performance.close()


def test_a_missing_writer_is_not_taken_for_a_missing_file(machine: Machine) -> None:
    said = b"/usr/bin/env: '/usr/bin/tee': No such file or directory\n"
    assert "/usr/bin/tee" in explain_failure("wsl", 127, said, "/proc/sys/vm/compact_memory", "").reason
    assert explain_failure("sudo", 1, b"sudo: tee: command not found\n", "/p", "").reason.endswith("command not found")


def test_sudo_keeps_the_terminal_that_it_knows_the_user_by_and_others_get_none(machine: Machine) -> None:
    log = machine.root / "log"
    machine.sudo(f"#!/bin/sh\ncut -d' ' -f5,6 /proc/$$/stat > {log}; echo $$ >> {log}\n")
    assert isinstance(finish(perform(compaction(machine))), Done)
    group, session, pid = log.read_text().split()
    assert (int(session), group) == (os.getsid(0), pid)
    machine.wsl(f"#!/bin/sh\ncut -d' ' -f5,6 /proc/$$/stat > {log}; echo $$ >> {log}\n")
    assert isinstance(finish(perform(compaction(machine, "wsl"))), Done)
    group, session, pid = log.read_text().split()
    assert group == session == pid


def test_a_flood_is_bounded_and_drained(machine: Machine) -> None:
    machine.sudo(
        "#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' x\necho\necho 'sudo: a password is required'\nexit 1\n"
    )
    assert failure(compaction(machine)).reason == "sudo needs a password"


def test_a_program_that_is_gone_meanwhile(machine: Machine) -> None:
    machine.sudo()
    made = compaction(machine)
    (machine.root / "usr/bin/sudo").unlink()
    assert failure(made).reason.startswith("cannot start ")


def test_nothing_is_started_for_a_command_to_paste(machine: Machine) -> None:
    failed = failure(compaction(machine, "paste"))
    assert (failed.reason, failed.hint.startswith("Run by hand: ")) == ("compact needs root", True)
    machine.compact.unlink()
    assert failure(compaction(machine)).reason.startswith("this kernel cannot compact memory")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Permission denied", "not even root may write /p here: a container or sandbox forbids it"),
        ("Operation not permitted", "not even root may write /p here: a container or sandbox forbids it"),
        ("Read-only file system", "/p is read-only: this is a container"),
        ("No such file or directory", "this kernel has no /p"),
        ("Invalid argument", "this kernel does not take what was written to /p"),
        ("Cannot allocate memory", "the write failed: write: /p: Cannot allocate memory"),
    ],
)
def test_the_kernels_refusals_are_told_apart(words: str, reason: str) -> None:
    assert explain_failure("direct", 1, f"write: /p: {words}\n".encode(), "/p", "echo").reason == reason
    if "memory" not in words:
        said = f"tee: /p: {words}\n".encode()
        assert explain_failure("sudo", 1, said, "/p", "echo").reason == reason
        assert explain_failure("wsl", 1, said, "/p", "echo").reason == reason
    assert explain_failure("direct", 1, b"", "/p", "").reason == "the write failed with status 1"


def test_real_refusals_of_the_kernel(machine: Machine) -> None:
    made = compaction(machine, uid=0)
    path = "/proc/sys/kernel/osrelease"
    refused = replace(made, path=path, start=Start(argv=(*made.start.argv[:-1], path))) if made.start else made
    assert failure(refused).reason == f"not even root may write {path} here: a container or sandbox forbids it"


def test_what_wsl_exe_says_in_utf_16_is_shown(machine: Machine) -> None:
    text = "There is no distribution with the supplied name.\r\nError code: Wsl/Service/WSL_E_DISTRO_NOT_FOUND\r\n"
    (machine.root / "said").write_bytes(text.encode("utf-16-le"))
    machine.wsl(f"#!/bin/sh\ncat {machine.root}/said\nexit 127\n")
    reason = failure(compaction(machine, "wsl")).reason
    assert reason == "wsl.exe ended with code 127: There is no distribution with the supplied name."


RECLAIM = """#!/bin/sh
shift 3
read line
echo "$line" >> {log}
case "$line" in
*swappiness*) {first} ;;
*) {second} ;;
esac
"""
REFUSE = 'echo "tee: $1: Invalid argument" >&2; exit 1'
PARTLY = 'echo "tee: $1: Resource temporarily unavailable" >&2; exit 1'


@pytest.mark.parametrize(
    ("first", "second", "lines", "note"),
    [
        (":", ":", 1, ""),
        (REFUSE, ":", 2, "this kernel takes no swappiness here"),
        (PARTLY, ":", 1, "less was reclaimed than asked for"),
        (REFUSE, PARTLY, 2, "less was reclaimed than asked for"),
    ],
)
def test_reclaim_spares_programs_where_the_kernel_can(
    machine: Machine, first: str, second: str, lines: int, note: str
) -> None:
    file = machine.put("sys/fs/cgroup/memory.reclaim", "")
    log = machine.root / "log"
    machine.sudo(RECLAIM.format(log=log, first=first, second=second))
    made = plan("reclaim", ledger=LEDGER, access=machine.access(), size=MIB, way="sudo", root=machine.root)
    made = replace(made, path=str(file))
    done = finish(perform(made))
    assert isinstance(done, Done)
    assert done.note.startswith(note)
    assert log.read_text().splitlines() == ["1048576 swappiness=0", "1048576"][:lines]


def test_reclaim_that_takes_neither_fails(machine: Machine) -> None:
    machine.put("sys/fs/cgroup/memory.reclaim", "")
    machine.sudo(RECLAIM.format(log=machine.root / "log", first=REFUSE, second=REFUSE))
    made = plan("reclaim", ledger=LEDGER, access=machine.access(), size=MIB, way="sudo", root=machine.root)
    assert failure(made).reason.startswith("this kernel does not take what was written")


def pressure(size: int, floor: int = 0) -> Plan:
    made = plan("pressure", ledger=LEDGER, access=find_root_access(), size=GIB)
    return replace(made, hog=size, floor=floor)


@pytest.mark.slow
def test_pressure_fills_and_lets_go() -> None:
    performance = perform(pressure(96 * MIB))
    done = finish(performance)
    assert isinstance(done, Done)
    assert done.note == ""
    assert not hogs_of_ours()


def test_pressure_stops_at_the_floor() -> None:
    done = finish(perform(pressure(96 * MIB, floor=1 << 50)))
    assert isinstance(done, Done)
    assert done.note == "stopped at the floor, after 0 B"


def test_pressure_can_be_canceled() -> None:
    performance = perform(pressure(GIB))
    performance.start()
    wait_until(lambda: isinstance(performance.poll(), Running))
    performance.cancel()
    assert performance.poll() == Failed(reason="canceled")
    performance.close()
    assert not hogs_of_ours()


def test_a_hog_that_another_ends_is_a_failure() -> None:
    performance = perform(pressure(GIB))
    assert isinstance(performance, HogAction)
    performance.start()
    wait_until(lambda: bool(hogs_of_ours()))
    os.kill(hogs_of_ours()[0], 9)
    wait_until(lambda: not isinstance(performance.poll(), Running))
    failed = performance.poll()
    assert isinstance(failed, Failed)
    assert failed.reason == "the hog ended before it was full (SIGKILL)"


def hogs_of_ours() -> list[int]:
    tasks = Path(f"/proc/{os.getpid()}/task").iterdir()
    children = [pid for task in tasks for pid in (task / "children").read_text().split()]
    return [int(pid) for pid in children if is_hog(int(pid))]


needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not os.access("/proc/sys/vm/drop_caches", os.W_OK), reason="needs root, outside a container"
)


@needs_root
@pytest.mark.slow
@pytest.mark.parametrize("name", ["drop-cache", "drop-all"])
def test_a_real_drop_empties_the_cache(name: ActionName) -> None:
    file = open_unnamed("/var/tmp")
    size = 64 * MIB
    os.ftruncate(file, size)
    for place in range(0, size, MIB):
        os.pread(file, MIB, place)
    assert count_cached(file, size)[0] > size * 0.9
    made = plan(name, ledger=LEDGER, access=find_root_access())
    assert isinstance(finish(perform(made), seconds=30), Done)
    assert count_cached(file, size)[0] < size * 0.1
    os.close(file)


@needs_root
@pytest.mark.slow
def test_a_real_compaction_moves_pages() -> None:
    def moved() -> int:
        lines = Path("/proc/vmstat").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("compact_migrate_scanned"))

    before = moved()
    assert isinstance(finish(perform(plan("compact", ledger=LEDGER, access=find_root_access())), seconds=30), Done)
    assert moved() > before
