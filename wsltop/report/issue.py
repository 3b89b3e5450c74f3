"""The report for an issue, as Markdown: what the maintainers of WSL and Docker ask for first."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from wsltop import __version__
from wsltop.core.diagnosis.finding import Finding
from wsltop.core.holders import apart
from wsltop.core.moment import ConfigView, Moment, compare_config
from wsltop.core.wslconfig.lint import as_wsl_reads
from wsltop.model.sample import (
    NOT_ASKED,
    Distro,
    Distros,
    Event,
    Groups,
    Holders,
    Reading,
    Sample,
    Surroundings,
    Unavailable,
    WslconfigFile,
)
from wsltop.model.text import clean, format_duration, format_size
from wsltop.report.doctor import finding_lines
from wsltop.report.redact import Redactor, versions_in
from wsltop.report.text import (
    EVENTS,
    amount,
    event_line,
    guest_lines,
    host_lines,
    lent_lines,
    stamp,
    tell,
    tell_finding,
)

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


TOP: Final = 10
"""Families, processes and groups that are listed."""
WIDTH: Final = 80


class IssueInput(Struct, frozen=True, kw_only=True):
    """What there is to report."""

    moment: Moment
    findings: tuple[Finding, ...] = ()
    events: tuple[Event, ...] = ()
    """Those about memory, oldest first."""
    config: Reading[ConfigView] = Unavailable("not read")
    roster: Distros = NOT_ASKED
    """What Windows says of its distributions."""
    origin: str = "taken live"
    """Where the figures are from, as a clause."""


def issue(case: IssueInput, redact: Redactor | None = None) -> str:
    """The report, ending with a newline.

    Args:
        case: what there is to report.
        redact: takes out what says who and where somebody is; without it everything stays.
    """
    text = "\n".join(issue_lines(case))
    if redact is None:
        return f"{text}\nNothing is taken out: it has names and paths. Please read it before you post it.\n"
    text = redact.knowing(names_of_distros(case), known_versions(case))(text)
    return (
        f"{text}\nNames of users and machines, own names of distributions, paths, addresses and ids are "
        "taken out. Please read it before you post it.\n"
    )


def issue_lines(case: IssueInput) -> Iterator[str]:
    """Yield the report's lines."""
    sample = case.moment.sample
    around, census = sample.surroundings, sample.census
    holders: Reading[Holders] = census if isinstance(census, Unavailable) else census.holders
    yield "## Memory report by wsltop"
    yield ""
    if case.findings:
        first = case.findings[0]
        yield from block("", [clean(first.verdict), clean(first.sentence)])
    yield from block("Versions", version_lines(case))
    yield from block("Windows", host_lines(case.moment))
    yield from block("Guest", [*guest_lines(case.moment.ledger), *trend_lines(case.moment)])
    yield from block("Distributions", distro_lines(case.roster.distros))
    yield from block("Containers and control groups", group_lines(around.groups))
    yield from block("Top consumers", holder_lines(holders))
    yield from block("Settings", setting_lines(sample, case.config))
    yield from block("Findings", findings_lines(case.findings))
    yield from block("Last events", [event_line(event, sample.time) for event in case.events[-EVENTS:]] or ["none"])


def block(title: str, lines: Iterable[str]) -> Iterator[str]:
    """Yield a heading and lines as they are, whatever is in them."""
    content = [line.rstrip() for line in lines]
    longest = max((len(run) for line in content for run in re.findall(r"`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    if title:
        yield f"### {title}"
        yield ""
    yield f"{fence}text"
    yield from content
    yield fence
    yield ""


def version_lines(case: IssueInput) -> Iterator[str]:
    """Yield what ran where, and when the figures were taken."""
    sample = case.moment.sample
    identity = sample.identity
    yield f"wsltop   {__version__} (Python {platform.python_version()})"
    yield f"figures  {clean(case.origin)}, {stamp(sample.time)}"
    yield f"guest    {tell(sample.surroundings.flavor)}, running for {format_duration(max(0.0, sample.monotonic))}"
    yield f"distro   {tell(identity.distro)}"
    yield f"WSL      {tell(identity.wsl_version)}"
    yield f"kernel   {tell(identity.kernel)}"
    fault = sample.surroundings.interop_fault
    if fault is not None:
        yield f"interop  {tell(fault)}"
    versions = case.roster.versions
    if isinstance(versions, Unavailable):
        yield f"wsl.exe --version: unknown: {tell(versions)}"
    else:
        yield "wsl.exe --version:"
        yield from (f"  {clean(line)}" for line in versions)


def distro_lines(distros: Reading[tuple[Distro, ...]]) -> Iterator[str]:
    """Yield the distributions of Windows, as ``wsl.exe --list --verbose`` has them."""
    if isinstance(distros, Unavailable):
        yield f"unknown: {tell(distros)}"
        return
    states = [state_of(distro) for distro in distros]
    width = max(map(len, states))
    for distro, state in zip(distros, states, strict=True):  # the name last: what replaces it has another length
        yield f"{'*' if distro.default else ' '} WSL {distro.version}  {state:<{width}}  {clean(distro.name)}"


def state_of(distro: Distro) -> str:
    """Whether it runs, and in brackets what Windows says in its own language."""
    known = {True: "running", False: "not running", None: ""}[distro.running]
    said = "" if known == distro.state.lower() else clean(distro.state)
    return f"{known} ({said})" if known and said else known or said


def names_of_distros(case: IssueInput) -> list[str]:
    """The names of distributions that may stand in a report."""
    sample, distros = case.moment.sample, case.roster.distros
    groups = sample.surroundings.groups
    names = [] if isinstance(sample.identity.distro, Unavailable) else [sample.identity.distro]
    names += [] if isinstance(distros, Unavailable) else [distro.name for distro in distros]
    if not isinstance(groups, Unavailable):
        names += [group.name for group in groups.groups if group.kind == "distro"]
    return names


def known_versions(case: IssueInput) -> set[str]:
    """The versions that look like addresses."""
    identity, versions = case.moment.sample.identity, case.roster.versions
    told = [one for one in (identity.kernel, identity.wsl_version) if not isinstance(one, Unavailable)]
    told += [] if isinstance(versions, Unavailable) else versions
    return versions_in("\n".join(told))


def trend_lines(moment: Moment) -> Iterator[str]:
    """Yield how guest and Windows differ, and what is on its way."""
    yield from lent_lines(moment)
    ledger, draining = moment.ledger, moment.draining
    if not isinstance(ledger, Unavailable) and not isinstance(ledger.expected_host, Unavailable):
        yield amount("expected of it", ledger.expected_host)
    if not isinstance(draining, Unavailable) and draining.size:
        yield f"draining {format_size(draining.size)}, for {format_duration(draining.seconds)}"
    sample = moment.sample
    if not isinstance(sample.pressure, Unavailable):
        pressure = sample.pressure
        yield f"pressure some {pressure.some_avg60:.1%}, full {pressure.full_avg60:.1%} (60 s)"


def group_lines(groups: Reading[Groups]) -> Iterator[str]:
    """Yield who shares the VM: distributions and containers, as far as they can be seen from here."""
    if isinstance(groups, Unavailable):
        yield f"unknown: {tell(groups)}"
        return
    yield f"control groups {groups.mode}"
    parts = apart(groups.groups)
    for group in parts[:TOP]:
        cache = "" if group.file is None else f", {format_size(group.file)} of it files"
        limit = "" if group.limit is None else f", limit {format_size(group.limit)}"
        own = ", this one" if group.ours and group.kind == "distro" else ""
        kind = "" if group.kind == "group" else f"{group.kind} "
        yield f"  {format_size(group.current):>10}  {kind}{clean(group.name)}{cache}{limit}{own}"
    if len(parts) > TOP:
        yield f"  and {len(parts) - TOP} more"
    if groups.left_out is not None:
        yield f"not all were read: what is missing is in groups of at most {format_size(groups.left_out)}"
    if groups.frozen:
        yield f"frozen: {clean(', '.join(groups.frozen[:TOP]))}"


def holder_lines(holders: Reading[Holders]) -> Iterator[str]:
    """Yield the biggest families and processes. No part of a command line is known here: it may hold secrets."""
    if isinstance(holders, Unavailable):
        yield f"unknown: {tell(holders)}"
        return
    yield "families"
    for family in holders.families[:TOP]:
        count = len(family.pids)
        about = f"{count} processes" if count > 1 else "1 process"
        about += ", estimated" if family.estimated else ""
        yield f"  {format_size(family.held):>10}  {clean(family.name)} ({about})"
    yield "processes"
    for use in holders.processes[:TOP]:
        if use.held:
            yield f"  {format_size(use.held):>10}  {clean(use.name)} (pid {use.pid})"
    if isinstance(holders.elsewhere, Unavailable):
        yield f"held by what cannot be seen: {tell(holders.elsewhere)}"
    else:
        yield f"held by what cannot be seen: {format_size(holders.elsewhere)} at least; {clean(holders.reason)}"


def findings_lines(findings: tuple[Finding, ...]) -> Iterator[str]:
    """Yield all findings with their figures."""
    if not findings:
        yield "none"
    for place, finding in enumerate(findings):
        if place:
            yield ""
        yield from finding_lines(finding, WIDTH)
