"""What the strip and the report advise: the keys that help are named, also the one to press in a list that opens."""

from __future__ import annotations

import re

from msgspec.structs import replace
from textual.pilot import Pilot

from tests.core.diagnosis_scene import TOTAL, evidence, guest, host, meminfo, sample
from tests.core.test_diagnosis_holders import growth
from tests.samples import hog
from tests.ui.worlds import HOST, World
from wsltop.core.diagnosis.evidence import Evidence
from wsltop.core.diagnosis.rules import diagnose
from wsltop.model.text import GIB, MIB
from wsltop.report.doctor import doctor
from wsltop.ui.panels.verdict import Hint, finding_view

LEAK = evidence(growth=(growth(10.0, name="ruby"),))
FULL = evidence(guest(available=TOTAL // 20 - 4096))
HOGS = evidence(
    sample(figures=meminfo(anonymous=7 * GIB), host=host(9 * GIB, available=4 * GIB), hogs=(hog(1), hog(2)))
)


def first_hint(seen: Evidence, *, can_act: bool = True) -> Hint:
    return finding_view(diagnose(seen), seen.explanation, can_act=can_act).hints[0]


def test_advice_to_end_a_program_names_its_keys() -> None:
    """``End or restart ruby`` stood there without a key, in the strip and in the findings."""
    for seen in (LEAK, FULL):
        hint = first_hint(seen)
        assert hint.key == "p"
        assert hint.text.startswith("then x ")
        assert "key p, then x" in " ".join(doctor(diagnose(seen), seen.explanation).split())
    assert "ruby" in first_hint(LEAK).text


def test_hogs_are_ended_by_their_key() -> None:
    hint = first_hint(HOGS)
    assert hint.key == "X"
    assert "2.0 GiB" in hint.text
    assert "key X" in doctor(diagnose(HOGS), HOGS.explanation)


def test_over_a_recording_no_key_is_named() -> None:
    for seen in (LEAK, FULL, HOGS):
        hint = first_hint(seen, can_act=False)
        assert hint.key == ""
        assert "then x" not in hint.text


def test_bars_and_verdict_have_one_figure_of_what_windows_has_left(world: World) -> None:
    """The bar said 867 MiB and the verdict 868: one was rounded, the other seconds older."""

    async def play(pilot: Pilot[None]) -> None:
        both = 0
        for second in range(14):
            now = world.sampler.next
            left = replace(HOST, available=867 * MIB - second * MIB, read_at=now.monotonic)
            world.sampler.next = replace(now, host=left)
            await world.tick(pilot)
            found = re.findall(r"(\d+ MiB) of 16\.0 GiB left", world.text)
            assert len(set(found)) == 1
            both += len(found) > 1
        assert both

    world.run(play, size=(120, 36))
