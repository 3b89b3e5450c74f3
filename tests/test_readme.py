"""The README keeps up with the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.findings_page import PAGE, page
from wsltop.ui.bindings import KEYS

README = Path(__file__).parent.parent / "README.md"


def test_every_finding_can_be_looked_up() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.core.findings_page"
    assert "wsltop/core/diagnosis/README.md" in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("key", [key for key in KEYS if key.help], ids=lambda key: key.action)
def test_every_key_is_listed(key: object) -> None:
    shown = getattr(key, "shown", "").split()[0].replace("1-6", "1")
    assert f"`{shown}`" in README.read_text(encoding="utf-8")
