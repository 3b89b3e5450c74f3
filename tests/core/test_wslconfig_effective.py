"""What the file asks for against the VM, the mode of reclaim, and the suggested limit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.core.wslconfig.effective import (
    Machine,
    Observed,
    compare,
    effective,
    in_force,
    reclaim_mode,
    suggest_memory,
)
from wsltop.core.wslconfig.grammar import WslConfig, parse, parse_wsl_size
from wsltop.model.sample import Reading, Unavailable
from wsltop.model.text import GIB, MIB

NO = Unavailable(reason="interop is disabled")
BOOT = 1_000_000.0


def machine(
    mem_total: Reading[int] = NO,
    swap_total: Reading[int] = NO,
    cpus: Reading[int] = NO,
    cmdline: Reading[str] = NO,
    windows_total: Reading[int] = NO,
) -> Machine:
    return Machine(
        mem_total=mem_total,
        swap_total=swap_total,
        cpus=cpus,
        cmdline=cmdline,
        boot_time=BOOT,
        windows_total=windows_total,
        wsl_version="2.7.11.0",
    )


@pytest.mark.parametrize(
    ("text", "vm", "expected"),
    [
        # free -m said 3932 for memory=4GB (WSL#6890), 7.8 GiB for 8G (NixOS-WSL#123)
        ("[wsl2]\nmemory=4GB", machine(3932 * MIB), []),
        ("[wsl2]\nmemory=8G", machine(int(7.8 * GIB)), []),
        # memory=6GB in UTF-16 left 25 GB (WSL#7851)
        ("[wsl2]\nmemory=6GB", machine(25 * GIB), ["config-memory-differs"]),
        ("[wsl2]\nmemory=8GB", machine(6 * GIB), ["config-memory-differs"]),
        ("[wsl2]\nmemory=64GB", machine(int(15.6 * GIB), windows_total=16 * GIB), []),
        ("[wsl2]\nmemory=1", machine(200 * MIB), []),
        ("[wsl2]\nmemory=8 GB", machine(int(7.8 * GIB), windows_total=16 * GIB), []),
        ("[wsl2]\nmemory=8 GB", machine(int(7.8 * GIB), windows_total=32 * GIB), ["config-memory-differs"]),
        ("", machine(int(7.8 * GIB), windows_total=16 * GIB), []),
        ("", machine(int(12.5 * GIB), windows_total=16 * GIB), ["config-memory-differs"]),
        ("", machine(12 * GIB), []),
        ("[wsl2]\nmemory=8GB", machine(), []),
        ("[experimental]\nswiotlb=1GB\n[wsl2]\nmemory=8GB", machine(int(6.8 * GIB)), []),
        ("[wsl2]\nswap=0", machine(swap_total=0), []),
        ("[wsl2]\nswap=0", machine(swap_total=4 * GIB), ["config-swap-differs"]),
        ("[wsl2]\nswap=4GB", machine(swap_total=4 * GIB - 4096), []),
        ("[wsl2]\nswap=4GB", machine(swap_total=8 * GIB), []),
        ("[wsl2]\nswap=4GB", machine(swap_total=0), ["config-swap-differs"]),
        ("[wsl2]\nmemory=6GB", machine(swap_total=2 * GIB), []),
        ("[wsl2]\nmemory=6GB\nswap=-1", machine(swap_total=1 * GIB), ["config-swap-differs"]),
        ("[wsl2]\nsafeMode=true\nswap=4GB", machine(swap_total=0), []),
        ("", machine(swap_total=0), []),
        ("[wsl2]\nprocessors=2", machine(cpus=2), []),
        ("[wsl2]\nprocessors=2", machine(cpus=8), ["config-processors-differ"]),
        ("[wsl2]\nprocessors=32", machine(cpus=16), []),  # WSL cuts it to what Windows has
        ("[wsl2]\nprocessors=0", machine(cpus=8), []),
        ("[wsl2]\nprocessors=two", machine(cpus=8), []),
        ("[wsl2]\nkernelCommandLine=vsyscall=emulate", machine(cmdline="quiet vsyscall=emulate x"), []),
        ('[wsl2]\nkernelCommandLine="a  b"', machine(cmdline="x a b\n"), []),
        ("[wsl2]\nkernelCommandLine=a b", machine(cmdline="a c b"), ["config-command-line-missing"]),
        ("[wsl2]\nkernelCommandLine=cgroup", machine(cmdline="cgroup_no_v1=all"), ["config-command-line-missing"]),
        ("[wsl2]\nkernelCommandLine=", machine(cmdline="x"), []),
    ],
)
def test_configured_against_effective(text: str, vm: Machine, expected: list[str]) -> None:
    assert [finding.id for finding in effective(parse(text), vm, BOOT - 100)] == expected


def test_a_finding_says_both_sides_and_the_line() -> None:
    (finding,) = effective(parse("[wsl2]\nmemory=6GB"), machine(25 * GIB), BOOT - 100)
    assert finding.line == 2
    assert finding.text == "memory=6GB means a VM of 6.0 GiB, but the VM has 25.0 GiB (MemTotal)."


def test_a_file_newer_than_the_vm_is_not_in_force() -> None:
    findings = effective(parse("[wsl2]\nmemory=6GB"), machine(25 * GIB), BOOT + 100)
    assert [finding.id for finding in findings] == ["config-not-in-force", "config-memory-differs"]
    assert all("wsl --shutdown" in finding.remedy for finding in findings)


@pytest.mark.parametrize(
    ("mtime", "boot", "expected"),
    [(None, BOOT, True), (BOOT - 1, BOOT, True), (BOOT + 1, BOOT, True), (BOOT + 3, BOOT, False), (BOOT, NO, None)],
)
def test_in_force(mtime: float | None, boot: Reading[float], expected: bool | None) -> None:
    assert in_force(mtime, boot) is expected


def test_compare_shows_what_agrees_too() -> None:
    rows = compare(parse("[wsl2]\nmemory=4GB\nswap=0\n"), machine(3932 * MIB, 0))
    assert [(row.key, row.agrees, row.line) for row in rows] == [("memory", True, 2), ("swap", True, 3)]


@pytest.mark.parametrize(
    ("config", "version", "mode", "certainty"),
    [
        (parse("[experimental]\nautoMemoryReclaim=GRADUAL"), "2.7.11.0", "gradual", "configured"),
        (parse("[experimental]\nautoMemoryReclaim=disabled"), NO, "disabled", "configured"),
        (parse("[wsl2]\nautoMemoryReclaim=disabled"), "2.7.11", "dropCache", "default"),
        (parse("[experimental]\nautoMemoryReclaim=true\nautoMemoryReclaim=gradual"), "2.7.11", "dropCache", "default"),
        (WslConfig(), "2.1.3", "dropCache", "default"),
        (WslConfig(), "2.1.1.0", "disabled", "default"),
        (WslConfig(), NO, "dropCache", "assumed"),
        (WslConfig(), "?", "dropCache", "assumed"),
        (NO, "2.7.11", "dropCache", "assumed"),
        (NO, NO, "dropCache", "assumed"),
        (parse("[experimental]\nautoMemoryReclaim=gradual"), "1.2.5.0", "disabled", "default"),
    ],
)
def test_reclaim_mode(config: Reading[WslConfig], version: Reading[str], mode: str, certainty: str) -> None:
    found = reclaim_mode(config, version)
    assert (found.mode, found.certainty) == (mode, certainty)
    assert found.source


def test_the_mode_of_a_newer_file_is_assumed() -> None:
    config = parse("[experimental]\nautoMemoryReclaim=gradual")
    found = reclaim_mode(config, "2.7.11", in_force=False)
    assert (found.mode, found.certainty, found.line) == ("gradual", "assumed", 2)
    assert "changed after the VM started" in found.source


@pytest.mark.parametrize(
    ("observed", "total", "windows", "line", "words"),
    [
        (Observed(peak_used=int(6.1 * GIB)), 16 * GIB, 32 * GIB, "memory=8GB", "6.1 GiB were in use"),
        (Observed(peak_used=GIB // 2), 8 * GIB, 16 * GIB, "memory=2GB", "margin"),
        (Observed(peak_used=int(1.4 * GIB)), 8 * GIB, 16 * GIB, "memory=2560MB", "margin"),
        (Observed(peak_used=20 * GIB), 24 * GIB, 32 * GIB, "memory=24GB", "Windows has"),
        (Observed(peak_used=3 * GIB, active_cache=2 * GIB), 8 * GIB, NO, "memory=7GB", "active use"),
        (Observed(peak_used=int(7.5 * GIB), swap_used=GIB), 8 * GIB, 32 * GIB, "memory=11GB", "touched"),
        (Observed(peak_used=3 * GIB, seconds=600), 8 * GIB, 16 * GIB, "memory=4GB", "10 min"),
        (Observed(peak_used=3 * GIB), 8 * GIB, NO, "memory=4GB", "interop is disabled"),
    ],
)
def test_suggestions(observed: Observed, total: int, windows: Reading[int], line: str, words: str) -> None:
    suggestion = suggest_memory(observed, total, windows)
    assert suggestion.line == line
    assert words in "; ".join(suggestion.reasons)


@pytest.mark.slow
@given(st.integers(0, 2**42), st.integers(0, 2**40), st.integers(0, 2**40), st.integers(GIB, 2**42))
def test_a_suggestion_is_valid_and_leaves_windows_its_part(used: int, cache: int, swap: int, windows: int) -> None:
    suggestion = suggest_memory(Observed(peak_used=used, active_cache=cache, swap_used=swap), used, windows)
    assert parse_wsl_size(suggestion.line.removeprefix("memory=")) == suggestion.size
    assert suggestion.size >= 512 * MIB
    assert suggestion.size <= max(windows - windows // 4, 2 * GIB)
