"""What .wslconfig asks for against what the VM has, and what to write as memory=."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct

from wsltop.core.wslconfig.grammar import (
    RECLAIM,
    U64,
    WslConfig,
    parse_version,
    parse_wsl_bool,
    parse_wsl_int,
    parse_wsl_size,
    render_size,
)
from wsltop.core.wslconfig.lint import MINIMUM_MEMORY, ConfigFinding, quote
from wsltop.model.sample import Reading, Unavailable, known
from wsltop.model.text import GIB, MIB, format_duration, format_size

Mode = Literal["dropCache", "gradual", "disabled"]
"""``autoMemoryReclaim``."""
MODES: Final[dict[str, Mode]] = {"dropcache": "dropCache", "gradual": "gradual", "disabled": "disabled"}
Certainty = Literal["configured", "default", "assumed"]
"""``configured``: the file says so; ``default``: file and version are known; ``assumed``: one of them is not, or the
file changed after the VM started."""
NAME: Final = "experimental.autoMemoryReclaim"
INTRODUCED: Final = (2, 0, 0)
DROP_CACHE_BY_DEFAULT: Final = (2, 1, 3)
"""Release notes of 2.1.3, "Set the default reclamation mode to dropcache"."""


class ReclaimMode(Struct, frozen=True, kw_only=True):
    """The mode and why we think so."""

    mode: Mode
    certainty: Certainty
    source: str
    """A clause, safe to show: ``line 7 of .wslconfig``."""
    line: int | None = None


def reclaim_mode(config: Reading[WslConfig], wsl_version: Reading[str], *, in_force: bool | None = True) -> ReclaimMode:
    """Infer the mode. ``config`` without entries is an absent file; ``in_force=False`` is a file newer than the VM."""
    version = None if isinstance(wsl_version, Unavailable) else parse_version(wsl_version)
    if version is not None and version < INTRODUCED:
        return ReclaimMode(mode="disabled", certainty="default", source="WSL before 2.0.0 has no automatic reclaim")
    if isinstance(config, Unavailable):
        mode, _, why = default_mode(version)
        return ReclaimMode(mode=mode, certainty="assumed", source=f"{why}; .wslconfig unknown: {config.reason}")
    found = configured_mode(config, version)
    if in_force is False:
        return ReclaimMode(
            mode=found.mode,
            certainty="assumed",
            source=f"{found.source}; the file changed after the VM started",
            line=found.line,
        )
    return found


def configured_mode(config: WslConfig, version: tuple[int, ...] | None) -> ReclaimMode:
    """Read the mode from the file, or fall back to the default as WSL does."""
    entry = config.first(NAME)
    mode, certainty, why = default_mode(version)
    if entry is None:
        return ReclaimMode(mode=mode, certainty=certainty, source=f"not set in .wslconfig; {why}")
    if entry.value.lower() in MODES:
        return ReclaimMode(
            mode=MODES[entry.value.lower()],
            certainty="configured",
            source=f"line {entry.line} of .wslconfig",
            line=entry.line,
        )
    return ReclaimMode(
        mode=mode,
        certainty=certainty,
        source=f"{quote(entry.value)!r} in line {entry.line} is none of {', '.join(RECLAIM)}; {why}",
        line=entry.line,
    )


def default_mode(version: tuple[int, ...] | None) -> tuple[Mode, Certainty, str]:
    """The default of a version of WSL."""
    if version is None:
        return "dropCache", "assumed", "dropCache is the default since 2.1.3, and this version is unknown"
    if version < DROP_CACHE_BY_DEFAULT:
        return "disabled", "default", "the default before 2.1.3"
    return "dropCache", "default", "the default since 2.1.3"


DEFAULTS_SINCE: Final = (2, 0, 0)
"""Before, the default of memory was 80 % (until Windows build 20175), then half and at most 8 GB."""
STEP: Final = 2 * MIB
"""The VM's memory is rounded down to it; swap may differ by the page that holds its header."""
CLOCK_MARGIN: Final = 2.0
"""Seconds that Windows' and the guest's clock may differ; WSL reads the file about a second before the kernel boots."""


class Machine(Struct, frozen=True, kw_only=True):
    """The VM as it runs."""

    mem_total: Reading[int]
    """MemTotal, bytes."""
    swap_total: Reading[int]
    """SwapTotal, bytes."""
    cpus: Reading[int]
    """Online processors of the VM, not those that a process may use."""
    cmdline: Reading[str]
    """``/proc/cmdline``."""
    boot_time: Reading[float]
    """When the VM booted, seconds since the epoch (``btime`` of ``/proc/stat``)."""
    windows_total: Reading[int]
    """RAM of Windows, bytes."""
    wsl_version: Reading[str] = Unavailable("the version of WSL is unknown")

    @property
    def knows_defaults(self) -> bool:
        """Whether this WSL is known to have the defaults that are compared; older ones had others."""
        version = known(self.wsl_version)
        parsed = None if version is None else parse_version(version)
        return parsed is not None and parsed >= DEFAULTS_SINCE


class Comparison(Struct, frozen=True, kw_only=True):
    """One setting: asked for, and there."""

    key: str
    configured: str
    """The setting as in the file, or that it is the default."""
    expected: str
    """What WSL makes of it."""
    actual: str
    agrees: bool
    line: int | None


def in_force(file_mtime: float | None, boot_time: Reading[float]) -> bool | None:
    """Whether the VM has read the file as it is now; ``None``: unknown. Without a file there is nothing newer."""
    if file_mtime is None:
        return True
    if isinstance(boot_time, Unavailable):
        return None
    return file_mtime <= boot_time + CLOCK_MARGIN


def effective(config: WslConfig, machine: Machine, file_mtime: float | None) -> tuple[ConfigFinding, ...]:
    """Where the file and the VM differ."""
    valid = in_force(file_mtime, machine.boot_time)
    findings = []
    if valid is False:
        findings.append(
            ConfigFinding(
                id="config-not-in-force",
                severity="warning",
                text="The file was changed after the VM started: WSL has not read the change yet.",
                remedy="Save your work in every distribution, then run wsl --shutdown on Windows.",
            )
        )
    remedy = (
        "Run wsl --shutdown on Windows; the VM is older than the file."
        if valid is False
        else "Run wsl --shutdown on Windows once; if it stays, look for a warning of WSL when it starts."
    )
    findings += [
        ConfigFinding(
            id=f"config-{FINDING_IDS[row.key]}",
            line=row.line,
            severity="warning" if row.line else "note",
            text=f"{row.configured} means {row.expected}, but the VM has {row.actual}.",
            remedy=remedy,
        )
        for row in compare(config, machine)
        if not row.agrees
    ]
    return tuple(findings)


FINDING_IDS: Final = {
    "memory": "memory-differs",
    "swap": "swap-differs",
    "processors": "processors-differ",
    "kernelCommandLine": "command-line-missing",
}


def compare(config: WslConfig, machine: Machine) -> tuple[Comparison, ...]:
    """Every setting that can be compared; what cannot be read or foretold is left out."""
    rows = (compare_memory, compare_swap, compare_processors, compare_command_line)
    return tuple(row for compare_one in rows for row in compare_one(config, machine))


def vm_memory(config: WslConfig, windows_total: Reading[int]) -> int | None:
    """The memory that WSL gives the VM; ``None`` when that hangs on Windows' RAM and it is unknown."""
    size = size_of(config, "wsl2.memory")
    total = known(windows_total)
    if not size:
        return None if total is None else total // 2 // STEP * STEP
    size = max(size, MINIMUM_MEMORY)
    return (size if total is None else min(size, total)) // STEP * STEP


def compare_memory(config: WslConfig, machine: Machine) -> Iterator[Comparison]:
    """Compare MemTotal, which is always less than the VM's memory, by what the kernel keeps for itself.

    That is 1/64 for the page descriptors (64 bytes for each 4 KiB), its own image and early allocations, and the bounce
    buffers (64 MiB by default, or ``swiotlb``): 1/32 and 256 MiB together leave room, and a VM that did not get the
    setting differs by far more.
    """
    expected = vm_memory(config, machine.windows_total)
    if expected is None or isinstance(machine.mem_total, Unavailable):
        return
    if not size_of(config, "wsl2.memory") and not machine.knows_defaults:
        return
    slack = expected // 32 + 256 * MIB + (size_of(config, "experimental.swiotlb") or 0)
    yield Comparison(
        key="memory",
        configured=configured(config, "wsl2.memory"),
        expected=f"a VM of {format_size(expected)}",
        actual=f"{format_size(machine.mem_total)} (MemTotal)",
        agrees=expected - slack <= machine.mem_total <= expected + STEP,
        line=line_of(config, "wsl2.memory"),
    )


def compare_swap(config: WslConfig, machine: Machine) -> Iterator[Comparison]:
    """Compare SwapTotal. More than expected is no contradiction: a distribution can add swap of its own."""
    memory = vm_memory(config, machine.windows_total)
    size = size_of(config, "wsl2.swap")
    safe = config.first("wsl2.safeMode")
    if safe is not None and parse_wsl_bool(safe.value):
        size = 0
    elif size is None or size == U64 - 1:
        size = None if memory is None or not machine.knows_defaults else -(-(memory // 4) // GIB) * GIB
    if size is None or isinstance(machine.swap_total, Unavailable):
        return
    yield Comparison(
        key="swap",
        configured=configured(config, "wsl2.swap"),
        expected=f"{format_size(size)} of swap" if size else "no swap",
        actual=format_size(machine.swap_total) if machine.swap_total else "none",
        agrees=machine.swap_total >= size - STEP if size else machine.swap_total == 0,
        line=line_of(config, "wsl2.swap"),
    )


def compare_processors(config: WslConfig, machine: Machine) -> Iterator[Comparison]:
    """Compare the processors, when the file limits them; WSL cuts the number to what Windows has."""
    entry = config.first("wsl2.processors")
    count = parse_wsl_int(entry.value) if entry else None
    if count is None or count <= 0 or isinstance(machine.cpus, Unavailable):
        return
    yield Comparison(
        key="processors",
        configured=configured(config, "wsl2.processors"),
        expected=f"{count} processors, or as many as Windows has",
        actual=str(machine.cpus),
        agrees=machine.cpus <= count,  # with more than Windows has WSL warns, and gives what there is
        line=line_of(config, "wsl2.processors"),
    )


def compare_command_line(config: WslConfig, machine: Machine) -> Iterator[Comparison]:
    """Look for the additional arguments in ``/proc/cmdline``, where WSL appends them as they are."""
    entry = config.first("wsl2.kernelCommandLine")
    if entry is None or not entry.value.split() or isinstance(machine.cmdline, Unavailable):
        return
    wanted = f" {' '.join(entry.value.split())} "
    present = wanted in f" {' '.join(machine.cmdline.split())} "
    yield Comparison(
        key="kernelCommandLine",
        configured=configured(config, "wsl2.kernelCommandLine"),
        expected="these arguments in /proc/cmdline",
        actual="them" if present else "others",
        agrees=present,
        line=entry.line,
    )


def size_of(config: WslConfig, name: str) -> int | None:
    """A size that WSL takes from the file; ``None``: it uses the default."""
    entry = config.first(name)
    return parse_wsl_size(entry.value) if entry else None


def configured(config: WslConfig, name: str) -> str:
    """What the file says, for people."""
    entry = config.first(name)
    return f"{quote(entry.key)}={quote(entry.value)}" if entry else f"The default of {name.partition('.')[2]}"


def line_of(config: WslConfig, name: str) -> int | None:
    """Where the file says it."""
    entry = config.first(name)
    return entry.line if entry else None


MARGIN: Final = 4
"""A quarter on top of what was seen, and at least a GiB: tomorrow's build is not today's."""
FLOOR: Final = 2 * GIB
"""Less makes distributions with systemd and an editor's server swap."""
SUGGESTED_STEP: Final = 512 * MIB
SHORT: Final = 3600.0
"""Observed for less than this many seconds, a peak says little."""


class Observed(Struct, frozen=True, kw_only=True):
    """The most that was seen of each, in bytes."""

    peak_used: int
    """MemTotal less MemAvailable: what the guest cannot do without."""
    active_cache: int = 0
    """Active(file): page cache that was used more than once, beyond what MemAvailable counts as needed."""
    swap_used: int = 0
    """Anonymous memory that did not fit."""
    seconds: float | None = None
    """How long was looked."""


class Suggestion(Struct, frozen=True, kw_only=True):
    """A line for ``.wslconfig``, and why."""

    line: str
    size: int
    reasons: tuple[str, ...]


def suggest_memory(observed: Observed, total: int, windows_total: Reading[int]) -> Suggestion:
    """Suggest ``memory=`` for the working set that was seen. ``total`` is MemTotal."""
    working_set = observed.peak_used + observed.active_cache + observed.swap_used
    margin = max(working_set // MARGIN, GIB)
    size = round_up(max(working_set + margin, FLOOR))
    reasons = [
        f"at the peak {format_size(observed.peak_used)} were in use",
        *([f"{format_size(observed.active_cache)} of file cache were in active use"] * bool(observed.active_cache)),
        *([f"{format_size(observed.swap_used)} were swapped out"] * bool(observed.swap_used)),
        f"{format_size(margin)} are margin",
    ]
    if isinstance(windows_total, Unavailable):
        reasons.append(f"Windows' RAM is unknown ({windows_total.reason}): leave it at least 4 GiB")
    else:
        ceiling = max(
            (windows_total - max(windows_total // MARGIN, 4 * GIB)) // SUGGESTED_STEP * SUGGESTED_STEP,
            windows_total // 2,
        )
        if size > ceiling:
            size = round_down(ceiling)
            reasons.append(f"less than that sum, because Windows has {format_size(windows_total)} and needs its part")
    if observed.peak_used + observed.swap_used >= total - total // 10:
        reasons.append(f"the peak touched the present limit of {format_size(total)}: the need may be higher")
    if observed.seconds is not None and observed.seconds < SHORT:
        reasons.append(f"seen in {format_duration(observed.seconds)} only: look again after a day's work")
    return Suggestion(line=f"memory={render_size(size)}", size=size, reasons=tuple(reasons))


def round_up(size: int) -> int:
    """The next size that people write: half GiB below 4 GiB, whole ones above."""
    step = SUGGESTED_STEP if size <= 4 * GIB else GIB
    return -(-size // step) * step


def round_down(size: int) -> int:
    """The previous size that people write, at least one step."""
    step = SUGGESTED_STEP if size <= 4 * GIB else GIB
    return max(size // step * step, SUGGESTED_STEP)
