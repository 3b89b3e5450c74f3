"""The status line: what guest this is, live or not, age of the host's figures, own cost."""

from __future__ import annotations

import time
from typing import Final

from msgspec import Struct

from wsltop.charts.cells import Line, Span
from wsltop.core.diagnosis.finding import Finding, rank
from wsltop.core.moment import HOST_FRESH, Moment, host_age
from wsltop.model.reading import Reading, Unavailable
from wsltop.model.sample import Sample
from wsltop.model.text import clean
from wsltop.model.units import format_duration
from wsltop.ui.context import Context
from wsltop.ui.paint import row, width_of
from wsltop.ui.panels.panel import Panel
from wsltop.ui.panels.verdict import SEVERITY_STYLES


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
    """Distro, WSL version, kernel: the first are the last to give way."""
    mode: str
    paused: bool
    host: str
    host_is_old: bool
    own: str
    recording: str = ""
    verdict: str = ""
    """The word of the verdict, where it has no panel of its own."""
    verdict_style: str = "value"


EMPTY: Final = StatusView(identity=(), mode="", paused=False, host="", host_is_old=True, own="")


def pause_of(context: Context, moment: Moment) -> Pause:
    """Where the view stands still, beside what goes on."""
    now = context.live.moment or moment
    return Pause(
        time=moment.sample.time,
        behind=max(0.0, now.sample.monotonic - moment.sample.monotonic),
        waiting=max(0, context.live.samples - context.session.samples),
    )


def status_view(
    moment: Moment,
    *,
    interval: float,
    paused: Pause | None,
    resting: float | None = None,
    finding: Finding | None = None,
    banner: str | None = None,
    recording: str = "",
) -> StatusView:
    """What the status line says of ``moment``.

    ``interval`` is the usual one; ``resting`` the one at rest.
    """
    sample = moment.sample
    host, old = tell_host(sample, interval)
    return StatusView(
        identity=tell_identity(sample),
        mode=banner or (tell_pace(interval, resting) if paused is None else tell_pause(paused)),
        paused=paused is not None or banner is not None,
        host=host,
        host_is_old=old,
        recording=recording,
        verdict="" if finding is None else clean(finding.verdict),
        verdict_style="value" if finding is None else SEVERITY_STYLES[finding.severity],
        own="" if sample.own.cpu is None else f"self {sample.own.cpu * 100:.1f} %",
    )


def tell_pace(interval: float, resting: float | None) -> str:
    """``LIVE 1 s``, or ``QUIET 4 s`` while samples are only taken every so many seconds."""
    return f"LIVE {interval:g} s" if resting is None else f"QUIET {resting:g} s"


def tell_pause(pause: Pause) -> str:
    """``PAUSED 12:03:11 -37 s, 37 waiting, space resumes``: 37 samples are newer than what is shown."""
    clock = time.strftime("%H:%M:%S", time.localtime(pause.time))
    behind = f"{pause.behind:.0f} s" if pause.behind < 60 else format_duration(pause.behind)
    return f"PAUSED {clock}{f' -{behind}' if pause.waiting else ''}, {pause.waiting} waiting, space resumes"


def tell_identity(sample: Sample) -> tuple[str, ...]:
    """Distro, WSL version and kernel, as far as they are known."""
    identity = sample.identity
    parts = (
        known(identity.distro, ""),
        known(identity.wsl_version, "WSL "),
        known(identity.kernel, "Linux "),
    )
    return tuple(part for part in parts if part)


def known(reading: Reading[str], prefix: str) -> str:
    """The text with its prefix, or nothing."""
    return "" if isinstance(reading, Unavailable) else prefix + clean(reading)


def tell_host(sample: Sample, interval: float) -> tuple[str, bool]:
    """The age of the host reading, and whether it is too old to be the present."""
    age = host_age(sample)
    if age is None:
        return "no host", True
    if age < 2 * max(interval, 1.0):
        return "host ok", False
    # Whole seconds: a figure that changes with every tick would be repainted with every tick.
    return f"host {age:.0f} s old", age > max(HOST_FRESH, 3 * interval)


class StatusLine(Panel[StatusView]):
    """One row: what guest this is at the left, how the screen stands at the right."""

    with_verdict = False
    """Whether the word of a bad verdict stands here, because it has no panel of its own."""

    def make_view(self, context: Context) -> StatusView:
        """The line of the moment, and an empty one before the first."""
        moment = context.moment
        if moment is None:
            return EMPTY
        bad = [finding for finding in context.findings[:1] if rank(finding.severity) > rank("note")]
        return status_view(
            moment,
            finding=bad[0] if bad and self.with_verdict else None,
            interval=context.interval,
            resting=context.resting,
            paused=pause_of(context, moment) if context.frozen else None,
            banner=context.banner,
            recording=context.recording,
        )

    def paint(self, view: StatusView, width: int, height: int) -> list[Line]:
        """The line; of the identity as much as there is room for, the distro last to go."""
        glyphs = self.glyphs
        right = [Span(view.mode, "badge" if view.paused else "good"), Span("  ")]
        if view.recording:
            right = [Span(f"{glyphs.filled} {view.recording}", "error"), Span("  "), *right]
        if view.verdict and not view.paused:
            right = [Span(view.verdict, view.verdict_style), Span("  "), *right]
        if view.host:
            mark = glyphs.hollow if view.host_is_old else glyphs.filled
            right += [Span(f"{mark} {view.host}", "muted" if view.host_is_old else "value"), Span("  ")]
        right += [Span(view.own, "note"), Span(" ")]
        name = [Span(" wsltop", "title"), Span("  ")]
        identity = list(view.identity)
        separator = f" {glyphs.separator} "
        while len(identity) > 1:
            if width_of(name) + len(separator.join(identity)) + 2 + width_of(right) <= width:
                break
            identity.pop()
        return [row([*name, Span(separator.join(identity), "value")], right, width, glyphs)]
