"""The README keeps up with the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.core.findings_page import PAGE, page
from wsltop.ui.bindings import KEYS

PROJECT = Path(__file__).parent.parent
README = PROJECT / "README.md"
KEYS_PAGE = PROJECT / "wsltop/ui/README.md"
PAGES = sorted(path for path in PROJECT.rglob("*.md") if not {".venv", "data"} & set(path.parts))
LINK = re.compile(r"\]\(([^)#:]+?)\)")
LONGEST = 100
"""Lines of the landing page."""


def test_every_finding_can_be_looked_up() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.core.findings_page"
    assert "wsltop/core/diagnosis/README.md" in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("key", [key for key in KEYS if key.help], ids=lambda key: key.action)
def test_every_key_is_listed(key: object) -> None:
    shown = getattr(key, "shown", "").split()[0].replace("1-6", "1")
    assert f"`{shown}`" in KEYS_PAGE.read_text(encoding="utf-8")


def test_the_readme_is_one_page() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
