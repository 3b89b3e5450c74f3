"""A dashboard for Grafana over wsltop's metrics: the fleet, and one machine chosen by ``$instance``."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec


class Panel(NamedTuple):
    """One panel: queries with their legends, in PromQL."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: str = "bytes"
    kind: str = "timeseries"
    stacked: bool = False


ONE: Final = '{instance=~"$instance"}'
FLEET: Final = (
    Panel(
        "Machines",
        (("count(wsl_sample_timestamp_seconds)", "with wsltop"), ("sum(wsl_host_up)", "Windows read")),
        "short",
        "stat",
    ),
    Panel("Could come back, all machines", (("sum(max by (instance) (wsl_reclaimable_bytes))", "bytes"),), kind="stat"),
    Panel(
        "Machines whose idle gate is shut", (("count(wsl_idle_gate_open == 0) or vector(0)", "shut"),), "short", "stat"
    ),
    Panel(
        "Working set of WSL in Windows",
        tuple(
            (f"quantile({q}, sum by (instance) (wsl_host_working_set_bytes))", f"p{q * 100:.0f}") for q in (0.5, 0.95)
        ),
    ),
    Panel("Findings", (("count by (id, severity) (wsl_finding_active)", "{{id}} ({{severity}})"),), "short", "heatmap"),
    Panel(
        "Least memory left in Windows",
        (("bottomk(10, wsl_host_memory_available_bytes / wsl_host_memory_size_bytes)", "{{instance}}"),),
        "percentunit",
    ),
    Panel(
        "Versions",
        (("count by (version, kernel, distro) (wsl_info)", "{{version}}, {{kernel}}, {{distro}}"),),
        "short",
        "table",
    ),
)
MACHINE: Final = (
    Panel(
        "Host and guest",
        (
            (f"sum by (instance) (wsl_host_working_set_bytes{ONE})", "Windows lends"),
            (f"wsl_guest_expected_host_bytes{ONE}", "expected"),
            (f"wsl_guest_memory_used_bytes{ONE}", "the guest uses"),
        ),
    ),
    Panel("Memory of the guest", ((f"wsl_guest_memory_bytes{ONE}", "{{part}}"),), stacked=True),
    Panel(
        "Could come back",
        (
            (f"wsl_reclaimable_bytes{ONE}", "{{action}}"),
            (f"wsl_draining_bytes{ONE}", "on its way"),
            (f"wsl_residue_bytes{ONE}", "not explained"),
        ),
    ),
    Panel(
        "Memory of Windows",
        ((f"wsl_host_memory_size_bytes{ONE}", "all"), (f"wsl_host_memory_available_bytes{ONE}", "available")),
    ),
    Panel(
        "Idle gate",
        (
            (f"wsl_idle_gate_busy_ratio{ONE}", "busy over {{window}}"),
            (f"wsl_idle_gate_limit_ratio{ONE}", "limit over {{window}}"),
            (f"wsl_idle_gate_open{ONE}", "open"),
        ),
        "percentunit",
    ),
    Panel("Who holds it", ((f"wsl_family_memory_bytes{ONE}", "{{family}}"),), stacked=True),
    Panel("Events", ((f"increase(wsl_events_total{ONE}[$__rate_interval])", "{{kind}}"),), "short"),
    Panel("Findings", ((f"wsl_finding_active{ONE}", "{{id}} ({{severity}})"),), "short"),
    Panel(
        "Swap",
        ((f"wsl_guest_swap_size_bytes{ONE}", "all"), (f"wsl_guest_swap_free_bytes{ONE}", "free")),
    ),
    Panel(
        "wsltop itself",
        ((f"rate(process_cpu_seconds_total{ONE}[$__rate_interval])", "CPUs"),),
        "percentunit",
    ),
    Panel(
        "Age of the figures",
        ((f"time() - wsl_sample_timestamp_seconds{ONE}", "guest"), (f"wsl_host_answer_age_seconds{ONE}", "Windows")),
        "s",
    ),
)
ROWS: Final = (("Fleet", FLEET), ("One machine: $instance", MACHINE))
WIDTH: Final = 8
"""Of a panel; Grafana's grid has 24 columns."""
HEIGHT: Final = 8
SOURCE: Final = {"type": "prometheus", "uid": "${source}"}


def encode_dashboard() -> str:
    """The dashboard as JSON to import into Grafana, without a newline at the end."""
    return msgspec.json.format(msgspec.json.encode(dashboard()), indent=2).decode()


def dashboard() -> dict[str, Any]:
    """The dashboard in Grafana's schema."""
    panels: list[dict[str, Any]] = []
    top = 0
    for title, group in ROWS:
        panels.append({"type": "row", "title": title, "collapsed": False, "gridPos": place(0, top, 24, 1)})
        for number, panel in enumerate(group):
            position = place(number % 3 * WIDTH, top + 1 + number // 3 * HEIGHT, WIDTH, HEIGHT)
            panels.append(draw(panel, position))
        top += 1 + -(-len(group) // 3) * HEIGHT
    for number, made in enumerate(panels, 1):
        made["id"] = number
    return {
        "title": "wsltop",
        "uid": "wsltop",
        "schemaVersion": 38,
        "tags": ["wsl"],
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "templating": {"list": [source_variable(), instance_variable()]},
        "panels": panels,
    }


def place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    """A place in the grid."""
    return {"x": x, "y": y, "w": width, "h": height}


def draw(panel: Panel, position: dict[str, int]) -> dict[str, Any]:
    """A panel in Grafana's schema."""
    now = panel.kind in ("stat", "table")
    targets = [
        {"refId": chr(65 + number), "expr": query, "legendFormat": legend, "datasource": SOURCE, "instant": now}
        for number, (query, legend) in enumerate(panel.queries)
    ]
    custom = {"fillOpacity": 60, "stacking": {"mode": "normal"}} if panel.stacked else {}
    return {
        "type": panel.kind,
        "title": panel.title,
        "gridPos": position,
        "datasource": SOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": {"unit": panel.unit, "custom": custom}, "overrides": []},
    }


def source_variable() -> dict[str, Any]:
    """The variable that chooses the data source."""
    return {"name": "source", "type": "datasource", "query": "prometheus", "label": "Data source"}


def instance_variable() -> dict[str, Any]:
    """The variable that chooses one machine, or several."""
    query = "label_values(wsl_sample_timestamp_seconds, instance)"
    return {
        "name": "instance",
        "type": "query",
        "query": query,
        "datasource": SOURCE,
        "label": "Machine",
        "includeAll": True,
        "multi": True,
        "refresh": 2,
    }
