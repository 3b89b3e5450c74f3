"""``wsltop experiment -- COMMAND`` as a pipeline, a script and a terminal use it."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest

from tests.shell import command, environ_of
from tests.waiting import is_readable, wait_until
from wsltop.experiment.keeper import offspring

pytestmark = pytest.mark.slow
QUICK = ("experiment", "--host", "none", "--baseline", "0.5", "--settle", "1")


def wsltop(folder: Path, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*QUICK, *arguments),
        input=text,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environ_of(folder),
        timeout=60,
        check=False,
    )


def shell(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    words = shlex.join(command(*QUICK))
    return subprocess.run(
        ["/bin/bash", "-c", script.replace("WSLTOP", words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environ_of(folder),
        timeout=60,
        check=False,
    )


def test_a_command_reads_and_writes_as_without_us(tmp_path: Path) -> None:
    done = wsltop(tmp_path, "--", "sh", "-c", "cat; echo complaint >&2", text="one\ntwo\n")
    assert (done.returncode, done.stdout) == (0, "one\ntwo\n")
    assert "complaint\n" in done.stderr
    assert "\nverdict  " in done.stderr


def test_its_output_is_live(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command(*QUICK, "--", "sh", "-c", "echo now; read word; echo $word"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env=environ_of(tmp_path),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"now\n"
    process.stdin.write(b"later\n")
    process.stdin.flush()
    assert process.stdout.readline() == b"later\n"
    process.communicate(timeout=30)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("--", "true"), 0),
        (("--", "sh", "-c", "exit 7"), 7),
        (("--", "sh", "-c", "sleep 1.2; exit 9"), 9),
        (("--repeat", "2", "--", "sh", "-c", "exit 5"), 5),
        (("--", "sh", "-c", "kill -9 $$"), 137),
        (("--hold", "0.5", "--", "sleep", "60"), 124),
        (("--", "no-such-program"), 127),
        (("--", "/etc/passwd"), 126),
        (("--then", "compact", "--way", "wsl", "--drive", "/", "--", "true"), 125),
        (("--fail-if", "expected.peak>1M", "--", "true"), 1),
        (("--fail-if", "expected.peak>1M", "--", "sh", "-c", "exit 7"), 7),
        (("--fail-if", "guest.peak>100T", "--", "true"), 0),
        (("--fail-if", "host.peak>6GiB", "--", "true"), 125),
        (("--fail-if", "expected.returned<80%", "--", "true"), 125),
        (("--fail-if", "host.peak", "--", "true"), 2),
    ],
)
def test_the_status_is_the_commands_or_says_why_not(tmp_path: Path, arguments: tuple[str, ...], status: int) -> None:
    done = wsltop(tmp_path, *arguments)
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_limit_says_figure_limit_and_value(tmp_path: Path) -> None:
    done = wsltop(tmp_path, "--fail-if", "guest.peak>1MiB", "--fail-if", "host.peak<1G", "--", "sh", "-c", "exit 3")
    lines = [line for line in done.stderr.splitlines() if "fail-if" in line]
    assert (done.returncode, len(lines)) == (3, 2)
    assert lines[0].startswith("wsltop: fail-if guest.peak>1MiB: guest.peak is ")
    assert lines[0].endswith("iB: FAILED")
    assert lines[1].startswith("wsltop: fail-if host.peak<1G: host.peak is not known: the host is not asked")


def test_the_report_goes_to_a_file_and_the_output_stays_the_commands(tmp_path: Path) -> None:
    done = wsltop(tmp_path, "--json", "--output", "report.json", "--", "echo", "mine")
    assert (done.returncode, done.stdout) == (0, "mine\n")
    told = json.loads((tmp_path / "report.json").read_text())
    assert told["trials"][0]["exit_code"] == 0
    assert "{" not in done.stderr


def test_in_a_pipeline(tmp_path: Path) -> None:
    done = shell(tmp_path, "set -o pipefail; printf 'b\\na\\n' | WSLTOP -- sort 2>/dev/null | head -n 1")
    assert (done.returncode, done.stdout) == (0, "a\n")
    done = shell(tmp_path, "WSLTOP -- cat <(echo by descriptor) 2>/dev/null")
    assert (done.returncode, done.stdout) == (0, "by descriptor\n")
    done = shell(tmp_path, "EMPTY=; WSLTOP -- $EMPTY")
    assert (done.returncode, done.stdout) == (2, "")
    done = shell(tmp_path, "WSLTOP -- sh -c 'exit 4' || echo failed with $?")
    assert done.stdout == "failed with 4\n"


def test_a_reader_who_leaves_ends_the_command_by_sigpipe(tmp_path: Path) -> None:
    done = shell(tmp_path, "WSLTOP -- yes 2>/dev/null | head -n 1; echo ${PIPESTATUS[0]}")
    assert done.stdout == f"y\n{128 + signal.SIGPIPE}\n"


def test_a_sigterm_lets_the_command_tidy_up_and_ends_with_143(tmp_path: Path) -> None:
    script = "trap 'echo tidy; exit 0' TERM; echo runs; while :; do sleep 0.1; done"
    process = subprocess.Popen(
        command(*QUICK, "--", "sh", "-c", script),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env=environ_of(tmp_path),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"runs\n"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert (process.returncode, out) == (143, b"tidy\n")


class Terminal:
    """wsltop in the foreground of a terminal of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            words = command(*QUICK, *arguments)
            os.execve(words[0], words, environ_of(folder) | {"TERM": "xterm"})  # noqa: S606 - no shell
        self.text = ""

    def until(self, word: str, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while word not in self.text:
            assert time.monotonic() < deadline, self.text
            self.read()

    def read(self) -> bool:
        if not is_readable(self.fd, 0.2):
            return True
        try:
            self.text += os.read(self.fd, 65536).decode(errors="replace")
        except OSError:
            return False
        return True

    def end(self) -> int:
        while self.read():
            pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def test_the_terminal_is_the_commands(tmp_path: Path) -> None:
    script = "test -t 0 && test -t 1 && test -t 2 && stty size >/dev/null && read word && echo got-$word"
    terminal = Terminal(tmp_path, "--", "sh", "-c", f"echo ready; {script}")
    terminal.until("ready")
    os.write(terminal.fd, b"abc\n")
    terminal.until("got-abc")
    assert terminal.end() == 0
    during = terminal.text.partition("ready")[2].partition("got-abc")[0]
    assert "experiment:" not in during


HOGS: Final = ("--hogs", "1", "--size", "64M", "--hold", "0")


@pytest.mark.parametrize(("answer", "status", "ran"), [("n", 1, False), ("", 1, False), ("y", 0, True)])
def test_hogs_are_started_after_a_yes(tmp_path: Path, answer: str, status: int, ran: bool) -> None:
    """``wsltop experiment`` took 4 GiB without a word."""
    terminal = Terminal(tmp_path, *HOGS)
    terminal.until("Take 64 MiB for it? [y/N]")
    assert "1 hog of 64 MiB" in terminal.text
    assert "available now" in terminal.text
    os.write(terminal.fd, answer.encode() + b"\n")
    assert terminal.end() == status
    assert ("verdict" in terminal.text) is ran


def test_a_size_beyond_all_ram_is_a_mistake_and_says_what_fits(tmp_path: Path) -> None:
    """``--size 100T`` took what there was, and said so in a remark."""
    done = wsltop(tmp_path, "--size", "100T", "--hogs", "2", "--dry-run")
    assert done.returncode == 2
    assert re.search(r"100 TiB is more than all RAM here, .*: --hogs 2 --size \d+M fits now", done.stderr)


def test_ctrl_c_at_the_question_ends_with_130(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, *HOGS)
    terminal.until("[y/N]")
    time.sleep(0.3)  # it reads by then
    os.write(terminal.fd, b"\x03")
    assert terminal.end() == 130
    assert "verdict" not in terminal.text


def test_yes_and_no_terminal_are_not_asked_and_told(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, *HOGS, "--yes")
    assert terminal.end() == 0
    assert "[y/N]" not in terminal.text
    done = subprocess.run(
        command(*QUICK, *HOGS), stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=tmp_path,
        env=environ_of(tmp_path), check=True,
    )  # fmt: skip
    assert "1 hog of 64 MiB" in done.stderr.partition("wsltop: experiment: baseline")[0]
    assert "[y/N]" not in done.stderr


def test_ctrl_c_is_the_commands(tmp_path: Path) -> None:
    """A program that handles it goes on, and wsltop with it; one that it ends, ends the experiment."""
    terminal = Terminal(
        tmp_path, "--", "sh", "-c", "trap 'echo heard; exit 0' INT; echo ready; while :; do sleep 0.1; done"
    )
    terminal.until("ready")
    os.write(terminal.fd, b"\x03")
    terminal.until("heard")
    assert terminal.end() == 0
    assert "verdict" in terminal.text
    assert "Interrupted" not in terminal.text
    terminal = Terminal(tmp_path, "--", "sleep", "60")
    wait_until(lambda: len(offspring(terminal.pid)) >= 2)
    time.sleep(0.3)
    os.write(terminal.fd, b"\x03")
    assert terminal.end() == 130
    assert "ended by SIGINT" in terminal.text
