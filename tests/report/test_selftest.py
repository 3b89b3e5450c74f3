"""The self-test: against the stand-ins for Windows, its verdicts one by one, and what it hides."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from tests.host.interop import Interop, needs_interop
from tests.host.test_script import WORDS
from tests.host.test_script import parse as parse_powershell
from wsltop import __version__
from wsltop.cli import program
from wsltop.report.selftest import (
    ASSUMPTIONS,
    BEGIN,
    END,
    MEASURE,
    Block,
    explain,
    hide_names,
    judge,
    read_block,
    tell,
)

RIGHT = Block(
    {
        "wsltop": f"{__version__}, block 1",
        "guest.order": "5",
        "guest.drives": "1",
        "guest.binfmt": "init",
        "guest.sockets": "2",
        "cmd.status": "44",
        "powershell.language": "FullLanguage",
        "powershell.version": "5.1.26100.4202",
        "powershell.redirected": "True",
        "powershell.list_ms": "12.0",
        "powershell.refresh_ms": "0.6",
        "powershell.vm": "vmmemWSL",
        "powershell.vm_ws": "3000000000",
        "powershell.vm_private": "3100000000",
        "powershell.total_over_guest": "2.013",
        "script.first_ms": "900",
        "script.lines": "5",
        "script.end_ms": "60",
        "script.status": "0",
        "script.line": (153, b'{"wsltop":1'),
        "killed.left": "0",
        "killed.cpu_s": "0.02",
        "tasklist.rows": "1",
        "tasklist.status": "0",
        "tasklist.none": "0 0",
        "wsl.versions": "6",
        "wsl.distros": "2",
        "wsl.encoding": "utf-16",
        "config.chosen_by": "only profile",
    }
)
WRONG = {
    "reporting-order": "7",
    "drive-mounted": "0",
    "interop-entry": "none",
    "interop-socket": "0",
    "exit-byte": "1",
    "full-language": "ConstrainedLanguage",
    "windows-powershell": "7.6.9",
    "stdin-is-a-pipe": "False",
    "list-cost": "180.5",
    "refresh-cost": "33",
    "vm-process": "vmmemWSA",
    "vm-working-set": "0",
    "vm-private": "0",
    "host-memory": "0.5",
    "first-line": "30000",
    "five-lines": "3",
    "stdin-end-ends-it": "4000",
    "script-status": "1",
    "killed-relay-ends-it": "1",
    "no-thread-spins": "2.9",
    "tasklist-row": "-1",
    "tasklist-status": "1",
    "tasklist-no-match": "1 0",
    "wsl-version": "0",
    "wsl-list": "0",
    "wsl-utf16": "other",
    "wslconfig-found": "no",
}


def spoiled(name: str, value: str) -> Block:
    (row,) = (row for row in ASSUMPTIONS if row.id == name)
    return msgspec.structs.replace(RIGHT, fields=RIGHT.fields | {row.field: value})


def test_all_assumptions_hold_where_they_should() -> None:
    assert [verdict.id for verdict in judge(RIGHT) if not verdict.holds] == []
    assert set(WRONG) == {row.id for row in ASSUMPTIONS}


@pytest.mark.parametrize("name", WRONG)
def test_each_verdict_can_differ(name: str) -> None:
    (differing,) = (verdict for verdict in judge(spoiled(name, WRONG[name])) if not verdict.holds)
    assert differing.id == name
    assert str(differing).startswith(f"DIFFERS {name} expected ")


@pytest.mark.parametrize("name", WRONG)
def test_what_was_not_seen_differs(name: str) -> None:
    (row,) = (row for row in ASSUMPTIONS if row.id == name)
    fields = {key: value for key, value in RIGHT.fields.items() if key != row.field}
    assert name in [verdict.id for verdict in judge(Block(fields)) if not verdict.holds]


@pytest.mark.parametrize("change", ["as it is", "quoted", "carriage returns", "wrapped"])
def test_a_pasted_block_is_read_back(change: str) -> None:
    text = "Hello,\n\n" + tell(RIGHT) + "\nThanks"
    if change == "quoted":
        text = "\n".join("> " + line for line in text.splitlines())
    elif change == "carriage returns":
        text = text.replace("\n", "\r\n")
    elif change == "wrapped":
        text = text.replace("227773", "227773\n")
    block = read_block(text)
    assert block is not None
    assert judge(block) == judge(RIGHT)
    assert block.fields["script.line"] == RIGHT.fields["script.line"]
    assert "27 of 27 assumptions hold" in explain(block)


@pytest.mark.parametrize("text", ["", BEGIN, END + "\n" + BEGIN, "\0\xff"])
def test_no_block_is_told(text: str) -> None:
    assert read_block(text) is None
    done = CliRunner().invoke(program, ["doctor", "--self-test", "--read", "-"], input=text)
    assert done.exit_code != 0


def test_a_block_from_a_file_says_what_it_means(tmp_path: Path) -> None:
    file = tmp_path / "block.txt"
    file.write_text(tell(spoiled("exit-byte", "1")))
    done = CliRunner().invoke(program, ["doctor", "--self-test", "--read", str(file)])
    assert done.exit_code == 1
    assert "DIFFERS exit-byte expected 44" in done.output


def test_names_are_hidden_in_the_bytes() -> None:
    names = {"mustermann": "<user>", "WORK-PC": "<host>", "MeineDistro": "<distro>"}
    for encoding in ("ascii", "utf-16-le"):
        raw = "C:\\Users\\Mustermann on work-pc runs meinedistro".encode(encoding)
        assert hide_names(raw, names).decode(encoding) == "C:\\Users\\<user> on <host> runs <distro>"


def test_the_measuring_script_is_grammatical_and_logged_nowhere() -> None:
    assert not parse_powershell(MEASURE).has_error
    assert not set('"%\n\\') & set(MEASURE)
    assert [word for word in WORDS.split() if word.lower() in MEASURE.lower()] == []


def test_it_is_not_asked_where_there_is_no_windows(tmp_path: Path) -> None:
    done = CliRunner().invoke(program, ["--root", str(fake_plain(tmp_path)), "doctor", "--self-test"])
    assert done.exit_code == 3


def fake_plain(root: Path) -> Path:
    path = root / "proc/sys/kernel/osrelease"
    path.parent.mkdir(parents=True)
    path.write_text("6.8.0-45-generic\n")
    return root


@needs_interop
@pytest.mark.slow
def test_against_the_stand_ins(tmp_path: Path) -> None:
    interop = Interop(tmp_path, 0.1)
    (interop.drive / "Users/Mustermann").mkdir(parents=True)
    status, out, err = interop.run("doctor", "--self-test", seconds=90.0)
    assert status in (0, 1), err
    block = read_block(out)
    assert block is not None, out
    differing = {verdict.id for verdict in judge(block) if not verdict.holds}
    # The test runs outside of WSL: what is read of the guest is this machine's.
    assert differing <= {"reporting-order", "interop-entry", "interop-socket"}, out
    assert out.isascii()
    for value in block.fields.values():
        shown = value if isinstance(value, str) else value[1].decode("latin-1").replace("\0", "")
        assert not re.search("mustermann|Ubuntu-24", shown, re.I), out
    interop.end_relays()
    assert all("KILLED late" in line for line in interop.log("KILLED"))
    assert len(interop.log("KILLED")) == 1


@needs_interop
@pytest.mark.slow
def test_against_a_windows_that_refuses(tmp_path: Path) -> None:
    interop = Interop(tmp_path)
    interop.put("refuse")
    status, out, _ = interop.run("doctor", "--self-test", seconds=90.0)
    assert status == 1
    block = read_block(out)
    assert block is not None
    held = {verdict.id for verdict in judge(block) if verdict.holds}
    assert held <= {"reporting-order", "drive-mounted", "interop-entry", "interop-socket", "wslconfig-found"}, out
    interop.end_relays()
