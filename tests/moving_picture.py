"""Makes the moving picture of the README: ``python -m tests.moving_picture``.

The recording that comes with the package is shown on the screen, sample by sample, and each row of the screen goes into
one SVG file together with the times at which it stands there. A row that does not change is there once, so a minute of
the screen takes a few hundred KB. No script, no font and no address is in it.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from tests.screenshots import FOLDER, Camera, prepared
from tests.vm.guest.story import END, KILL, LOAD
from wsltop.model.sample import Sample
from wsltop.ui.app import WsltopApp

SIZE: Final = (100, 30)
FIRST, LAST = LOAD - 4, END
SPEED: Final = 4.0
"""Seconds of the story to one of the picture."""
HELD: Final = 4.0
"""Seconds for which the last frame stays."""
LIMIT: Final = 2 * 1024**2
"""Bytes: more than that is too much for a page."""
TEXT: Final = re.compile(r'<text class="([\w-]+)" x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"[^>]*>(.*?)</text>')
BOX: Final = re.compile(r'<rect fill="([^"]+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"[^>]*/>')
STYLE: Final = re.compile(r"\.([\w-]+-r\d+) \{ ([^}]*) \}")
ROW: Final = 24.4
"""Height of a row in Textual's pictures."""


class Frame(NamedTuple):
    """One screen: each row as SVG, from the top."""

    rows: tuple[str, ...]


def frame_of(picture: str) -> Frame:
    """The rows of a picture that Textual has made, with their colors written out."""
    styles = dict(STYLE.findall(picture))
    rows: list[list[str]] = [[] for _ in range(SIZE[1])]
    for fill, x, y, width, height in BOX.findall(picture):
        place = round(float(y) / ROW - 0.06)
        if 0 <= place < SIZE[1]:
            rows[place].append(f'<rect fill="{fill}" x="{x}" y="{y}" width="{width}" height="{height}"/>')
    for name, x, y, length, text in TEXT.findall(picture):
        place = round((float(y) - 20) / ROW)
        if 0 <= place < SIZE[1] and text.replace("&#160;", "").strip():
            style = styles.get(name, "fill: #e0e0e0")
            rows[place].append(f'<text style="{style}" x="{x}" y="{y}" textLength="{length}">{text}</text>')
    return Frame(tuple("".join(row) for row in rows))


async def film(app: WsltopApp, samples: Iterator[Sample]) -> list[Frame]:
    """One frame for each second of the story."""
    frames = []
    async with app.run_test(size=SIZE) as pilot:
        camera = Camera(app, pilot, samples, FOLDER)
        for second in range(FIRST, LAST):
            await camera.go_on(second)
            await pilot.pause()
            frames.append(frame_of(app.export_screenshot(title="wsltop")))
    return frames


def animate(frames: list[Frame]) -> str:
    """The frames as one SVG text that repeats."""
    step = 1 / SPEED
    total = len(frames) * step + HELD
    width, height = round(SIZE[0] * 12.2), round(SIZE[1] * ROW) + 8
    body = []
    for place in range(SIZE[1]):
        spans: dict[str, list[tuple[float, float]]] = {}
        for number, frame in enumerate(frames):
            begin = number * step
            end = begin + step if number + 1 < len(frames) else total
            times = spans.setdefault(frame.rows[place], [])
            if times and times[-1][1] >= begin - 1e-9:
                times[-1] = (times[-1][0], end)
            else:
                times.append((begin, end))
        for row, times in spans.items():
            if row:
                body.append(shown(row, times, total))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 {width} {height}" width="{width}">'
        "<style>text { font: 20px Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre }</style>"
        f'<rect width="{width}" height="{height}" rx="8" fill="#121212"/>{"".join(body)}</svg>\n'
    )


def shown(row: str, times: list[tuple[float, float]], total: float) -> str:
    """A row that is visible during spans of time, in seconds."""
    if times == [(0.0, total)]:
        return f"<g>{row}</g>"
    points = {0.0: "hidden"}
    for begin, end in times:
        points[round(begin / total, 5)] = "visible"
        if end < total:
            points[round(end / total, 5)] = "hidden"
    keys, values = ";".join(f"{key:g}" for key in points), ";".join(points.values())
    first = points[0.0]
    return (
        f'<g visibility="{first}"><animate attributeName="visibility" calcMode="discrete" dur="{total:g}s" '
        f'repeatCount="indefinite" keyTimes="{keys}" values="{values}"/>{row}</g>'
    )


def main() -> None:
    """Make the picture of a recording."""
    parser = argparse.ArgumentParser(prog="python -m tests.moving_picture", description="Make the moving picture.")
    parser.add_argument("--recording", type=Path, metavar="FILE", help="of tests.vm record [the packaged one]")
    parser.add_argument("--output", type=Path, default=FOLDER / "wsltop.svg", help="[screenshots/wsltop.svg]")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, prepared(chosen.recording, Path(place)) as (app, samples):
        text = animate(asyncio.run(film(app, samples)))
    if len(text) > LIMIT:
        raise SystemExit(f"the picture has {len(text)} bytes, more than {LIMIT}")
    chosen.output.write_text(text, encoding="utf-8")
    print(f"{chosen.output}: {len(text) // 1024} KiB, {(LAST - FIRST) / SPEED + HELD:.0f} s; the kill at {KILL}")


if __name__ == "__main__":
    main()
