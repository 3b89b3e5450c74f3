"""All commands, walked: their help, what is said of wrong usage, their older names, and the statuses."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.commands.program import Program, start
from wsltop import cli
from wsltop.commands.group import ALIASES, COMMANDS, first_sentence
from wsltop.errors import ExitCode

CONTEXT = click.Context(cli.program, info_name="wsltop")
ALL = pytest.mark.parametrize("name", COMMANDS)


def command(name: str) -> click.Command:
    found = cli.program.get_command(CONTEXT, name)
    assert found is not None
    return found


def options(name: str) -> Iterator[click.Option]:
    yield from (one for one in command(name).params if isinstance(one, click.Option))


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (("install", "terminal-profil"), "terminal-profile"),
        (("install", "foo"), "There is terminal-profile"),
        (("reclaim", "dropcache"), "drop-cache"),
        (("experiment", "--kind", "cach"), "cache"),
        (("experiment", "--then", "compct"), "compact"),
        (("experiment", "--fail-if", "host.pek>6GiB"), "host.peak"),
        (("--host", "powershel", "snapshot"), "powershell"),
        (("--theme", "norde"), "nord"),
        (("line", "--format", "{lnt}"), "lent"),
        (("report", "--around", "oo"), "oom"),
        (("doctor", "--fail-on", "warn"), "warning"),
        (("completion", "bsh"), "bash"),
    ],
)
def test_a_word_that_is_almost_right_is_suggested(program: Program, arguments: tuple[str, ...], near: str) -> None:
    """Commands had suggestions; the commands of ``install`` and values had none."""
    status, _, err = program(*arguments)
    assert status == ExitCode.USAGE
    assert near in (err.partition("Did you mean ")[2] or err)


def test_every_command_is_a_module_and_every_module_is_a_command() -> None:
    folder = Path(cli.__file__).parent / "commands"
    modules = {
        path.stem
        for path in folder.glob("*.py")
        if "\ncommand" in path.read_text() or "def command" in path.read_text()
    }
    assert modules == set(COMMANDS)
    assert list(COMMANDS) == sorted(COMMANDS)


@ALL
def test_a_command_says_what_it_does_in_a_whole_sentence(program: Program, name: str) -> None:
    sentence = first_sentence(command(name).help or "")
    assert sentence.endswith(".")
    result = program("--help")
    assert " ".join(sentence.split()) in " ".join(result.out.split())
    assert "..." not in result.out.partition("Commands:")[2]
    assert command(name).name == name


@ALL
def test_every_option_is_explained(name: str) -> None:
    for option in options(name):
        assert option.help, option.opts
        assert option.help.endswith((".", "]")), option.opts


@ALL
def test_an_option_that_does_not_exist_is_wrong_usage(program: Program, name: str) -> None:
    status, out, err = program(name, "--no-such-thing")
    assert (status, out) == (ExitCode.USAGE, "")
    assert "There is no option --no-such-thing" in err


@ALL
def test_an_option_of_wsltop_goes_before_the_command(program: Program, name: str) -> None:
    status, _, err = program(name, "--theme", "nord")
    assert status == ExitCode.USAGE
    assert f"wsltop --theme … {name}" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--json",), "wsltop snapshot --json"),
        (("--json",), "doctor"),
        (("--then", "compact"), "wsltop experiment --then"),
        (("snapshto",), "Did you mean snapshot?"),
        (("help",), "Use wsltop --help."),
        (("version",), "Use wsltop --version."),
        (("zzzzz",), "wsltop --help lists the commands"),
        (("snapshot", "--jso"), "Did you mean --json?"),
        (("snapshot", "--dry-run"), "it belongs to experiment, reclaim"),
        (("--theme", "nosuch", "snapshot"), "nosuch"),
        (("reclaim",), "reclaim needs one of compact, drop-all, drop-cache"),
        (("completion",), "completion needs one of bash, zsh, fish."),
        (("record",), "record needs FILE."),
        (("export", "FILE"), "export needs --format: one of csv, jsonl."),
    ],
)
def test_what_does_not_exist_leads_to_what_does(program: Program, arguments: tuple[str, ...], words: str) -> None:
    status, out, err = program(*arguments)
    assert (status, out) == (ExitCode.USAGE, "")
    assert words in " ".join(err.split())


@pytest.mark.parametrize("older", ALIASES)
def test_an_older_name_of_a_command_works_and_says_so(program: Program, older: str) -> None:
    status, out, err = program(older, "--help")
    assert (status, "Usage: " in out) == (ExitCode.OK, True)
    assert f"{older} is an older name of wsltop {ALIASES[older]}" in err


def test_an_older_name_of_an_option_works_and_says_so(program: Program) -> None:
    status, out, err = program("--interval", "2", "settings")
    assert (status, err) == (ExitCode.OK, "wsltop: --interval is an older name of --every\n")
    assert "interval = 2.0" in out


def test_the_statuses_are_in_the_help(program: Program) -> None:
    table = program("--help").out.partition("Exit status:")[2]
    for status in ExitCode:
        assert f"  {status.value} " in table
        assert status.meaning in " ".join(table.split())


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_with_its_status(environ: dict[str, str], number: int, status: int) -> None:
    (Path(environ["HOME"])).mkdir()
    process = start("snapshot", "--host", "none", "--every", "30", environ=environ, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.readline()
    process.send_signal(number)
    process.communicate(timeout=10)
    assert process.returncode == status


def test_settings_in_effect_name_their_source(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "home/wsltop"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("color = 'never'\n")
    out = program("--theme", "nord", "settings").out
    rows = {line.split(" = ")[0]: line.rpartition("# ")[2] for line in out.splitlines() if " = " in line}
    assert (rows["color"], rows["theme"], rows["glyphs"]) == ("settings file", "command line", "default")
    (folder / "state.json").write_text('{"theme": "dracula"}')
    assert 'theme = "dracula"' in program("settings").out
    assert program("settings", "--path").out == f"{folder}/config.toml\n"
    assert program("settings", "--check").status == ExitCode.OK


def test_a_check_of_wrong_settings_ends_with_1_and_its_place(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("\ncolour = 'never'\n")
    status, out, err = program("--config", path, "settings", "--check")
    assert (status, out) == (ExitCode.FAILURE, "")
    assert f'{path}, line 2: there is no setting "colour"; did you mean color?' in err
    assert program("--config", path, "settings").status == ExitCode.USAGE


def test_the_default_settings_file_is_right_with_and_without_its_marks(program: Program, tmp_path: Path) -> None:
    text = program("settings", "--default").out
    path = tmp_path / "default.toml"
    for written in (text, "\n".join(bare(text))):
        path.write_text(written)
        assert program("--config", path, "settings", "--check").status == ExitCode.OK, program(
            "--config", path, "settings", "--check"
        ).err


def bare(text: str) -> Iterator[str]:
    """The lines of a settings file that set something, without their ``#``."""
    for line in text.splitlines():
        if line.startswith("# [") or (" = " in line and not line.endswith((".", "..."))):
            yield line[2:]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(program: Program, shell: str) -> None:
    status, out, _ = program("completion", shell)
    assert status == ExitCode.OK
    assert "_WSLTOP_COMPLETE" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("wsltop sna", {"snapshot"}),
        ("wsltop --theme nor", {"nord"}),
        ("wsltop --host pow", {"powershell"}),
        ("wsltop snapshot --host t", {"tasklist"}),
        ("wsltop experiment --then drop-", {"drop-cache", "drop-all"}),
        ("wsltop report --at s", {"start"}),
    ],
)
def test_values_are_completed(environ: dict[str, str], words: str, wanted: set[str]) -> None:
    parts = words.split()
    more = {"_WSLTOP_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(len(parts) - 1)}
    process = start(environ=os.environ | environ | more)
    out, _ = process.communicate(timeout=30)
    assert {line.partition(",")[2] for line in out.decode().splitlines()} == wanted


def test_the_manual_in_the_wheel_knows_every_command() -> None:
    """Made by ``wsltop man --roff``, which .ci/package does for a release."""
    page = (Path(cli.__file__).parent / "commands/wsltop.1").read_text()
    assert [name for name in COMMANDS if f".SS wsltop {name}" not in page] == []


def test_the_manual_has_every_command_option_setting_and_status(program: Program) -> None:
    page = program("man", "--roff").out.replace("\\-", "-")
    assert page.startswith(".TH WSLTOP 1 ")
    for name in COMMANDS:
        assert f".SS wsltop {name}" in page
        for option in options(name):
            assert (option.opts[-1] in page) != option.hidden
    for status in ExitCode:
        assert status.meaning in page
    text = program("man").out
    assert "\\" not in text.replace("\\n", "")
    assert "\nEXIT STATUS\n" in text
