"""The job that records what the screen shows."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.recording.test_player import story
from wsltop.core.session import Session
from wsltop.recording.reader import Recording
from wsltop.ui.jobs import Recorder


def events_in(path: Path) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(path)
    try:
        return database.execute("SELECT sample, kind, text FROM event ORDER BY number").fetchall()
    finally:
        database.close()


def test_it_records_the_events_that_the_screen_shows_from_then_on(tmp_path: Path) -> None:
    samples, session = story(60, 10, 40), Session(1.0)
    shown: list[str] = []
    for one in samples[:30]:
        session.take(one)
    assert [event.kind for event in session.journal.events()][:1] == ["cache drop"]
    before = session.journal.events()
    recorder = Recorder(tmp_path, 1.0, session, shown.append)
    for one in samples[30:]:
        session.take(one)
        assert session.moment is not None
        assert recorder.take(session.moment) is None
    told = recorder.end()
    assert (told.failed, shown[-1]) == (False, "")
    (path,) = tmp_path.iterdir()
    with Recording.open(path) as recording:
        assert list(recording.samples()) == samples[30:]
    late = [event for event in session.journal.events() if event not in before]
    assert [(row[1], row[2]) for row in events_in(path)] == [(event.kind, event.text) for event in late]
    assert events_in(path)[0][:2] == (11, "cache drop")


def test_an_end_that_does_not_reach_the_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It crashed the screen once, and all hogs ended with it."""

    class Failing(sqlite3.Connection):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if "wal_checkpoint" in sql:
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, *values)

    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *places, **options: real(*places, factory=Failing, **options))
    recorder = Recorder(tmp_path, 1.0, Session(1.0), lambda _text: None)
    told = recorder.end()
    assert told.failed
    assert "disk I/O error" in told.toast
