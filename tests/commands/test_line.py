"""``wsltop line``: its fields, what each bar would take for markup, and that a prompt does not wait for it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from html import unescape
from pathlib import Path

import pyte
import pytest

from tests.commands.program import Program, start
from tests.host.stand_ins import ANSWERS, FakeDrive
from tests.laptop.layout import lay_guest, lay_windows
from tests.samples import GIB, host_memory, small_sample
from tests.shell import command, environ_of
from tests.waiting import is_readable
from wsltop.core.ledger import keep_ledger
from wsltop.host.shared import read_answer
from wsltop.model.sample import Unavailable
from wsltop.report.line import BARS, FIELDS, Line, check_format, default_line, fill, for_tmux, for_waybar, make_line

NO = Unavailable("not read in this test")
EVIL = '#[fg=red] #(id) <b>&amp;</b> "x" \\ $x `id` %H'
LOADED = """
import sys
from wsltop.cli import program
try:
    program.main(sys.argv[1:], standalone_mode=False)
finally:
    print("loaded:", *sorted(sys.modules), file=sys.stderr)
"""


def made(**changes: object) -> Line:
    ledger = keep_ledger(small_sample())
    return make_line(ledger, host_memory(working_set=8 * GIB), **changes)  # type: ignore[arg-type]  # of the fields


def test_the_line_says_what_is_lent_used_could_come_back_and_who_is_busy() -> None:
    assert default_line(made(busy="node")).startswith("WSL 8.0 GiB lent · 2.0 GiB used · ")
    assert default_line(made(busy="node")).endswith(" could come back · busy: node")
    assert "busy" not in default_line(made())


def test_without_windows_the_figure_is_the_expected_one_and_says_so() -> None:
    line = make_line(keep_ledger(small_sample()), NO)
    assert " expected (Windows not read) · " in default_line(line)
    assert line.fields["windows_available"] == "?"
    assert default_line(make_line(NO, NO, why="x")) == "WSL ? expected (x) · ? used · ? could come back"


def test_once_says_that_windows_was_not_asked(program: Program, tmp_path: Path) -> None:
    """It said "expected" where Windows would have answered, and "expected" where there is none."""
    lay_guest(tmp_path, boot_time=1e9)
    lay_windows(tmp_path)
    assert "expected (Windows not asked) · " in program("--root", tmp_path, "line", "--once").out
    plain = tmp_path / "plain"
    plain.mkdir()
    assert "expected (no Windows) · " in program("--root", plain, "line", "--once").out


def test_every_field_can_be_in_a_format() -> None:
    line = made(busy="node", finding="cache-kept", severity="warning")
    assert set(line.fields) == set(FIELDS)
    text = check_format(" ".join(f"{{{name}}}" for name in FIELDS))
    assert fill(text, line) == " ".join(line.fields.values())
    assert fill("{{lent}} {lent}", line) == "{lent} 8.0 GiB"


@pytest.mark.parametrize("text", ["{nothing}", "{lent", "}", "{lent!r}", "{lent.real}", "{0}"])
def test_a_format_with_a_field_that_is_none_is_wrong_usage(program: Program, text: str) -> None:
    status, out, err = program("line", "--once", "--format", text)
    assert (status, out) == (2, "")
    assert "The fields are lent, how" in err


def test_waybar_gets_json_whose_text_is_no_markup() -> None:
    line = made(busy=EVIL, severity="warning")
    module = json.loads(for_waybar(default_line(line), line))
    assert "<" not in module["text"] + module["tooltip"]
    assert unescape(module["text"]) == default_line(line)
    assert module["class"] == "warning"


def test_tmux_shows_a_sharp_as_it_is() -> None:
    assert for_tmux("#(id) #S", made()) == "##(id) ##S"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux: install the package tmux")
def test_the_real_tmux_shows_what_is_meant(tmp_path: Path) -> None:
    told = "a #[fg=red] #(id) #S z"
    job = tmp_path / "job"
    job.write_text(f"#!/bin/sh\ncat <<'E'\n{for_tmux(told, made())}\nE\nsleep 60\n")
    job.chmod(0o755)
    pid, fd = pty.fork()
    if pid == 0:
        settings = ("status-right-length 120", "status-interval 1", f"status-right '#({job})'")
        words = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null", "new-session", "sleep 60"]
        for one in settings:
            name, _, value = one.partition(" ")
            words += [";", "set", "-g", name, value.strip("'")]
        os.execvpe(words[0], words, os.environ | {"TERM": "xterm", "LC_ALL": "C.UTF-8"})  # noqa: S606 - no shell
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 6, 150, 0, 0))
    screen = pyte.Screen(150, 6)
    stream = pyte.ByteStream(screen)
    deadline = time.monotonic() + 20
    try:
        while told not in screen.display[-1]:
            assert time.monotonic() < deadline, screen.display
            if is_readable(fd, 0.2):
                stream.feed(os.read(fd, 65536))
    finally:
        subprocess.run(["/usr/bin/env", "tmux", "-S", str(tmp_path / "socket"), "kill-server"], check=False)
        os.close(fd)
        os.waitpid(pid, 0)


def test_it_is_one_line_whatever_the_format(program: Program) -> None:
    for bar in BARS:
        status, out, err = program("line", "--once", "--host", "none", "--for", bar, "--format", "a\n{lent}\r\nb")
        assert (status, err, out.count("\n")) == (0, "", 1)


def test_a_prompt_waits_for_little(tmp_path: Path) -> None:
    """CPU time, since this machine may be busy: 150 ms on one that is not."""
    spent = []
    for _ in range(5):
        before = os.times()
        done = subprocess.run(command("line", "--once"), capture_output=True, env=environ_of(tmp_path), check=True)
        after = os.times()
        spent.append(after.children_user + after.children_system - before.children_user - before.children_system)
        assert b" expected " in done.stdout
    assert min(spent) < 0.15


def test_one_line_loads_neither_the_session_nor_a_program_of_windows(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, "line", "--once"],
        capture_output=True,
        text=True,
        env=environ_of(tmp_path),
        check=True,
    )
    loaded = set(done.stderr.partition("loaded:")[2].split())
    assert not loaded & {"textual", "psutil", "wsltop.core.session", "wsltop.sampler", "tomllib"}


def test_lines_go_on_until_the_reader_leaves_or_a_signal_comes(environ: dict[str, str]) -> None:
    Path(environ["HOME"]).mkdir()
    process = start("line", "--every", "0.5", "--host", "none", environ=environ)
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"WSL ")
    assert process.stdout.readline().startswith(b"WSL ")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 143


def test_once_and_every_exclude_each_other(program: Program) -> None:
    assert program("line", "--once", "--every", "2").status == 2


def test_without_an_asker_there_is_no_answer(tmp_path: Path) -> None:
    from wsltop.clock import SYSTEM_CLOCK
    from wsltop.host.interop import Windows

    (tmp_path / "run").mkdir()
    windows = Windows(root=tmp_path, environ={}, drive=tmp_path)
    answer = read_answer(windows, SYSTEM_CLOCK)
    assert isinstance(answer, Unavailable)
    assert "no wsltop asks Windows" in answer.reason


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.parametrize("age", [0.0, 60.0])
def test_of_many_short_commands_at_once_never_two_ask_windows(tmp_path: Path, age: float) -> None:
    """The stand-in holds a lock while it runs, and notes when it finds it taken: two PowerShells at the same time."""
    runtime, log = tmp_path / "run", tmp_path / "log"
    runtime.mkdir(mode=0o700)
    drive = FakeDrive(tmp_path)
    drive.powershell(
        f"""
import fcntl
held = open({str(tmp_path / "held")!r}, "w")
try:
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    told = "alone"
except BlockingIOError:
    told = "twice"
open({str(log)!r}, "a").write(told + "\\n")
{ANSWERS}"""
    )
    environ = environ_of(tmp_path) | {"XDG_RUNTIME_DIR": str(runtime)}
    snapshot = command("snapshot", "--json", "--wait", "30", "--host", "powershell", "--drive", str(drive.path))
    subprocess.run(snapshot, env=environ, stdout=subprocess.DEVNULL, check=True)
    (answer,) = (runtime / "wsltop").glob("powershell-*.answer")
    left = json.loads(answer.read_text())
    answer.write_text(json.dumps(left | {"at": left["at"] - age}))
    running = [subprocess.Popen(snapshot, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    told = [json.loads(one.communicate(timeout=60)[0]) for one in running]
    assert [one["host"]["working_set"] for one in told] == [11 * GIB] * 6
    assert "twice" not in log.read_text()
    assert log.read_text().startswith("alone")


def test_line_watch_and_metrics_ask_windows_once_and_a_prompt_uses_the_answer(tmp_path: Path) -> None:
    """Three long-lived commands at once start one powershell.exe; ``--once`` starts none."""
    runtime, log = tmp_path / "run", tmp_path / "log"
    runtime.mkdir(mode=0o700)
    drive = FakeDrive(tmp_path)
    drive.powershell(f"open({str(log)!r}, 'a').write('started\\n')\n{ANSWERS}")
    environ = environ_of(tmp_path) | {"XDG_RUNTIME_DIR": str(runtime)}
    where = ("--host", "powershell", "--drive", str(drive.path))
    running = []
    try:
        # Each second the one who asks would have 3 s for an answer; on a busy machine another then asks, as it should.
        for words in (("line", "--every", "3"), ("watch", "--every", "3"), ("metrics", "--listen", "127.0.0.1:0")):
            one = subprocess.Popen(
                command(*words, *where), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environ, text=True
            )
            running.append(one)
        assert running[0].stdout is not None
        for _ in range(20):
            if " lent · " in running[0].stdout.readline():
                break
        once = subprocess.run(
            command("line", "--once", "--format", "{lent} {how}", "--drive", str(drive.path)),
            capture_output=True,
            text=True,
            env=environ,
            check=True,
        )
        assert once.stdout == "11.0 GiB lent\n"
        time.sleep(2)
        assert log.read_text() == "started\n"
    finally:
        for one in running:
            one.terminate()
            one.communicate()
