"""The loads: hogs of a pool that holds others too, and commands with all that they start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hogs.real import stat_fields, wait_until
from tests.samples import ended, small_sample
from wsltop.errors import HogRefused, UsageError
from wsltop.experiment import keeper
from wsltop.experiment.keeper import offspring
from wsltop.experiment.load import CommandLoad, HogLoad, Load, last_lines, resolve
from wsltop.experiment.spec import ExperimentPlan
from wsltop.hogs.pool import HogPool

MIB = 1024**2
FAMILY = f"""
import os, subprocess, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        print("grandchild", os.getpid(), flush=True)
        time.sleep(60)
    os._exit(0)
subprocess.Popen([{sys.executable!r}, "-I", "-S", "-c", "import time; time.sleep(60)"])
{{rest}}
"""
"""A child that stays, and a grandchild that goes its own way: in a session of its own, its parent gone."""
STAYS = FAMILY.format(rest="time.sleep(60)")
LEAVES = FAMILY.format(rest="sys.exit(3)")


def python(program: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", "-c", program)


def alive(pid: int) -> bool:
    return stat_fields(pid)[:1] not in ([], ["Z"], ["X"])


@contextmanager
def running(*command: str) -> Iterator[CommandLoad]:
    load = CommandLoad(command)
    load.start()
    try:
        yield load
    finally:
        load.close()
        load.close()
        assert load.poll() == "gone"


def keeper_of() -> int:
    """The keeper below this process; there is one at a time."""
    found: list[int] = []

    def look() -> bool:
        found[:] = [pid for pid in offspring(os.getpid()) if is_keeper(pid)]
        return bool(found)

    wait_until(look)
    return found[0]


def is_keeper(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text() == "wsltop-keeper\n"
    except OSError:
        return False


def family_of(load: CommandLoad, size: int) -> list[int]:
    parent = keeper_of()
    wait_until(lambda: len(offspring(parent)) >= size)
    time.sleep(0.1)  # the orphan has come to its new parent
    assert load.poll() == "filling"
    return [parent, *offspring(parent)]


def test_a_command_fills_until_it_ends_and_its_code_is_told() -> None:
    with running(*python("import sys; print('one'); print('two', file=sys.stderr); sys.exit(0)")) as load:
        wait_until(lambda: load.poll() == "gone")
        assert (load.exit_code, load.failed, load.remarks) == (0, False, ())


def test_a_command_that_fails_says_why() -> None:
    with running(*python("import sys; sys.exit('no \\x1b[31msuch \\u202e thing')")) as load:
        wait_until(lambda: load.poll() == "gone")
        assert (load.exit_code, load.failed) == (1, True)
        assert load.remarks[0].endswith("ended with status 1, saying: no such  thing")


def test_a_command_that_a_signal_ends_says_which() -> None:
    with running(*python("import os; os.kill(os.getpid(), 9)")) as load:
        wait_until(lambda: load.poll() == "gone")
        assert load.exit_code == -9
        assert "was ended by SIGKILL" in load.remarks[0]


def test_a_command_that_cannot_be_started_says_so(tmp_path: Path) -> None:
    script = tmp_path / "broken"
    script.write_text("not a program")
    script.chmod(0o755)
    with running(str(script)) as load:
        wait_until(lambda: load.poll() == "gone")
        assert load.failed
        assert "cannot start" in load.remarks[0]


def test_a_command_has_no_terminal_no_input_and_goes_first_when_memory_runs_out(tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = (
        "import os, sys; from_input = sys.stdin.read();"
        f"open({str(told)!r}, 'w').write(repr((from_input, os.getsid(0) == os.getpid(), os.getcwd(), "
        "open('/proc/self/oom_score_adj').read().strip())))"
    )
    with running(*python(program)) as load:
        wait_until(lambda: load.poll() == "gone")
    assert told.read_text() == repr(("", True, str(Path.cwd()), "1000"))


def test_releasing_ends_the_whole_family() -> None:
    with running(*python(STAYS)) as load:
        family = family_of(load, 3)
        load.release()
        assert load.poll() == "ending"
        wait_until(lambda: load.poll() == "gone")
        assert not any(alive(pid) for pid in family)
        assert load.remarks == ()
        assert not load.failed


def test_what_a_command_leaves_behind_is_ended_and_told() -> None:
    with running(*python(LEAVES)) as load:
        wait_until(lambda: load.poll() == "gone")
        assert load.exit_code == 3
        assert "it left 2 processes behind, which were ended" in load.remarks


def test_closing_kills_at_once_even_who_does_not_listen() -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    with running(*python(deaf)) as load:
        family = family_of(load, 1)
        started = time.monotonic()
        load.close()
        assert time.monotonic() - started < 2.5
        assert not any(alive(pid) for pid in family)


@pytest.mark.slow
def test_who_does_not_listen_is_killed_after_a_while() -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    with running(*python(deaf)) as load:
        family_of(load, 1)
        time.sleep(0.2)
        load.release()
        wait_until(lambda: load.poll() == "gone", seconds=keeper.PATIENCE + 4)


PARENT = """
import sys, time
from wsltop.experiment.load import CommandLoad
load = CommandLoad(sys.argv[1:])
load.start()
time.sleep(60)
"""


def test_no_command_outlives_a_wsltop_that_was_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-W", "ignore", "-c", PARENT, *python(STAYS)], cwd=Path.cwd())
    with parent:
        wait_until(lambda: len(offspring(parent.pid)) >= 4)
        family = offspring(parent.pid)
        parent.kill()
    wait_until(lambda: not any(alive(pid) for pid in family))


def test_a_killed_keeper_takes_the_command_with_it() -> None:
    with running(*python("import time; time.sleep(60)")) as load:
        family = family_of(load, 1)
        os.kill(family[0], signal.SIGKILL)
        wait_until(lambda: not any(alive(pid) for pid in family))
        assert load.poll() == "gone"


def test_a_flood_of_output_stops_nothing() -> None:
    flood = "import sys\nfor _ in range(200000): print('x' * 50)\nsys.stdout.flush()\nsys.exit('the end')"
    with running(*python(flood)) as load:
        wait_until(lambda: load.poll() == "gone")
        assert load.remarks[0].endswith("the end")


def test_the_last_lines_are_short_and_clean() -> None:
    assert last_lines(b"a\n\n b\x00\xff \n" + b"c" * 500) == ("a", "b�", "c" * 160)
    assert last_lines(b"") == ()


def test_the_program_is_found_in_the_path_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "load-it"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert resolve(("load-it", "-x")) == (str(program), "-x")
    with pytest.raises(UsageError, match="there is no program no-such"):
        resolve(("no-such",))


@pytest.mark.slow
def test_hogs_are_full_then_gone_and_others_stay(pool: HogPool) -> None:
    other = pool.add(8 * MIB)[0]
    load: Load = HogLoad(pool, ExperimentPlan(hogs=2, size=16 * MIB))
    load.start()
    wait_until(lambda: load.poll() == "full")
    assert (load.remarks, load.failed, load.exit_code) == ((), False, None)
    load.release()
    wait_until(lambda: load.poll() == "gone")
    assert [hog.id for hog in pool.read()] == [other]
    load.close()


@pytest.mark.slow
def test_a_hog_that_another_ended_is_told(pool: HogPool) -> None:
    load = HogLoad(pool, ExperimentPlan(hogs=1, size=8 * MIB))
    load.start()
    wait_until(lambda: load.poll() == "full")
    load.see(small_sample(hogs_ended=(ended(1, how="oom"), ended(99, how="oom"))))
    assert load.remarks == ("a hog ended early, with 1.0 GiB: the OOM killer chose it",)
    load.close()
    assert load.poll() == "gone"


def test_hogs_that_do_not_fit_are_refused(pool: HogPool) -> None:
    with pytest.raises(HogRefused):
        HogLoad(pool, ExperimentPlan(hogs=1, size=1 << 50)).start()
