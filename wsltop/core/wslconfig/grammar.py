"""The keys of .wslconfig that WSL knows, and the grammar by which WSL reads the file."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address
from typing import Final, Literal

from msgspec import Struct

Kind = Literal["size", "int", "bool", "enum", "text", "path", "ip", "ports", "mac"]
U64: Final = 2**64
UNITS: Final[dict[str, int]] = {"": 1} | {
    text: int(1024**power)
    for power, letter in enumerate("BKMGT")
    for text in ({letter, letter + "B"} if letter != "B" else {"B"})
}
WSL_SIZE: Final = re.compile(r"([ \t\n\v\f\r]*)([+-]?)([0-9]+)(.{0,2})", re.DOTALL)
WSL_INT: Final = re.compile(r"[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
MAC: Final = re.compile(r"[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2}")
PORT: Final = re.compile(r"[ \t\n\v\f\r]*\+?([0-9]+)")


def parse_wsl_size(text: str) -> int | None:
    """Bytes as WSL reads them (stringshared.h, ParseMemorySize over strtoull); ``None``: WSL rejects it.

    Its oddities are kept: zero must be written ``0``, ``-1`` wraps around, and so does a product over 64 bits.
    """
    match = WSL_SIZE.fullmatch(text)
    if match is None or match[4] not in UNITS:
        return None
    number = min(int(match[3]), U64 - 1) if len(match[3]) < 40 else U64 - 1
    if match[2] == "-" and number < U64 - 1:
        number = -number % U64
    if number == 0 and (match[1] or match[2] or match[3] != "0"):
        return None
    return number * UNITS[match[4]] % U64


def parse_wsl_int(text: str) -> int | None:
    """The integer as WSL reads it: decimal, ``0x`` or octal (strtol, base 0, 32 bits on Windows, saturating)."""
    match = WSL_INT.fullmatch(text)
    if match is None:
        return None
    digits = match[2].lower()
    base = 16 if digits.startswith("0x") else 8 if digits.startswith("0") else 10
    number = int(digits, base) if len(digits) < 40 else 2**31
    return max(-(2**31), -number) if match[1] == "-" else min(2**31 - 1, number)


def parse_wsl_bool(text: str) -> bool | None:
    """True or false for ``true``, ``false``, ``1``, ``0``; there is no ``yes`` and no ``on``."""
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower())


def is_valid(kind: Kind, choices: tuple[str, ...], text: str) -> bool:
    """Whether WSL takes the text for a key of this kind."""
    match kind:
        case "size":
            return parse_wsl_size(text) is not None
        case "int":
            return parse_wsl_int(text) is not None
        case "bool":
            return parse_wsl_bool(text) is not None
        case "enum":
            return text.lower() in {choice.lower() for choice in choices}
        case "mac":
            return MAC.fullmatch(text) is not None
        case "ip":
            return is_ipv4(text)
        case "ports":
            return all(is_port(part) for part in text.split(",") if part)
        case "text" | "path":
            return True


def is_ipv4(text: str) -> bool:
    """Whether the text is an IPv4 address (inet_pton)."""
    try:
        IPv4Address(text)
    except AddressValueError:
        return False
    return True


def is_port(text: str) -> bool:
    """Whether the text starts with a port (std::stoi, which ignores what follows)."""
    match = PORT.match(text)
    return match is not None and len(match[1]) < 40 and 0 < int(match[1]) <= 0xFFFF


def render_size(size: int) -> str:
    """Write bytes the way WSL reads them, in the largest unit that is exact: ``8GB``, ``1536MB``, ``1``."""
    for unit in ("TB", "GB", "MB", "KB"):
        if size and size % UNITS[unit] == 0:
            return f"{size // UNITS[unit]}{unit}"
    return str(size)


SECTIONS: Final = ("wsl2", "general", "experimental")


class KnownKey(Struct, frozen=True):
    """One key that WSL reads."""

    section: str
    key: str
    kind: Kind
    default: str
    """For people: a value, or what decides it."""
    note: str = ""
    choices: tuple[str, ...] = ()
    since: str = ""
    """First WSL version that knows the key, where that is known and matters."""
    former: str = ""
    """Section under which it is still read too."""

    @property
    def name(self) -> str:
        """The name that WSL looks up."""
        return f"{self.section}.{self.key}"

    @property
    def names(self) -> tuple[str, ...]:
        """All names; they share one value, so the first occurrence of any of them wins."""
        return (self.name, f"{self.former}.{self.key}") if self.former else (self.name,)


class RetiredKey(Struct, frozen=True):
    """One key that WSL knew or its documentation listed, and that is an unknown key now."""

    key: str
    instead: str
    """What replaced it, as a sentence."""


NETWORKING: Final = ("NAT", "mirrored", "none", "bridged", "consomme", "virtioProxy")
RECLAIM: Final = ("dropCache", "gradual", "disabled")
KNOWN_KEYS: Final = (
    KnownKey("wsl2", "memory", "size", "half of Windows' RAM", "from 256 MB to all of Windows' RAM; in steps of 2 MB"),
    KnownKey("wsl2", "swap", "size", "a quarter of memory, rounded up to GB", "0 turns swap off"),
    KnownKey("wsl2", "swapFile", "path", r"swap.vhdx in a temporary folder", "deleted when the VM stops"),
    KnownKey("wsl2", "processors", "int", "all logical processors", "0 and less mean all"),
    KnownKey("wsl2", "kernel", "path", "Microsoft's kernel"),
    KnownKey("wsl2", "kernelModules", "path", "the modules of Microsoft's kernel"),
    KnownKey("wsl2", "kernelCommandLine", "text", "nothing", "appended; visible in /proc/cmdline"),
    KnownKey("wsl2", "loadKernelModules", "text", "nothing", "names, separated by commas"),
    KnownKey("wsl2", "loadDefaultKernelModules", "bool", "true"),
    KnownKey("wsl2", "vmIdleTimeout", "int", "60000", "ms until an unused VM stops; negative: never"),
    KnownKey("wsl2", "safeMode", "bool", "false", "turns swap and many features off"),
    KnownKey("wsl2", "isolateDistroCgroup", "bool", "true", since="2.9.5"),
    KnownKey("wsl2", "guiApplications", "bool", "true", "WSLg, a distribution of its own in the VM"),
    KnownKey("wsl2", "gpuSupport", "bool", "true"),
    KnownKey("wsl2", "systemDistro", "path", "the one of WSL"),
    KnownKey("wsl2", "nestedVirtualization", "bool", "true on Windows 11, x86-64"),
    KnownKey("wsl2", "hardwarePerformanceCounters", "bool", "true on x86-64"),
    KnownKey("wsl2", "localhostForwarding", "bool", "true"),
    KnownKey("wsl2", "networkingMode", "enum", "NAT", "consomme was virtioProxy", NETWORKING, former="experimental"),
    KnownKey("wsl2", "dnsTunneling", "bool", "true", former="experimental"),
    KnownKey("wsl2", "firewall", "bool", "true", former="experimental"),
    KnownKey("wsl2", "autoProxy", "bool", "true", former="experimental"),
    KnownKey("wsl2", "dnsProxy", "bool", "true"),
    KnownKey("wsl2", "dhcp", "bool", "true"),
    KnownKey("wsl2", "dhcpTimeout", "int", "5000", "ms"),
    KnownKey("wsl2", "ipv6", "bool", "false"),
    KnownKey("wsl2", "vmSwitch", "text", "nothing", "for networkingMode=bridged"),
    KnownKey("wsl2", "macAddress", "mac", "random"),
    KnownKey("wsl2", "virtio", "bool", "true"),
    KnownKey("wsl2", "virtio9p", "bool", "false", "new versions turn it off again"),
    KnownKey("wsl2", "virtiofs", "bool", "false"),
    KnownKey("wsl2", "hostFileSystemAccess", "bool", "true"),
    KnownKey("wsl2", "mountDeviceTimeout", "int", "5000", "ms"),
    KnownKey("wsl2", "kernelBootTimeout", "int", "30000", "ms"),
    KnownKey("wsl2", "distributionStartTimeout", "int", "60000", "ms"),
    KnownKey("wsl2", "debugConsole", "bool", "false"),
    KnownKey("wsl2", "debugConsoleLogFile", "path", "nothing"),
    KnownKey("wsl2", "earlyBootLogging", "bool", "false, true with a debug console"),
    KnownKey("wsl2", "kernelDebugPort", "int", "0", "0: off"),
    KnownKey("wsl2", "telemetry", "bool", "true in Microsoft's builds"),
    KnownKey("wsl2", "defaultVhdSize", "size", "1TB", "disk of a new distribution"),
    KnownKey("wsl2", "crashDumpFolder", "path", "wsl-crashes in a temporary folder"),
    KnownKey("wsl2", "maxCrashDumpCount", "int", "10"),
    KnownKey("general", "distributionInstallPath", "path", r"%LOCALAPPDATA%\wsl"),
    KnownKey("general", "instanceIdleTimeout", "int", "15000", "ms until an unused distribution stops"),
    KnownKey(
        "experimental", "autoMemoryReclaim", "enum", "dropCache (since 2.1.3)", "page cache only", RECLAIM, "2.0.0"
    ),
    KnownKey("experimental", "sparseVhd", "bool", "false", "disk, not memory", since="2.0.0"),
    KnownKey(
        "experimental", "swiotlb", "size", "64MB with virtio devices", "bounce buffers, out of memory", (), "2.8.9"
    ),
    KnownKey("experimental", "virtioFsAggregateShares", "bool", "true", since="2.9.5"),
    KnownKey("experimental", "bestEffortDnsParsing", "bool", "false", since="2.0.0"),
    KnownKey("experimental", "dnsTunnelingIpAddress", "ip", "10.255.255.254", since="2.0.0"),
    KnownKey("experimental", "initialAutoProxyTimeout", "int", "1000", "ms", since="2.0.0"),
    KnownKey("experimental", "ignoredPorts", "ports", "nothing", "numbers, separated by commas", since="2.0.0"),
    KnownKey("experimental", "hostAddressLoopback", "bool", "false", since="2.0.0"),
    KnownKey("experimental", "setVersionDebug", "bool", "false"),
)
RETIRED_KEYS: Final = (
    RetiredKey(
        "pageReporting",
        "Free pages are always reported to Windows now, and there is no switch. "
        "For the page cache use autoMemoryReclaim under [experimental].",
    ),
    RetiredKey(
        "idleThreshold", "The idle test is fixed now; choose a mode with autoMemoryReclaim under [experimental]."
    ),
    RetiredKey("pageReportingOrder", "WSL chooses the order from the build of Windows; nothing replaces the key."),
    RetiredKey("useWindowsDnsCache", "Left the documentation in 2024; nothing replaces it."),
)
WSL_CONF_KEYS: Final = (
    *(f"automount.{key}" for key in ("enabled", "root", "options", "mountFsTab", "ldconfig", "cgroups")),
    *(f"interop.{key}" for key in ("enabled", "appendWindowsPath")),
    *(f"boot.{key}" for key in ("systemd", "command", "protectBinfmt", "initTimeout")),
    *(f"network.{key}" for key in ("hostname", "generateHosts", "generateResolvConf")),
    *(f"gpu.{key}" for key in ("enabled", "appendLibPath")),
    *(f"fileServer.{key}" for key in ("enabled", "logFile", "logLevel", "logTruncate")),
    "user.default",
    "time.useWindowsTimezone",
    "filesystem.umask",
)
"""Settings of one distribution, read from its own ``/etc/wsl.conf``. Without ``general.guiApplications``, whose key
``.wslconfig`` knows too."""
WSL_CONF_SECTIONS: Final = frozenset(name.partition(".")[0].lower() for name in WSL_CONF_KEYS)
WSL_CONF_NAMES: Final = frozenset(name.lower() for name in WSL_CONF_KEYS)
BY_NAME: Final = {name.lower(): key for key in KNOWN_KEYS for name in key.names}
BY_KEY: Final = {key.key.lower(): key for key in KNOWN_KEYS}
RETIRED_BY_KEY: Final = {key.key.lower(): key for key in RETIRED_KEYS}
WSL_CONF_BY_KEY: Final = {name.partition(".")[2].lower(): name for name in WSL_CONF_KEYS}


def find_key(name: str) -> KnownKey | None:
    """The key that WSL finds under a full name such as ``wsl2.memory``, in any case."""
    return BY_NAME.get(name.lower())


def parse_version(text: str) -> tuple[int, ...] | None:
    """The numbers of a version such as ``2.7.10.0``; ``None`` when there are none at its start."""
    match = re.match(r"\s*v?(\d{1,9}(?:\.\d{1,9})*)", text)
    return tuple(int(part) for part in match[1].split(".")) if match else None


LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
NAME: Final = LETTERS | frozenset("0123456789")
ESCAPES: Final = {"\\": "\\", '"': '"', "b": "\b", "n": "\n", "t": "\t", "\r": "", "\n": ""}
LONGEST_NAME: Final = 256
"""A hostile file must not make each of its entries as long as itself."""
ProblemKind = Literal["key", "section", "equals", "quote", "escape"]
"""``key``: the line starts with no letter; ``section``: a malformed ``[header]``; ``equals``: no ``=`` after the name;
``quote``: a quote stays open; ``escape``: a backslash before a character that WSL does not know."""


class Entry(Struct, frozen=True, kw_only=True):
    """One ``key=value`` that WSL gets to see."""

    name: str
    """What WSL looks up: ``wsl2.memory``; without a dot when there is no usable section."""
    section: str
    key: str
    value: str
    """Without quotes, with escapes replaced, without blanks at either end."""
    line: int
    """Counts from 1; where the key stands."""


class Header(Struct, frozen=True, kw_only=True):
    """One well-formed ``[section]``."""

    name: str
    line: int


class Problem(Struct, frozen=True, kw_only=True):
    """One line that WSL skips."""

    line: int
    kind: ProblemKind
    text: str
    """The line as it stands in the file."""
    detail: str = ""
    """The offending character, where there is one."""


class WslConfig(Struct, frozen=True, kw_only=True, tag="wslconfig"):
    """A parsed ``.wslconfig``; one without entries stands for an absent file too."""

    entries: tuple[Entry, ...] = ()
    headers: tuple[Header, ...] = ()
    problems: tuple[Problem, ...] = ()

    def first(self, *names: str) -> Entry | None:
        """The entry that counts for a key and its aliases: the first one, even if its value is invalid."""
        wanted = {name.lower() for name in names}
        return next((entry for entry in self.entries if entry.name.lower() in wanted), None)


def parse(text: str) -> WslConfig:
    """Parse a whole file; never raises, whatever the text."""
    scanner = Scanner(text.replace("\r\n", "\n").partition("\x1a")[0])
    scanner.run()
    return WslConfig(entries=tuple(scanner.entries), headers=tuple(scanner.headers), problems=tuple(scanner.problems))


class Scanner:
    """Walks over the text once.

    A malformed header leaves traces, as in WSL: it does not start a section, but the part of its name that was read
    has overwritten the name of the section before, cut or padded with NUL to the length of that.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.counted = 0
        self.line = 1
        self.section = ""
        self.entries: list[Entry] = []
        self.headers: list[Header] = []
        self.problems: list[Problem] = []

    def run(self) -> None:
        """Read lines until the text ends."""
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in " \t\r\n":
                self.at += 1
            elif char == "#":
                self.at = self.end_of_line()
            elif char == "[":
                self.read_header()
            elif char in LETTERS:
                self.read_entry()
            else:
                self.skip_line("key", self.here(), char)

    def read_header(self) -> None:
        """Read ``[name]``; the current section changes only when the whole line is good."""
        line = self.here()
        self.at += 1
        if self.peek() not in LETTERS:
            return self.skip_line("section", line, self.peek())
        name, length = self.take_name(), len(self.section)
        self.section = name[:length].ljust(length, "\0")
        if self.peek() != "]":
            return self.skip_line("section", line, self.peek())
        self.at += 1
        self.skip_blanks()
        if self.peek() not in ("", "\n", "\r", "#"):
            return self.skip_line("section", line, self.peek())
        self.section = name
        self.headers.append(Header(name=name, line=line))
        return None

    def read_entry(self) -> None:
        """Read ``key = value``."""
        line = self.here()
        key = self.take_name()
        name = f"{self.section}.{key}" if self.section else key
        self.skip_blanks()
        if self.peek() != "=":
            return self.skip_line("equals", line, self.peek())
        self.at += 1
        self.skip_blanks()
        value = self.take_value(line)
        if value is not None:
            # A C string ends at its first NUL: both the padded section and the value.
            name, section, value = (part.partition("\0")[0] for part in (name, self.section, value))
            self.entries.append(Entry(name=name, section=section, key=key, value=value, line=line))
        return None

    def take_value(self, line: int) -> str | None:
        """Read up to the end of the line or a comment; ``None``: the line is bad and skipped."""
        parts: list[str] = []
        kept = 0  # the parts up to here end in something else than a blank outside of an escape
        quoted = False
        while (char := self.peek()) not in ("", "\n", "\r"):
            if char == "#" and not quoted:
                break
            self.at += 1
            if char == '"':
                quoted = not quoted
            elif char == "\\":
                escaped = self.peek()
                if escaped not in ESCAPES:
                    self.skip_line("escape", line, escaped)
                    return None
                self.at += 1
                parts.append(ESCAPES[escaped])
            else:
                parts.append(char)
            if char not in " \t":
                kept = len(parts)
        if quoted:
            self.skip_line("quote", line, '"')
            return None
        return "".join(parts[:kept])

    def take_name(self) -> str:
        """Read ASCII letters and digits; return no more of them than any key needs."""
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in NAME:
            self.at += 1
        return self.text[start : min(self.at, start + LONGEST_NAME)]

    def skip_blanks(self) -> None:
        """Step over blanks and tabs."""
        while self.at < len(self.text) and self.text[self.at] in " \t":
            self.at += 1

    def skip_line(self, kind: ProblemKind, line: int, detail: str) -> None:
        """Note a problem and go to the end of the line where it was found."""
        shown = self.text.rfind("\n", 0, self.at) + 1
        self.at = self.end_of_line()
        self.problems.append(Problem(line=line, kind=kind, text=self.text[shown : self.at], detail=detail))

    def peek(self) -> str:
        """The next character, empty at the end."""
        return self.text[self.at : self.at + 1]

    def here(self) -> int:
        """The number of the current line."""
        self.line += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.line

    def end_of_line(self) -> int:
        """Where the current line ends."""
        end = self.text.find("\n", self.at)
        return len(self.text) if end < 0 else end
