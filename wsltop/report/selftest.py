"""The self-test: asks a real Windows what wsltop assumes of it, as one block of text that can be pasted and read back.

It starts only ``cmd.exe``, ``powershell.exe``, ``tasklist.exe`` and ``wsl.exe`` (its version and lists), and takes
about 20 s. No program is ended before it has printed something. The verdicts are made from the block alone, so that a
pasted one says the same as the machine that it comes from.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from wsltop import __version__
from wsltop.child import Output, run_command
from wsltop.core.wslconfig.grammar import parse
from wsltop.core.wslconfig.lint import lint
from wsltop.guest.files import list_directory, read_small
from wsltop.guest.identity import WSLINFO
from wsltop.guest.kernel_files import ReportingSource
from wsltop.host.distros import parse_list, parse_versions
from wsltop.host.failure import decode_text
from wsltop.host.interop import CMD, POWERSHELL, TASKLIST, WSL_EXE, Windows
from wsltop.host.powershell import OPTIONS, parse_line, write_script
from wsltop.host.relay import Relay, run_relay, start_relay
from wsltop.host.tasklist import ARGUMENTS, Unreadable, parse_rows
from wsltop.host.wslconfig_file import find_wslconfig
from wsltop.model.sample import HostMemory, Reading, Unavailable
from wsltop.model.text import clean

BEGIN: Final = "-----BEGIN WSLTOP SELF-TEST-----"
END: Final = "-----END WSLTOP SELF-TEST-----"
SHOWN: Final = 160
"""Bytes of each raw output that are printed."""
PATIENCE: Final = 20.0
MOST_RECORDS: Final = 20_000
RECLAIM: Final = re.compile(rb"WSL version|Cold memory|drop_caches|wsl-user|reclaim")
RAW: Final = re.compile(r"(\d+) bytes: ?([0-9a-f]*)")
FIELD: Final = re.compile(r"([a-z][a-z0-9_.-]*): (.*)")
MEASURE: Final = ";".join(
    (
        "$ErrorActionPreference='Continue'",
        "$env:PSModulePath",
        "$ExecutionContext.SessionState.LanguageMode",
        "$PSVersionTable.PSVersion.ToString()",
        "[Environment]::OSVersion.Version.ToString()",
        "[Console]::OutputEncoding.CodePage",
        "[Console]::IsInputRedirected",
        "$w=[Diagnostics.Stopwatch]::StartNew()",
        "for($i=0;$i -lt 20;$i++){$l=[Diagnostics.Process]::GetProcesses()}",
        "'GetProcesses x20 ms '+$w.ElapsedMilliseconds+' n '+$l.Length",
        "$w.Restart()",
        "for($i=0;$i -lt 20;$i++){$l=@(Get-Process -Name vmmem* )}",
        "'Get-Process x20 ms '+$w.ElapsedMilliseconds",
        "$w.Restart()",
        "for($i=0;$i -lt 20;$i++){foreach($p in $l){$p.Refresh();$x=$p.WorkingSet64}}",
        "'Refresh x20 ms '+$w.ElapsedMilliseconds+' n '+$l.Length",
        "foreach($p in $l){$p.ProcessName+' '+$p.Id+' ws '+$p.WorkingSet64+' private '+$p.PrivateMemorySize64}",
        "foreach($p in [Diagnostics.Process]::GetProcesses()){if($p.ProcessName -match '^(wsl|wslhost|wslservice)$')"
        "{try{$u=$p.TotalProcessorTime.TotalSeconds}catch{$u='denied'};$p.ProcessName+' '+$p.Id+' cpu '+$u}}",
        "$s=[Diagnostics.Process]::GetCurrentProcess()",
        "'self cpu s '+$s.TotalProcessorTime.TotalSeconds+' private '+$s.PrivateMemorySize64+' ws '+$s.WorkingSet64",
        "$o=Get-CimInstance Win32_OperatingSystem",
        "'cim KiB '+$o.TotalVisibleMemorySize+' '+$o.FreePhysicalMemory+' build '+$o.BuildNumber",
    )
)
"""What PowerShell measures of itself and of Windows; a part of a Windows command line, so without double quotes."""


class Block(Struct, frozen=True):
    """What was seen, in order: texts, and raw outputs as their whole length and their first bytes."""

    fields: dict[str, str | tuple[int, bytes]]

    def text(self, name: str) -> str:
        """A text, empty where it is not there."""
        value = self.fields.get(name, "")
        return value if isinstance(value, str) else ""

    def number(self, name: str) -> float | None:
        """A number, ``None`` where there is none."""
        try:
            return float(self.text(name))
        except ValueError:
            return None

    def lines(self) -> Iterable[str]:
        """The block as it is printed."""
        for name, value in self.fields.items():
            if isinstance(value, str):
                yield f"{name}: {value}"
            else:
                yield f"{name}: {value[0]} bytes: {value[1].hex()}"


class Verdict(Struct, frozen=True):
    """Whether one assumption of wsltop holds."""

    id: str
    holds: bool
    expected: str
    seen: str = ""

    def __str__(self) -> str:
        """One line."""
        if self.holds:
            return f"OK {self.id}"
        return f"DIFFERS {self.id} expected {self.expected}" + (f", seen {self.seen}" if self.seen else "")


class Assumption(Struct, frozen=True):
    """A row of the table below."""

    id: str
    expected: str
    field: str
    """The field that is shown where it does not hold."""
    holds: Callable[[Block], bool]


def is_text(name: str, *values: str) -> Callable[[Block], bool]:
    """Whether a text is one of these."""
    return lambda block: block.text(name) in values


def between(name: str, least: float, most: float = float("inf")) -> Callable[[Block], bool]:
    """Whether a number is in a range."""

    def holds(block: Block) -> bool:
        value = block.number(name)
        return value is not None and least <= value <= most

    return holds


ASSUMPTIONS: Final = (
    Assumption("reporting-order", "5 or 9", "guest.order", is_text("guest.order", "5", "9")),
    Assumption("drive-mounted", "at least 1", "guest.drives", between("guest.drives", 1)),
    Assumption("interop-entry", "interpreter /init", "guest.binfmt", is_text("guest.binfmt", "init")),
    Assumption("interop-socket", "at least 1", "guest.sockets", between("guest.sockets", 1)),
    Assumption("exit-byte", "44 of 300", "cmd.status", is_text("cmd.status", "44")),
    Assumption("full-language", "FullLanguage", "powershell.language", is_text("powershell.language", "FullLanguage")),
    Assumption("windows-powershell", "5.1", "powershell.version", lambda b: b.text("powershell.version")[:3] == "5.1"),
    Assumption("stdin-is-a-pipe", "True", "powershell.redirected", is_text("powershell.redirected", "True")),
    Assumption("list-cost", "at most 100 ms", "powershell.list_ms", between("powershell.list_ms", 0, 100)),
    Assumption("refresh-cost", "at most 20 ms", "powershell.refresh_ms", between("powershell.refresh_ms", 0, 20)),
    Assumption("vm-process", "vmmemWSL or vmmem", "powershell.vm", is_text("powershell.vm", "vmmemWSL", "vmmem")),
    Assumption("vm-working-set", "above 0", "powershell.vm_ws", between("powershell.vm_ws", 1)),
    Assumption("vm-private", "above 0", "powershell.vm_private", between("powershell.vm_private", 1)),
    Assumption(
        "host-memory", "at least the guest's", "powershell.total_over_guest", between("powershell.total_over_guest", 1)
    ),
    Assumption("first-line", "within 20 s", "script.first_ms", between("script.first_ms", 0, 20_000)),
    Assumption("five-lines", "5", "script.lines", is_text("script.lines", "5")),
    Assumption("stdin-end-ends-it", "within 2 s", "script.end_ms", between("script.end_ms", 0, 2_000)),
    Assumption("script-status", "0", "script.status", is_text("script.status", "0")),
    Assumption("killed-relay-ends-it", "0 left", "killed.left", is_text("killed.left", "0")),
    Assumption("no-thread-spins", "at most 1 s of CPU", "killed.cpu_s", between("killed.cpu_s", 0, 1)),
    Assumption("tasklist-row", "1 or more", "tasklist.rows", between("tasklist.rows", 1)),
    Assumption("tasklist-status", "0", "tasklist.status", is_text("tasklist.status", "0")),
    Assumption("tasklist-no-match", "status 0, 0 rows", "tasklist.none", is_text("tasklist.none", "0 0")),
    Assumption("wsl-version", "1 or more", "wsl.versions", between("wsl.versions", 1)),
    Assumption("wsl-list", "1 or more", "wsl.distros", between("wsl.distros", 1)),
    Assumption("wsl-utf16", "utf-16", "wsl.encoding", is_text("wsl.encoding", "utf-16")),
    Assumption(
        "wslconfig-found", "a profile", "config.chosen_by", lambda b: b.text("config.chosen_by") not in ("", "no")
    ),
)
"""What wsltop assumes of Windows, each with the field that shows it."""


def judge(block: Block) -> list[Verdict]:
    """A verdict for each assumption."""
    verdicts = []
    for row in ASSUMPTIONS:
        seen = block.text(row.field) or "nothing"
        verdicts.append(Verdict(row.id, row.holds(block), row.expected, seen[:60]))
    return verdicts


def tell(block: Block) -> str:
    """The block with its verdicts, to be pasted."""
    return "\n".join((BEGIN, *block.lines(), *(str(verdict) for verdict in judge(block)), END)) + "\n"


def read_block(text: str) -> Block | None:
    """The block in a text that was pasted: quoted, wrapped, with other text around it; ``None`` if there is none."""
    lines = [line.strip().lstrip("> ").rstrip() for line in text.splitlines()]
    try:
        begin = lines.index(BEGIN) + 1
        lines = lines[begin : lines.index(END, begin)]
    except ValueError:
        return None
    fields: dict[str, str | tuple[int, bytes]] = {}
    last = ""
    for line in lines:
        found = FIELD.fullmatch(line)
        if found:
            last = found[1]
            raw = RAW.fullmatch(found[2])
            fields[last] = (int(raw[1]), from_hex(raw[2])) if raw else clean(found[2])
        elif last and re.fullmatch(r"[0-9a-f]+", line) and isinstance(value := fields[last], tuple):
            fields[last] = (value[0], value[1] + from_hex(line))  # a terminal has wrapped it
    return Block(fields)


def from_hex(text: str) -> bytes:
    """The bytes of whole pairs."""
    return bytes.fromhex(text[: len(text) // 2 * 2])


def explain(block: Block) -> str:
    """What a pasted block means: the verdicts that differ, and the raw outputs as text."""
    verdicts = judge(block)
    differing = [str(verdict) for verdict in verdicts if not verdict.holds]
    told = [f"{len(verdicts) - len(differing)} of {len(verdicts)} assumptions hold.", *differing, ""]
    for name, value in block.fields.items():
        shown = value if isinstance(value, str) else f"{value[0]} bytes: {decode_text(value[1])}"
        told.append(f"{name}: {clean(shown)}")
    return "\n".join(told) + "\n"


def hide_names(raw: bytes, names: Mapping[str, str]) -> bytes:
    """Bytes with a sign in place of each name, as ASCII, UTF-8 and UTF-16 and whatever its case."""
    for name in sorted(names, key=len, reverse=True):
        for encoding in ("utf-8", "cp1252", "cp850", "utf-16-le"):
            try:
                word, sign = name.encode(encoding), names[name].encode(encoding)
            except UnicodeEncodeError:
                continue
            raw = re.sub(re.escape(word), lambda _, sign=sign: sign, raw, flags=re.IGNORECASE)  # type: ignore[misc]
    return raw


class SelfTest:
    """Asks Windows everything once.

    Args:
        windows: where Windows is.
        names: names to hide, each with its sign.
        hide: takes names out of texts.
        note: called with what is being asked.
    """

    def __init__(
        self,
        windows: Windows,
        names: Mapping[str, str],
        hide: Callable[[str], str],
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._windows, self._names, self._hide, self._note = windows, dict(names), hide, note
        self._fields: dict[str, str | tuple[int, bytes]] = {}

    def run(self) -> Block:
        """Ask; about 20 s."""
        self._put("wsltop", f"{__version__}, block 1")
        for step in (
            self._guest,
            self._cmd,
            self._wsl,
            self._measure,
            self._script,
            self._killed,
            self._tasklist,
            self._config,
        ):
            self._note(step.__name__.strip("_"))
            step()
        return Block(self._fields)

    def _put(self, name: str, value: object) -> None:
        text = clean(self._hide(str(value)))[:300]
        self._fields[name] = text.encode("ascii", "replace").decode()

    def _put_raw(self, name: str, raw: bytes) -> None:
        self._fields[name] = (len(raw), hide_names(raw, self._names)[:SHOWN])

    def _ask(self, name: str, program: str, *arguments: str) -> Output | None:
        """Run a program to its end; its status, time and raw outputs become fields."""
        launch = self._windows.prepare(program, *arguments)
        began = time.monotonic()
        output: Reading[Output] = launch if isinstance(launch, Unavailable) else run_relay(launch, PATIENCE)
        if isinstance(output, Unavailable):
            self._put(f"{name}.failed", output.reason)
            return None
        self._put(f"{name}.ms", round(1000 * (time.monotonic() - began)))
        self._put(f"{name}.status", output.status)
        self._put_raw(f"{name}.out", output.stdout)
        if output.stderr:
            self._put_raw(f"{name}.err", output.stderr)
        return output

    def _guest(self) -> None:
        """Versions, mounts, sockets and what the kernel says of reclaim."""
        root = self._windows.root
        self._put("guest.kernel", read_small(root / "proc/sys/kernel/osrelease").strip())
        self._put("guest.wsl", wsl_version(root))
        for number, line in enumerate(kernel_lines(root / "dev/kmsg")):
            self._put_raw(f"guest.log{number}", line)
        words = read_small(root / "proc/cmdline").split()
        self._put("guest.cmdline", " ".join(w for w in words if re.match(r"nr_cpus|page_reporting|swiotlb|WSL_", w)))
        order = ReportingSource(root).read()
        self._put("guest.order", order.reason if isinstance(order, Unavailable) else order.order)
        mounts = read_small(root / "proc/self/mountinfo").splitlines()
        found = [line for line in mounts if re.search(r" - (?:9p|virtiofs|drvfs) ", line)]
        for number, mount in enumerate(found[:8]):
            self._put_raw(f"guest.mount{number}", mount.encode())
        self._put("guest.drives", len(self._windows.mounts()))
        for number, path in enumerate(list_directory(root / "run/wsl/virtiofs")[:8]):
            self._put(f"guest.virtiofs{number}", f"{path.name} {path.readlink() if path.is_symlink() else ''}")
        entry = read_small(root / "proc/sys/fs/binfmt_misc/WSLInterop") + read_small(
            root / "proc/sys/fs/binfmt_misc/WSLInterop-late"
        )
        self._put("guest.binfmt", "init" if "interpreter /init" in entry else entry.replace("\n", " ") or "none")
        sockets = [path.name for path in list_directory(root / "run/WSL") if path.name.endswith("_interop")]
        self._put("guest.sockets", len(sockets))
        self._put("guest.wsl_interop", "set" if "WSL_INTEROP" in self._windows.environ else "not set")
        vmstat = read_small(root / "proc/vmstat").splitlines()
        kept = [line for line in vmstat if re.match(r"drop_|pgsteal_proactive|compact_(?:stall|daemon_wake) ", line)]
        self._put("guest.vmstat", ", ".join(kept))
        self._put("guest.pressure", "there" if list_directory(root / "proc/pressure") else "none")
        self._put("guest.cgroup", read_small(root / "proc/self/cgroup").replace("\n", " "))
        self._put("guest.reclaim", "there" if (root / "sys/fs/cgroup/memory.reclaim").exists() else "none")

    def _cmd(self) -> None:
        """The exit byte and what a start costs."""
        self._ask("cmd", CMD, "/c", "exit", "300")
        self._ask("cmd2", CMD, "/c", "exit", "300")

    def _wsl(self) -> None:
        """Versions and distributions; from here on the distributions' names are hidden."""
        listed = self._names_of_distros()
        version = self._ask("wsl.version", WSL_EXE, "--version")
        told = parse_versions(decode_text(version.stdout)) if version else ()
        self._put("wsl.versions", 0 if isinstance(told, Unavailable) else len(told))
        out = version.stdout if version else b""
        self._put("wsl.encoding", "utf-16" if out.count(b"\0") * 3 > len(out) > 0 else "other")
        self._put("wsl.distros", listed)
        self._ask("wsl.running", WSL_EXE, "--list", "--running", "--quiet")

    def _names_of_distros(self) -> int:
        """Ask for the list, learn the names, and only then show it; how many there are."""
        launch = self._windows.prepare(WSL_EXE, "--list", "--verbose")
        output = launch if isinstance(launch, Unavailable) else run_relay(launch, PATIENCE)
        if isinstance(output, Unavailable):
            self._put("wsl.list.failed", output.reason)
            return 0
        distros = parse_list(decode_text(output.stdout))
        if not isinstance(distros, Unavailable):
            self._names |= {distro.name: "<distro>" for distro in distros}
        self._put("wsl.list.status", output.status)
        self._put_raw("wsl.list.out", output.stdout)
        return 0 if isinstance(distros, Unavailable) else len(distros)

    def _measure(self) -> None:
        """What PowerShell measures."""
        output = self._ask("powershell", POWERSHELL, *OPTIONS, MEASURE)
        if output is None:
            return
        lines = decode_text(output.stdout).splitlines()
        names = ("path", "language", "version", "windows", "code_page", "redirected")
        for name, line in zip(names, lines, strict=False):
            self._put(f"powershell.{name}", line)
        text = "\n".join(lines[len(names) :])
        for name, pattern, count in (
            ("list_ms", r"GetProcesses x20 ms (\d+)", 20),
            ("command_ms", r"Get-Process x20 ms (\d+)", 20),
            ("refresh_ms", r"Refresh x20 ms (\d+)", 20),
            ("self_cpu_s", r"self cpu s ([\d.,]+)", 1),
            ("self_private", r"self .* private (\d+)", 1),
        ):
            if found := re.search(pattern, text):
                self._put(f"powershell.{name}", float(found[1].replace(",", ".")) / count)
        machines = re.findall(r"^(vmmem\S*) (\d+) ws (\d+) private (\d+)", text, re.M)
        self._put("powershell.machines", ", ".join(f"{name} {ws} {private}" for name, _, ws, private in machines))
        chosen = next((row for row in machines if row[0] in ("vmmemWSL", "vmmem")), None)
        if chosen:
            self._put("powershell.vm", chosen[0])
            self._put("powershell.vm_ws", chosen[2])
            self._put("powershell.vm_private", chosen[3])
        if found := re.search(r"cim KiB (\d+) (\d+) build (\d+)", text):
            self._put("powershell.cim", found[0])
            guest = re.search(r"MemTotal:\s+(\d+)", read_small(self._windows.root / "proc/meminfo"))
            if guest:
                self._put("powershell.total_over_guest", f"{int(found[1]) / int(guest[1]):.3f}")

    def _start_script(self, name: str) -> Relay | None:
        launch = self._windows.prepare(POWERSHELL, *OPTIONS, write_script(1.0))
        deadline = time.monotonic() + PATIENCE
        relay: Relay | Unavailable | None = launch if isinstance(launch, Unavailable) else None
        while relay is None and not isinstance(launch, Unavailable) and time.monotonic() < deadline:
            relay = start_relay(launch)
            time.sleep(0.0 if relay else 0.1)
        if isinstance(relay, Relay):
            return relay
        self._put(f"{name}.failed", "the last one still lives" if relay is None else relay.reason)
        return None

    def _read_lines(self, relay: Relay, count: int, name: str) -> list[bytes]:
        """So many lines of the script, each with its time as a field."""
        began = time.monotonic()
        lines: list[bytes] = []
        while len(lines) < count and not relay.finished and time.monotonic() - began < PATIENCE:
            relay.wait_output(0.5)
            for line in relay.read_lines():
                if not lines:
                    self._put(f"{name}.first_ms", round(1000 * (time.monotonic() - began)))
                    self._put_raw(f"{name}.line", line)
                lines.append(line)
        return lines

    def _script(self) -> None:
        """The script as wsltop runs it, and its end when its stdin ends."""
        relay = self._start_script("script")
        if relay is None:
            return
        lines = self._read_lines(relay, 5, "script")
        good = [line for line in lines if isinstance(parse_line(line, 0.0), (HostMemory, Unavailable))]
        self._put("script.lines", len(good))
        began = time.monotonic()
        if relay.said:
            relay.close_input()
            while not relay.has_ended() and time.monotonic() - began < 5.0:
                relay.wait_output(0.05)
                relay.read()
            if relay.has_ended():
                self._put("script.end_ms", round(1000 * (time.monotonic() - began)))
                self._put("script.status", relay.wait(1.0))
        relay.read()
        if relay.complaints:
            self._put_raw("script.err", relay.complaints)
        relay.leave()

    def _powershells(self) -> set[str]:
        """The process ids of Windows' PowerShells."""
        launch = self._windows.prepare(TASKLIST, "/FI", "IMAGENAME eq powershell.exe", "/FO", "CSV", "/NH")
        output = launch if isinstance(launch, Unavailable) else run_relay(launch, PATIENCE)
        text = "" if isinstance(output, Unavailable) else decode_text(output.stdout)
        return set(re.findall(r'^"powershell\.exe","(\d+)"', text, re.M | re.I))

    def _cpu(self) -> float:
        """CPU seconds that the Windows side of WSL has used, as far as it can be read."""
        launch = self._windows.prepare(POWERSHELL, *OPTIONS, MEASURE)
        output = launch if isinstance(launch, Unavailable) else run_relay(launch, PATIENCE)
        text = "" if isinstance(output, Unavailable) else decode_text(output.stdout)
        found = re.findall(r"^wsl\w* \d+ cpu ([\d.,]+)", text, re.M)
        return sum(float(number.replace(",", ".")) for number in found)

    def _killed(self) -> None:
        """A relay that is killed after its second line: Windows ends the program, and no thread spins."""
        before, cpu = self._powershells(), self._cpu()
        relay = self._start_script("killed")
        if relay is None:
            return
        lines = self._read_lines(relay, 2, "killed")
        during = self._powershells() - before
        self._put("killed.started", len(during))
        if len(lines) >= 2:  # never before the first: that makes Windows spin (WSL#41173)
            relay.kill()
            relay.wait(2.0)
            time.sleep(3.0)
            self._put("killed.left", len(self._powershells() & during) if during else "unknown")
            self._put("killed.cpu_s", f"{max(0.0, self._cpu() - cpu):.2f}")
        relay.leave()

    def _tasklist(self) -> None:
        """The row of the VM, and no match."""
        output = self._ask("tasklist", TASKLIST, *ARGUMENTS)
        self._put("tasklist.rows", count_rows(output))
        none = self._ask("tasklist2", TASKLIST, "/FI", "IMAGENAME eq nosuch*", "/FO", "CSV", "/NH")
        if none is not None:
            self._put("tasklist.none", f"{none.status} {count_rows(none)}")

    def _config(self) -> None:
        """How the settings of WSL are found, and the ids of what is odd in them."""
        mounts = self._windows.mounts()
        found = find_wslconfig(mounts[0], self._windows.environ) if mounts else Unavailable("no drive")
        if isinstance(found, Unavailable):
            self._put("config.chosen_by", "no")
            self._put("config.reason", found.reason)
            return
        self._put("config.chosen_by", found.chosen_by)
        self._put("config.present", found.present)
        if found.present:
            ids = sorted({finding.id for finding in lint(parse(found.text))})
            self._put("config.findings", ", ".join(ids) or "none")


def wsl_version(root: Path) -> str:
    """What ``wslinfo`` says; only of this machine itself."""
    program = root / WSLINFO
    if root != Path("/") or not program.exists():
        return "no wslinfo"
    said = run_command([str(program), "--wsl-version"], 5.0)
    return said.reason if isinstance(said, Unavailable) else decode_text(said.stdout).strip()


def kernel_lines(path: Path) -> list[bytes]:
    """The last lines of the kernel log that are about WSL's reclaim; none where it cannot be read."""
    try:
        log = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    kept: list[bytes] = []
    try:
        for _ in range(MOST_RECORDS):
            record = os.read(log, 8192)
            if not record:
                break
            kept += [line for line in record.split(b"\n")[:1] if RECLAIM.search(line)]
    except OSError:  # the end, or records that were overwritten meanwhile
        pass
    finally:
        os.close(log)
    return kept[-10:]


def count_rows(output: Output | None) -> int:
    """The rows of virtual machines that tasklist printed; -1 for one that is not understood."""
    rows = parse_rows(decode_text(output.stdout)) if output is not None else []
    return -1 if isinstance(rows, Unreadable) else len(rows)


def names_to_hide(environ: Mapping[str, str], host: str, drive: Path | None) -> dict[str, str]:
    """Names of this machine, each with its sign; one of a letter or two would hide too much."""
    users = {environ.get(name, "") for name in ("USER", "LOGNAME", "SUDO_USER", "USERNAME")}
    users |= {re.split(r"[\\/]", environ.get(name, "").rstrip("\\/"))[-1] for name in ("HOME", "USERPROFILE")}
    if drive is not None:
        users |= {path.name for path in list_directory(drive / "Users")}
    hosts = {host, host.partition(".")[0], *(environ.get(name, "") for name in ("HOSTNAME", "COMPUTERNAME", "NAME"))}
    public = {"root", "public", "default", "default user", "all users", "desktop.ini", "localhost"}
    names = dict.fromkeys(users, "<user>") | dict.fromkeys(hosts, "<host>")
    names[environ.get("WSL_DISTRO_NAME", "")] = "<distro>"
    return {name: sign for name, sign in names.items() if len(name) > 2 and name.lower() not in public}
