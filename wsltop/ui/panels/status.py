"""The status line: what guest this is, live or not, age of the host's figures, own cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from wsltop.charts.cells import Line, Span
from wsltop.core.diagnosis.finding import rank
from wsltop.core.moment import HOST_FRESH, Moment, host_age
from wsltop.model.sample import WAITING, Reading, Sample, Unavailable
from wsltop.model.text import clean, format_clock, format_duration
from wsltop.ui.context import Context
from wsltop.ui.panels.panel import Panel, fit, row, width_of
from wsltop.ui.panels.verdict import SEVERITY_STYLES, WORDS

NARROW: Final = 60
"""Cells below which a notice may stand where a pause or a replay is named."""
SHORTEST: Final = 6
"""Cells in which nothing of a name can be read."""


class Pause(Struct, frozen=True, kw_only=True):
    """Where a view stands still while samples go on."""

    time: float
    """Wall clock of the moment shown."""
    behind: float
    """Seconds from it to now."""
    waiting: int
    """Samples that are newer."""


class StatusView(Struct, frozen=True, kw_only=True):
    """Texts of the status line; what is unknown is left out or says so."""

    identity: tuple[str, ...]
    """Distro, WSL version, kernel, CPUs, uptime: the first are the last to give way."""
    mode: str
    paused: bool
    host: str
    host_is_old: bool
    own: str
    recording: str = ""
    verdict: str = ""
    """The severity of a bad verdict, where the strip does not show it."""
    verdict_style: str = "value"
    notice: str = ""
    failed: bool = False
    """Whether the notice tells of something that did not work."""
    clock: str = ""


EMPTY: Final = StatusView(identity=(), mode="", paused=False, host="", host_is_old=True, own="")


def status_view(context: Context, *, with_verdict: bool = False) -> StatusView:
    """What the status line says of the moment shown; ``with_verdict`` where no strip shows how bad it is."""
    moment = context.moment
    if moment is None:
        return EMPTY
    sample = moment.sample
    here = context.can_act and not context.frozen
    host, old = tell_host(sample, context.interval)
    bad = [one for one in context.findings[:1] if rank(one.severity) > rank("note")]
    shows = with_verdict or bool(context.notice.text)
    mode = tell_pace(context.interval, context.resting)
    if context.frozen:
        mode = tell_pause(pause_of(context, moment))
    return StatusView(
        identity=(*tell_identity(sample), *tell_size(sample), *file_name(context)),
        mode=context.banner or mode,
        paused=context.frozen or context.banner is not None,
        host=host,
        host_is_old=old,
        recording=context.recording,
        verdict=WORDS[bad[0].severity] if bad and shows else "",
        verdict_style=SEVERITY_STYLES[bad[0].severity] if bad else "value",
        # What wsltop used then says nothing of what it uses now.
        own=f"self {sample.own.cpu * 100:.1f} %" if here and sample.own.cpu is not None else "",
        notice=context.notice.text,
        failed=context.notice.failed,
        clock=time.strftime("%H:%M", time.localtime(sample.time)) if here else "",
    )


def file_name(context: Context) -> tuple[str, ...]:
    """The name of the file that is being written, the first to give way."""
    return (context.recording_file,) if context.recording else ()


def pause_of(context: Context, moment: Moment) -> Pause:
    """The moment that a look back shows, and how far behind the newest sample it is."""
    now = context.live.moment or moment
    return Pause(
        time=moment.sample.time,
        behind=max(0.0, now.sample.monotonic - moment.sample.monotonic),
        waiting=max(0, context.live.samples - context.session.samples),
    )


def tell_pace(interval: float, resting: float | None) -> str:
    """``LIVE 1 s``, or ``QUIET 4 s`` while samples are only taken every so many seconds."""
    return f"LIVE {interval:g} s" if resting is None else f"QUIET {resting:g} s"


def tell_pause(pause: Pause) -> str:
    """``PAUSED at 12:03:11, 37 s behind``: what is shown, and how much newer the newest sample is."""
    clock = format_clock(pause.time)
    behind = f"{pause.behind:.0f} s" if pause.behind < 60 else format_duration(pause.behind)
    return f"PAUSED at {clock}{f', {behind} behind' if pause.waiting else ''}"


USUAL_KERNEL: Final = "-microsoft-standard-WSL2"
"""What the names of all of WSL's own kernels end in."""


def tell_identity(sample: Sample) -> tuple[str, ...]:
    """Distro, WSL version and kernel, as far as they are known."""
    identity = sample.identity
    parts = (
        known_text(identity.distro, ""),
        known_text(identity.wsl_version, "WSL "),
        known_text(identity.kernel, "Linux ").removesuffix(USUAL_KERNEL),
    )
    return tuple(part for part in parts if part)


def tell_size(sample: Sample) -> tuple[str, ...]:
    """``8 CPUs``, ``up 9 h``: the uptime in steps that do not repaint the line each second."""
    cpus = () if isinstance(sample.cpu, Unavailable) or not sample.cpu.cpus else (f"{sample.cpu.cpus} CPUs",)
    minutes = int(sample.monotonic // 60)
    up = f"{minutes} min" if minutes < 60 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} d"
    return (*cpus, f"up {up}")


def known_text(reading: Reading[str], prefix: str) -> str:
    """The text with its prefix, or nothing."""
    return "" if isinstance(reading, Unavailable) else prefix + clean(reading)


def tell_host(sample: Sample, interval: float) -> tuple[str, bool]:
    """The age of the host reading, and whether it is too old to be the present."""
    age = host_age(sample)
    if age is None:
        return "asking Windows" if sample.host == WAITING else "no host", True
    if age < 2 * max(interval, 1.0):
        return "host ok", False
    # Whole seconds: a figure that changes with every tick would be repainted with every tick.
    return f"host {age:.0f} s old", age > max(HOST_FRESH, 3 * interval)


class StatusLine(Panel[StatusView]):
    """One row: what guest this is, or a notice, at the left; how the screen stands at the right."""

    with_verdict = False
    """Whether the severity of a bad verdict stands here, because the strip does not show it."""

    def make_view(self, context: Context) -> StatusView:
        """The line of the moment."""
        return status_view(context, with_verdict=self.with_verdict)

    def paint(self, view: StatusView, width: int, height: int) -> list[Line]:
        """The line; what has no room whole is left out, the least important first, and nothing of the rest is cut."""
        glyphs = self.glyphs
        parts = self._parts(view, width)
        notice = [Span(f" {view.notice}", "warning" if view.failed else "title")] if view.notice else []
        # A notice is gone in some seconds: meanwhile all but the verdict may give way.
        weights = sorted(weight for weight, _ in parts if 0 < weight < (7 if notice else 4))
        while weights and width_of(notice) + width_of(spread(parts)) > width:
            lightest = weights.pop(0)
            parts = [part for part in parts if part[0] != lightest]
        right = spread(parts)
        if notice:
            return [row(notice, right, width, glyphs)]
        name = [Span(" wsltop", "title"), Span("  ")]
        identity = list(view.identity)
        separator = f" {glyphs.separator} "
        while len(identity) > 1:
            if width_of(name) + len(separator.join(identity)) + width_of(right) <= width:
                break
            identity.pop()
        room = width - width_of(name) - width_of(right)
        if room > SHORTEST:
            name.append(Span(fit(separator.join(identity), room, glyphs), "value"))
        elif room < 0:
            name = name[:1] if room >= -2 else []
        return [row(name, right, width, glyphs)]

    def _parts(self, view: StatusView, width: int) -> list[tuple[int, Span]]:
        """What stands at the right: each with its weight; the lightest give way first, and one of 0 never does."""
        glyphs = self.glyphs
        host = f"{glyphs.hollow if view.host_is_old else glyphs.filled} {view.host}"
        parts = [
            (0, Span(view.verdict, view.verdict_style)),
            (5, Span(f"{glyphs.filled} {view.recording}" if view.recording else "", "error")),
            ((6 if width < NARROW else 0) if view.paused else 4, Span(view.mode, "badge" if view.paused else "good")),
            (3, Span(host if view.host else "", "muted" if view.host_is_old else "value")),
            (1, Span(view.own, "note")),
            (2, Span(view.clock, "value")),
        ]
        return [(weight, span) for weight, span in parts if span.text]


def spread(parts: Sequence[tuple[int, Span]]) -> list[Span]:
    """The texts with two blanks before each, and one at the end."""
    return [one for _, span in parts for one in (Span("  "), span)] + [Span(" ")]
