"""Asks Windows PowerShell: one long-lived ``powershell.exe`` that prints a line of ASCII JSON per interval.

A line costs Windows a query of the processes that were found, each tenth line one of all processes; neither opens a
process. It is asked at most twice a second whatever the screen's interval is, and at least every ten seconds, so that
a slow screen does not show an old figure.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

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
from wsltop.model.sample import HostMemory, Reading, SeveralVms, Unavailable

OPTIONS: Final = ("-NoLogo", "-NoProfile", "-NonInteractive", "-InputFormat", "None", "-Command")
"""``-InputFormat None``: PowerShell itself must not read the stdin whose end the script waits for."""
SHORTEST, LONGEST = 0.5, 10.0
"""Seconds between two lines: twice a second is what an experiment needs, and only one that short an interval asks."""
BOUND: Final = 600
"""Lines that a script prints which cannot watch its stdin, before it ends and is started again."""
PREPARE: Final = (
    "$ErrorActionPreference='Stop'",
    "$ProgressPreference='SilentlyContinue'",
    "$env:PSModulePath=$PSHOME+'/Modules'",
    "$q=[string][char]34",
    "$m=[string]$ExecutionContext.SessionState.LanguageMode",
    "$full=$m -eq 'FullLanguage'",
    "$c=$null",
    "$t=$null",
    "$total=''",
    "$free=''",
    "$next=0",
    "$scan=0",
    "$l=@()",
    "if($full){try{$c=[Reflection.Assembly]::LoadWithPartialName('Microsoft.VisualBasic')"
    ";$c=[Microsoft.VisualBasic.Devices.ComputerInfo]::new()}catch{$c=$null}}",
)
READ_MEMORY: Final = (
    "if($c){try{$total=$c.TotalPhysicalMemory;$free=$c.AvailablePhysicalMemory}catch{$c=$null;$total='';$free=''}}"
    "elseif($k -ge $next){$next=$k+10;try{"
    "$o=Get-CimInstance Win32_OperatingSystem -Property TotalVisibleMemorySize,FreePhysicalMemory"
    ";$total=1024*$o.TotalVisibleMemorySize;$free=1024*$o.FreePhysicalMemory}catch{$total='';$free=''}}"
)
FIND_PROCESSES: Final = (
    "if($full){"
    "if($k -lt $scan){try{foreach($p in $l){$p.Refresh();if($p.ProcessName -notlike 'vmmem*'){throw 'gone'}}}"
    "catch{$scan=0}}"
    ";if($k -ge $scan){$l=@(foreach($p in [Diagnostics.Process]::GetProcesses())"
    "{try{if($p.ProcessName -like 'vmmem*'){$p}}catch{}})"
    ";$scan=$k+10*[int]($l.Count -gt 0)}}"
    "else{$l=@(Get-Process -Name vmmem*)}"
)
PRINT_LINE: Final = (
    "$a=''",
    "foreach($p in $l){try{$b='{~name~:~'+$p.ProcessName+'~,~pid~:~'+$p.Id+'~,~working_set~:~'+$p.WorkingSet64"
    "+'~,~private~:~'+$p.PrivateMemorySize64+'~}';if($a){$a+=','};$a+=$b}catch{$scan=0}}",
    "$line=('{~wsltop~:1,~mode~:~'+$m+'~,~processes~:['+$a+'],~total~:~'+$total+'~,~available~:~'+$free+'~}')"
    " -replace '~',$q",
    "if($full){[Console]::Out.WriteLine($line)}else{Write-Host $line}",
)
WAIT: Final = (
    "if($full -and $k -eq 0){try{$t=[Console]::OpenStandardInput().ReadAsync([byte[]]@(0),0,1)}catch{$t=$null}}",
    "if($t){try{if($t.Wait({milliseconds})){break}}catch{break}}else{Start-Sleep -Milliseconds {milliseconds}}",
)
SCRIPT: Final = ";".join(
    (
        *PREPARE,
        "for($k=0;$t -or $k -lt {bound};$k++){" + ";".join((READ_MEMORY, FIND_PROCESSES, *PRINT_LINE, *WAIT)) + "}",
    )
)
"""The whole script: ``{milliseconds}`` between two lines, ``{bound}`` lines where it cannot watch its stdin.

- It becomes part of a Windows command line: no double quote, percent sign, backslash or newline.
- It sets the module path to its own before anything else: WSL that was opened from PowerShell 7 hands on that one's,
  and then no cmdlet loads. In full language it uses no cmdlet at all.
- No ``Add-Type`` and nothing else of the words that make Windows PowerShell write a script into the event log as a
  warning (CompiledScriptBlock.cs).
- Every process is listed each tenth line only, and those that were found are refreshed between. After a refresh the
  name is checked again, because Windows gives process ids to others. A process that vanishes loses no line.
- All processes whose name begins with ``vmmem`` are printed: which one is WSL is decided on this side.
- Figures travel as strings, so that a property that Windows denies is an empty one and not broken JSON.
- In Constrained Language Mode it uses cmdlets and core types only: ``Write-Host`` in place of ``[Console]`` (the
  pipeline's own output is folded at the console's width) and CIM, every tenth line, for Windows' memory.
- In full language it ends when its stdin does: a read of the raw stream is pending in the background. The
  asynchronous methods of ``[Console]::In`` would wait. The first line comes before stdin is touched. In constrained
  language the end of stdin ends nothing: there the first line into the closed output ends the relay and with it
  the program.
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
    total, available = plausible_size(said.total), plausible_size(said.available)
    if total is not None and available is not None and available > total:
        available = None
    if isinstance(chosen, SeveralVms):
        return replace(chosen, total=total, available=available)
    if isinstance(chosen, Unavailable):
        return chosen
    return HostMemory(
        source="powershell",
        process=chosen.name,
        pid=chosen.pid,
        working_set=chosen.working_set,
        private_bytes=CANNOT_TELL if chosen.private is None else chosen.private,
        total=CANNOT_TELL if total is None else total,
        available=CANNOT_TELL if available is None else available,
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
