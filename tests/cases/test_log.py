"""The kernel log from before wsltop began: every command knows of it what a session that ran all along knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cases.case import Case, lay_out, run_case, run_doctor, watch_case
from tests.laptop.layout import BOOT_LOG
from wsltop.core.diagnosis.rules import diagnose

UPTIME = 5000.0
LINES = {
    "oom-kill": (
        "3,{n},{at},-;Out of memory: Killed process 512 (java) total-vm:20936kB, anon-rss:901944kB, file-rss:0kB",
    ),
    "order7-starved": ("4,{n},{at},-;kworker/0:0: page allocation failure: order:7, mode:0xdc0(GFP_KERNEL)",),
    "interop-timeouts": tuple(
        f"11,{{n}},{{at}},-;WSL ({pid} - Relay) ERROR: UtilAcceptVsock:271: accept4 failed 110" for pid in (514, 617)
    ),
    "reclaim-thread-dead": (
        "11,{n},{at},-;WSL (1 - ) ERROR: WriteToFile:3389: write(/sys/fs/cgroup/memory.reclaim, 724557",
    ),
    "reporting-failing": ("3,{n},{at},-;hv_balloon: Cold memory discard hypercall failed with status 5",),
    "gradual-falls-back": (
        "12,{n},{at},-;WSL (1 - ) WARNING: access(/sys/fs/cgroup/memory.reclaim, W_OK) failed 2, falling back to "
        "autoMemoryReclaim = dropcache",
    ),
    "gpu-memory": ("3,{n},{at},-;misc dxg: dxgk: dxgkio_make_resident: Ioctl failed: -12",),
    "drive-starved": (
        "4,{n},{at},-;git: page allocation failure: order:4, mode:0x40c40(GFP_NOFS|__GFP_COMP), nodemask=(null)",
        "4,{n},{at},-; p9_fcall_init+0x3a/0x70 [9pnet]",
    ),
}
"""Lines that make a finding, by its id."""


def case_of(*names: str) -> Case:
    """A guest whose kernel log has these lines, some minutes old."""
    texts = [line for name in names for line in LINES[name]]
    lines = [text.format(n=n, at=int((UPTIME - 100 + n) * 1e6)) for n, text in enumerate(texts, 1)]
    log = BOOT_LOG + "".join(f"{line}\n" for line in lines)
    return Case("log", {"uptime": UPTIME, "wsl_version": "2.6.3.0", "kmsg": log})


def doctor(case: Case, root: Path) -> list[str]:
    return [finding["id"] for finding in run_doctor(case, root).document["findings"]]


@pytest.mark.parametrize("name", LINES)
def test_doctor_finds_what_the_log_holds_from_before_it_began(name: str, tmp_path: Path) -> None:
    """It threw the first sample away, which carries the whole log: seconds after an OOM kill nothing was wrong."""
    case = case_of(name)
    assert name in doctor(case, lay_out(case, tmp_path / "root"))


def test_doctor_finds_what_a_session_finds(tmp_path: Path) -> None:
    case = case_of(*LINES)
    root = lay_out(case, tmp_path / "root")
    session = watch_case(case, root)
    assert session.moment is not None
    found = [finding.id for finding in diagnose(session.evidence(session.moment))]
    assert doctor(case, root) == found
    assert set(LINES) <= set(found)


def test_a_snapshot_has_the_events_back_to_boot(tmp_path: Path) -> None:
    case = case_of("oom-kill")
    root = lay_out(case, tmp_path / "root")
    document = run_case(root, "snapshot", "--json").document
    assert any("Killed process 512" in event["text"] for event in document["events"])
    assert "oom-kill" in [finding["id"] for finding in document["findings"]]
