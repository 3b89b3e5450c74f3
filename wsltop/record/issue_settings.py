"""The part of the report for an issue that tells the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wsltop.core.insight import ConfigView, compare_config
from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import Sample
from wsltop.core.surroundings import Surroundings
from wsltop.core.text import clean
from wsltop.core.wslconfig import WslconfigFile, as_wsl_reads
from wsltop.record.report import tell
from wsltop.record.settings import tell_finding

MATTERS: Final = frozenset(
    {
        "memory",
        "swap",
        "swapfile",
        "processors",
        "kernel",
        "kernelcommandline",
        "vmidletimeout",
        "safemode",
        "isolatedistrocgroup",
        "guiapplications",
        "hardwareperformancecounters",
        "instanceidletimeout",
        "automemoryreclaim",
        "sparsevhd",
        "swiotlb",
        "pagereporting",
    }
)
"""Settings that bear on memory, whether this WSL knows them or not; in lower case, as WSL compares them."""


def setting_lines(sample: Sample, config: Reading[ConfigView]) -> Iterator[str]:
    """Yield the settings that bear on memory, what the VM made of them, and the kernel's command line."""
    around: Surroundings = sample.surroundings
    yield from file_lines(around.wslconfig)
    if not isinstance(config, Unavailable):
        mode = config.reclaim
        yield f"autoMemoryReclaim: {mode.mode} ({mode.certainty}: {clean(mode.source)})"
        yield from map(tell_finding, config.findings)
    for row in compare_config(sample):
        sign = "" if row.agrees else " (differs)"
        yield f"{clean(row.key)}: {clean(row.configured)}, in force: {clean(row.actual)}{sign}"
    yield f"command line: {tell(around.cmdline).strip()}"
    for name, reading in (("memory.reclaim", around.reclaim_file), ("page_reporting", around.page_reporting)):
        yield f"{name}: {tell(reading) if isinstance(reading, Unavailable) else 'there' if reading else 'absent'}"


def file_lines(file: Reading[WslconfigFile]) -> Iterator[str]:
    """Yield the lines of ``.wslconfig`` that matter; the others may say anything about their user."""
    if isinstance(file, Unavailable):
        yield f".wslconfig: unknown: {tell(file)}"
        return
    if not file.present:
        yield ".wslconfig: there is none"
        return
    entries = [entry for entry in as_wsl_reads(file).entries if entry.key.lower() in MATTERS]
    yield f".wslconfig ({file.encoding}):"
    for entry in entries:
        yield f"  {entry.line:>3}  {clean(entry.section)}.{clean(entry.key)}={clean(entry.value)}"
    if not entries:
        yield "  nothing about memory"
