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

from tests.hogs.real import stat_fields
from tests.samples import ended, small_sample
from tests.waiting import wait_until
from wsltop.errors import CommandError, ExitCode, HogRefused, WsltopError
from wsltop.experiment import keeper
from wsltop.experiment import load as load_module
from wsltop.experiment.keeper import offspring
from wsltop.experiment.load import CommandLoad, HogLoad, Load, resolve
from wsltop.experiment.trial import ExperimentPlan
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


def test_a_command_that_fails_says_with_which_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_module, "AT_ONCE", 60.0)  # a busy machine needs seconds to start a program
    with running(*python("import sys; sys.exit(7)")) as load:
        wait_until(lambda: load.poll() == "gone")
        assert (load.exit_code, load.failed) == (7, True)
        assert load.remarks[0].endswith("ended with status 7")


def test_a_command_that_a_signal_ends_says_which() -> None:
    with running(*python("import os; os.kill(os.getpid(), 9)")) as load:
        wait_until(lambda: load.poll() == "gone")
        assert load.exit_code == -9
        assert "was ended by SIGKILL" in load.remarks[0]


def test_a_command_that_cannot_be_run_is_126(tmp_path: Path) -> None:
    script = tmp_path / "broken"
    script.write_text("not a program")
    script.chmod(0o755)
    load = CommandLoad([str(script)])
    with pytest.raises(CommandError, match="broken cannot be run: Exec format error") as refusal:
        load.start()
    load.close()
    assert (refusal.value.exit_code, load.exit_code) == (ExitCode.CANNOT_RUN, ExitCode.CANNOT_RUN)


def test_a_command_that_vanished_is_127(tmp_path: Path) -> None:
    load = CommandLoad([str(tmp_path / "gone")])
    with pytest.raises(CommandError) as refusal:
        load.start()
    load.close()
    assert refusal.value.exit_code == ExitCode.NOT_FOUND


def test_a_helper_that_does_not_start_is_not_blamed_on_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "__file__", "/no/such/keeper.py")
    load = CommandLoad(python("pass"))
    with pytest.raises(WsltopError, match="wsltop's helper did not start") as refusal:
        load.start()
    load.close()
    assert not isinstance(refusal.value, CommandError)
    assert load.exit_code is None


def test_a_command_has_our_session_our_directory_and_goes_first_when_memory_runs_out(tmp_path: Path) -> None:
    told = tmp_path / "told"
    program = (
        "import os;"
        f"open({str(told)!r}, 'w').write(repr((os.getsid(0), os.getpgrp(), os.getcwd(), "
        "open('/proc/self/oom_score_adj').read().strip())))"
    )
    with running(*python(program)) as load:
        wait_until(lambda: load.poll() == "gone")
    assert told.read_text() == repr((os.getsid(0), os.getpgrp(), str(Path.cwd()), "1000"))


def test_a_command_gets_the_descriptors_that_we_were_started_with(tmp_path: Path) -> None:
    """Bash's ``<(…)`` and the job server of make are descriptors above 2."""
    reader, writer = os.pipe()
    os.set_inheritable(reader, True)
    told = tmp_path / "told"
    program = f"import os; open({str(told)!r}, 'wb').write(os.read({reader}, 9))"
    os.write(writer, b"from bash")
    with running(*python(program)) as load:
        wait_until(lambda: load.poll() == "gone")
    os.close(reader)
    os.close(writer)
    assert told.read_bytes() == b"from bash"


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
        assert "python left 2 processes behind, which were ended" in load.remarks


def test_closing_asks_first_and_kills_what_does_not_listen() -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    with running(*python(deaf)) as load:
        family = family_of(load, 1)
        time.sleep(0.2)
        started = time.monotonic()
        load.close()
        assert keeper.PATIENCE - 0.2 < time.monotonic() - started < keeper.PATIENCE + 2.5
        assert not any(alive(pid) for pid in family)


def test_closing_lets_a_command_tidy_up(tmp_path: Path) -> None:
    told = tmp_path / "told"
    tidy = f"""
import signal, sys, time
def end(*_):
    open({str(told)!r}, "w").write("tidy")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
time.sleep(60)
"""
    with running(*python(tidy)) as load:
        family_of(load, 1)
        time.sleep(0.3)
    assert told.read_text() == "tidy"


def test_an_interrupt_reaches_the_command_and_not_its_keeper() -> None:
    with running(*python("import time; time.sleep(60)")) as load:
        family_of(load, 1)
        time.sleep(0.2)
        load.interrupt()
        wait_until(lambda: load.poll() == "gone")
        assert load.exit_code == -signal.SIGINT


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
        assert (load.exit_code, load.failed) == (None, True)
        assert "helper ended before" in load.remarks[0]


def test_the_program_is_found_in_the_path_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "load-it"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert resolve(("load-it", "-x")) == (str(program), "-x")
    with pytest.raises(CommandError, match="there is no program no-such") as refusal:
        resolve(("no-such",))
    assert refusal.value.exit_code == ExitCode.NOT_FOUND
    (tmp_path / "data").touch()
    with pytest.raises(CommandError, match="data cannot be run") as refusal:
        resolve((str(tmp_path / "data"),))
    assert refusal.value.exit_code == ExitCode.CANNOT_RUN


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
