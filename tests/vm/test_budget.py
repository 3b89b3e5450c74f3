"""What is begun within a time that is short."""

from __future__ import annotations

import threading
import time

from tests.vm import loads
from tests.vm.budget import BOOT, GRACE, Budget
from tests.vm.scenarios import WSL, Row


def row(seconds: float, name: str = "one") -> Row:
    return Row(name, WSL, seconds, loads.idle)


def test_without_a_limit_everything_is_begun() -> None:
    assert Budget(None).admits(row(1e9))


def test_the_first_scenario_needs_its_machine_as_well() -> None:
    assert Budget(100.0).admits(row(99.0 - BOOT))
    assert not Budget(100.0).admits(row(101.0 - BOOT))


def test_a_slow_machine_is_taken_into_account() -> None:
    budget = Budget(100.0)
    budget.learn(row(10.0), 30.0)
    assert budget.admits(row(33.0))
    assert not budget.admits(row(34.0))


def test_what_is_left_out_is_named() -> None:
    budget = Budget(1.0)
    budget.leave_out([row(10.0, "one"), row(10.0, "two")])
    assert budget.left_out == ["one", "two"]


def test_what_hangs_is_ended() -> None:
    over = threading.Event()
    budget = Budget(-GRACE)
    with budget.alarm(over.set):
        assert over.wait(5.0)
    assert not budget.admits(row(0.0))
    over.clear()
    with Budget(0.2 - GRACE).alarm(over.set):
        pass
    time.sleep(0.4)
    assert not over.is_set()
