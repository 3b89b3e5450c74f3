"""The metrics with the real Prometheus, promtool and node_exporter of Debian, on loopback."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.report.fleet import OS_RELEASE, healthy, short, silent
from wsltop.commands.metrics import Exposition, serving
from wsltop.report.dashboard import FLEET, MACHINE
from wsltop.report.metrics import metrics

pytestmark = [pytest.mark.ci, pytest.mark.slow]
PACKAGES = ("prometheus", "prometheus-node-exporter")
PROGRAMS = ("prometheus", "promtool", "prometheus-node-exporter")
RULES = Path(str(files("wsltop.report") / "prometheus"))
SCRAPES = 8


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The programs by name: those that are installed, else from Debian's packages, unpacked for this run."""
    found = {name: path for name in PROGRAMS if (path := shutil.which(name)) is not None}
    if len(found) == len(PROGRAMS):
        return found
    folder = tmp_path_factory.mktemp("debian")
    try:
        subprocess.run(
            ["/usr/bin/apt-get", "download", *PACKAGES], cwd=folder, check=True, capture_output=True, timeout=120
        )
        for package in folder.glob("*.deb"):
            subprocess.run(
                ["/usr/bin/dpkg", "-x", str(package), str(folder)], check=True, capture_output=True, timeout=120
            )
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"Prometheus cannot be had here ({error}): apt-get install {' '.join(PACKAGES)}")
    return {name: str(folder / "usr/bin" / name) for name in PROGRAMS}


def run(*words: str, text: str = "") -> tuple[int, str]:
    done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def started(*words: str, ready: Callable[[], bool]) -> Iterator[None]:
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while not ready():
                assert process.poll() is None, f"{words[0]} ended with {process.returncode}"
                assert time.monotonic() < deadline, f"{words[0]} is not ready"
                time.sleep(0.2)
            yield
        finally:
            process.terminate()


def fetch(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - http on loopback
        read: bytes = answer.read()
        return read


def exposition(name: str) -> Exposition:
    machines = {"healthy": healthy, "short": short, "silent": silent, "old": healthy}
    time_of = time.time() - (1000 if name == "old" else 0)
    return Exposition(*machines[name](time_of), OS_RELEASE)


class Server:
    """A Prometheus that scrapes four machines every second."""

    def __init__(self, port: int, ports: dict[str, int]) -> None:
        self.base, self.ports = f"http://127.0.0.1:{port}", ports

    def api(self, path: str, **values: str) -> Any:
        query = f"?{urllib.parse.urlencode(values)}" if values else ""
        return json.loads(fetch(f"{self.base}/api/v1/{path}{query}"))["data"]

    def query(self, text: str) -> list[tuple[dict[str, str], float]]:
        return [(row["metric"], float(row["value"][1])) for row in self.api("query", query=text)["result"]]

    def ready(self) -> bool:
        try:
            rows = self.query(f"count_over_time(up[5m]) >= {SCRAPES}")
        except OSError:
            return False
        return len(rows) == len(self.ports)


@pytest.fixture(scope="module")
def server(tools: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("prometheus")
    names = ("healthy", "short", "silent", "old")
    with ExitStack() as stack:
        ports = {name: stack.enter_context(serving(("127.0.0.1", 0), exposition(name))) for name in names}
        targets = [{"targets": [f"127.0.0.1:{port}"], "labels": {"instance": name}} for name, port in ports.items()]
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES / "rules.yml")],
            "scrape_configs": [{"job_name": "wsl", "static_configs": targets}],
        }
        (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        port = free_port()
        made = Server(port, ports)
        words = (
            tools["prometheus"],
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        )
        stack.enter_context(started(*words, ready=made.ready))
        yield made


@pytest.mark.parametrize("name", ["healthy", "short", "silent"])
def test_promtool_finds_nothing_to_say(tools: dict[str, str], name: str) -> None:
    assert run(tools["promtool"], "check", "metrics", text=exposition(name).text.decode()) == (0, "")


def test_the_rules_are_right_and_their_tests_pass(tools: dict[str, str]) -> None:
    status, said = run(tools["promtool"], "check", "rules", str(RULES / "rules.yml"))
    assert (status, "SUCCESS: 7 rules found" in said) == (0, True), said
    status, said = run(tools["promtool"], "test", "rules", str(RULES / "rules_test.yml"))
    assert (status, "SUCCESS" in said) == (0, True), said


def test_node_exporter_reads_the_file_without_an_error(tools: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "wsltop.prom").write_bytes(exposition("healthy").text)
    port = free_port()
    url = f"http://127.0.0.1:{port}/metrics"

    def ready() -> bool:
        try:
            return bool(fetch(url))
        except OSError:
            return False

    words = (
        tools["prometheus-node-exporter"],
        f"--web.listen-address=127.0.0.1:{port}",
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={tmp_path}",
    )
    with started(*words, ready=ready):
        text = fetch(url).decode()
    assert "\nnode_textfile_scrape_error 0\n" in text
    assert '\nwsl_guest_memory_bytes{part="anonymous"} ' in text
    assert "\nwsl_events_total{" in text


def test_prometheus_scrapes_what_the_machine_shows(server: Server) -> None:
    assert {(row["instance"], value) for row, value in server.query("up")} == {(name, 1.0) for name in server.ports}
    session, counts = healthy(time.time())
    still = {
        "wsl_sample_timestamp_seconds",
        "wsl_host_answer_age_seconds",
        "process_cpu_seconds",
        "wsl_reclaimable_bytes",
    }
    for metric in metrics(session, counts, OS_RELEASE):
        if metric.name in still:
            continue
        name = metric.name + {"gauge": "", "counter": "_total", "info": "_info"}[metric.kind]
        rows = server.query(f'{name}{{instance="healthy"}}')
        shown = {tuple(sorted(labels.items())): value for labels, value in metric.samples}
        own = ("__name__", "instance", "job")
        scraped = {tuple(sorted((k, v) for k, v in row.items() if k not in own)): value for row, value in rows}
        assert scraped == pytest.approx(shown), name


@pytest.mark.parametrize("panel", [*FLEET, *MACHINE], ids=lambda panel: panel.title)
def test_every_query_of_the_dashboard_returns_something(server: Server, panel: Any) -> None:
    for query, legend in panel.queries:
        asked = query.replace("$instance", "healthy|short").replace("$__rate_interval", "1m")
        rows = server.query(asked)
        assert rows, query
        for row, _ in rows:
            for word in legend.replace("}}", "{{").split("{{")[1::2]:
                assert word in row, f"{query}: the legend names {word}"


def test_each_alert_fires_on_its_faulty_machine_alone(server: Server) -> None:
    wanted = {
        "WslWindowsShortOfMemory": {"short"},
        "WslProblem": {"short"},
        "WslSampleOld": {"old"},
        "WslHostNotRead": {"silent"},
    }
    rules = [rule for group in server.api("rules")["groups"] for rule in group["rules"]]
    alerts = {rule["name"]: rule["query"] for rule in rules if rule["type"] == "alerting"}
    assert alerts.keys() == wanted.keys()
    for name, query in alerts.items():
        assert {row["instance"] for row, _ in server.query(query)} == wanted[name], name
    assert [rule["lastError"] for rule in rules if rule.get("lastError")] == []
