"""Writes the page of all findings: ``python -m tests.core.findings_page``."""

from __future__ import annotations

from pathlib import Path

from wsltop.core.diagnosis.rules import catalogue

PAGE = Path(__file__).parents[2] / "wsltop/core/diagnosis/README.md"
HEAD = """\
# Findings

What `wsltop` and `wsltop doctor` can find, written by `python -m tests.core.findings_page`. Each finding has a stable
id: for this list, for `wsltop doctor --json`, and for `silence` in the settings. The severity is the worst that it can
have: a *problem* fails now or soon will, a *warning* costs memory or time, a *note* is good to know.

| id | severity | meaning |
|---|---|---|
"""


def page() -> str:
    """The page, ending with a newline."""
    return HEAD + "".join(f"| `{name}` | {severity} | {meaning} |\n" for name, severity, meaning in catalogue())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
