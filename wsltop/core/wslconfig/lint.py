"""What is wrong with a ``.wslconfig``, line by line.

WSL never fails because of it: it warns on the Windows terminal, keeps the default and goes on, so that a limit which
does not limit looks like one that does.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from itertools import islice
from typing import Final

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.wslconfig.finding import ConfigFinding, quote
from wsltop.core.wslconfig.grammar import Entry, Header, Problem, WslConfig
from wsltop.core.wslconfig.keys import (
    BY_KEY,
    KNOWN_KEYS,
    RETIRED_BY_KEY,
    SECTIONS,
    WSL_CONF_BY_KEY,
    WSL_CONF_SECTIONS,
    KnownKey,
    find_key,
    parse_version,
)
from wsltop.core.wslconfig.lint_values import lint_value

MOST: Final = 100
"""Findings of one kind; the rest of a file that is no ``.wslconfig`` at all is not worth the time."""

UNKNOWN: Final = Unavailable(reason="not asked for")


def lint(
    config: WslConfig, *, wsl_version: Reading[str] = UNKNOWN, windows_total: Reading[int] = UNKNOWN
) -> tuple[ConfigFinding, ...]:
    """Return what is wrong, in the order of the lines."""
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
    """Tell whether keys under this header are looked at one by one."""
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
    known, name = BY_KEY.get(key), quote(entry.key)
    if section in WSL_CONF_SECTIONS and known is None:
        return wsl_conf(entry, f"{entry.section}.{entry.key}")
    if known is not None and "." not in entry.name:
        return ConfigFinding(
            id="config-no-section",
            line=entry.line,
            severity="error",
            text=f"{name} stands under no section, so WSL ignores it.",
            remedy=f"Put [{known.section}] on a line above it.",
        )
    if known is not None:
        return ConfigFinding(
            id="config-wrong-section",
            line=entry.line,
            severity="error",
            text=f"{name} is not read under [{quote(entry.section)}].",
            remedy=f"Move it under [{known.section}].",
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
    """Return the sections as a list for people."""
    used = dict.fromkeys(key.section for key in KNOWN_KEYS)
    return ", ".join(f"[{section}]" for section in used)
