"""``wsltop doctor`` as the shell sees it: its words, its status, and what the user does not want to hear."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import wsltop
from tests.guest.texts import plant
from tests.shell import environ_of, run_to_end
from wsltop.core.diagnosis.rules import catalogue
from wsltop.errors import ExitCode
from wsltop.guest.identity import wsl_flavor

Run = Callable[..., "subprocess.CompletedProcess[str]"]

ON_WSL = wsl_flavor(os.uname().release, {}, Path("/")) != "none"
QUICK = ("--watch", "0", "--wait", "0")
SEVERITIES = ("ok", "note", "warning", "problem")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def run(home: Path) -> Run:
    """Run wsltop to its end, for a user with an empty home."""
    home.mkdir()
    environ = environ_of(home)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return run_to_end(home, environ, *arguments)

    return run


def judged(run: Run, *before: str) -> tuple[dict[str, Any], int]:
    """What ``doctor --json`` says, and its status."""
    done = run(*before, "doctor", "--json", *QUICK)
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document, done.returncode


def settings(home: Path, text: str) -> None:
    plant(home, ".config/wsltop/config.toml", text)


def test_the_status_is_that_of_the_worst_finding(run: Run) -> None:
    document, status = judged(run)
    severities = [finding["severity"] for finding in document["findings"]]
    assert set(severities) <= set(SEVERITIES)
    worst = max(severities, key=SEVERITIES.index, default="ok")
    assert document["severity"] == worst
    assert status == (ExitCode.OK if worst in ("ok", "note") else ExitCode.FAILURE)
    assert document["verdict"]["id"] == document["findings"][0]["id"]


def test_every_finding_is_in_the_catalogue_and_complete(run: Run) -> None:
    document, _ = judged(run)
    known = {row[0] for row in catalogue()}
    for finding in document["findings"]:
        assert finding["id"] in known
        assert finding["verdict"]
        assert finding["sentence"]


def test_the_text_is_for_people(run: Run) -> None:
    done = run("doctor", *QUICK)
    assert done.stderr == ""
    assert done.returncode in (ExitCode.OK, ExitCode.FAILURE)
    assert done.stdout.endswith("\n")
    assert all(line == line.rstrip() for line in done.stdout.splitlines())
    assert "lend" in done.stdout.splitlines()[0]
    assert re.search(r"^(OK|NOTE|WARNING|PROBLEM) ", done.stdout, re.MULTILINE)
    assert "Traceback" not in done.stdout


@pytest.mark.skipif(ON_WSL, reason="this is WSL")
def test_on_plain_linux_nothing_is_claimed_of_wsl(run: Run) -> None:
    document, _ = judged(run)
    ids = {finding["id"] for finding in document["findings"]}
    assert not any(name.startswith(("cache-kept", "gate", "config", "mode")) for name in ids)


def test_watching_takes_more_samples_and_the_same_words(run: Run) -> None:
    done = run("doctor", "--json", "--watch", "1", "--wait", "0")
    assert done.stderr == ""
    assert json.loads(done.stdout)["schema"] == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [("--nonsense",), ("--watch", "-1"), ("--watch", "nan"), ("--watch", "soon"), ("--wait", "61"), ("extra",)],
)
def test_wrong_usage_is_told_in_a_line_and_ends_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    done = run("doctor", *arguments)
    assert done.returncode == ExitCode.USAGE
    assert done.stdout == ""
    assert arguments[-1].lstrip("-") in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_host_ends_with_2(run: Run) -> None:
    done = run("doctor", "--host", "nowhere")
    assert done.returncode == ExitCode.USAGE
    assert "nowhere" in done.stderr


@pytest.mark.slow
def test_silenced_findings_are_not_told_and_do_not_count(run: Run, home: Path) -> None:
    found, _ = judged(run)
    ids = [finding["id"] for finding in found["findings"]]
    settings(home, f"silence = {json.dumps([row[0] for row in catalogue()])}\n")
    document, status = judged(run)
    assert document["findings"] == []
    assert document["verdict"] is None
    assert status == ExitCode.OK
    silent = run("doctor", *QUICK)
    assert silent.returncode == ExitCode.OK
    assert not any(name in silent.stdout for name in ids)
    settings(home, f"silence = {json.dumps(ids[:1])}\n")
    document, _ = judged(run)
    assert ids[0] not in [finding["id"] for finding in document["findings"]]


def test_an_unknown_id_in_the_settings_is_named(run: Run, home: Path) -> None:
    settings(home, 'silence = ["cache-kept", "cash-kept"]\n')
    done = run("doctor", *QUICK)
    assert done.returncode == ExitCode.USAGE
    assert done.stdout == ""
    assert 'there is no finding "cash-kept"' in done.stderr
    assert "config.toml" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("value", ['"cache-kept"', "[1]", "true"])
def test_a_setting_of_another_kind_is_refused(run: Run, home: Path, value: str) -> None:
    settings(home, f"silence = {value}\n")
    done = run("doctor", *QUICK)
    assert done.returncode == ExitCode.USAGE
    assert "must be a list of ids of findings" in done.stderr


def test_a_reader_that_leaves_early_costs_nothing(run: Run, home: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m wsltop doctor --watch 0 --wait 0 | true"],
        capture_output=True,
        text=True,
        cwd=home.parent,
        env={"HOME": str(home), "PYTHONPATH": str(Path(wsltop.__file__).parents[1]), "LC_ALL": "C.UTF-8"},
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr


def test_the_list_names_every_finding_and_looks_at_nothing(run: Run) -> None:
    done = run("doctor", "--list")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [row[0] for row in catalogue()]
