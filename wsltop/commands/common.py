"""What commands share: output, options for sampling, a sampler that is always closed, signals, systemd units."""

from __future__ import annotations

import contextlib
import math
import os
import re
import select
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from wsltop import __version__
from wsltop.config import Settings
from wsltop.errors import ExitCode, WsltopError
from wsltop.host.choose import CHOICES, check_choice
from wsltop.model.sample import WAITING
from wsltop.system import HERE, System, open_system

if TYPE_CHECKING:  # a prompt waits for wsltop line --once, which needs none of them
    from wsltop.clock import SystemClock
    from wsltop.core.moment import Moment
    from wsltop.core.session import Session
    from wsltop.sampler import Sampler


def say_text(text: str) -> None:
    """Write for people; what their terminal's encoding lacks becomes a question mark."""
    say(text.encode(getattr(sys.stdout, "encoding", None) or "utf-8", "replace"))


def say(data: bytes) -> None:
    """Write to standard output, where the reader may have gone away or the disk may be full."""
    try:
        click.echo(data, nl=False)
    except OSError as error:
        drop_output()
        if isinstance(error, BrokenPipeError):
            raise SystemExit(ExitCode.OK) from None  # the reader has enough
        raise WsltopError(f"cannot write to standard output: {error.strerror}") from error


def drop_output() -> None:
    """Send to nowhere what standard output did not take: Python would write it again at the end, and fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


CommandT = TypeVar("CommandT", bound=Callable[..., Any])
HOST_HELP = "Where the host's figures come from: auto, powershell, tasklist, process:NAME-or-PID, none."
DRIVE_HELP = "Where the Windows system drive is mounted, where wsltop does not find it."
LATE = 2.0
"""Seconds that a command waits for what is asked in the background and answers at once where all is well."""
GLANCE = 0.05
"""Seconds between two looks at whether Windows has answered."""


class Seconds(click.FloatRange):
    """A number of seconds; refuses ``nan``, which no bound would."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds from text."""
        try:
            seconds = float(value)
        except ValueError:
            seconds = math.nan
        if math.isnan(seconds):
            self.fail(f"{value!r} is not a number of seconds", param, ctx)
        return float(super().convert(seconds, param, ctx))


INTERVAL = Seconds(0.2, 60)
ROOT = "wsltop.root"
SYSTEM = "wsltop.system"
"""Keys of what the context of a command line remembers."""


CHOSEN = "wsltop.chosen"
"""Key of ``click.Context.meta``: the path of the settings file and the options before the command, as given."""


def complete_hosts(_context: click.Context, _option: click.Parameter, incomplete: str) -> list[str]:
    """The values of ``--host`` that a shell offers."""
    values = ("process:" if name.startswith("process") else name for name in CHOICES)
    return [value for value in values if value.startswith(incomplete)]


def complete_times(_context: click.Context, _option: click.Parameter, incomplete: str) -> list[str]:
    """Examples of each form of ``--at`` that a shell offers."""
    return [value for value in ("start", "end", "-5m", "50%", "90s") if value.startswith(incomplete)]


def host_options(command: CommandT) -> CommandT:
    """Add ``--host`` and ``--drive`` to a command, and the hidden ``--root``."""
    command = root_option(command)
    command = click.option("--drive", type=click.Path(path_type=Path), metavar="DIR", help=DRIVE_HELP)(command)
    return click.option("--host", metavar="SOURCE", help=HOST_HELP, shell_complete=complete_hosts)(command)


def merge(settings: Settings, options: dict[str, Any]) -> Settings:
    """The settings with what the command line says in their place.

    Raises:
        UsageError: the host's source is none that there is.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if "drive" in given:
        given["drive"] = str(given["drive"])
    fields = {name: getattr(settings, name) for name in settings.__struct_fields__}
    merged = Settings(**(fields | given))
    check_choice(merged.host)
    return merged


def root_option(command: CommandT) -> CommandT:
    """Add the hidden ``--root DIR``, for contributors and tests: everything about the guest is below DIR."""
    folder = click.Path(exists=True, file_okay=False, path_type=Path)
    text = "For contributors: read everything about the guest below DIR, and let actions write there."
    return click.option(
        "--root", type=folder, metavar="DIR", callback=keep_root, expose_value=False, hidden=True, help=text
    )(command)


def keep_root(context: click.Context, _option: click.Parameter, root: Path | None) -> None:
    """Remember the root for ``system_of``, whichever command it was given to."""
    if root is not None:
        context.meta[ROOT] = root


def system_of(settings: Settings) -> System:
    """The machine that the command line names; the same one, with the same clock, for a whole run."""
    context = click.get_current_context(silent=True)
    meta = {} if context is None else context.meta
    drive = drive_of(settings)
    known = meta.get(SYSTEM)
    if not isinstance(known, System) or known.drive != drive:
        known = meta[SYSTEM] = open_system(meta.get(ROOT, HERE), drive)
    return known


def refuse_without_windows(system: System, needed: str) -> None:
    """End with the status of "this is not WSL" where this is not WSL 2; ``needed`` is what Windows would have.

    A drive that the user named stands for Windows.
    """
    from wsltop.guest.identity import identify_guest

    guest = identify_guest(system.root, system.environ)
    if guest.flavor != "wsl2" and system.drive is None:
        release = guest.release or "unknown"
        click.echo(f"wsltop: this is not WSL 2 (kernel {release}): there is no Windows with {needed}", err=True)
        raise SystemExit(ExitCode.NOT_WSL)


@contextmanager
def sampling(settings: Settings, interval: float) -> Iterator[Sampler]:
    """A sampler with its host source started, and both ended afterwards."""
    system = system_of(settings)
    host = system.open_host(settings.host, interval)
    host.start()
    sampler = system.open_sampler(host)
    try:
        yield sampler
    finally:
        sampler.close()
        host.close()


def drive_of(settings: Settings) -> Path | None:
    """The drive that the user named."""
    return None if settings.drive is None else Path(settings.drive)


def watch(sampler: Sampler, session: Session, clock: SystemClock, *, wait: float, seconds: float = 0.0) -> Moment:
    """Feed a session every sample, the first one included, and return its newest moment.

    The first sample carries the kernel log back to boot: a session that does not get it knows of no OOM kill before
    it began.

    Args:
        wait: seconds to wait for Windows' first answer, at most.
        seconds: how long to watch at least.
    """
    sampler.wait(min(wait, LATE))
    began = clock.monotonic()
    while True:
        sample = sampler.sample()
        session.take(sample)
        passed = clock.monotonic() - began
        waiting = sample.host == WAITING and passed < wait
        if sampler.behind:
            continue  # the kernel log is long: read on before anything is judged
        if not waiting and passed >= seconds and session.moment is not None:
            return session.moment
        pause(sampler, clock, session.interval, waiting=waiting)


def pause(sampler: Sampler, clock: SystemClock, seconds: float, *, waiting: bool) -> None:
    """Sleep until the next sample is due, or until Windows has answered where that is waited for."""
    end = clock.monotonic() + seconds
    while (left := end - clock.monotonic()) > 0:
        clock.sleep(min(GLANCE, left) if waiting else left)
        if waiting and sampler.host.read() != WAITING:
            return


SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Notes the first signal that asks to end, and ends the sleep that it comes into."""

    def __init__(self) -> None:
        self.number = 0
        """Of the signal; 0 when none has come."""
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    @property
    def name(self) -> str:
        """The name of the signal; empty when none has come."""
        return signal.Signals(self.number).name if self.number else ""

    def fileno(self) -> int:
        """A descriptor that can be read once a signal has come."""
        return self._woken

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Note a signal."""
        self.number = self.number or number
        with contextlib.suppress(BlockingIOError):  # the pipe is full: it can be read
            os.write(self._wake, b".")

    def forget(self) -> None:
        """Wait for the next signal: this one was for another process."""
        self.number = 0
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 4096)

    def sleep(self, seconds: float) -> None:
        """Wait, unless a signal has come or comes."""
        if not self.number:
            select.select([self._woken], [], [], max(0.0, seconds))

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._woken)
        os.close(self._wake)


@contextlib.contextmanager
def noted_signals(*unheeded: signal.Signals) -> Iterator[Interruption]:
    """Signals as notes, for as long as it is open. A handler that raised could end a command in the middle of a write.

    A signal that our parent ignores stays ignored: that is how nohup works. ``unheeded`` signals do nothing. They are
    not ignored either: a program that is started would inherit that.
    """
    interruption = Interruption()
    handlers = dict.fromkeys(SIGNALS, interruption.note) | dict.fromkeys(unheeded, lambda *_: None)
    wanted = {number: one for number, one in handlers.items() if signal.getsignal(number) is not signal.SIG_IGN}
    former = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield interruption
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        interruption.close()


PLAIN: Final = re.compile(r"[\w@+=:,./-]+", re.ASCII)
"""What needs no quotes in a unit, see systemd.service(5)."""
TEMPLATE: Final = """\
# A systemd user unit, printed by wsltop {version}. Save it as ~/.config/systemd/user/{name}.service, then:
#   systemctl --user daemon-reload && systemctl --user enable --now {name}
# WSL must run systemd: [boot] systemd=true in /etc/wsl.conf. systemd does not keep WSL alive: when Windows no longer
# uses the VM it ends, and this unit with it; it starts again with WSL.
[Unit]
Description={description}

[Service]
ExecStart={command}
# Programs of Windows must be asked to end by wsltop, and not get systemd's signal first.
KillMode=process
SuccessExitStatus=143
Restart=on-failure
RestartSec=10

[Install]
WantedBy=default.target
"""


def service_unit(name: str, description: str, arguments: Sequence[str]) -> str:
    """The text of the unit ``name``, which runs wsltop with these arguments."""
    command = " ".join(quote(word) for word in (*program(), *arguments))
    return TEMPLATE.format(version=__version__, name=name, description=description, command=command)


def program() -> tuple[str, ...]:
    """How to start this wsltop from anywhere, an absolute path first."""
    script = os.path.abspath(sys.argv[0])  # noqa: PTH100 - a link such as pipx makes stays what it is
    if script.endswith(("/wsltop", ".pyz")) and os.path.isfile(script) and os.access(script, os.X_OK):  # noqa: PTH113 - a text
        return (script,)
    return (sys.executable, "-m", "wsltop")


def quote(word: str) -> str:
    """A word of ExecStart; ``%`` and ``$`` would be replaced by systemd."""
    if PLAIN.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return '"' + escaped.replace("\n", "\\n") + '"'
