"""``wsltop watch``: a line for each finding that begins or ends, and a notification where one is wanted."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

import click
import msgspec

from wsltop.child import Child
from wsltop.commands.common import Seconds, host_options, merge, sampling, say, say_text, system_of
from wsltop.commands.common import watch as watch_machine
from wsltop.config import NotifySettings, Settings
from wsltop.core.diagnosis.finding import Finding
from wsltop.core.session import Session
from wsltop.errors import UsageError
from wsltop.host.interop import Windows
from wsltop.host.toast import show_toast
from wsltop.model.sample import Unavailable
from wsltop.model.text import clean

EVERY: Final = 5.0
GONE_FOR: Final = 15.0
"""Seconds without a finding after which it has ended: one that comes and goes is one."""
QUIET: Final = 600.0
"""Seconds in which a finding notifies at most once."""
PATIENCE: Final = 30.0
"""Seconds after which a program that notifies is killed."""
OSC_HINT: Final = (
    "Windows Terminal shows notifications of programs from the version that knows OSC 777 on, and only with "
    '"compatibility.allowOSC777": true below "profiles", "defaults" in its settings.json; until then the bell rings'
)


class Change(NamedTuple):
    """A finding that has begun or ended."""

    what: Literal["begins", "ends"]
    finding: Finding
    time: float
    """Wall clock."""


class Edges:
    """Finds out which findings begin and end from those that hold at each sample."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[Finding, float]] = {}

    def feed(self, findings: tuple[Finding, ...], monotonic: float, time: float) -> list[Change]:
        """What has begun, worst first, and what has ended."""
        held = {finding.id: finding for finding in findings if finding.severity != "ok"}
        begun = [Change("begins", finding, time) for name, finding in held.items() if name not in self._open]
        self._open |= {name: (finding, monotonic) for name, finding in held.items()}
        ended = [Change("ends", finding, time) for finding, seen in self._open.values() if monotonic - seen >= GONE_FOR]
        for change in ended:
            del self._open[change.finding.id]
        return [*begun, *ended]


@click.command("watch")
@click.option("--every", type=Seconds(1, 300), default=EVERY, show_default=True, help="Seconds between two samples.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each, for programs.")
@click.option(
    "--notify", is_flag=True, help="Notify as [notify] in the settings says, by default through the terminal."
)
@click.option("--wait", type=Seconds(0, 60), default=8.0, show_default=True, help="Seconds for Windows to answer.")
@host_options
@click.pass_obj
def command(settings: Settings, /, every: float, as_json: bool, notify: bool, wait: float, **options: Any) -> None:
    """Print a line for each finding that begins or ends, until a signal.

    Notifies, too, with --notify or where the settings have a table [notify]: at the beginning of a finding, and at
    most once for it in 10 minutes. `wsltop settings --default` shows what can be set: which findings, a program that
    reads the finding as JSON, the terminal's own notification, a toast of Windows.
    """
    settings = merge(settings, options)
    system = system_of(settings)
    wanted = settings.notify if notify or settings.notify != NotifySettings() else None
    notifier = None if wanted is None else Notifier(wanted, system.windows, os.environ)
    with sampling(settings, every) as sampler, contextlib.ExitStack() as stack:
        if notifier is not None:
            stack.callback(notifier.close)
        session, edges = Session(every, frozenset(settings.silence)), Edges()
        moment = watch_machine(sampler, session, system.clock, wait=wait)
        while True:
            for change in edges.feed(session.findings, moment.sample.monotonic, moment.sample.time):
                if as_json:
                    say(encode(change) + b"\n")
                else:
                    say_text(tell(change) + "\n")
                sys.stdout.flush()
                if notifier is not None and change.what == "begins":
                    notifier.notify(change)
            system.clock.sleep(every)
            if notifier is not None:
                notifier.look_after()
            session.take(sampler.sample())
            moment = moment if session.moment is None else session.moment


def tell(change: Change) -> str:
    """``2026-11-26 14:03:12 begins problem oom-kill: The kernel killed node.``"""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(change.time))
    finding = change.finding
    told = "" if change.what == "ends" else f": {finding.sentence}"
    return clean(f"{at} {change.what} {finding.severity} {finding.id}{told}")


def encode(change: Change) -> bytes:
    """The same as JSON, on one line."""
    finding = change.finding
    return msgspec.json.encode(
        {
            "time": change.time,
            "event": change.what,
            "id": finding.id,
            "severity": finding.severity,
            "verdict": finding.verdict,
            "sentence": finding.sentence,
            "evidence": [{"name": one.name, "value": one.value} for one in finding.evidence],
            "remedy": [{"kind": one.kind, "does": one.does, "text": one.text} for one in finding.remedy],
        }
    )


class Notifier:
    """Notifies of findings by a program, the terminal and a toast, each as the settings say.

    Raises:
        UsageError: the program does not exist.
    """

    def __init__(
        self,
        settings: NotifySettings,
        windows: Windows,
        environ: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._windows, self._environ, self._clock = settings, windows, environ, clock
        self._command = find_program(settings.exec)
        self._told: dict[str, float] = {}
        self._children: list[tuple[Child, float]] = []
        self._complained: set[str] = set()

    def notify(self, change: Change) -> None:
        """Notify of a finding that has begun, if it is one that the user wants and it has been quiet of it."""
        finding, now = change.finding, self._clock()
        chosen = self._settings.findings
        if finding.id not in chosen if chosen else finding.severity not in ("warning", "problem"):
            return
        if now - self._told.get(finding.id, -QUIET) < QUIET:
            return
        self._told[finding.id] = now
        if self._command:
            self._run(encode(change))
        sequence = terminal_sequence(self._settings.terminal, self._environ, finding)
        if sequence:
            self._write(sequence)
        if self._settings.toast:
            self._toast(finding)

    def look_after(self) -> None:
        """Reap the programs that have ended, and end those that hang."""
        left = []
        for child, since in self._children:
            child.read()
            if child.poll() is None:
                if self._clock() - since < PATIENCE:
                    left.append((child, since))
                    continue
                child.end(0.0)
            child.close()
        self._children = left

    def close(self) -> None:
        """Let the programs end in the time they have left, and no longer."""
        for child, _ in self._children:
            child.leave()

    def _run(self, text: bytes) -> None:
        try:
            child = Child(self._command, directory=None, text=text, errors="merged")
        except OSError as error:
            self._complain(f"cannot start {self._command[0]}: {error.strerror}")
        else:
            self._children.append((child, self._clock()))

    def _write(self, sequence: str) -> None:
        try:
            with open("/dev/tty", "wb", buffering=0) as terminal:  # noqa: PTH123 - a device
                terminal.write(sequence.encode())
        except OSError as error:
            self._complain(f"the terminal cannot be notified: {error.strerror}")
            return
        if "]777;" in sequence and self._environ.get("WT_SESSION"):
            self._complain(OSC_HINT)

    def _toast(self, finding: Finding) -> None:
        relay = show_toast(self._windows, f"wsltop: {finding.verdict}", finding.sentence)
        if isinstance(relay, Unavailable):
            self._complain(f"there is no toast: {relay}")
            return
        relay.wait_output(PATIENCE / 10)
        relay.read()
        relay.leave()

    def _complain(self, text: str) -> None:
        """Say once on standard error why a notification does not work."""
        if text not in self._complained:
            self._complained.add(text)
            click.echo(f"wsltop: {text}", err=True)


def find_program(words: tuple[str, ...]) -> tuple[str, ...]:
    """The program of ``notify.exec`` by its absolute path, found once in PATH, which is the user's choice here.

    Raises:
        UsageError: there is no such program.
    """
    if not words:
        return ()
    path = shutil.which(words[0])
    if path is None:
        raise UsageError(f"notify.exec: there is no program {clean(words[0])}")
    return (os.path.abspath(path), *words[1:])  # noqa: PTH100 - a link keeps its name


def terminal_sequence(how: str, environ: Mapping[str, str], finding: Finding) -> str:
    """What makes a terminal notify: OSC 777 and the bell in Windows Terminal, the bell in others, or what is chosen.

    In tmux it is wrapped to pass through, which needs ``set -g allow-passthrough on``.
    """
    title, text = plain(f"wsltop {finding.id}"), plain(finding.sentence)
    bell = "\a" if how in ("auto", "bell") else ""
    if how == "auto" and environ.get("WT_SESSION"):
        how = "osc777"
    sequence = {
        "osc777": f"\x1b]777;notify;{title};{text}\x1b\\",
        # A number first would be another command: 9;4 is the progress bar of Windows Terminal.
        "osc9": f"\x1b]9;{title}: {text}\x1b\\",
    }.get(how, "")
    if sequence and environ.get("TMUX"):
        doubled = sequence.replace("\x1b", "\x1b\x1b")
        sequence = f"\x1bPtmux;{doubled}\x1b\\"
    return sequence + bell


def plain(text: str) -> str:
    """Text without what a sequence could end or be parted by."""
    return re.sub(r"[;\x00-\x1f\x7f-\x9f]", ",", clean(text))
