"""``wsltop line``: the memory in one line, for a status bar or a prompt.

``--once`` is on the way of every prompt: what it does not need is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import click

from wsltop.commands.common import Seconds, host_options, merge, sampling, say, say_text, system_of
from wsltop.config import Settings
from wsltop.errors import UsageError
from wsltop.report.line import BARS, FIELDS, Line, check_format, default_line, fill, make_line
from wsltop.system import System

if TYPE_CHECKING:
    from wsltop.core.session import Session

EVERY: Final = 5.0
FRESH: Final = 30.0
"""Seconds after which an answer that another wsltop left is too old: it asks at least every ten."""
HELP: Final = """\
Print the memory in one line: once for a prompt, or again and again for a status bar.

\b
wsltop line --every 5        one line each time; a bar shows the newest
wsltop line --once           asks no Windows, which takes longer: takes what a running wsltop left, else says expected
tmux      set -g status-right '#(wsltop line --every 5 --for tmux)'
waybar    "custom/wsl": {"exec": "wsltop line --every 5 --for waybar", "return-type": "json"}
starship  [custom.wsl]  command = "wsltop line --once --for starship"  when = true

\b
Fields of --format, such as 'WSL {lent}, {back} could come back':
"""


@click.command("line", help=HELP + "\n".join(f"  {name:<18} {about}" for name, about in FIELDS.items()))
@click.option("--once", is_flag=True, help="Print one line and end, within 150 ms.")
@click.option("--every", type=Seconds(0.5, 3600), help=f"Seconds between two lines.  [default: {EVERY:g}]")
@click.option("--format", "text", metavar="TEXT", help="The line, with fields in braces.")
@click.option("--for", "bar", type=click.Choice(list(BARS)), help="Escape what this program would take for markup.")
@host_options
@click.pass_obj
def command(
    settings: Settings, /, once: bool, every: float | None, text: str | None, bar: str | None, **options: Any
) -> None:
    """Print the memory in one line."""
    if once and every is not None:
        raise UsageError("--once prints one line, --every goes on: give one of them")
    if text is not None:
        check_format(text)
    settings = merge(settings, options)
    system = system_of(settings)
    for line in (one_line(system, settings),) if once else lines(system, settings, every or EVERY):
        told = " ".join((default_line(line) if text is None else fill(text, line)).splitlines())
        made = told if bar is None else BARS[bar](told, line)
        if bar == "waybar":
            say(f"{made}\n".encode())  # JSON is UTF-8, whatever the locale
        else:
            say_text(f"{made}\n")


def one_line(system: System, settings: Settings) -> Line:
    """The line of now: the guest is read, Windows' figures are those that another wsltop has left."""
    from wsltop.core.ledger import keep_ledger
    from wsltop.guest.kernel_files import BuddyinfoSource, MeminfoSource, ReportingSource, ZoneinfoSource
    from wsltop.host.choose import NOT_ASKED
    from wsltop.host.shared import NOBODY_ASKS, read_answer
    from wsltop.model.sample import Identity, OwnUse, Sample, Unavailable

    root, unread = system.root, Unavailable("not read for one line")
    host = NOT_ASKED if settings.host == "none" else read_answer(system.windows, system.clock, FRESH)
    with (
        closing(MeminfoSource(root)) as meminfo,
        closing(BuddyinfoSource(root)) as buddyinfo,
        closing(ZoneinfoSource(root)) as zoneinfo,
        closing(ReportingSource(root)) as reporting,
    ):
        sample = Sample(
            time=system.clock.time(),
            monotonic=system.clock.monotonic(),
            identity=Identity(kernel=unread, distro=unread, wsl_version=unread),
            meminfo=meminfo.read(),
            free_blocks=buddyinfo.read(),
            zones=zoneinfo.read(),
            reporting=reporting.read(),
            counters=unread,
            kernel_log=unread,
            host=host,
            own=OwnUse(cpu=None, resident=unread),
        )
    why = "Windows not asked" if host in (NOBODY_ASKS, NOT_ASKED) else "Windows not read"
    return make_line(keep_ledger(sample), host, why=why if system.windows.mounts() else "no Windows")


def lines(system: System, settings: Settings, every: float) -> Iterator[Line]:
    """Yield a line every so many seconds."""
    from wsltop.commands.common import watch
    from wsltop.core.session import Session

    with sampling(settings, every) as sampler:
        session = Session(every, frozenset(settings.silence))
        watch(sampler, session, system.clock, wait=min(every, 5.0))
        while True:
            moment = session.moment
            if moment is not None:
                worst = next((one for one in session.findings if one.severity != "ok"), None)
                yield make_line(
                    moment.ledger,
                    moment.host,
                    shares=session.outcomes.shares,
                    busy=busy_of(session),
                    finding="" if worst is None else worst.id,
                    severity="ok" if worst is None else worst.severity,
                )
            system.clock.sleep(every)
            session.take(sampler.sample())


def busy_of(session: Session) -> str:
    """Who keeps the idle gate shut; empty where it is open, or not known."""
    from wsltop.core.explanation import Explanation

    explanation = session.explanation
    if not isinstance(explanation, Explanation) or explanation.outlook is None:
        return ""
    return next((name for name, _ in explanation.outlook.by), "")
