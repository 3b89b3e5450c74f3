"""2,000 keys of the monkey, always the same."""

from __future__ import annotations

import pytest

from tests.monkey import MOODS, Mood, run


@pytest.mark.ci
@pytest.mark.slow
@pytest.mark.parametrize("mood", MOODS, ids=lambda mood: mood.name)
def test_2000_keys_break_nothing(mood: Mood) -> None:
    assert run(mood, 2000 // len(MOODS), seed=24).typed >= 2000 // len(MOODS)
