"""Asks Windows PowerShell: one long-lived ``powershell.exe`` that prints a line of ASCII JSON per interval.

What it costs Windows per line is one ``Get-Process``, a single bulk query of the kernel that opens no process (some
10 ms), so it is asked at most once a second whatever the screen's interval is, and at least every ten seconds so
that a slow screen does not show an old figure.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from wsltop.clock import Clock
from wsltop.host.failure import ascii_bytes, find_interop_fault
from wsltop.host.interop import POWERSHELL, Launch, Windows
from wsltop.host.source import (
    Answer,
    Candidate,
    Pace,
    Publisher,
    StreamSource,
    choose_process,
    list_vms,
    plausible_size,
)
from wsltop.model.reading import Reading, Unavailable
from wsltop.model.sample import HostMemory

OPTIONS: Final = ("-NoLogo", "-NoProfile", "-NonInteractive", "-InputFormat", "None", "-Command")
"""``-InputFormat None``: PowerShell itself must not read the stdin whose end the script waits for."""
SHORTEST, LONGEST = 0.5, 10.0
"""Seconds between two lines: twice a second is what an experiment needs, and only one that short an interval asks."""
BOUND: Final = 600
"""Lines that a script prints which cannot watch its stdin, before it ends and is started again."""
SCRIPT: Final = ";".join(
    (
        "$ErrorActionPreference='Stop'",
        "$ProgressPreference='SilentlyContinue'",
        "$q=[string][char]34",
        "$m=[string]$ExecutionContext.SessionState.LanguageMode",
        "$full=$m -eq 'FullLanguage'",
        "$c=$null",
        "$t=$null",
        "$total=''",
        "$free=''",
        "$next=0",
        "if($full){try{Add-Type -AssemblyName Microsoft.VisualBasic"
        ";$c=New-Object Microsoft.VisualBasic.Devices.ComputerInfo}catch{$c=$null}}",
        "for($k=0;$t -or $k -lt {bound};$k++){"
        "if($c){try{$total=$c.TotalPhysicalMemory;$free=$c.AvailablePhysicalMemory}catch{$c=$null;$total='';$free=''}}"
        "elseif($k -ge $next){$next=$k+10;try{"
        "$o=Get-CimInstance -ClassName Win32_OperatingSystem -Property TotalVisibleMemorySize,FreePhysicalMemory"
        ";$total=1024*$o.TotalVisibleMemorySize;$free=1024*$o.FreePhysicalMemory}catch{$total='';$free=''}}",
        "$a=''",
        "foreach($p in @(Get-Process -Name vmmemWSL,vmmem -ErrorAction Ignore)){"
        "if($a){$a+=','}"
        ";$a+='{~name~:~'+$p.ProcessName+'~,~pid~:~'+$p.Id+'~,~working_set~:~'+$p.WorkingSet64"
        "+'~,~private~:~'+$p.PrivateMemorySize64+'~}'}",
        "$line=('{~wsltop~:1,~mode~:~'+$m+'~,~processes~:['+$a+'],~total~:~'+$total+'~,~available~:~'+$free+'~}')"
        " -replace '~',$q",
        "if($full){[Console]::Out.WriteLine($line)}else{Write-Host $line}",
        "if($full -and $k -eq 0){try{$t=[Console]::OpenStandardInput().ReadAsync((New-Object byte[] 1),0,1)}"
        "catch{$t=$null}}",
        "if($t){try{if($t.Wait({milliseconds})){break}}catch{break}}else{Start-Sleep -Milliseconds {milliseconds}}}",
    )
)
"""The script. It has no double quote, percent sign, backslash or newline, so it survives every quoting on its way.

- It takes every match of both names: which one counts is decided on this side.
- Figures travel as strings, so that a property that Windows denies is an empty one and not broken JSON.
- In Constrained Language Mode it uses cmdlets and core types only: ``Write-Host`` in place of ``[Console]`` (the
  pipeline's own output is folded at the console's width) and CIM, every tenth line, for Windows' memory.
- It ends when its stdin does: a read of the raw stream that is pending in the background. ``[Console]::In`` would not
  do, its asynchronous methods wait. The first line comes before stdin is touched. Where no read can be pending it
  ends after ``BOUND`` lines; and Windows ends it in any case when the process on our side is gone.
"""
CANNOT_TELL: Final = Unavailable("Windows did not tell", "Update Windows, or look at Task Manager's Performance page.")


class ProcessLine(Struct, frozen=True):
    """One process in a line of the script."""

    name: str
    pid: int | str
    working_set: int | str
    private: int | str = ""


class Line(Struct, frozen=True):
    """One line of the script; figures are strings of digits, empty where Windows did not tell."""

    wsltop: int
    processes: list[ProcessLine]
    total: int | str = ""
    available: int | str = ""
    mode: str = ""


DECODER: Final = msgspec.json.Decoder(Line)


def write_script(period: float) -> str:
    """The script for one line every ``period`` seconds."""
    milliseconds = str(round(1000 * period))
    return SCRIPT.replace("{milliseconds}", milliseconds).replace("{bound}", str(BOUND))


def parse_line(line: bytes, read_at: float) -> Reading[HostMemory] | None:
    """What one line of the script says; ``None`` for half a line, garbage, or a process without a figure."""
    try:
        said = DECODER.decode(ascii_bytes(line))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if said.wsltop != 1:
        return None
    candidates: list[Candidate] = []
    for process in said.processes:
        pid, working_set = plausible_size(process.pid), plausible_size(process.working_set)
        if pid is None or working_set is None:
            return None
        private = plausible_size(process.private)
        candidates.append(Candidate(name=process.name, pid=pid, working_set=working_set, private=private))
    chosen = choose_process(candidates)
    if isinstance(chosen, Unavailable):
        return chosen
    total, available = plausible_size(said.total), plausible_size(said.available)
    return HostMemory(
        source="powershell",
        process=chosen.name,
        pid=chosen.pid,
        working_set=chosen.working_set,
        private_bytes=CANNOT_TELL if chosen.private is None else chosen.private,
        total=CANNOT_TELL if total is None else total,
        available=CANNOT_TELL if available is None or (total is not None and available > total) else available,
        vms=list_vms(candidates),
        read_at=read_at,
    )


def open_powershell(
    windows: Windows, *, interval: float, pace: Pace, clock: Clock, publish: Publisher | None = None
) -> StreamSource:
    """A source that asks PowerShell about every ``interval`` seconds, not faster than twice a second."""

    def prepare(own_socket: bool, period: float) -> Reading[Launch]:
        return windows.prepare(POWERSHELL, *OPTIONS, write_script(period), own_socket=own_socket)

    def listen(line: bytes, errors: bytes, now: float) -> Answer:
        del errors  # PowerShell's warnings do not make its answer wrong
        return parse_line(line, now)

    return StreamSource(
        "powershell.exe",
        prepare,
        listen,
        lambda: find_interop_fault(windows.root, windows.environ),
        period=period_for(interval),
        pace=pace,
        clock=clock,
        publish=publish,
    )


def period_for(interval: float) -> float:
    """Seconds between two lines for a reader that takes a sample every ``interval`` seconds."""
    return min(max(interval, SHORTEST), LONGEST)
