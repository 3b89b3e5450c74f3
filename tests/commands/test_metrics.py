"""``wsltop metrics`` as the shell and a scraper see it."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.commands.program import Program, verify_unit
from tests.shell import command, environ_of
from tests.waiting import wait_until
from wsltop.commands.common import service_unit
from wsltop.commands.metrics import is_local_name, read_address

WITHOUT = "import sys; sys.modules['prometheus_client'] = None; from wsltop.cli import main; main()"


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """wsltop metrics at a second's pace, ended afterwards."""
    process = subprocess.Popen(
        command("metrics", "--host", "none", "--every", "1", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environ_of(folder),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def get(url: str, **headers: str) -> tuple[int, str, str]:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - http on loopback
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the same
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, "", ""


def address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    line = process.stderr.readline()
    assert line.startswith("wsltop: metrics at http://127.0.0.1:"), line
    return line.split()[-1].removesuffix("/metrics")


@pytest.mark.slow
def test_it_serves_both_formats_and_nothing_else(tmp_path: Path) -> None:
    with running(tmp_path, "--listen", "127.0.0.1:0") as process:
        base = address(process)
        status, kind, text = get(f"{base}/metrics")
        assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert "wsl_guest_memory_bytes{" in text
        assert text.endswith("\n")
        status, kind, text = get(
            f"{base}/metrics", Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
        )
        assert (status, kind.split(";")[0]) == (200, "application/openmetrics-text")
        assert text.endswith("# EOF\n")
        assert "# TYPE wsl info" in text
        resident = re.search(r"^VmRSS:\s+(\d+) kB$", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE)
        assert resident is not None
        assert int(resident[1]) <= 40 * 1024
        assert get(f"{base}/-/healthy")[0] == 200
        assert get(f"{base}/")[0] == 404
        assert get(f"{base}/metrics", Host="evil.example")[0] == 403
        request = urllib.request.Request(f"{base}/metrics", data=b"x", method="POST")  # noqa: S310 - http on loopback
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=5)  # noqa: S310 - the same
        assert refused.value.code == 501
        refused.value.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143


@pytest.mark.slow
def test_a_sample_costs_less_than_its_share(tmp_path: Path) -> None:
    """At most 1 ms of CPU a second at 30 s, so at most 30 ms for a sample with all of its texts."""

    def spent() -> float:
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    with running(tmp_path, "--textfile", str(tmp_path / "wsltop.prom")) as process:
        wait_until((tmp_path / "wsltop.prom").exists)
        time.sleep(1.5)
        before = spent()
        time.sleep(6.0)
        assert spent() - before <= 6 * 0.030


@pytest.mark.slow
def test_the_file_is_whole_readable_renewed_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "wsltop.prom"
    with running(tmp_path, "--textfile", str(path)) as process:
        wait_until(path.exists)
        text = path.read_text()
        assert text.endswith("\n")
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        number = path.stat().st_ino
        wait_until(lambda: path.stat().st_ino != number)
        assert [one.name for one in tmp_path.iterdir()] == ["wsltop.prom"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 143
    assert not path.exists()


def test_printed_once_it_is_the_text_format(program: Program) -> None:
    status, out, err = program("metrics", "--host", "none", "--wait", "0")
    assert (status, err) == (0, "")
    assert "wsl_host_up 0.0\n" in out


@pytest.mark.slow
def test_without_the_extra_it_is_one_line_and_the_rules_are_still_printed(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", WITHOUT, "metrics", *arguments],
            capture_output=True,
            text=True,
            env=environ_of(tmp_path),
            check=False,
        )

    done = run("--host", "none")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert "pipx install 'wsltop[metrics]'" in done.stderr
    assert "- alert: WslSampleOld" in run("--rules").stdout
    assert run("--dashboard").stdout.startswith("{")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("127.0.0.1:9797", ("127.0.0.1", 9797)), (":80", ("127.0.0.1", 80)), ("[::1]:9797", ("::1", 9797))],
)
def test_an_address_is_read(text: str, wanted: tuple[str, int]) -> None:
    assert read_address(None, None, text) == wanted  # type: ignore[arg-type]  # neither is looked at


@pytest.mark.parametrize(
    "arguments",
    [
        ("--listen", "9797"),
        ("--listen", "my.host:9797"),
        ("--listen", "127.0.0.1:99999"),
        ("--textfile", "wsltop.txt"),
        ("--service",),
    ],
)
def test_wrong_usage(program: Program, arguments: tuple[str, ...]) -> None:
    status, out, err = program("metrics", *arguments)
    assert (status, out) == (2, "")
    assert arguments[0] in err


def test_a_port_that_is_taken_is_named(program: Program, tmp_path: Path) -> None:
    with running(tmp_path, "--listen", "127.0.0.1:0") as process:
        port = address(process).rpartition(":")[2]
        status, _, err = program("metrics", "--host", "none", "--wait", "0", "--listen", f"127.0.0.1:{port}")
    assert status == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in err


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1:9797", True), ("localhost", True), ("[::1]:1", True), ("", True), ("a.example:80", False)],
)
def test_only_addresses_and_localhost_are_asked_for(host: str, local: bool) -> None:
    assert is_local_name(host) == local


def test_the_unit_is_one_that_systemd_takes(program: Program, tmp_path: Path) -> None:
    status, out, _ = program("metrics", "--textfile", tmp_path / "50% $HOME.prom", "--service")
    assert status == 0
    assert "KillMode=process\nSuccessExitStatus=143\n" in out
    assert '50%% $$HOME.prom"' in out
    (line,) = (line for line in out.splitlines() if line.startswith("ExecStart="))
    assert line.removeprefix("ExecStart=").startswith("/")
    unit = tmp_path / "wsltop-metrics.service"
    unit.write_text(out)
    said = verify_unit(unit)
    assert "wsltop-metrics" not in said, said


def test_a_word_of_the_unit_is_quoted_where_it_must_be() -> None:
    text = service_unit("x", "y", ["a b", 'c"d', "e\\f", "plain-1.2:3"])
    assert ' "a b" "c\\"d" "e\\\\f" plain-1.2:3\n' in text
