"""A child process: what it prints, what it reads, and how it ends or is left."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.host.stand_ins import runs, wait_for
from wsltop import child as module
from wsltop.child import KEPT, Child, collect, reap_left, run_command
from wsltop.model.sample import Unavailable


def python(program: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", f"import os, signal, sys, time\n{program}"]


def read_all(child: Child, seconds: float = 5.0) -> list[bytes]:
    lines: list[bytes] = []
    deadline = time.monotonic() + seconds
    while not child.finished:
        assert time.monotonic() < deadline
        child.wait_output(0.1)
        lines += child.read_lines()
    return lines


def test_lines_come_as_they_are_completed_and_the_rest_is_told_apart() -> None:
    child = Child(python("print('one\\ntwo\\nthree', end='')"))
    assert read_all(child) == [b"one", b"two"]
    assert child.read_rest() == b"three"
    assert child.wait(5.0) == 0
    child.close()


def test_nothing_waits_for_a_silent_child() -> None:
    child = Child(python("time.sleep(60)"))
    before = time.monotonic()
    assert (child.read_lines(), child.poll(), child.finished, child.has_ended()) == ([], None, False, False)
    assert time.monotonic() - before < 0.1
    assert child.end(0.0) == -signal.SIGKILL


def test_a_text_larger_than_a_pipe_arrives_and_then_the_input_ends() -> None:
    child = Child(python("time.sleep(0.2); print(len(sys.stdin.read()))"), text=b"x" * 300_000)
    output = collect(child, "python", 5.0)
    assert not isinstance(output, Unavailable)
    assert output.stdout == b"300000\n"


def test_input_stays_open_until_it_is_closed() -> None:
    child = Child(python("print(os.read(0, 9), flush=True)\nwhile os.read(0, 9): pass\nsys.exit(7)"))
    child.send(b"t")
    wait_for(lambda: b"b't'" in child.read() or b"b't'" in child.said)
    assert child.poll() is None
    assert child.end(5.0) == 7


def test_only_the_end_of_a_flood_is_kept() -> None:
    child = Child(python("print('x' * 200_000 + 'end')"))
    read_all(child)
    assert len(child.said) == KEPT
    assert child.said.endswith(b"end\n")
    child.end(1.0)


@pytest.mark.parametrize(
    ("errors", "said", "complaints"), [("apart", b"", b"no"), ("merged", b"no", b""), ("dropped", b"", b"")]
)
def test_standard_error_goes_where_it_should(errors: str, said: bytes, complaints: bytes) -> None:
    child = Child(python("sys.stderr.write('no')"), errors=errors)  # type: ignore[arg-type]
    read_all(child)
    wait_for(child.has_ended)
    child.read()
    assert (child.said, child.complaints) == (said, complaints)
    child.end(0.0)


def test_ending_kills_all_of_its_group(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    program = f"pid = os.fork()\nif pid: open({str(note)!r}, 'w').write(str(pid))\ntime.sleep(60)"
    child = Child(python(program))
    wait_for(lambda: note.exists() and note.read_text() != "")
    child.end(0.0)
    wait_for(lambda: not runs(int(note.read_text())))


def test_a_child_has_no_terminal_and_sigpipe_ends_it() -> None:
    child = Child(python("print(os.getsid(0) == os.getpid(), open('/proc/self/status').read())"))
    status = b"\n".join(read_all(child)).decode()
    child.end(1.0)
    assert status.startswith("True")
    # Python itself ignores SIGPIPE, so ask a program that does not.
    other = Child(["/bin/cat", "/proc/self/status"], text=b"")
    lines = read_all(other)
    other.end(1.0)
    (ignored,) = (line for line in lines if line.startswith(b"SigIgn"))
    assert not int(ignored.split()[1], 16) >> (signal.SIGPIPE - 1) & 1


def test_a_group_of_its_own_stays_in_our_session() -> None:
    child = Child(python("print(os.getpgrp() == os.getpid(), os.getsid(0))"), group="group")
    assert read_all(child) == [f"True {os.getsid(0)}".encode()]
    child.end(1.0)


def test_a_child_that_is_left_gets_no_signal_and_is_reaped_later(tmp_path: Path) -> None:
    note = tmp_path / "note"
    program = f"while os.read(0, 9): pass\ntime.sleep(0.3)\nopen({str(note)!r}, 'w').write('by itself')"
    child = Child(python(program))
    child.leave()
    assert runs(child.pid)
    wait_for(lambda: note.exists() and note.read_text() == "by itself")
    wait_for(lambda: not runs(child.pid))
    reap_left()
    assert module.LEFT == []


def test_a_command_is_bounded_in_time_and_output_and_can_be_canceled() -> None:
    assert isinstance(run_command(python("time.sleep(60)"), 0.2), Unavailable)
    assert isinstance(run_command(python("time.sleep(60)"), 60.0, lambda: True), Unavailable)
    assert isinstance(run_command(python("print('x' * 99)"), 5.0, limit=50), Unavailable)
    output = run_command(python("print('x', os.environ['LC_ALL'], end=''); sys.exit(3)"), 5.0)
    assert not isinstance(output, Unavailable)
    assert (output.stdout, output.status) == (b"x C", 3)
