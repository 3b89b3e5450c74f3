"""``wsltop metrics``: the figures for Prometheus, over HTTP, in a file, or once."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from wsltop.commands.common import Seconds, host_options, merge, sampling, say, say_text, service_unit, system_of, watch
from wsltop.config import Settings
from wsltop.core.session import Session
from wsltop.errors import UsageError, WsltopError
from wsltop.report.metrics import Counts, Metric, metrics
from wsltop.system import System

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

TEXT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS: Final = "application/openmetrics-text"
OPENMETRICS_TYPE: Final = f"{OPENMETRICS}; version=1.0.0; charset=utf-8"
EVERY: Final = 30.0
MOST_ASKED: Final = 10.0
"""Most seconds between two answers of Windows that are asked for."""
PATIENCE: Final = 5.0
"""Seconds that a client may take for its request, and for reading the answer."""


def read_address(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[str, int] | None:
    """Host and port from ``127.0.0.1:9797``, ``[::1]:9797`` or ``:9797``."""
    if text is None:
        return None
    host, colon, port = text.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    try:
        ipaddress.ip_address(host)
        number = int(port) if colon else -1
    except ValueError:
        number = -1
    if not 0 <= number <= 65535:
        raise click.BadParameter(f"{text!r} is not ADDRESS:PORT, such as 127.0.0.1:9797")
    return host, number


@click.command("metrics")
@click.option(
    "--listen", "address", metavar="ADDRESS:PORT", callback=read_address, help="Serve GET /metrics and GET /-/healthy."
)
@click.option("--textfile", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write FILE.prom.")
@click.option("--every", type=Seconds(1, 300), default=EVERY, show_default=True, help="Seconds between samples.")
@click.option("--rules", is_flag=True, help="Print recording and alert rules for Prometheus.")
@click.option("--rules-test", is_flag=True, help="Print the tests of these rules, for promtool test rules.")
@click.option("--dashboard", is_flag=True, help="Print a dashboard for Grafana.")
@click.option("--service", is_flag=True, help="Print a systemd user unit that runs this command.")
@click.option("--wait", type=Seconds(0, 60), default=8.0, show_default=True, help="Seconds for Windows to answer.")
@host_options
@click.pass_obj
def command(
    settings: Settings,
    /,
    address: tuple[str, int] | None,
    textfile: Path | None,
    every: float,
    wait: float,
    rules: bool,
    rules_test: bool,
    dashboard: bool,
    service: bool,
    **options: Any,
) -> None:
    """Give the figures to Prometheus: over HTTP, in a file for node_exporter or windows_exporter, or printed once.

    \b
    wsltop metrics --listen 127.0.0.1:9797
    wsltop metrics --textfile /var/lib/prometheus/node-exporter/wsltop.prom --every 30
    wsltop metrics --listen 127.0.0.1:9797 --service > ~/.config/systemd/user/wsltop-metrics.service

    Runs until a signal. It needs the extra: pipx install 'wsltop[metrics]'. An agent on Windows reaches the port
    through localhost. The file is replaced at once, and removed when wsltop is ended by a signal that it can handle.
    """
    if rules or rules_test or dashboard:
        print_file(rules=rules, rules_test=rules_test)
        return
    settings = merge(settings, options)
    if textfile is not None and textfile.suffix != ".prom":
        raise UsageError(f"--textfile {textfile}: its name must end with .prom, or no collector reads it")
    if service:
        say_text(unit_of(address, textfile, every, settings))
        return
    require_client()
    system = system_of(settings)
    with sampling(settings, min(every, MOST_ASKED)) as sampler:
        session, counts = Session(every, frozenset(settings.silence)), Counts()
        watch(sampler, session, system.clock, wait=wait)
        counts.feed(session)
        exposition = Exposition(session, counts, read_os_release(system))
        if address is None and textfile is None:
            say(exposition.text)
            return
        with contextlib.ExitStack() as stack:
            if textfile is not None:
                stack.callback(remove, textfile)
                write(textfile, exposition.text)
            if address is not None:
                stack.enter_context(serving(address, exposition))
            for _ in ticks(system, every):
                session.take(sampler.sample())
                counts.feed(session)
                exposition.update()
                if textfile is not None:
                    write(textfile, exposition.text)


def print_file(*, rules: bool, rules_test: bool) -> None:
    """Print what comes with wsltop for Prometheus and Grafana."""
    if rules or rules_test:
        name = "rules.yml" if rules else "rules_test.yml"
        say_text((files("wsltop.report") / "prometheus" / name).read_text(encoding="utf-8"))
        return
    from wsltop.report.dashboard import encode_dashboard

    say((encode_dashboard() + "\n").encode())


def unit_of(address: tuple[str, int] | None, textfile: Path | None, every: float, settings: Settings) -> str:
    """The unit that runs this very command."""
    if address is None and textfile is None:
        raise UsageError("--service needs --listen ADDRESS:PORT or --textfile FILE.prom, or both")
    arguments = ["metrics", "--every", f"{every:g}", "--host", settings.host]
    if settings.drive is not None:
        arguments += ["--drive", settings.drive]
    if address is not None:
        arguments += ["--listen", tell_address(address)]
    if textfile is not None:
        arguments += ["--textfile", str(textfile.absolute())]
    return service_unit("wsltop-metrics", "Memory of WSL for Prometheus", arguments)


def require_client() -> None:
    """Refuse to go on without prometheus-client.

    Raises:
        WsltopError: says how to install it.
    """
    try:
        import prometheus_client  # noqa: F401
    except ImportError:
        raise WsltopError(
            "metrics needs the package prometheus-client: pipx install 'wsltop[metrics]', or pipx inject wsltop "
            "prometheus-client"
        ) from None


def read_os_release(system: System) -> str:
    """The text of ``/etc/os-release``; empty where it cannot be read."""
    try:
        return (system.root / "etc/os-release").read_text(encoding="utf-8", errors="replace")[:10_000]
    except OSError:
        return ""


def ticks(system: System, every: float) -> Iterator[None]:
    """Yield every so many seconds; a tick that was missed, as while the PC slept, is not made up for."""
    due = system.clock.monotonic()
    while True:
        due = max(due + every, system.clock.monotonic())
        system.clock.sleep(due - system.clock.monotonic())
        yield


class Exposition:
    """The metrics of the newest sample as both texts. Made in the main thread, read in others."""

    def __init__(self, session: Session, counts: Counts, os_release: str) -> None:
        self._session, self._counts, self._os_release = session, counts, os_release
        self.text = self.openmetrics = b""
        self.update()

    def update(self) -> None:
        """Make the texts again."""
        from prometheus_client import exposition
        from prometheus_client.openmetrics import exposition as openmetrics

        collector = as_collector(metrics(self._session, self._counts, self._os_release))
        self.text = exposition.generate_latest(collector)
        self.openmetrics = openmetrics.generate_latest(collector)  # type: ignore[no-untyped-call]


def as_collector(found: tuple[Metric, ...]) -> Collector:
    """The metrics as something that prometheus-client can write."""
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
    from prometheus_client.registry import CollectorRegistry

    kinds = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily, "info": InfoMetricFamily}

    class Source:
        """Gives the metrics that were worked out already."""

        def collect(self) -> Iterator[Any]:
            for metric in found:
                family = kinds[metric.kind](metric.name, metric.help)
                suffix = {"gauge": "", "counter": "_total", "info": "_info"}[metric.kind]
                for labels, value in metric.samples:
                    family.add_sample(metric.name + suffix, dict(labels), value)
                yield family

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Source())
    return registry


def write(path: Path, text: bytes) -> None:
    """Replace the file at once: a collector sees the old text or the new one.

    Raises:
        WsltopError: it cannot be written.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(text)
                os.fchmod(file.fileno(), 0o644)
            Path(name).replace(path)
        except OSError:
            remove(Path(name))
            raise
    except OSError as error:
        raise WsltopError(f"cannot write {path}: {error.strerror}") from error


def remove(path: Path) -> None:
    """Remove the file, if it is there: old figures must not stay."""
    with contextlib.suppress(OSError):
        path.unlink()


def tell_address(address: tuple[str, int]) -> str:
    """``127.0.0.1:9797``, ``[::1]:9797``."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextlib.contextmanager
def serving(address: tuple[str, int], exposition: Exposition) -> Iterator[int]:
    """Serve the exposition in threads of their own; the port.

    Raises:
        WsltopError: the address cannot be listened on.
    """
    handler = type("Handler", (MetricsHandler,), {"exposition": exposition})
    family = ipaddress.ip_address(address[0])
    server_class = type(
        "Server", (ThreadingHTTPServer,), {"address_family": socket.AF_INET6 if family.version == 6 else socket.AF_INET}
    )
    try:
        server = server_class(address, handler)
    except OSError as error:
        raise WsltopError(f"cannot listen on {tell_address(address)}: {error.strerror}") from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    port = server.server_address[1]
    click.echo(f"wsltop: metrics at http://{tell_address((address[0], port))}/metrics", err=True)
    if not ipaddress.ip_address(address[0]).is_loopback:
        click.echo("wsltop: everybody who reaches this address can read them", err=True)
    try:
        yield port
    finally:
        server.shutdown()
        server.server_close()


class MetricsHandler(BaseHTTPRequestHandler):
    """Answers GET /metrics and GET /-/healthy, and nothing else."""

    exposition: Exposition
    server_version = "wsltop"
    sys_version = ""
    timeout = PATIENCE

    def do_GET(self) -> None:
        """Answer one request."""
        if not is_local_name(self.headers.get("Host", "")):
            self.answer(403, "text/plain", b"ask by an address or by localhost\n")
        elif self.path == "/-/healthy":
            self.answer(200, "text/plain", b"ok\n")
        elif self.path != "/metrics":
            self.answer(404, "text/plain", b"there are /metrics and /-/healthy\n")
        elif OPENMETRICS in self.headers.get("Accept", ""):
            self.answer(200, OPENMETRICS_TYPE, self.exposition.openmetrics)
        else:
            self.answer(200, TEXT_TYPE, self.exposition.text)

    def answer(self, status: int, kind: str, body: bytes) -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - its name in http.server
        """Log nothing: a scrape every few seconds is no news."""


def is_local_name(host: str) -> bool:
    """Whether a Host header names an address or localhost: any other name may be a web page's, led to this port."""
    name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
    if name.lower() in ("", "localhost"):
        return True
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
