"""The ledger card: every byte of the guest with its formula, the host's side, and what could come back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wsltop.charts.cells import Line, Span
from wsltop.charts.glyphs import Glyphs
from wsltop.charts.orders import order_chart
from wsltop.core.ledger import Ledger, free_pages_from
from wsltop.core.moment import Moment
from wsltop.core.outcomes import Outcomes
from wsltop.core.prediction import Prediction, predict_compaction, predict_drop, predict_kill
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import FreeBlocks
from wsltop.core.text import clean
from wsltop.core.units import format_duration, format_size
from wsltop.ui.paint import heading
from wsltop.ui.views.memory import tell

BUCKETS: Final = (
    ("anonymous", "anonymous", "AnonPages: memory of programs"),
    ("shared", "shared", "Shmem: tmpfs and shared memory"),
    ("cache clean", "cache_clean", "the rest of the cache: what a drop frees"),
    ("cache dirty", "cache_dirty", "Dirty + Writeback: written first"),
    ("cache held", "cache_held", "mapped or unevictable: a drop leaves it"),
    ("slab reclaimable", "slab_reclaimable", "SReclaimable: dentries, inodes"),
    ("slab unreclaimable", "slab_unreclaimable", "SUnreclaim"),
    ("page tables", "page_tables", "PageTables + SecPageTables"),
    ("huge pages", "huge_pages", "Hugetlb: reserved, used or not"),
    ("other kernel", "kernel_other", "what remains of MemTotal"),
)
OUTCOMES: Final = 5
NAME: Final = 20
SIZE: Final = 10


def ledger_lines(moment: Moment, outcomes: Outcomes, hogs_hold: int, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield the card's lines."""
    ledger = moment.ledger
    if isinstance(ledger, Unavailable):
        yield heading("every byte of the guest", "Esc closes", width, glyphs)
        yield (Span(f" {tell(ledger)}", "error"),)
        return
    yield heading(f"every byte of the guest: {format_size(ledger.total)}", "Esc closes", width, glyphs)
    for name, attribute, formula in BUCKETS:
        yield row(name, format_size(getattr(ledger, attribute)), formula)
    split = ledger.free_split
    if isinstance(split, Unavailable):
        yield row("free", format_size(ledger.free), tell(split))
    else:
        yield row("fragmented free", format_size(split.fragmented), "free blocks below the reporting order, CPU lists")
        yield row("reportable free", format_size(split.reportable), "free blocks from that order on: given back")
    yield from order_lines(moment, ledger, width, glyphs)
    yield heading("the host's side", "", width, glyphs)
    yield from host_lines(moment, ledger)
    yield heading("what could come back", "predicted", width, glyphs)
    yield from comeback_lines(moment, ledger, outcomes, hogs_hold)
    if outcomes.settled:
        yield heading("what did come back", "predicted, measured, error", width, glyphs)
        yield from outcome_lines(outcomes)


def row(name: str, size: str, text: str) -> Line:
    """A name, a figure, and what it is."""
    return (Span(f" {name:<{NAME}}", "label"), Span(f"{size:>{SIZE}}", "value"), Span(f"  {text}", "note"))


def order_lines(moment: Moment, ledger: Ledger, width: int, glyphs: Glyphs) -> Iterator[Line]:
    """Yield free memory by order, with the reporting order marked."""
    blocks, reporting = moment.sample.free_blocks, ledger.reporting
    if isinstance(blocks, Unavailable) or isinstance(reporting, Unavailable):
        return
    sizes = order_sizes(blocks, moment.sample.page_size)
    assumed = " (assumed)" if reporting.assumed else ""
    block = format_size(moment.sample.page_size << reporting.order)
    yield row("free by order", "", f"reported from order {reporting.order} on: {block}{assumed}")
    yield (Span(" "), *order_chart(sizes, reporting.order, width - 1, glyphs))
    large = free_pages_from(blocks, 7)
    if not large:
        yield (Span(" no free block of order 7 or more: new terminals may hang (WSL#40650)", "warning"),)


def order_sizes(blocks: tuple[FreeBlocks, ...], page_size: int) -> list[int]:
    """Free bytes by order, all zones together."""
    sizes = [0] * max(len(zone.counts) for zone in blocks)
    for zone in blocks:
        for order, count in enumerate(zone.counts):
            sizes[order] += (count << order) * page_size
    return sizes


def host_lines(moment: Moment, ledger: Ledger) -> Iterator[Line]:
    """Yield working set = expected + residue."""
    if isinstance(ledger.expected_host, Unavailable):
        yield row("expected", "unknown", tell(ledger.expected_host))
    else:
        yield row("expected", format_size(ledger.expected_host), "present pages - reportable free")
    if not isinstance(ledger.present, Unavailable):
        yield row("outside MemTotal", format_size(ledger.present - ledger.total), "the kernel's own, before it counted")
    host, residue = moment.host, moment.residue
    if isinstance(host, Unavailable):
        yield row("working set", "unknown", tell(host))
        return
    yield row("working set", format_size(host.working_set), f"of {clean(host.process)}")
    if not isinstance(residue, Unavailable):
        yield row("residue", format_size(residue.size), residue.sentence)


def comeback_lines(moment: Moment, ledger: Ledger, outcomes: Outcomes, hogs_hold: int) -> Iterator[Line]:
    """Yield each way in which memory can come back, with its prediction."""
    draining = moment.draining
    if isinstance(draining, Unavailable):
        yield row("by itself", "unknown", tell(draining))
    else:
        left = f"draining, {format_duration(draining.seconds)} left" if draining.size else "nothing is draining"
        yield row("by itself", format_size(draining.size), left)
    shares = outcomes.shares
    yield predicted("by compaction", predict_compaction(ledger, shares))
    yield predicted("by dropping cache", predict_drop(ledger, shares))
    yield predicted("… and slab", predict_drop(ledger, shares, slab=True))
    if hogs_hold:
        yield predicted("by killing the hogs", predict_kill(ledger, hogs_hold, shares))
    fixed = ledger.kernel_other + ledger.page_tables + ledger.slab_unreclaimable
    yield row("by wsl --shutdown", format_size(fixed), "at least: the kernel's own, and the VM's overhead")


def predicted(name: str, prediction: Reading[Prediction]) -> Line:
    """A way back and its prediction."""
    if isinstance(prediction, Unavailable):
        return row(name, "unknown", tell(prediction))
    return row(name, format_size(prediction.estimate), f"at most {format_size(prediction.at_most)}; {prediction.basis}")


def outcome_lines(outcomes: Outcomes) -> Iterator[Line]:
    """Yield the newest acts: predicted, measured, error."""
    for settled in list(outcomes.settled)[-OUTCOMES:]:
        outcome = settled.outcome
        text = f"measured {format_size(outcome.gained)}, error {format_size(outcome.error)}"
        yield row(settled.act, format_size(outcome.predicted.estimate), text)
