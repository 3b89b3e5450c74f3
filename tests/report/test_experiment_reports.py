"""Reports of experiments: the same figures as text, JSON, Markdown, HTML and SVG, whatever strangers are called."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from tests.experiment.curves import MIB, TAKEN, acted, exponential, never, result, trial
from tests.hostile import controls
from wsltop.charts.cells import ASCII, BLOCK
from wsltop.core.curve import Crossing
from wsltop.errors import UsageError, WsltopError
from wsltop.experiment.measure import Measures, measure_all
from wsltop.experiment.trial import Phase, Result, Trial
from wsltop.report.experiment import (
    COLUMNS,
    HALVED,
    KINDS,
    Table,
    check_output,
    encode,
    groups_of,
    html,
    mark,
    markdown,
    report,
    table_lines,
    table_of,
    tell_crossing,
    write_output,
)
from wsltop.report.experiment_svg import WIDTH, draw

SVG = "{http://www.w3.org/2000/svg}"
EVIL = "</text><script>alert(1)</script>|`*_\x1b[31m\u202e]]>&amp;\"'<img src=x onerror=y>\ud800"
LASTING: tuple[tuple[Phase, float], ...] = (("baseline", 0), ("load", 6), ("hold", 8), ("action", 20), ("settle", 21))

CLASSIC = result(trial(exponential(3.0)))
REPEATED = result(trial(exponential(2.0)), trial(never), trial(exponential(4.0)))
COMPARED = result(
    replace(trial(never, expected=never, phases=LASTING[:3] + LASTING[4:], control=True), number=1),
    replace(trial(exponential(2.0), phases=LASTING, action=acted(500)), number=2),
    action="compact",
    kind="fragment",
    control=True,
    repeat=1,
)
HOSTILE = replace(
    result(replace(trial(None), remarks=(EVIL,)), interrupted="SIGINT", command=(f"/bin/{EVIL}", EVIL), hold=None),
    remarks=(EVIL,),
)
EMPTY = result(Trial(number=1, control=False, stages=(), ticks=(), ending="interrupted"))
SCENES = {"classic": CLASSIC, "repeated": REPEATED, "compared": COMPARED, "hostile": HOSTILE, "empty": EMPTY}

Writer = Callable[[Result, Sequence[Measures]], str]
WRITERS: dict[str, Writer] = {
    "text": lambda told, measures: report(told, measures, BLOCK),
    "json": encode,
    "markdown": markdown,
    "html": html,
    "svg": draw,
}


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("kind", WRITERS)
def test_every_report_of_every_scene_can_be_shown(scene: str, kind: str) -> None:
    text = WRITERS[kind](SCENES[scene], measure_all(SCENES[scene]))
    assert {ord(char) for char in text} & controls() <= {ord("\n")}
    text.encode()
    if kind in ("html", "svg"):
        assert "<script" not in text
        assert "<img" not in text
        assert "</text><script" not in text


def rows(told: Result) -> dict[str, tuple[str, ...]]:
    return {row[0]: row[1:] for row in table_of(told, measure_all(told)).rows}


def test_the_table_of_one_trial_has_the_uncertainty() -> None:
    found = rows(CLASSIC)
    assert found["taken by the load"] == ("800 MiB", "800 MiB")
    assert found["returned"] == ("800 MiB", "800 MiB")
    assert re.fullmatch(r"3\.0 s ± 0\.[12] s", found["t50, half of what came back"][1])
    assert found["lag behind the guest (half to half)"][1].startswith("3.0 s ±")
    assert HALVED == "time to 50 % host working-set reduction"
    assert found[HALVED][0] == "-"
    assert found[HALVED][1].startswith("6.0 s ±")
    assert found["CPU of the guest, release to end"] == ("1.6 s", "-")


def test_the_table_of_repeats_has_the_spread() -> None:
    found = rows(REPEATED)
    assert found["t50, half of what came back"][1] == "3.0 s (2.0 s to 4.0 s) in 2 of 3"
    assert table_of(REPEATED, measure_all(REPEATED)).headers == ("", "guest, 3 trials", "host (powershell)")


def test_a_control_stands_beside_the_action() -> None:
    assert [group.title for group in groups_of(COMPARED, measure_all(COMPARED))] == ["with compact", "without compact"]
    found = rows(COMPARED)
    assert found["predicted"] == ("-", "500 MiB", "-", "-")
    assert found["became reportable"][1] == "800 MiB"
    assert found["became reportable"][3] == "0 B"
    assert found["error of the prediction"] == ("-", "300 MiB", "-", "-")
    assert ("times since the action",) in table_of(COMPARED, measure_all(COMPARED)).rows


def test_a_return_within_the_noise_has_no_time_and_says_so() -> None:
    """``returned 77 MiB`` stood beside ``first return never``."""
    found = result(trial(lambda since: TAKEN - 17, noise=lambda number: number % 2 * 60 * MIB))
    told = rows(found)
    assert told["returned"][1] == "77 MiB, within noise"
    assert told["first return"][1] == told["t50, half of what came back"][1] == "within noise"
    assert "within noise" in report(found, measure_all(found), BLOCK).splitlines()[-1]


def test_what_never_happened_is_never_and_what_is_not_known_is_a_dash() -> None:
    found = rows(result(trial(never)))
    assert found["t90"][1] == "never"
    cut = result(trial(never, over=12.0, ending="interrupted", phases=LASTING[:3]))
    assert "t90" not in rows(cut)
    assert "floor" not in rows(cut)
    assert rows(cut)["peak"] == ("1.2 GiB", "1.2 GiB")


def test_an_expected_host_is_labeled() -> None:
    text = report(result(trial(None)), measure_all(result(trial(None))), BLOCK)
    assert "host (expected)" in text
    assert "host, expected" in text
    assert "remark   the host was not read: interop is disabled. Turn it on." in text


def test_the_text_ends_with_the_verdict_and_fits_a_terminal() -> None:
    text = report(CLASSIC, measure_all(CLASSIC), BLOCK)
    lines = text.splitlines()
    assert lines[-1] == "verdict  Windows got 800 MiB of 800 MiB (100%) back, half of it 3.0 s after the release."
    assert all(len(line) <= 120 for line in lines)
    assert "█ used, ░ file cache, ━ host, measured" in text
    assert report(CLASSIC, measure_all(CLASSIC), ASCII).replace("±", "+").isascii()


def test_the_json_of_an_action_has_what_came_back_and_its_error() -> None:
    (control, done) = (one["action"] for one in json.loads(encode(COMPARED, measure_all(COMPARED)))["trials"])
    assert done["came"] == pytest.approx(800 * MIB, abs=MIB)
    assert done["error"] == done["came"] - done["predicted"]
    assert (control["came"], control["error"]) == (0, None)


def test_the_json_has_the_figures_and_the_samples() -> None:
    told = json.loads(encode(CLASSIC, measure_all(CLASSIC)))
    one: dict[str, Any] = told["trials"][0]
    assert (told["schema"], told["plan"]["hogs"], one["ending"]) == (1, 1, "settled")
    assert one["host"]["taken"] == 800 * MIB
    assert one["host"]["t50"]["seconds"] == pytest.approx(3.0, abs=0.2)
    assert one["host"]["time_to_50_percent_reduction"]["seconds"] == pytest.approx(6.0, abs=0.3)
    assert one["columns"] == list(COLUMNS)
    assert {len(sample) for sample in one["samples"]} == {len(COLUMNS)}
    assert one["phases"][-1]["phase"] == "settle"
    hidden = json.loads(encode(HOSTILE, measure_all(HOSTILE)))
    assert hidden["trials"][0]["host"] == {"unavailable": "interop is disabled", "hint": "Turn it on."}
    assert hidden["interrupted"] == "SIGINT"


def picture(told: Result) -> ElementTree.Element:
    return ElementTree.fromstring(draw(told, measure_all(told)))  # noqa: S314 - it is our own


@pytest.mark.parametrize("scene", SCENES)
def test_the_picture_is_xml_that_draws_inside_its_frame(scene: str) -> None:
    root = picture(SCENES[scene])
    height = float(root.attrib["height"])
    assert {element.tag for element in root.iter()} <= {
        f"{SVG}{tag}" for tag in ("svg", "title", "style", "rect", "text", "line", "polygon", "polyline")
    }
    for element in root.iter():
        for point in element.attrib.get("points", "").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= WIDTH
            assert 0 <= y <= height
    assert "http" not in ElementTree.tostring(root, encoding="unicode").replace("http://www.w3.org/2000/svg", "")


def test_the_picture_shows_each_phase_and_both_sides() -> None:
    root = picture(CLASSIC)
    texts = [element.text or "" for element in root.iter(f"{SVG}text")]
    assert {"baseline", "hold", "settle", "release", "host: measured"} <= set(texts)
    assert "t50 3.0 s" in texts
    assert [element.attrib["class"] for element in root.iter(f"{SVG}polyline")] == ["expected", "host"]


def test_a_long_trial_is_drawn_with_as_many_points_as_there_are_pixels() -> None:
    long = result(trial(exponential(3.0), interval=0.02))
    assert len(draw(long, measure_all(long))) < 250_000


class Tags(HTMLParser):
    """Notes the tags of a page, and what they refer to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [name for name, _ in attrs if name in ("src", "href", "onerror")]


def test_the_page_stands_alone() -> None:
    page = html(HOSTILE, measure_all(HOSTILE))
    tags = Tags()
    tags.feed(page)
    assert tags.links == []
    assert not tags.tags & {"script", "img", "link", "iframe"}
    assert "default-src 'none'" in page


def test_markdown_takes_nothing_for_markup() -> None:
    assert mark("a|b `c` *d* <e> [f](g) \\") == r"a\|b \`c\` \*d\* \<e\> \[f\](g) \\"
    text = markdown(HOSTILE, measure_all(HOSTILE))
    verdict, _, rest = text.partition("\n```")
    assert "<script>" not in verdict
    fence = rest[: len(rest) - len(rest.lstrip("`"))]
    assert text.endswith(f"\n```{fence}\n")
    assert text.count(f"```{fence}") == 2


STARTS = {".txt": "wsltop experiment\n", ".json": "{", ".md": "# ", ".html": "<!DOCTYPE", ".svg": "<svg"}


def put(path: Path, *, as_json: bool = False) -> str:
    write_output(path, CLASSIC, measure_all(CLASSIC), (), BLOCK, json=as_json)
    return path.read_text()


@pytest.mark.parametrize("suffix", KINDS)
def test_a_file_is_written_by_its_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"report{suffix.upper()}"
    check_output(path)
    assert put(path).startswith(STARTS[suffix])
    check_output(path)
    assert put(tmp_path / "plain").startswith(STARTS[".txt"])
    assert put(tmp_path / "plain", as_json=True).startswith("{")


def test_a_file_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "folder.md").mkdir()
    for name, complaint in (("a.doc", "must end with"), ("folder.md", "directory"), ("no/a.md", "no such directory")):
        with pytest.raises(UsageError, match=complaint):
            check_output(tmp_path / name)
    with pytest.raises(WsltopError, match="cannot write"):
        put(tmp_path / "folder.md")


def test_a_wide_table_is_cut_between_the_trials_with_and_without_the_action() -> None:
    wide = Table(("", *("x" * 30 for _ in range(4))), (("load",), ("peak", "1", "2", "3", "4")))
    lines = list(table_lines(wide))
    assert max(map(len, lines)) < 80
    assert [line.split() for line in lines if "peak" in line] == [["peak", "1", "2"], ["peak", "3", "4"]]
    assert len(list(table_lines(Table(("", "a", "b", "c", "d"), wide.rows)))) == 3


def test_what_came_back_before_the_release_has_no_negative_time() -> None:
    assert tell_crossing(Crossing(-0.6, 0.1)) == "0.6 s ± 0.1 s before"
    assert tell_crossing(Crossing(0.6, 0.2)) == "0.6 s ± 0.2 s"
