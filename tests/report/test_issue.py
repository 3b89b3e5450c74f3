"""The report for an issue: what it has, and what outsiders cannot do to it."""

from __future__ import annotations

import re
from typing import Any

from msgspec.structs import replace

from tests.hostile import controls
from tests.samples import event, host_memory, nothing, sample, small_sample
from wsltop.core.diagnosis.rules import diagnose
from wsltop.core.session import Session
from wsltop.model.sample import (
    NOT_ASKED,
    Census,
    Distro,
    Distros,
    Event,
    Family,
    Group,
    Groups,
    Holders,
    ProcessUse,
    Sample,
    Surroundings,
    Unavailable,
    WslconfigFile,
)
from wsltop.report.issue import IssueInput, issue
from wsltop.report.redact import Redactor

MIB = 1024**2
PATH = "/mnt/c/Users/marylou/.wslconfig"
TEXT = """[wsl2]
memory=6GB
kernel=C:\\\\Users\\\\marylou\\\\bzImage
dhcp=true
[experimental]
autoMemoryReclaim=gradual
"""
NOBODY = Unavailable("nobody else is here")


def census(name: str = "node") -> Census:
    use = ProcessUse(
        pid=77,
        started=1,
        name=name,
        family=name,
        parent=1,
        state="S",
        rss=900 * MIB,
        shared=100 * MIB,
        user_ticks=0,
        system_ticks=0,
        nice=0,
    )
    family = Family(name=name, held=1800 * MIB, anonymous=1800 * MIB, pids=(77, 78), estimated=True)
    holders = Holders(
        processes=(use,),
        families=(family,),
        groups=NOBODY,
        elsewhere=3 * 1024 * MIB,
        reason="held outside this distro",
        unread=0,
    )
    return Census(read_at=600.0, holders=holders)


def group(name: str, size: int, **more: Any) -> Group:
    return Group(path=name, name=name, current=size, **{"kind": "distro"} | more)


def full_sample(name: str = "node") -> Sample:
    file = WslconfigFile(path=PATH, present=True, content=TEXT.encode(), chosen_by="own profile", mtime=1.0)
    groups = Groups(
        mode="v2",
        groups=(group("Ubuntu", 2048 * MIB, ours=True, file=1024 * MIB), group("docker-desktop", 512 * MIB)),
    )
    around = Surroundings(flavor="wsl2", wslconfig=file, groups=groups, cmdline="quiet", reclaim_file=True)
    return small_sample(host=host_memory(), surroundings=around, census=census(name))


ROSTER = Distros(
    distros=(
        Distro(name="Ubuntu-24.04", state="Wird ausgeführt", version=2, default=True, running=True),
        Distro(name="docker-desktop", state="Running", version=2, default=False, running=True),
        Distro(name="lou", state="Beendet", version=1, default=False, running=False),
        Distro(name="marylous-box", state="Stopped", version=2, default=False),
    ),
    versions=("WSL-Version: 2.6.3.0", "Kernelversion: 6.6.87.2-1", "Sonstiges: 9.8.7.6", "Windows: 10.0.26100.1"),
)


def told(
    taken: Sample, events: tuple[Event, ...] = (), redactor: Redactor | None = None, roster: Distros = NOT_ASKED
) -> str:
    session = Session(1.0)
    session.take(taken)
    moment = session.moment
    assert moment is not None
    findings = diagnose(session.evidence(moment))
    case = IssueInput(moment=moment, findings=findings, events=events, config=session.insight.config, roster=roster)
    return issue(case, redactor)


def test_it_has_what_maintainers_ask_for() -> None:
    text = " ".join(told(full_sample(), (event("drop_caches 1"),)).split())
    for part in (
        "WSL 2.6.3.0",
        "distro Ubuntu",
        "kernel 6.6-microsoft-standard-WSL2",
        "host vmmemWSL (pid 9448), by powershell",
        "working set 6.0 GiB",
        "available 9.0 GiB",
        "anonymous 900 MiB",
        "2.0 GiB distro Ubuntu, 1.0 GiB of it files, this one",
        "512 MiB distro docker-desktop",
        "1.8 GiB node (2 processes, estimated)",
        "800 MiB node (pid 77)",
        "held by what cannot be seen: 3.0 GiB at least",
        "wsl2.memory=6GB",
        "autoMemoryReclaim: gradual (configured",
        "memory: memory=6GB, in force: 7.8 GiB (MemTotal) (differs)",
        "command line: quiet",
        "memory.reclaim: there",
        "cache drop drop_caches 1 [vmstat]",
        "wsltop 0.",
    ):
        assert part in text, part
    assert "dhcp" not in text, "what is not about memory may say anything"


def test_it_is_markdown_with_headings_and_closed_blocks() -> None:
    text = told(full_sample())
    assert text.startswith("## Memory report by wsltop\n")
    headings = re.findall(r"^### (.*)$", text, re.MULTILINE)
    assert headings == [
        "Versions",
        "Windows",
        "Guest",
        "Distributions",
        "Containers and control groups",
        "Top consumers",
        "Settings",
        "Findings",
        "Last events",
    ]
    assert len(re.findall(r"^```(?:text)?$", text, re.MULTILINE)) == 2 * (len(headings) + 1)
    assert text.endswith("\n")
    assert "\n\n\n" not in text


def test_names_are_taken_out_unless_they_are_wanted() -> None:
    assert "marylou" in told(full_sample("marylou's-tool"))
    text = told(
        full_sample("marylou's-tool"), (event("/home/marylou/x and fridolin.local"),), Redactor([], ["fridolin"])
    )
    assert "marylou" not in text
    assert "fridolin" not in text
    assert "wsl2.kernel=[path]" in text
    assert "6.0 GiB" in text
    assert "taken out" in text


def test_nothing_at_all_is_a_report_too() -> None:
    text = told(replace(nothing(), surroundings=Surroundings(), census=Unavailable("refused", "Be root.")))
    assert "refused. Be root." in text
    assert "not read in this test" in text


def test_outsiders_cannot_leave_their_block() -> None:
    text = told(full_sample("````\n# @everyone\x1b[2J"), (event("```\n### mine"),))
    assert not {ord(char) for char in text} & controls() - {ord("\n")}
    fences = [line for line in text.splitlines() if line.startswith("```")]
    assert all(one.removesuffix("text") == two for one, two in zip(fences[::2], fences[1::2], strict=True))
    assert not re.search(r"^(?:# @everyone|### mine)", text, re.MULTILINE)


def test_another_system_than_wsl_is_told() -> None:
    assert "host unknown: not WSL" in " ".join(told(sample()).split())


def test_the_distributions_of_windows_are_told() -> None:
    text = told(full_sample(), roster=ROSTER)
    assert "* WSL 2  running (Wird ausgeführt)  Ubuntu-24.04\n" in text
    assert "  WSL 2  running                    docker-desktop\n" in text
    assert "  WSL 1  not running (Beendet)      lou\n" in text
    assert "  WSL 2  Stopped                    marylous-box\n" in text
    assert "wsl.exe --version:\n  WSL-Version: 2.6.3.0\n  Kernelversion: 6.6.87.2-1\n" in text


def test_distributions_that_are_not_known_have_a_reason() -> None:
    why = Unavailable("interop is disabled", "Set enabled=true.")
    text = told(full_sample(), roster=Distros(distros=why, versions=why))
    assert "### Distributions\n\n```text\nunknown: interop is disabled. Set enabled=true.\n```" in text
    assert "wsl.exe --version: unknown: interop is disabled" in text
    assert "Windows was not asked" in told(full_sample())


def test_only_names_that_somebody_made_up_are_taken_out_of_the_distributions() -> None:
    text = told(full_sample("lou"), (event("lou was started, marylous-box too"),), Redactor(), ROSTER)
    assert "  Ubuntu-24.04\n" in text
    assert "  docker-desktop\n" in text
    assert "marylou" not in text
    assert not re.search(r"\blou\b", text)
    assert re.search(r"^  WSL 1  not running .* \[distro\]$", text, re.MULTILINE)


def test_no_version_of_a_report_is_taken_for_an_address() -> None:
    text = told(full_sample(), (event("10.1.2.3 and 9.8.7.6 answered, 9.8.7.5 not"),), Redactor(), ROSTER)
    for version in ("2.6.3.0", "6.6.87.2-1", "9.8.7.6", "10.0.26100.1"):
        assert version in text, version
    assert "[address] and 9.8.7.6 answered, [address] not" in text, "what is known as a version stays one"
