"""The grammar and the values of ``.wslconfig`` against the rules of microsoft/WSL's configfile.cpp."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.core.wslconfig.grammar import (
    Kind,
    WslConfig,
    is_valid,
    parse,
    parse_wsl_bool,
    parse_wsl_int,
    parse_wsl_size,
    render_size,
)


def pairs(text: str) -> list[tuple[str, str]]:
    return [(entry.name, entry.value) for entry in parse(text).entries]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[wsl2]\nmemory=8GB\n", [("wsl2.memory", "8GB")]),
        ("[wsl2]\r\nmemory=8GB\r\nswap=0", [("wsl2.memory", "8GB"), ("wsl2.swap", "0")]),
        ("  [wsl2]  # why\n\tmemory \t=\t8GB \t# much\n", [("wsl2.memory", "8GB")]),
        ("memory=8GB", [("memory", "8GB")]),
        ("[wsl2]#c\nmemory=\n", [("wsl2.memory", "")]),
        ("[wsl2]\nmemory=8GB ; no comment\n", [("wsl2.memory", "8GB ; no comment")]),
        ('[wsl2]\nkernelCommandLine = " a # b "  # c\n', [("wsl2.kernelCommandLine", " a # b ")]),
        ('[wsl2]\nkernel=a"b c"d', [("wsl2.kernel", "ab cd")]),
        (r"[wsl2]" "\n" r"kernel=C:\\a\"b\t.\n.\b", [("wsl2.kernel", 'C:\\a"b\t.\n.\b')]),
        ("[wsl2]\nkernelCommandLine=a \\\n b\nswap=0", [("wsl2.kernelCommandLine", "a  b"), ("wsl2.swap", "0")]),
        ("[wsl2]\nmemory=8GB\x1aswap=0\nswap=1GB", [("wsl2.memory", "8GB")]),
        ("[wsl2]\nmemory=8GB\0swap", [("wsl2.memory", "8GB")]),
        ("[wsl2]\rmemory=8GB\rswap=0", [("wsl2.memory", "8GB"), ("wsl2.swap", "0")]),
        ("[WSL2]\nMEMORY=8GB", [("WSL2.MEMORY", "8GB")]),
    ],
)
def test_reads_what_wsl_reads(text: str, expected: list[tuple[str, str]]) -> None:
    config = parse(text)
    assert pairs(text) == expected
    assert config.problems == ()


@pytest.mark.parametrize(
    ("text", "kind", "line"),
    [
        ("[wsl2]\n;memory=8GB", "key", 2),
        ("=8GB", "key", 1),
        ("ärger=1", "key", 1),
        ("[wsl2]\n\nmemory 8GB", "equals", 3),
        ("[wsl2]\nmemory\nswap=0", "equals", 2),
        ("wsl2.memory=8GB", "equals", 1),
        ("[ wsl2 ]", "section", 1),
        ("[wsl2", "section", 1),
        ("[wsl2] memory=8GB", "section", 1),
        ('[wsl2]\nkernel="a', "quote", 2),
        ("[wsl2]\nkernel=C:\\Users\\x", "escape", 2),
        ("[wsl2]\nkernel=a\\", "escape", 2),
    ],
)
def test_skips_what_wsl_skips(text: str, kind: str, line: int) -> None:
    (problem,) = parse(text).problems
    assert (problem.kind, problem.line) == (kind, line)


def test_a_bad_line_costs_only_itself() -> None:
    assert pairs("[wsl2]\nmemory 8GB\nkernel=C:\\x\nswap=0\n") == [("wsl2.swap", "0")]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[ wsl2 ]\nmemory=1GB", "memory"),
        ("[general]\n[ wsl2 ]\nmemory=1GB", "general.memory"),
        ("[wsl2]\n[bad-name]\nmemory=1GB", "bad"),
        ("[experimental]\n[wsl2\nmemory=1GB", "wsl2"),
        ("[wsl2]\n[wsl2x!]\nmemory=1GB", "wsl2.memory"),
    ],
)
def test_a_malformed_header_leaves_the_traces_that_it_leaves_in_wsl(text: str, name: str) -> None:
    assert [entry.name for entry in parse(text).entries] == [name]


def test_lines_count_through_comments_blanks_and_continuations() -> None:
    config = parse("# a\n\n[wsl2] # b\nkernelCommandLine=a\\\nb # c\n# d\nmemory=8GB")
    assert [(entry.key, entry.line) for entry in config.entries] == [("kernelCommandLine", 4), ("memory", 7)]
    assert config.headers[0].line == 3


def test_the_first_one_wins_in_any_case_and_under_any_of_its_names() -> None:
    config = parse("[experimental]\nfirewall=maybe\n[wsl2]\nFIREWALL=true\n")
    entry = config.first("wsl2.firewall", "experimental.firewall")
    assert entry is not None
    assert (entry.line, entry.value) == (2, "maybe")
    assert config.first("wsl2.memory") is None


@given(st.text() | st.text(alphabet='[]wsl2\\"#=; \t\r\nmG8\0\x1a.é', max_size=60))
def test_arbitrary_text_never_raises(text: str) -> None:
    config = parse(text)
    lines = text.count("\n") + 1
    found = [entry.line for entry in config.entries] + [header.line for header in config.headers]
    found += [problem.line for problem in config.problems]
    assert all(1 <= line <= lines for line in found)
    assert msgspec.json.decode(msgspec.json.encode(config), type=WslConfig) == config


NAME = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,9}", fullmatch=True)
VALUE = st.text(st.characters(exclude_characters="\0\x1a\r", codec="utf-8"), max_size=20)


def render(value: str) -> str:
    for char, escape in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t"), ("\b", "\\b")):
        value = value.replace(char, escape)
    return f'"{value}"'


@pytest.mark.slow
@given(st.lists(st.tuples(NAME, NAME, VALUE), max_size=8), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_a_rendered_file_parses_back(rows: list[tuple[str, str, str]], end: str, final: bool) -> None:
    text = end.join(f"[{section}] # x{end} {key} = {render(value)} # y" for section, key, value in rows)
    config = parse(text + end * final)
    assert config.problems == ()
    assert [(entry.section, entry.key, entry.value) for entry in config.entries] == rows
    for section, key, _ in rows:
        wanted = f"{section}.{key}".lower()
        first = next(value for sec, k, value in rows if f"{sec}.{k}".lower() == wanted)
        found = config.first(wanted)
        assert found is not None
        assert found.value == first


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8GB", 8 << 30),
        ("8G", 8 << 30),
        ("512M", 512 << 20),
        ("1TB", 1 << 40),
        ("4K", 4096),
        ("8", 8),
        ("8B", 8),
        ("0", 0),
        ("0GB", 0),
        ("+8GB", 8 << 30),
        (" 8GB", 8 << 30),
        ("-1", 2**64 - 1),
        ("99999999999999999999", 2**64 - 1),
        ("17179869185GB", 1 << 30),
        *(
            (bad, None)
            for bad in ("", "8gb", "8 GB", "8.5GB", "8GiB", "50%", "GB", "00", "8P", "8BB", "x", "8GB ", "٣GB")
        ),
    ],
)
def test_sizes_are_those_of_wsl(text: str, size: int | None) -> None:
    assert parse_wsl_size(text) == size


@given(st.integers(0, 2**50))
def test_a_rendered_size_parses_back(size: int) -> None:
    assert parse_wsl_size(render_size(size)) == size


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4", 4),
        ("0x10", 16),
        ("010", 8),
        ("-1", -1),
        ("0", 0),
        ("99999999999", 2**31 - 1),
        ("-99999999999", -(2**31)),
        *((bad, None) for bad in ("", "08", "4x", "4 ", "0x", "four", "4.0")),
    ],
)
def test_integers_are_those_of_strtol(text: str, number: int | None) -> None:
    assert parse_wsl_int(text) == number


def test_booleans_are_true_false_1_0() -> None:
    assert [parse_wsl_bool(text) for text in ("true", "TRUE", "1", "False", "0")] == [True, True, True, False, False]
    assert [parse_wsl_bool(text) for text in ("yes", "on", "t", "", "2")] == [None] * 5


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("ip", "10.255.255.254", "10.0.0"),
        ("mac", "0a-1b-2C-3d-4e-5f", "0a-1b:2c-3d-4e-5f"),
        ("ports", "3000,9000", "3000,70000"),
        ("ports", "", "http"),
    ],
)
def test_other_kinds(kind: Kind, good: str, bad: str) -> None:
    assert is_valid(kind, (), good)
    assert not is_valid(kind, (), bad)


@given(st.text(), st.sampled_from(["size", "int", "bool", "enum", "text", "path", "ip", "ports", "mac"]))
def test_no_value_raises(text: str, kind: Kind) -> None:
    assert is_valid(kind, ("a",), text) in (True, False)
