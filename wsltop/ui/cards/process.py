"""All that is known of one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar, Final

from rich.cells import chop_cells
from textual.binding import Binding, BindingType

from wsltop.charts.cells import Line, Span
from wsltop.charts.spark import spark
from wsltop.core.holders import PROCESS_WINDOW
from wsltop.core.prediction import Prediction, predict_kill
from wsltop.core.session import Session
from wsltop.guest.process_details import ProcessDetails
from wsltop.guest.process_memory import read_process_memory
from wsltop.model.sample import USER_HZ, ProcessUse, Reading, Sample, Unavailable, known
from wsltop.model.text import clean, format_duration, format_size
from wsltop.ui.cards.card import Card
from wsltop.ui.cards.process_list import ProcessList
from wsltop.ui.panels.footer import words_of
from wsltop.ui.panels.panel import heading, wrap

NAME: Final = 16
"""Cells of the names at the left."""
MOST: Final = 40
"""Rows of one text."""
STATES: Final = {
    "R": "running",
    "S": "sleeping",
    "D": "waiting for a device",
    "T": "stopped",
    "t": "traced",
    "Z": "ended, not yet waited for",
    "I": "idle",
}
"""What ``ps`` calls the states."""
CURVE: Final = 40
"""Cells of the curve of growth."""


def predict_end(session: Session, use: ProcessUse) -> Reading[Prediction]:
    """What ending a process would make free for Windows."""
    ledger = Unavailable("nothing was sampled") if session.moment is None else session.moment.ledger
    if isinstance(ledger, Unavailable):
        return ledger
    pss = known(use.pss)
    shared = (pss.shared or 0) if pss else 0
    memory = read_process_memory(Path("/"), use.pid)
    return predict_kill(ledger, use.anonymous, session.outcomes.shares, shared=shared, memory=memory)


def tell_end(predicted: Reading[Prediction]) -> str:
    """What ending it would give back, as a sentence without its end."""
    if isinstance(predicted, Unavailable):
        return f"what it would give back is unknown: {predicted}"
    return f"would give back {predicted.tell()}"


class ProcessCard(Card):
    """The card of one process; x asks whether it is to be ended.

    Args:
        listed: what is known of the processes.
        use: the process.
        end: asks.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("x,f9", "end", "end it", key_display="x")]

    def __init__(
        self, listed: ProcessList, use: ProcessUse, end: Callable[[ProcessUse, ProcessDetails | None], None]
    ) -> None:
        context = listed.context
        super().__init__(
            context.glyphs,
            lambda width: process_lines(listed, use, width),
            "enter",
            words=lambda: words_of(context),
        )
        self._listed, self._use, self._end_process = listed, use, end

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only a process of now can be ended."""
        return self._listed.context.shows_now if action == "end" else super().check_action(action, parameters)

    def action_end(self) -> None:
        """Ask whether it is to be ended."""
        self._end_process(self._use, self._listed.seen(self._use))


def process_lines(listed: ProcessList, chosen: ProcessUse, width: int) -> Iterator[Line]:
    """Yield the lines: names at the left, what is known at the right."""
    listed.refresh()
    glyphs = listed.context.glyphs
    use = next((one for one in listed.all if (one.pid, one.started) == (chosen.pid, chosen.started)), None)
    gone = use is None
    use = use or chosen
    yield heading(f"{clean(use.name)}, pid {use.pid}", "has ended or is small" if gone else "", width, glyphs)
    for name, text in facts(listed, use):
        room = max(8, width - NAME - 2)
        whole = " ".join(piece for word in text.split(" ") for piece in chop_cells(word, room) or [""])
        rows = wrap(whole, room, MOST, glyphs) or [""]
        for number, row in enumerate(rows):
            yield (Span(f" {name if not number else '':<{NAME}} ", "note"), Span(row.rstrip(), "value"))


def facts(listed: ProcessList, use: ProcessUse) -> Iterator[tuple[str, str]]:
    """Yield names and texts."""
    context = listed.context
    moment = context.moment
    if moment is None:
        return
    if context.shows_now:
        listed.look([use])
        seen, place = listed.seen(use), listed.place(use)
        yield "user", (seen.owner if seen else "") or "unknown"
    parent = next((one for one in listed.all if one.pid == use.parent), None)
    yield "parent", f"{use.parent}{'' if parent is None else f' {clean(parent.name)}'}"
    if use.family != use.name:
        yield "family", clean(use.family)
    yield "started", tell_started(moment.sample, use)
    yield "state", f"{STATES.get(use.state, use.state)}{f', nice {use.nice}' if use.nice else ''}"
    yield "CPU", tell_cpu(listed, use)
    yield from memory_facts(listed, use)
    growth = listed.growth(use)
    if growth.rate is not None:
        first, last = growth.curve[0], growth.curve[-1]
        span = format_duration(min(PROCESS_WINDOW, last[0] - first[0]))
        text = "steady" if growth.steady else f"{format_size(growth.rate)} per minute, over the last {span}"
        yield "growth", f"{spark(growth.curve, CURVE, context.glyphs, steady=growth.steady)} {text}"
        sizes = f"{format_size(first[1])} {format_duration(last[0] - first[0])} before, {format_size(last[1])} then"
        yield "", f"anonymous: {sizes}"
    if context.shows_now:
        yield "control group", "unknown" if seen is None or seen.group is None else f"/{seen.group}"
        yield "runs in", place or "unknown"
        yield "ending it", tell_end(predict_end(context.session, use))
        command = (seen.command if seen else "") or "none"
        yield "command line", command if context.state.command_lines else "hidden"


def memory_facts(listed: ProcessList, use: ProcessUse) -> Iterator[tuple[str, str]]:
    """Yield what it holds, in parts."""
    pss = known(use.pss)
    if isinstance(use.pss, Unavailable):
        yield "holds", f"about {format_size(use.held)}, its anonymous memory; of shared pages: {use.pss}"
    else:
        yield "holds", f"{format_size(use.held)} (PSS: of shared pages its part alone)"
    yield "  anonymous", format_size(use.anonymous)
    if pss is not None:
        yield "  file", "unknown" if pss.file is None else format_size(pss.file)
        yield "  shared", "unknown" if pss.shared is None else format_size(pss.shared)
    yield "in RAM", f"{format_size(use.rss)} (RSS), {format_size(use.shared)} of it file or shared memory"
    if listed.context.shows_now:
        status = listed.details.status(use)
        yield "in swap", "unknown" if status.swap is None else format_size(status.swap)
        score = "unknown" if status.oom_score is None else str(status.oom_score)
        adjusted = f", adjusted by {status.oom_adjustment}" if status.oom_adjustment else ""
        yield "OOM score", f"{score}{adjusted}; the highest is killed first when memory runs out"
        if status.threads is not None:
            yield "threads", str(status.threads)


def tell_started(sample: Sample, use: ProcessUse) -> str:
    """When it was started, and how long ago."""
    cpu = known(sample.cpu)
    if cpu is None or cpu.boot_time is None:
        return "unknown"
    began = cpu.boot_time + use.started / USER_HZ
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(began))
    return f"{clock}, {format_duration(max(0.0, sample.time - began))} ago"


def tell_cpu(listed: ProcessList, use: ProcessUse) -> str:
    """What it computes now, and what it has computed."""
    share = listed.shares.get(use.pid)
    now = "" if share is None else f"{100 * share:.1f} % of a core lately, "
    return f"{now}{format_duration((use.user_ticks + use.system_ticks) / USER_HZ)} since it was started"
