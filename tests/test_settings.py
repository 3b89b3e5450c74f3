"""Settings and state: where they are, what is wrong with them, and that damage costs nothing else."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wsltop.config import (
    SETTINGS,
    THEMES,
    NotifySettings,
    Settings,
    State,
    config_path,
    load_settings,
    load_state,
    save_state,
    state_folder,
)
from wsltop.errors import ExitCode, UsageError
from wsltop.model.text import GIB, MIB


def load(folder: Path, text: str | bytes) -> Settings:
    path = folder / "config.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_settings(path)


def refusal(folder: Path, text: str | bytes) -> str:
    """What is said of a settings file, after its name."""
    with pytest.raises(UsageError) as caught:
        load(folder, text)
    assert caught.value.exit_code == ExitCode.USAGE
    message = str(caught.value)
    prefix = str(folder / "config.toml")
    assert message.startswith(prefix)
    assert not any(word in message for word in ("Expected `", "at `$", "Object", "Invalid value ("))
    return message.removeprefix(prefix)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "config.toml") == Settings()
    assert Settings().hog_bytes == GIB
    assert load(tmp_path, "") == Settings()


def test_every_setting_is_read(tmp_path: Path) -> None:
    text = """
        interval = 2
        host = "process:qemu-system-x86_64"
        drive = "/mnt/c"
        glyphs = "braille"
        color = "never"
        theme = "nord"
        hog_size = "256M"
    """
    wanted = Settings(
        interval=2.0,
        host="process:qemu-system-x86_64",
        drive="/mnt/c",
        glyphs="braille",
        color="never",
        theme="nord",
        hog_size="256M",
    )
    assert load(tmp_path, text) == wanted
    assert wanted.hog_bytes == 256 * MIB


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("interval = 0.1", "interval"),
        ("interval = 61", "interval"),
        ("interval = nan", "interval"),
        ("interval = '1'", "interval"),
        ("interval = true", "interval"),
        ("[interval]", "interval"),
        ("host = 'windows'", "host"),
        ("host = 'process:'", "host"),
        ("host = 5", "host"),
        ("drive = 5", "drive"),
        ("glyphs = 'round'", "glyphs"),
        ("glyphs = ['block']", "glyphs"),
        ("color = 'yes'", "color"),
        ("theme = 3", "theme"),
        ("hog_size = '1M'", "hog_size"),
        ("hog_size = '2T'", "hog_size"),
        ("hog_size = 'much'", "hog_size"),
        ("hog_size = 5", "hog_size"),
        (f"hog_size = '{'9' * 400}'", "hog_size"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(tmp_path: Path, text: str, setting: str) -> None:
    message = refusal(tmp_path, f"# mine\n{text}\n")
    assert message.startswith(f", line 2: {setting}")
    assert f"must be {SETTINGS[setting].allowed}" in message


@pytest.mark.parametrize(
    ("text", "start", "words"),
    [
        ("intervall = 2", ", line 1: ", "did you mean interval?"),
        ("\n\nxyz = 2", ", line 3: ", "the settings are interval, host"),
        ("[notify]\nexcec = []", ", line 2: ", "did you mean notify.exec?"),
        ("[notify]\nexec = 'date'", ", line 2: notify.exec = ", "must be a list of texts"),
        ("theme = 'nosuch'", ", line 1: theme = ", "one of ansi-dark"),
        ("silence = ['oom-kil']", ", line 1: silence", "did you mean oom-kill?"),
        ("interval = 1\ncolor =\n", ", line 2, column 8: ", "invalid value"),
        ("interval", ", line 1, column 9: ", "expected '=' after a key"),
        (b"color = 'auto'\n# \xff", ", line 2: ", "UTF-8"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str | bytes, start: str, words: str) -> None:
    message = refusal(tmp_path, text)
    assert message.startswith(start)
    assert words in message


def test_the_table_notify_is_read(tmp_path: Path) -> None:
    text = "[notify]\nexec = ['notify-send', 'wsltop']\nfindings = ['oom-kill']\ntoast = true\n"
    notify = load(tmp_path, text).notify
    assert (notify.exec, notify.findings, notify.toast) == (("notify-send", "wsltop"), ("oom-kill",), True)


@pytest.mark.parametrize("text", ["interval", "a = [", "interval = 1\ninterval = 2", b"\xff\xfe", "a = " + "[" * 9999])
def test_what_is_no_toml_is_refused_with_the_name_of_the_file(tmp_path: Path, text: str | bytes) -> None:
    assert refusal(tmp_path, text)


@given(data=st.binary(max_size=200))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_settings_or_a_usage_error(tmp_path: Path, data: bytes) -> None:
    with suppress(UsageError):
        assert 0.2 <= load(tmp_path, data).interval <= 60


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{tmp_path} is no regular file"):
        load_settings(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.touch(mode=0)
    with pytest.raises(UsageError, match=r"config\.toml: Permission denied"):
        load_settings(path)


def test_every_setting_says_what_is_allowed() -> None:
    inner = {f"notify.{name}" for name in NotifySettings.__struct_fields__}
    assert set(SETTINGS) == set(Settings.__struct_fields__) | inner


def test_every_theme_that_may_be_named_is_one_of_textual() -> None:
    from textual.theme import BUILTIN_THEMES

    assert set(THEMES) <= set(BUILTIN_THEMES)


def test_the_folders_are_those_of_xdg() -> None:
    environ = {"XDG_CONFIG_HOME": "/somewhere/config", "XDG_STATE_HOME": "/somewhere/state"}
    assert config_path(environ) == Path("/somewhere/config/wsltop/config.toml")
    assert state_folder(environ) == Path("/somewhere/state/wsltop")


@pytest.mark.parametrize("value", [None, "", "relative/config", "~/config"])
def test_without_an_absolute_folder_the_default_holds(value: str | None) -> None:
    environ = {} if value is None else {"XDG_CONFIG_HOME": value, "XDG_STATE_HOME": value}
    assert config_path(environ) == Path.home() / ".config/wsltop/config.toml"
    assert state_folder(environ) == Path.home() / ".local/state/wsltop"


def test_what_is_remembered_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "state/wsltop"
    assert load_state(folder) == State()
    save_state(folder, State(theme="nord"))
    assert load_state(folder) == State(theme="nord")
    save_state(folder, State(theme=None))
    assert load_state(folder) == State()


@pytest.mark.parametrize(
    "data", [b"", b"{", b"null", b"[]", b'{"theme": 5}', b'{"theme": "\xff"}', b"\0" * 100, b"[" * 100_000]
)
def test_a_damaged_state_is_as_good_as_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "state.json").write_bytes(data)
    assert load_state(tmp_path) == State()


def test_a_state_of_a_later_version_keeps_what_is_known(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_bytes(b'{"theme": "nord", "novelty": [1]}')
    assert load_state(tmp_path).theme == "nord"


def test_a_state_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    save_state(tmp_path / "file" / "wsltop", State(theme="nord"))
    (tmp_path / "folder/state.json").mkdir(parents=True)
    save_state(tmp_path / "folder", State(theme="nord"))
    assert load_state(tmp_path / "folder") == State()
