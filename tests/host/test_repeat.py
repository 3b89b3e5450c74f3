from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.host.stand_ins import runs, wait_for
from wsltop.host import repeat

PROGRAM = [sys.executable, "-I", "-S", str(repeat.__file__)]


def start(*command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*PROGRAM, "0.05", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_each_run_is_a_line_and_the_end_of_stdin_the_end() -> None:
    with start(sys.executable, "-c", "print(end='ab'); raise SystemExit(3)") as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert [process.stdout.readline() for _ in range(2)] == [b"3 x6162\n"] * 2
        process.stdin.close()
        assert process.wait(1.0) == 0


def test_output_is_bounded() -> None:
    with start(sys.executable, "-c", "print(end='a' * 100000)") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"0 x" + b"61" * repeat.KEPT + b"\n"
        process.kill()


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_a_run_ends_with_it(tmp_path: Path, how: str) -> None:
    note = tmp_path / "pid"
    code = f"import os, time; open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    with start(sys.executable, "-c", code) as process:
        wait_for(lambda: note.exists() and bool(note.read_text()))
        assert process.stdin is not None
        if how == "closed":
            process.stdin.close()
        else:
            process.kill()
        process.wait(1.0)
    wait_for(lambda: not runs(int(note.read_text())), 1.0)
