"""Reported texts: ``.wslconfig`` files, what Windows' programs print in other languages, lines of the kernel log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cases.case import Case, lay_out, watch_case
from wsltop.config import parse_toml
from wsltop.core.events import classify
from wsltop.core.wslconfig.effective import FINDING_IDS
from wsltop.host.distros import parse_list, parse_versions
from wsltop.host.failure import decode_text
from wsltop.host.source import NOT_FOUND
from wsltop.host.tasklist import parse_output
from wsltop.model.sample import Unavailable

HERE = Path(__file__).parent
DOTFILES: list[dict[str, Any]] = parse_toml((HERE / "dotfiles.toml").read_text(encoding="utf-8"))["files"]
LINES = [line.split("\t") for line in (HERE / "kernel_lines.tsv").read_text(encoding="utf-8").splitlines()]
OF_THE_VM = {f"config-{name}" for name in FINDING_IDS.values()} | {"config-not-in-force"}
"""Findings that compare a file with the VM, which has nothing to do with these files."""


@pytest.mark.parametrize("dotfile", DOTFILES, ids=[one["name"] for one in DOTFILES])
def test_what_is_wrong_with_a_wslconfig_of_the_public(dotfile: dict[str, Any], tmp_path: Path) -> None:
    data = dotfile["text"].encode(dotfile.get("encoding", "utf-8"))
    case = Case(dotfile["name"], {"wsl_version": "2.7.11.0", "wslconfig": data})
    config = watch_case(case, lay_out(case, tmp_path / "root")).insight.config
    assert not isinstance(config, Unavailable)
    found = [[one.line or 0, one.id] for one in config.findings if one.id not in OF_THE_VM]
    assert found == dotfile["findings"]


def said(name: str) -> bytes:
    return (HERE / "windows" / name).read_bytes()


@pytest.mark.parametrize("language", ["de", "ja", "zh"])
def test_versions_in_another_language(language: str) -> None:
    versions = parse_versions(decode_text(said(f"version.{language}.utf16le")))
    assert not isinstance(versions, Unavailable)
    assert len(versions) == 7
    assert "WSL" in versions[0]


@pytest.mark.parametrize("language", ["en", "de"])
def test_distributions_in_another_language(language: str) -> None:
    distros = parse_list(decode_text(said(f"list.{language}.utf16le")))
    assert not isinstance(distros, Unavailable)
    assert sum(one.default for one in distros) == 1
    assert {one.version for one in distros} <= {1, 2}


@pytest.mark.parametrize("name", ["tasklist.pl.cp852", "tasklist.zh-TW.cp950"])
def test_a_row_in_another_language(name: str) -> None:
    memory = parse_output(said(name), 0.0)
    assert not isinstance(memory, Unavailable)
    assert memory.working_set == 11_751_661_568


def test_no_process_in_an_encoding_that_is_no_utf8() -> None:
    assert parse_output(said("tasklist.none.zh-TW.cp950"), 0.0) == NOT_FOUND


@pytest.mark.parametrize(("line", "kind", "about"), LINES)
def test_a_line_of_the_kernel_log(line: str, kind: str, about: str) -> None:
    assert classify(line) == (kind, about == "memory")
