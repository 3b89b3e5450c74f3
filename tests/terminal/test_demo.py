"""The whole demo in a real terminal, on the simulated laptop: phases, figures, hogs, and what is left behind."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from tests.laptop.scenarios import SCENARIOS
from tests.laptop.simulator import Laptop
from tests.terminal.harness import Terminal

PHASES = ["baseline", "load", "hold", "end", "returning", "compact"]
PATIENCE = 90.0
"""Seconds for all of it; it takes about 40 on an idle machine."""
WORD = re.compile(r"DEMO ([A-Z]+)")
SHORT = {"load", "end"}
"""Phases that may be over before the screen shows them."""


def phase_on(terminal: Terminal) -> str:
    """The phase that the strip shows; empty when it shows none."""
    found = WORD.search(terminal.text)
    return found[1].lower() if found else ""


@pytest.mark.slow
def test_the_demo_runs_from_its_plan_to_a_slide(tmp_path: Path) -> None:
    home, root = tmp_path / "home", tmp_path / "laptop"
    home.mkdir()
    with (
        Laptop(root, SCENARIOS["laptop"]) as laptop,
        Terminal(home, "--root", str(root), "demo", size=(100, 30)) as terminal,
    ):
        laptop.watched = terminal.process.pid
        terminal.wait_for("watch Windows get memory back")
        terminal.press("<" * 5)
        terminal.wait_for("4 hogs of 64 MiB")
        assert terminal.hogs() == []
        terminal.press("y")
        seen: list[str] = []
        deadline = time.monotonic() + PATIENCE
        while "result of the demo" not in terminal.text:
            assert time.monotonic() < deadline, terminal.text
            phase = phase_on(terminal)
            if phase and phase not in seen[-1:]:
                seen.append(phase)
                if phase == "hold":
                    assert len(terminal.hogs()) == 4
                    terminal.resize(40, 8)
                    terminal.wait_until(lambda: terminal.text.count("\n") == 7 and phase_on(terminal) == "hold")
                    terminal.resize(100, 30)
            time.sleep(0.1)
        assert seen == [phase for phase in PHASES if phase in seen]
        assert set(PHASES) - set(seen) <= SHORT
        terminal.wait_for("log line")
        assert re.search(r"log line +\d\d:\d\d:\d\d .*\+\d+ MiB", terminal.text)
        assert len(re.findall("inside the range", terminal.text)) == 2, terminal.text
        assert "outside the range" not in terminal.text
        assert terminal.hogs() == []
        assert (root / "proc/sys/vm/compact_memory").read_text().strip() == "1"
        terminal.press("s")
        terminal.wait_until(lambda: bool(list(home.rglob("demo-*.svg"))), what="the slide")
        (slide,) = home.rglob("demo-*.svg")
        assert slide.stat().st_mode & 0o777 == 0o600
        assert "compact" in slide.read_text()
        terminal.press("\x1b")
        terminal.wait_without("result of the demo")
        names = next(line for line in terminal.lines if "│hold" in line)
        named = [phase for phase in PHASES if f"│{phase}" in names]  # a short one has no room for its name
        assert len(named) >= 2, names
        assert named == sorted(named, key=lambda phase: names.index(f"│{phase}"))
        terminal.press("q")
        assert terminal.wait_for_end() == 0


@pytest.mark.slow
def test_the_demo_that_is_ended_leaves_no_hog(tmp_path: Path) -> None:
    home, root = tmp_path / "home", tmp_path / "laptop"
    home.mkdir()
    with (
        Laptop(root, SCENARIOS["laptop"]) as laptop,
        Terminal(home, "--root", str(root), size=(80, 24)) as terminal,
    ):
        laptop.watched = terminal.process.pid
        terminal.wait_for_frame()
        terminal.press("e" + "<" * 5 + "y")
        terminal.wait_until(lambda: phase_on(terminal) == "hold", PATIENCE)
        terminal.press(" ")
        terminal.wait_for("held for")
        terminal.press("e")
        terminal.wait_until(lambda: not terminal.hogs(), what="no hog")
        terminal.wait_without("DEMO")
