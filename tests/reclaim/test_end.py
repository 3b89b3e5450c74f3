"""Ending a process that is not ours: never another one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.waiting import wait_until
from wsltop.reclaim.end import ProcessEnd, ancestors, command_for, refusal, start_of


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        yield process
        process.kill()


def start(pid: int) -> int:
    found = start_of(pid)
    assert found is not None
    return found


def test_a_process_is_asked_to_end(sleeper: subprocess.Popen[bytes]) -> None:
    target = ProcessEnd(sleeper.pid, start(sleeper.pid))
    assert not target.ended
    target.terminate()
    wait_until(lambda: target.ended)
    target.close()
    assert sleeper.wait() == -15


def test_one_that_does_not_end_is_killed(sleeper: subprocess.Popen[bytes]) -> None:
    target = ProcessEnd(sleeper.pid, start(sleeper.pid))
    target.kill()
    wait_until(lambda: target.ended)
    target.close()
    assert sleeper.wait() == -9


def test_another_process_that_has_taken_the_pid_is_never_signaled(sleeper: subprocess.Popen[bytes]) -> None:
    with pytest.raises(ProcessLookupError):
        ProcessEnd(sleeper.pid, start(sleeper.pid) - 1)
    assert sleeper.poll() is None


def test_a_process_that_has_ended_cannot_be_ended(sleeper: subprocess.Popen[bytes]) -> None:
    target = ProcessEnd(sleeper.pid, start(sleeper.pid))
    sleeper.kill()
    sleeper.wait()
    with pytest.raises(ProcessLookupError):
        target.terminate()
    target.close()
    target.close()
    with pytest.raises(ProcessLookupError):
        ProcessEnd(sleeper.pid, 1)


def test_init_and_wsltop_are_refused() -> None:
    assert refusal(1, own=False) is not None
    assert refusal(4242, own=True) is not None
    assert refusal(os.getpid(), own=False) is not None
    assert refusal(2**22, own=False) is None


def test_the_way_up_is_known() -> None:
    assert os.getppid() in ancestors()


def test_for_a_process_of_another_user_the_command_is_told(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command_for(sleeper.pid) == ""
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    assert command_for(sleeper.pid) == f"sudo kill {sleeper.pid}"
