"""The gap: what the host holds for the guest beyond what the guest uses, as a figure and a sentence."""

from __future__ import annotations

from msgspec import Struct

from wsltop.core.ledger import Ledger
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import HostMemory
from wsltop.core.units import MIB, format_size

WORTH_TELLING = 32 * MIB
"""Parts below this are left out of the sentence: they are noise beside figures in GiB."""


class Gap(Struct, frozen=True, kw_only=True, tag="gap"):
    """Host minus guest."""

    size: int
    """Bytes; negative when the host holds less than the guest uses."""
    measured: bool
    """False: the host could not be read, and the expected figure stands in."""
    sentence: str


def explain_gap(ledger: Reading[Ledger], host: Reading[HostMemory]) -> Reading[Gap]:
    """Compare the working set (or, where there is none, the expected host memory) with the guest's used memory."""
    if isinstance(ledger, Unavailable):
        return ledger
    if not isinstance(host, Unavailable):
        size = host.working_set - ledger.used
        who = "the host" if host.source == "process" else "Windows"
        return Gap(size=size, measured=True, sentence=tell_gap(ledger, size, who))
    if isinstance(ledger.expected_host, Unavailable):
        return ledger.expected_host
    size = ledger.expected_host - ledger.used
    return Gap(size=size, measured=False, sentence=tell_gap(ledger, size, None))


def tell_gap(ledger: Ledger, size: int, who: str | None) -> str:
    """Name the parts of the gap: cache, fragmented free memory, and the rest by its sign; ``None`` only expects it."""
    keeps = "Expected" if who is None else f"{who[0].upper()}{who[1:]} keeps"
    if size < -WORTH_TELLING:
        why = "part of what is free is held in reserve" if who is None else "it has trimmed or compressed the VM"
        return f"{keeps} less than the guest uses: {why}"
    if size < WORTH_TELLING:
        return f"{keeps} what the guest uses, and no more"
    split = ledger.free_split
    parts = [
        (ledger.cache + ledger.slab_reclaimable, "cache"),
        (0 if isinstance(split, Unavailable) else split.fragmented, "fragmented free"),
    ]
    rest = size - sum(part for part, _ in parts)
    parts.append((rest, "draining, or the VM's own"))
    told = [f"{format_size(part)} {name}" for part, name in parts if part >= WORTH_TELLING]
    if rest <= -WORTH_TELLING:
        told.append(f"less {format_size(-rest)} that it does not hold")
    return f"{keeps}: {', '.join(told)}"
