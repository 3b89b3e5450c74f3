"""``wsltop watch``: when a finding begins and ends, and how it notifies."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.program import Program, start
from tests.host.stand_ins import FakeDrive
from tests.waiting import wait_until
from wsltop.commands.watch import GONE_FOR, QUIET, Change, Edges, Notifier, encode, tell, terminal_sequence
from wsltop.config import NotifySettings
from wsltop.core.diagnosis.finding import Finding
from wsltop.errors import UsageError
from wsltop.host.interop import Windows

KEPT = Finding(id="cache-kept", severity="warning", verdict="CACHE KEPT", sentence="WSL keeps; 5 GiB \x1b[31mof cache.")
NOTE = Finding(id="draining", severity="note", verdict="DRAINING", sentence="Memory is on its way.")
FINE = Finding(id="nothing-wrong", severity="ok", verdict="NOTHING IS WRONG", sentence="All is well.")
BEGUN = Change("begins", KEPT, 1_700_000_000.0)
NOWHERE = Windows(root=Path("/nonexistent"), environ={}, drive=None)


def told(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.what, change.finding.id) for change in changes]


def test_a_finding_begins_once_and_ends_when_it_is_gone_for_a_while() -> None:
    edges = Edges()
    assert told(edges.feed((KEPT, NOTE), 0.0, 0.0)) == [("begins", "cache-kept"), ("begins", "draining")]
    assert edges.feed((KEPT,), 5.0, 0.0) == []
    assert edges.feed((KEPT, NOTE), 10.0, 0.0) == []
    assert edges.feed((KEPT,), 10.0 + GONE_FOR - 1, 0.0) == []
    assert told(edges.feed((KEPT,), 10.0 + GONE_FOR, 0.0)) == [("ends", "draining")]
    assert told(edges.feed((KEPT, NOTE), 60.0, 0.0)) == [("begins", "draining")]


def test_that_nothing_is_wrong_is_no_finding() -> None:
    assert Edges().feed((FINE,), 0.0, 0.0) == []


def test_a_line_is_one_safe_line() -> None:
    line = tell(BEGUN)
    assert line.endswith("begins warning cache-kept: WSL keeps; 5 GiB of cache.")
    assert json.loads(encode(BEGUN))["id"] == "cache-kept"
    assert b"\n" not in encode(BEGUN)
    assert tell(BEGUN._replace(what="ends")).endswith("ends warning cache-kept")


@pytest.mark.parametrize(
    ("how", "environ", "wanted"),
    [
        ("none", {}, ""),
        ("bell", {"WT_SESSION": "1"}, "\a"),
        ("auto", {}, "\a"),
        ("auto", {"WT_SESSION": "1"}, "\x1b]777;notify;wsltop cache-kept;WSL keeps, 5 GiB of cache.\x1b\\\a"),
        ("osc777", {}, "\x1b]777;notify;wsltop cache-kept;WSL keeps, 5 GiB of cache.\x1b\\"),
        ("osc9", {}, "\x1b]9;wsltop cache-kept: WSL keeps, 5 GiB of cache.\x1b\\"),
        (
            "osc9",
            {"TMUX": "x"},
            "\x1bPtmux;\x1b\x1b]9;wsltop cache-kept: WSL keeps, 5 GiB of cache.\x1b\x1b\\\x1b\\",
        ),
    ],
)
def test_a_terminal_is_notified_by_a_sequence_that_no_text_can_end(
    how: str, environ: dict[str, str], wanted: str
) -> None:
    assert terminal_sequence(how, environ, KEPT) == wanted


def test_osc_9_never_begins_with_a_digit() -> None:
    """9;4;… would be the progress bar of Windows Terminal."""
    numbered = Finding(id="4;1;50", severity="problem", verdict="X", sentence="4;1;50")
    assert terminal_sequence("osc9", {}, numbered).startswith("\x1b]9;wsltop ")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def writer(path: Path) -> tuple[str, ...]:
    return (sys.executable, "-c", f"import sys; open({str(path)!r}, 'a').write(sys.stdin.read() + '\\n')")


def test_a_program_reads_the_finding_as_json_at_most_once_in_ten_minutes(tmp_path: Path) -> None:
    path, clock = tmp_path / "told", Clock()
    notifier = Notifier(NotifySettings(exec=writer(path), terminal="none"), NOWHERE, {}, clock)
    for clock.now, count in ((0.0, 1), (QUIET - 1, 1), (QUIET, 2)):
        notifier.notify(BEGUN)
        notifier.notify(Change("begins", NOTE, 0.0))
        wait_until(lambda count=count: path.exists() and path.read_text().count("\n") == count)  # type: ignore[misc]
        notifier.look_after()
    notifier.close()
    assert [json.loads(line)["id"] for line in path.read_text().splitlines()] == ["cache-kept"] * 2


def test_only_the_chosen_findings_notify(tmp_path: Path) -> None:
    path = tmp_path / "told"
    notifier = Notifier(NotifySettings(exec=writer(path), findings=("draining",), terminal="none"), NOWHERE, {})
    notifier.notify(BEGUN)
    notifier.notify(Change("begins", NOTE, 0.0))
    wait_until(lambda: path.exists() and path.read_text().endswith("\n"))
    notifier.look_after()
    notifier.close()
    assert json.loads(path.read_text())["id"] == "draining"


def test_a_program_that_does_not_exist_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="there is no program no-such-notifier"):
        Notifier(NotifySettings(exec=("no-such-notifier",)), NOWHERE, {})


def test_what_cannot_be_notified_is_said_once(capfd: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    notifier = Notifier(NotifySettings(terminal="none", toast=True), NOWHERE, {}, clock)
    notifier.notify(BEGUN)
    clock.now = QUIET
    notifier.notify(BEGUN)
    assert capfd.readouterr().err.count("there is no toast") == 1


@pytest.mark.slow
def test_a_toast_gets_its_text_as_numbers_after_its_program_has_printed(tmp_path: Path) -> None:
    drive, log = FakeDrive(tmp_path), tmp_path / "log"
    windows = drive.powershell(
        "import sys\nprint('wsltop', flush=True)\n"
        f"open({str(log)!r}, 'w').write(sys.stdin.readline() + sys.stdin.readline() + 'end\\n')\n"
    )
    notifier = Notifier(NotifySettings(terminal="none", toast=True), windows, {})
    notifier.notify(BEGUN)
    wait_until(lambda: log.exists() and log.read_text().endswith("end\n"))
    title, text, _ = log.read_text().splitlines()
    assert "".join(chr(int(code)) for code in title.split(",")) == "wsltop: CACHE KEPT"
    assert "".join(chr(int(code)) for code in text.split(",")) == "WSL keeps; 5 GiB of cache."


@pytest.mark.slow
def test_it_runs_until_a_signal_and_reaches_the_terminal(environ: dict[str, str], tmp_path: Path) -> None:
    folder = Path(environ["HOME"]) / ".config/wsltop"
    folder.mkdir(parents=True)
    told_to = tmp_path / "told"
    words = json.dumps(list(writer(told_to)))
    (folder / "config.toml").write_text(f"[notify]\nexec = {words}\nfindings = ['windows-short']\n")
    process = start("watch", "--json", "--every", "1", "--host", "none", environ=environ)
    wait_until(lambda: process.poll() is not None or b"wsltop" in Path(f"/proc/{process.pid}/cmdline").read_bytes())
    try:
        process.wait(4)
    except subprocess.TimeoutExpired:  # it runs, as it should
        process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 143, err
    assert all({"time", "event", "id", "severity"} <= json.loads(line).keys() for line in out.splitlines())


def test_a_wrong_program_in_the_settings_ends_it_before_anything_runs(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[notify]\nexec = ['no-such-notifier']\n")
    status, out, err = program("--config", path, "watch", "--host", "none")
    assert (status, out) == (2, "")
    assert "no-such-notifier" in err


def test_the_bell_rings_in_the_terminal() -> None:
    pid, fd = pty.fork()
    if pid == 0:
        Notifier(NotifySettings(terminal="bell"), NOWHERE, {}).notify(BEGUN)
        os._exit(0)
    said = os.read(fd, 100)
    os.close(fd)
    os.waitpid(pid, 0)
    assert said == b"\a"
