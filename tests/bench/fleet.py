"""A fleet: 1,000 simulated machines through Prometheus in agent mode and remote write: ``python -m tests.bench.fleet``.

The machines are one HTTP server that answers for each with the metrics of a made-up session. An agent scrapes all of
them and writes to a central Prometheus that evaluates wsltop's rules. Printed are what arrived and what both cost.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

from tests.report.fleet import OS_RELEASE, healthy, short
from wsltop.commands.metrics import TEXT_TYPE, Exposition

CENTRAL, AGENT = 19090, 19091


class Machines(BaseHTTPRequestHandler):
    """Answers ``/N`` as the machine N: every tenth one is short of memory."""

    protocol_version = "HTTP/1.1"
    texts: tuple[bytes, bytes]

    def do_GET(self) -> None:
        body = self.texts[int(self.path.rpartition("/")[2]) % 10 == 0]
        self.send_response(200)
        self.send_header("Content-Type", TEXT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - its name in http.server
        """A line for each of so many would be the cost itself."""


def config(folder: Path, name: str, text: dict[str, Any]) -> Path:
    """A configuration file; JSON is YAML."""
    path = folder / name
    path.write_text(json.dumps(text))
    return path


def query(text: str) -> list[Any]:
    """What the central Prometheus answers."""
    url = f"http://127.0.0.1:{CENTRAL}/api/v1/query?{urllib.parse.urlencode({'query': text})}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return list(json.load(answer)["data"]["result"])


def value(text: str) -> float:
    """The one figure that a query returns; 0 where it returns nothing."""
    rows = query(text)
    return float(rows[0]["value"][1]) if rows else 0.0


def cost(process: subprocess.Popen[bytes]) -> str:
    """Resident memory and CPU time of a process."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    resident = re.search(r"VmRSS:\s+(\d+)", status)
    return (
        f"{int(resident[1]) // 1024 if resident else 0} MiB, {(int(fields[11]) + int(fields[12])) / 100:.1f} s of CPU"
    )


def main() -> None:
    """Run it for as long as is asked, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=110.0)
    parser.add_argument("--every", type=int, default=30, help="seconds between two scrapes of a machine")
    options = parser.parse_args()
    prometheus = shutil.which("prometheus")
    if prometheus is None:
        parser.exit(1, "there is no prometheus: apt-get install prometheus\n")
    now = time.time()
    handler = type(
        "Handler", (Machines,), {"texts": tuple(Exposition(*one(now), OS_RELEASE).text for one in (healthy, short))}
    )
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.request_queue_size = 1000
        threading.Thread(target=server.serve_forever, daemon=True).start()
        stack.callback(server.shutdown)
        here = f"127.0.0.1:{server.server_address[1]}"
        targets = [
            {"targets": [here], "labels": {"instance": f"pc-{number}", "__metrics_path__": f"/{number}"}}
            for number in range(options.machines)
        ]
        config(folder, "targets.json", targets)  # type: ignore[arg-type]  # a list, as file_sd wants it
        rules = str(files("wsltop.report") / "prometheus/rules.yml")
        every = f"{options.every}s"
        central = config(folder, "central.yml", {"global": {"evaluation_interval": "10s"}, "rule_files": [rules]})
        agent = config(
            folder,
            "agent.yml",
            {
                "global": {"scrape_interval": every},
                "scrape_configs": [{"job_name": "wsl", "file_sd_configs": [{"files": [str(folder / "targets.json")]}]}],
                "remote_write": [{"url": f"http://127.0.0.1:{CENTRAL}/api/v1/write"}],
            },
        )
        running = []
        for words in (
            (
                f"--config.file={central}",
                f"--storage.tsdb.path={folder}/central",
                "--web.enable-remote-write-receiver",
                f"--web.listen-address=127.0.0.1:{CENTRAL}",
            ),
            (
                f"--config.file={agent}",
                f"--storage.agent.path={folder}/agent",
                "--enable-feature=agent",
                f"--web.listen-address=127.0.0.1:{AGENT}",
            ),
        ):
            process = subprocess.Popen([prometheus, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            running.append(process)
        time.sleep(options.seconds)
        print(f"{options.machines} machines, every {options.every} s, {options.seconds:.0f} s")
        print(f"up                   {value('sum(up)'):.0f}")
        ours = value('count({__name__=~"wsl_.*|wsltop_.*|process_.*"})')
        print(f"series of wsltop     {ours:.0f}")
        print(f"alerts               {value('count(ALERTS)'):.0f}")
        print(f"central              {cost(running[0])}")
        print(f"agent                {cost(running[1])}")


if __name__ == "__main__":
    main()
