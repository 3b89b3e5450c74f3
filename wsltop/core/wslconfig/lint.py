"""What is wrong with a .wslconfig, line by line."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Final, Literal

from msgspec import Struct

from wsltop.core.wslconfig.grammar import (
    BY_KEY,
    KNOWN_KEYS,
    RETIRED_BY_KEY,
    SECTIONS,
    WSL_CONF_BY_KEY,
    WSL_CONF_NAMES,
    WSL_CONF_SECTIONS,
    Entry,
    Header,
    KnownKey,
    Problem,
    WslConfig,
    find_key,
    is_valid,
    parse,
    parse_version,
    parse_wsl_int,
    parse_wsl_size,
    render_size,
)
from wsltop.model.sample import Encoding, Reading, Unavailable, WslconfigFile, known
from wsltop.model.text import GIB, MIB, clean, format_size, parse_size

Severity = Literal["error", "warning", "note"]
"""``error``: WSL does not do what the line says; ``warning``: it does, and that is rarely meant;
``note``: good to know."""


class ConfigFinding(Struct, frozen=True, kw_only=True):
    """What is wrong, where, and what to do."""

    id: str
    """Stable, for scripts: ``config-unknown-key``."""
    line: int | None = None
    """In ``.wslconfig``, from 1; ``None`` when it is about no single line."""
    severity: Severity
    text: str
    """A sentence, safe to show."""
    remedy: str = ""
    """What to do, as a sentence; empty when there is nothing to do."""


def quote(text: str, limit: int = 60) -> str:
    """Text from the file, made safe and cut to fit into a sentence."""
    text = clean(text).strip()
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


MINIMUM_MEMORY: Final = 256 * MIB
"""WSL raises a smaller ``memory`` to it (WslCoreConfig.cpp, Initialize)."""
STAYS: Final = {"vmIdleTimeout": "the VM", "instanceIdleTimeout": "each distribution, and with it the VM,"}
"""What a negative timeout keeps (LxssUserSession.cpp)."""
TINY: Final = {"memory": MINIMUM_MEMORY, "swap": MIB, "defaultVhdSize": 16 * MIB, "swiotlb": MIB}
"""Below this, a size is a forgotten suffix."""


def lint_value(entry: Entry, key: KnownKey, windows_total: Reading[int]) -> Iterator[ConfigFinding]:
    """Find values that WSL rejects, and values that it takes though they are rarely meant."""
    if not is_valid(key.kind, key.choices, entry.value):
        yield bad_value(entry, key)
        return
    if key.kind == "size":
        yield from lint_size(entry, key, windows_total)
    if key.kind in ("path", "text") and not entry.value.isascii():
        yield ConfigFinding(
            id="config-non-ascii",
            line=entry.line,
            severity="warning",
            text=f"{key.key} holds characters outside of ASCII; WSL's reader keeps one byte of each and garbles them.",
            remedy="Use a path of plain ASCII characters.",
        )
    if key.key in STAYS and (parse_wsl_int(entry.value) or 0) < 0:
        yield ConfigFinding(
            id="config-never-stops",
            line=entry.line,
            severity="warning",
            text=f"{key.key}={quote(entry.value)} keeps {STAYS[key.key]} for ever after the last terminal is closed: "
            "Windows gets its memory back only by wsl --shutdown.",
            remedy=f"Remove the line, or write {key.key}={key.default}.",
        )
    if key.key == "autoMemoryReclaim" and entry.value.lower() == "gradual":
        yield ConfigFinding(
            id="config-gradual",
            line=entry.line,
            severity="note",
            text="gradual is reported to stall distributions with systemd after idle times (WSL#10675).",
            remedy="If yours stalls, write autoMemoryReclaim=dropCache.",
        )


def bad_value(entry: Entry, key: KnownKey) -> ConfigFinding:
    """Explain what WSL does instead, and what it would take."""
    kept = f"keeps the default ({key.default})"
    if key.kind == "mac":
        kept = "refuses to start the VM"
    elif key.kind == "ip":
        kept = "turns DNS tunneling off"
    elif key.kind == "ports":
        kept = "leaves out what is no port"
    shown = quote(entry.value)
    return ConfigFinding(
        id="config-bad-value",
        line=entry.line,
        severity="error",
        text=f"{key.key}={shown} is invalid; WSL {kept}." if shown else f"{key.key} has no value; WSL {kept}.",
        remedy=valid_values(entry, key),
    )


def valid_values(entry: Entry, key: KnownKey) -> str:
    """Say what WSL would take, with the value that was probably meant."""
    match key.kind:
        case "size":
            return size_remedy(entry, key)
        case "bool":
            return "Write true or false."
        case "int":
            return "Write a whole number; 0x marks hexadecimal, a leading 0 octal."
        case "enum":
            close = get_close_matches(entry.value.lower()[:64], [choice.lower() for choice in key.choices], n=1)
            meant = next((choice for choice in key.choices if close and choice.lower() == close[0]), "")
            return f"Write one of {', '.join(key.choices)}{f'; {meant} is close' if meant else ''}."
        case "ip":
            return "Write an IPv4 address."
        case "mac":
            return "Write six pairs of hexadecimal digits with - or : between them."
        case "ports":
            return "Write numbers from 1 to 65535 with commas between them."
        case "text" | "path":
            return ""


def size_remedy(entry: Entry, key: KnownKey) -> str:
    """Show how WSL wants a size, by the value that was probably meant."""
    meant = entry.value.partition(";")[0].strip()
    rules = "WSL takes a whole number and an upper-case KB, MB, GB or TB, without a blank"
    if len(meant) > 20:
        return f"{rules}: {key.key}=8GB."
    if meant.endswith("%"):
        return f"{rules}; it knows no percentages."
    try:
        size = parse_size(meant)
    except ValueError:
        return f"{rules}: {key.key}=8GB."
    rounded = size - size % MIB if size > MIB else size
    return f"Write {key.key}={render_size(rounded)}; {rules}."


def lint_size(entry: Entry, key: KnownKey, windows_total: Reading[int]) -> Iterator[ConfigFinding]:
    """Find sizes without a suffix, and more memory than Windows has."""
    size = parse_wsl_size(entry.value) or 0
    limit = TINY.get(key.key, 0)
    if 0 < size < limit:
        plain = entry.value.isdecimal()
        yield ConfigFinding(
            id="config-tiny-size",
            line=entry.line,
            severity="warning",
            text=f"{key.key}={quote(entry.value)} is {format_size(size)}"
            + (" (a number without suffix is bytes)" if plain else "")
            + ("; WSL raises it to 256 MB." if key.key == "memory" else "."),
            remedy=f"Add a suffix: {key.key}={quote(entry.value)}GB." if plain else "Write a larger size.",
        )
    total = known(windows_total)
    if key.key == "memory" and total is not None and size > total - max(total // LEAST_FOR_WINDOWS, 2 * GIB):
        yield ConfigFinding(
            id="config-too-much-memory",
            line=entry.line,
            severity="warning",
            text=f"memory={quote(entry.value)} leaves Windows {format_size(max(0, total - size))} of its "
            f"{format_size(total)}.",
            remedy="Leave Windows a quarter of its RAM, and at least 4 GB.",
        )


LEAST_FOR_WINDOWS: Final = 8
"""Windows needs at least this part of its RAM, an eighth, for itself and the programs that it runs."""
MOST: Final = 100
"""Findings of one kind; the rest of a file that is no ``.wslconfig`` at all is not worth the time."""
UNKNOWN: Final = Unavailable(reason="not asked for")


def lint(
    config: WslConfig, *, wsl_version: Reading[str] = UNKNOWN, windows_total: Reading[int] = UNKNOWN
) -> tuple[ConfigFinding, ...]:
    """What is wrong, in the order of the lines."""
    findings = [lint_problem(problem) for problem in config.problems[:MOST]]
    findings += islice(lint_headers(config), MOST)
    unread = {header.name.lower() for header in config.headers if not is_section(header.name)}
    seen: dict[str, Entry] = {}
    for entry in config.entries:
        if len(findings) >= 3 * MOST:
            break
        key = find_key(entry.name)
        if key is None:
            if entry.section.lower() not in unread:
                findings.append(lint_unknown(entry))
        elif (earlier := seen.setdefault(key.name, entry)) is not entry:
            findings.append(duplicate(entry, earlier))
        else:
            findings += lint_value(entry, key, windows_total)
            findings += lint_version(entry, key, wsl_version)
    return tuple(sorted(findings, key=lambda finding: finding.line or 0))


def is_section(name: str) -> bool:
    """Whether keys under this header are looked at one by one."""
    return name.lower() in SECTIONS or name.lower() in WSL_CONF_SECTIONS


def lint_problem(problem: Problem) -> ConfigFinding:
    """Explain a line that WSL skips."""
    text, detail = quote(problem.text), quote(problem.detail)
    match problem.kind:
        case "key" if problem.detail == ";":
            id_, remedy = "config-semicolon", "Start a comment with #."
        case "section":
            id_, remedy = "config-bad-section", f"Write one of {sections()} alone on the line, without blanks inside."
        case "escape":
            id_, remedy = "config-bad-escape", r"Double each backslash: C:\\Users\\name."
        case "quote":
            id_, remedy = "config-bad-quote", 'Close the quote on the same line, or write \\" for a literal one.'
        case "key" | "equals":
            id_, remedy = "config-bad-line", "Write key=value; a key has only letters and digits."
    because = {
        "key": f'a line cannot start with "{detail}"',
        "section": "the section header is malformed",
        "equals": "there is no = after the key",
        "escape": f'the backslash before "{detail}" makes an escape that does not exist',
        "quote": "a quote stays open",
    }[problem.kind]
    return ConfigFinding(
        id=id_, line=problem.line, severity="error", text=f'WSL skips "{text}": {because}.', remedy=remedy
    )


def lint_headers(config: WslConfig) -> Iterator[ConfigFinding]:
    """Explain the sections that WSL knows nothing about."""
    for header in config.headers:
        if not is_section(header.name):
            yield unknown_section(header, config)


def unknown_section(header: Header, config: WslConfig) -> ConfigFinding:
    """Name what is lost under a section that does not exist."""
    keys = [quote(entry.key) for entry in config.entries if entry.section.lower() == header.name.lower()]
    lost = f"; WSL ignores {', '.join(keys[:5])}{' and more' if len(keys) > 5 else ''}" if keys else ""
    close = get_close_matches(header.name.lower(), SECTIONS, n=1, cutoff=0.6)
    return ConfigFinding(
        id="config-unknown-section",
        line=header.line,
        severity="error",
        text=f"[{quote(header.name)}] is no section{lost}.",
        remedy=f"Write [{close[0]}]." if close else f"Use one of {sections()}.",
    )


def lint_unknown(entry: Entry) -> ConfigFinding:
    """Explain a key that WSL does not find: the most specific reason first."""
    key, section = entry.key.lower(), entry.section.lower()
    by_key, name = BY_KEY.get(key), quote(entry.key)
    if section in WSL_CONF_SECTIONS and by_key is None:
        if entry.name.lower() in WSL_CONF_NAMES:
            return wsl_conf(entry, f"{entry.section}.{entry.key}")
        return ConfigFinding(
            id="config-unknown-key",
            line=entry.line,
            severity="error",
            text=f"{name} is a key of neither .wslconfig nor /etc/wsl.conf.",
            remedy="Remove the line.",
        )
    if by_key is not None and "." not in entry.name:
        return ConfigFinding(
            id="config-no-section",
            line=entry.line,
            severity="error",
            text=f"{name} stands under no section, so WSL ignores it.",
            remedy=f"Put [{by_key.section}] on a line above it.",
        )
    if by_key is not None:
        return ConfigFinding(
            id="config-wrong-section",
            line=entry.line,
            severity="error",
            text=f"{name} is not read under [{quote(entry.section)}].",
            remedy=f"Move it under [{by_key.section}].",
        )
    if key in RETIRED_BY_KEY:
        return ConfigFinding(
            id="config-retired-key",
            line=entry.line,
            severity="warning",
            text=f"{name} is gone: today's WSL does not know it.",
            remedy=f"Remove the line. {RETIRED_BY_KEY[key].instead}",
        )
    if key in WSL_CONF_BY_KEY:
        return wsl_conf(entry, WSL_CONF_BY_KEY[key])
    return misspelled(entry)


def wsl_conf(entry: Entry, name: str) -> ConfigFinding:
    """Send a key of a distribution to its own file."""
    section, _, key = name.partition(".")
    return ConfigFinding(
        id="config-wsl-conf",
        line=entry.line,
        severity="error",
        text=f"{quote(entry.key)} is a setting of one distribution; WSL ignores it here.",
        remedy=f"Move it into /etc/wsl.conf, as {quote(key)} under [{quote(section)}].",
    )


def misspelled(entry: Entry) -> ConfigFinding:
    """Name the key that was probably meant, or say that there is none."""
    close = get_close_matches(entry.key.lower()[:64], BY_KEY, n=1, cutoff=0.8)
    if not close:
        return ConfigFinding(
            id="config-unknown-key",
            line=entry.line,
            severity="error",
            text=f"{quote(entry.key)} is no key of .wslconfig.",
            remedy="Remove the line.",
        )
    known = BY_KEY[close[0]]
    moved = "" if entry.section.lower() == known.section else f" under [{known.section}]"
    return ConfigFinding(
        id="config-misspelled-key",
        line=entry.line,
        severity="error",
        text=f"{quote(entry.key)} is no key of .wslconfig; {known.key} is.",
        remedy=f"Write {known.key}{moved}.",
    )


def duplicate(entry: Entry, earlier: Entry) -> ConfigFinding:
    """Explain which of two lines counts."""
    return ConfigFinding(
        id="config-duplicate",
        line=entry.line,
        severity="warning",
        text=f"{quote(entry.key)} is set in line {earlier.line} already; the first line counts, even if it is invalid.",
        remedy="Remove one of the two lines.",
    )


def lint_version(entry: Entry, key: KnownKey, wsl_version: Reading[str]) -> Iterator[ConfigFinding]:
    """Find keys that are newer than this WSL."""
    version = None if isinstance(wsl_version, Unavailable) else parse_version(wsl_version)
    since = parse_version(key.since)
    if version is not None and since is not None and version < since:
        yield ConfigFinding(
            id="config-too-new",
            line=entry.line,
            severity="error",
            text=f"{key.key} needs WSL {key.since} or newer; this is {quote(str(wsl_version))}.",
            remedy="Run wsl --update on Windows.",
        )


def sections() -> str:
    """The sections as a list for people."""
    used = dict.fromkeys(key.section for key in KNOWN_KEYS)
    return ", ".join(f"[{section}]" for section in used)


UTF_16: Final = ("utf-16-le", "utf-16-be")


def decode(data: bytes) -> tuple[str, Encoding]:
    """The text and its encoding; never raises."""
    if data.startswith(b"\xef\xbb\xbf"):
        return data[3:].decode("utf-8", "replace"), "utf-8-sig"
    if data.startswith(b"\xff\xfe"):
        return data[2:].decode("utf-16-le", "replace"), "utf-16-le"
    if data.startswith(b"\xfe\xff"):
        return data[2:].decode("utf-16-be", "replace"), "utf-16-be"
    # ASCII in UTF-16 without a mark has a NUL in every other byte.
    head = data[:256]
    if head[1::2].count(0) * 2 > len(head[1::2]):
        return data.decode("utf-16-le", "replace"), "utf-16-le"
    if head[0::2].count(0) * 2 > len(head[0::2]):
        return data.decode("utf-16-be", "replace"), "utf-16-be"
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), "unknown"


def as_wsl_reads(file: WslconfigFile) -> WslConfig:
    """What WSL gets from the file: nothing, where it is absent or UTF-16."""
    return WslConfig() if file.encoding in UTF_16 else parse(file.text)


def lint_file(file: WslconfigFile) -> tuple[ConfigFinding, ...]:
    """What is wrong with the name and the encoding."""
    return tuple(lint_name(file)) + tuple(lint_encoding(file))


def lint_name(file: WslconfigFile) -> Iterator[ConfigFinding]:
    """Find files that were meant to be ``.wslconfig``."""
    for name in () if file.present else file.lookalikes:
        yield ConfigFinding(
            id="config-file-name",
            severity="error",
            text=f"There is no .wslconfig, but a {quote(name)} in its folder, which WSL does not read.",
            remedy=f"Rename {quote(name)} to .wslconfig; let the Explorer show file name extensions.",
        )


def lint_encoding(file: WslconfigFile) -> Iterator[ConfigFinding]:
    """Find encodings that WSL does not read."""
    if file.encoding in UTF_16:
        yield ConfigFinding(
            id="config-encoding",
            severity="error",
            text="The file is UTF-16; WSL reads UTF-8 and is known to ignore such a file without a word (WSL#7851).",
            remedy="Save it as UTF-8; in Windows PowerShell write it with -Encoding ascii.",
        )
    elif file.encoding == "unknown":
        yield ConfigFinding(
            id="config-encoding",
            severity="warning",
            text="The file is not UTF-8; WSL may misread it from the first foreign character on.",
            remedy="Save it as UTF-8.",
        )
