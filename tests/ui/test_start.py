"""What is loaded before the first frame: a user waits for it at each start."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from wsltop.ui.terminal import prepare_start
prepare_start()
import wsltop.ui.launch, wsltop.sampler, wsltop.host.choose
print(*sys.modules)
"""
LATER = (
    "psutil",
    "pyperclip",
    "ssl",
    "sqlite3",
    "wsltop.experiment",
    "wsltop.recording.player",
    "wsltop.recording.writer",
    "wsltop.reclaim.perform",
    "wsltop.report",
    "wsltop.ui.cards.help",
    "wsltop.ui.cards.plan",
    "wsltop.ui.cards.table",
    "wsltop.ui.clipboard",
    "wsltop.ui.export",
    "wsltop.ui.jobs",
    "wsltop.ui.timetravel",
)
"""Loaded when they are needed."""
MOST = 125
"""Modules of ours."""


@pytest.mark.slow
def test_the_first_frame_loads_only_what_it_shows() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "textual.app" in loaded
    assert {name for name in loaded if any(name == one or name.startswith(f"{one}.") for one in LATER)} == set()
    assert len([name for name in loaded if name.startswith("wsltop")]) <= MOST
