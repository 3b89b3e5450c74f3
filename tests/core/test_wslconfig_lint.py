"""Every finding about a ``.wslconfig``, and the files that people posted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsltop.core.wslconfig.grammar import KNOWN_KEYS, RETIRED_KEYS, WslConfig, find_key, is_valid, parse
from wsltop.core.wslconfig.lint import as_wsl_reads, decode, lint, lint_file
from wsltop.model.sample import WslconfigFile
from wsltop.model.text import GIB, clean

DATA = Path(__file__).parent.parent / "data" / "wslconfig"


@pytest.mark.parametrize(
    ("text", "id_", "line", "words"),
    [
        ("[wsl2]\nmemory 8GB", "config-bad-line", 2, "no ="),
        ("[wsl2]\n-memory=8GB", "config-bad-line", 2, 'start with "-"'),
        ("[wsl2]\n;memory=8GB", "config-semicolon", 2, "#"),
        ("[wsl2 ]", "config-bad-section", 1, "[wsl2]"),
        ("[wsl2]\nkernel=C:\\Users", "config-bad-escape", 2, "Double each backslash"),
        ('[wsl2]\nkernel="C', "config-bad-quote", 2, "Close the quote"),
        ("[ws12]\nmemory=3GB", "config-unknown-section", 1, "ignores memory"),
        ("[completelyelse]\nmemory=3GB", "config-unknown-section", 1, "Use one of [wsl2], [general], [experimental]"),
        ("memory=8GB", "config-no-section", 1, "Put [wsl2]"),
        ("[wsl2]\nautoMemoryReclaim=gradual", "config-wrong-section", 2, "under [experimental]"),
        ("[experimental]\nmemory=8GB", "config-wrong-section", 2, "under [wsl2]"),
        ("[general]\nguiApplications=true", "config-wrong-section", 2, "under [wsl2]"),
        ("[boot]\nmemory=8GB", "config-wrong-section", 2, "under [wsl2]"),
        ("[boot]\nsystemd=true", "config-wsl-conf", 2, "/etc/wsl.conf, as systemd under [boot]"),
        ("[user]\nwhatever=true", "config-unknown-key", 2, "Remove the line"),
        ("[wsl2]\nsystemd=true", "config-wsl-conf", 2, "under [boot]"),
        ("[wsl2]\nvmIdleTimeout=-1", "config-never-stops", 2, "vmIdleTimeout=60000"),
        ("[general]\ninstanceIdleTimeout=-1", "config-never-stops", 2, "instanceIdleTimeout=15000"),
        ("[wsl2]\npageReporting=false", "config-retired-key", 2, "always reported"),
        ("[wsl2]\nidleThreshold=1", "config-retired-key", 2, "autoMemoryReclaim under [experimental]"),
        ("[wsl2]\npageReportingOrder=9", "config-retired-key", 2, "build of Windows"),
        ("[wsl2]\nlocahostForwarding=true", "config-misspelled-key", 2, "Write localhostForwarding."),
        ("[wsl2]\nautoMemoryReclam=gradual", "config-misspelled-key", 2, "under [experimental]"),
        ("[wsl2]\ncolor=blue", "config-unknown-key", 2, "Remove"),
        ("[wsl2]\nmemory=x\nMemory=8GB", "config-duplicate", 3, "line 2"),
        ("[experimental]\nfirewall=true\n[wsl2]\nfirewall=true", "config-duplicate", 4, "line 2"),
        ("[wsl2]\nmemory=8 GB", "config-bad-value", 2, "memory=8GB"),
        ("[wsl2]\nmemory=8gb", "config-bad-value", 2, "memory=8GB"),
        ("[wsl2]\nmemory=7.5GB", "config-bad-value", 2, "memory=7680MB"),
        ("[wsl2]\nmemory=8GB ; half", "config-bad-value", 2, "memory=8GB"),
        ("[wsl2]\nmemory=50%", "config-bad-value", 2, "no percentages"),
        ("[wsl2]\nmemory=lots", "config-bad-value", 2, "memory=8GB"),
        ("[wsl2]\nmemory=" + "9" * 400 + "PB", "config-bad-value", 2, "memory=8GB"),
        ("[wsl2]\nswap=", "config-bad-value", 2, "has no value"),
        ("[wsl2]\nlocalhostForwarding=yes", "config-bad-value", 2, "true or false"),
        ("[wsl2]\nprocessors=four", "config-bad-value", 2, "whole number"),
        ("[wsl2]\nmacAddress=x", "config-bad-value", 2, "refuses to start"),
        ("[experimental]\nautoMemoryReclaim=true", "config-bad-value", 2, "dropCache, gradual, disabled"),
        ("[experimental]\nautoMemoryReclaim=drop", "config-bad-value", 2, "dropCache is close"),
        ("[experimental]\nignoredPorts=http", "config-bad-value", 2, "65535"),
        ("[experimental]\ndnsTunnelingIpAddress=x", "config-bad-value", 2, "IPv4"),
        ("[wsl2]\nmemory=8", "config-tiny-size", 2, "memory=8GB"),
        ("[wsl2]\nmemory=100MB", "config-tiny-size", 2, "256 MB"),
        ("[wsl2]\nmemory=16GB", "config-too-much-memory", 2, "Leave Windows"),
        ("[wsl2]\nisolateDistroCgroup=true", "config-too-new", 2, "wsl --update"),
        ("[wsl2]\nkernel=C:\\\\Jürgen", "config-non-ascii", 2, "ASCII"),
        ("[experimental]\nautoMemoryReclaim=Gradual", "config-gradual", 2, "dropCache"),
    ],
)
def test_each_finding(text: str, id_: str, line: int, words: str) -> None:
    (finding,) = [
        found for found in lint(parse(text), wsl_version="2.7.11.0", windows_total=16 * GIB) if found.id == id_
    ]
    assert finding.line == line
    assert words in f"{finding.text} {finding.remedy}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "[wsl2]\nmemory=8GB\nswap=0\nprocessors=0x4\nkernel=C:\\\\k\n[experimental]\nautoMemoryReclaim=DROPCACHE\n",
        "[wsl2]\nmemory=8589934592\nnetworkingMode=VirtioProxy\n[general]\ninstanceIdleTimeout=60000\n",
    ],
)
def test_nothing_is_wrong_with_a_good_file(text: str) -> None:
    assert lint(parse(text), wsl_version="2.7.11", windows_total=16 * GIB) == ()


def test_a_duplicate_is_not_judged_by_its_value() -> None:
    assert [finding.id for finding in lint(parse("[wsl2]\nmemory=8GB\nmemory=8 GB\n"))] == ["config-duplicate"]


def test_keys_under_an_unknown_section_are_told_once() -> None:
    assert [finding.id for finding in lint(parse("[ws12]\n" + "memory=1\n" * 9))] == ["config-unknown-section"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("10196-escape", [(2, "config-bad-escape")]),
        ("10225-misspelled", [(5, "config-misspelled-key")]),
        ("10510-wsl-conf", [(2, "config-wsl-conf"), (6, "config-wsl-conf"), (9, "config-wsl-conf")]),
        ("10743-no-section", [(2, "config-no-section")]),
        ("10759-wrong-section", [(3, "config-wrong-section")]),
        ("12671-settings-app", [(1, "config-no-section")]),
        ("5389-utf8-bom", []),
        ("6728-good-crlf", []),
        (
            "6890-retired-no-final-newline",
            [(3, "config-misspelled-key"), (4, "config-retired-key"), (5, "config-retired-key")],
        ),
        ("6890-ws12", [(1, "config-unknown-section")]),
        ("7099-semicolon", [(2, "config-semicolon")]),
        ("7851-utf16-be", []),
        ("7851-utf16-bom-crlf", []),
        ("7851-utf16-no-bom", []),
        ("duplicates", [(2, "config-bad-value"), (6, "config-duplicate"), (7, "config-duplicate")]),
        ("mimikun-quotes", [(6, "config-retired-key")]),
    ],
)
def test_posted_files(name: str, expected: list[tuple[int, str]]) -> None:
    text, _ = decode((DATA / f"{name}.wslconfig").read_bytes())
    assert [(finding.line, finding.id) for finding in lint(parse(text))] == expected


def test_every_posted_file_is_in_the_table() -> None:
    assert len(list(DATA.glob("*.wslconfig"))) == 16


@pytest.mark.parametrize(
    ("data", "text", "encoding"),
    [
        (b"", "", "utf-8"),
        ("é".encode(), "é", "utf-8"),
        (b"\xef\xbb\xbf[wsl2]", "[wsl2]", "utf-8-sig"),
        (b"\xff\xfe" + "[wsl2]".encode("utf-16-le"), "[wsl2]", "utf-16-le"),
        (b"\xfe\xff" + "[wsl2]".encode("utf-16-be"), "[wsl2]", "utf-16-be"),
        ("[wsl2]".encode("utf-16-le"), "[wsl2]", "utf-16-le"),
        ("[wsl2]".encode("utf-16-be"), "[wsl2]", "utf-16-be"),
        ("# für".encode("cp1252"), "# f\ufffdr", "unknown"),
    ],
)
def test_encodings(data: bytes, text: str, encoding: str) -> None:
    assert decode(data) == (text, encoding)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise(data: bytes) -> None:
    text, encoding = decode(data)
    file = WslconfigFile(path="x", present=True, content=data, encoding=encoding, chosen_by="only profile")
    assert file.text == text
    lint(as_wsl_reads(file))
    lint_file(file)


@given(st.text(alphabet='[]wsl2emory\\"#=; \t\nG8\x1b\u202e', max_size=120))
def test_findings_are_safe_to_show(text: str) -> None:
    for finding in lint(parse(text)):
        for part in (finding.text, finding.remedy):
            assert part == clean(part)


def test_a_utf_16_file_is_told_and_counts_as_empty() -> None:
    data = (DATA / "7851-utf16-bom-crlf.wslconfig").read_bytes()
    _, encoding = decode(data)
    file = WslconfigFile(path="x", present=True, content=data, encoding=encoding, chosen_by="only profile")
    (finding,) = lint_file(file)
    assert (finding.id, finding.severity) == ("config-encoding", "error")
    assert as_wsl_reads(file) == WslConfig()
    assert parse(file.text).first("wsl2.memory") is not None


def test_another_8_bit_encoding_is_a_warning() -> None:
    file = WslconfigFile(path="x", present=True, encoding="unknown", chosen_by="only profile")
    assert [(finding.id, finding.severity) for finding in lint_file(file)] == [("config-encoding", "warning")]


def test_a_wrong_file_name_is_told_only_when_the_file_is_absent() -> None:
    names = (".wslconfig.txt",)
    absent = WslconfigFile(path="x", present=False, chosen_by="only profile", lookalikes=names)
    present = WslconfigFile(path="x", present=True, chosen_by="only profile", lookalikes=names)
    assert [finding.id for finding in lint_file(absent)] == ["config-file-name"]
    assert lint_file(present) == ()


def test_the_table_is_sound() -> None:
    names = [name.lower() for key in KNOWN_KEYS for name in key.names]
    assert len(names) == len(set(names))
    assert len({key.key.lower() for key in KNOWN_KEYS}) == len(KNOWN_KEYS)
    assert not {key.key.lower() for key in RETIRED_KEYS} & {key.key.lower() for key in KNOWN_KEYS}
    for key in KNOWN_KEYS:
        assert find_key(key.name.upper()) is key
        assert bool(key.choices) == (key.kind == "enum")
        assert all(is_valid(key.kind, key.choices, choice) for choice in key.choices)


@pytest.mark.slow
def test_a_hostile_file_costs_little() -> None:
    text = f"[{'a' * 300_000}]\n" + "".join(f"k{number}=1\n;\n[s{number}]\n" for number in range(20_000))
    assert len(lint(parse(text))) <= 400
