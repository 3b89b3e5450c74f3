"""Asks wsl.exe for the list of distributions and the versions of WSL's parts."""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from wsltop.guest.identity import identify_guest
from wsltop.host.failure import decode_text, explain_end, find_interop_fault
from wsltop.host.interop import WSL_EXE, Windows
from wsltop.host.relay import run_relay
from wsltop.model.sample import Distro, Distros, Reading, Unavailable, no_distros
from wsltop.model.text import clean

TIMEOUT: Final = 8.0
"""Seconds for one run; a busy Windows takes one or two."""
ROW: Final = re.compile(r"([* ])\s*(\S+)\s+(\S.*?)\s+([12])")
MOST: Final = 64
"""Lines that are taken in."""
LONGEST: Final = 80
"""Characters of a name, a state or a line that are kept."""


def ask_distros(windows: Windows, timeout: float = TIMEOUT) -> Distros:
    """Ask Windows; a failure stands in place of the answer."""
    if windows.drive is None:  # else the user says that there is a Windows
        guest = identify_guest(windows.root, windows.environ)
        if guest.flavor == "none":
            return no_distros(Unavailable(f"not WSL (kernel {guest.release or 'unknown'})"))
    listed = run_wsl(windows, timeout, "--list", "--verbose")
    if isinstance(listed, Unavailable):
        return no_distros(listed)  # what did not answer once is not asked again
    distros = parse_list(listed)
    if not isinstance(distros, Unavailable):
        distros = mark_running(distros, run_wsl(windows, timeout, "--list", "--running", "--quiet"))
    versions = run_wsl(windows, timeout, "--version")
    return Distros(
        distros=distros, versions=versions if isinstance(versions, Unavailable) else parse_versions(versions)
    )


def run_wsl(windows: Windows, timeout: float, *arguments: str) -> Reading[str]:
    """What one run of ``wsl.exe`` printed."""
    launch = windows.prepare(WSL_EXE, *arguments)
    if isinstance(launch, Unavailable):
        return launch
    output = run_relay(launch, timeout)
    called = " ".join(("wsl.exe", *arguments))
    fault = find_interop_fault(windows.root, windows.environ)
    if isinstance(output, Unavailable):
        return fault or Unavailable(output.reason.replace(launch.name, called), f"Try by hand: {called}")
    if output.status:
        said = output.stderr or output.stdout  # it complains on standard output
        return explain_end(called, output.status, said, fault)
    return decode_text(output.stdout)


def parse_list(text: str) -> Reading[tuple[Distro, ...]]:
    """The rows of ``--list --verbose``; one heading may go before them."""
    found: list[Distro] = []
    for line in text.splitlines()[:MOST]:
        plain = clean(line.replace("\0", "")).rstrip()
        row = ROW.fullmatch(plain)
        if row is not None:
            mark, name, state, version = row.groups()
            found.append(Distro(name=name[:LONGEST], state=state[:LONGEST], version=int(version), default=mark == "*"))
        elif plain and found:
            return Unavailable(f"wsl.exe printed a row that wsltop does not understand: {plain[:LONGEST].strip()}")
    return tuple(found) if found else Unavailable("wsl.exe --list --verbose named no distribution")


def mark_running(distros: tuple[Distro, ...], names: Reading[str]) -> tuple[Distro, ...]:
    """The distributions, each with whether it runs; ``names`` is what ``--list --running --quiet`` printed."""
    if isinstance(names, Unavailable):
        return distros
    running = {clean(line.replace("\0", "")).strip() for line in names.splitlines()}
    if not running & {distro.name for distro in distros}:
        return distros  # a message, not names: this distribution itself runs
    return tuple(replace(distro, running=distro.name in running) for distro in distros)


def parse_versions(text: str) -> Reading[tuple[str, ...]]:
    """The lines of ``--version`` that name one."""
    lines = (clean(line.replace("\0", "")).strip()[:LONGEST] for line in text.splitlines()[:MOST])
    told = tuple(line for line in lines if re.search(r"\d\.\d", line))
    return told or Unavailable("wsl.exe --version named no version", "Run: wsl.exe --update")
