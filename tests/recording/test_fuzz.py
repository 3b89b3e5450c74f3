"""Whatever happens to a file, the reader ends with a clear error or yields samples that were written, in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.recording.recorded import in_small_groups, record, run
from wsltop.errors import RecordingError
from wsltop.model.reading import Unavailable
from wsltop.model.sample import Sample
from wsltop.recording.reader import Recording
from wsltop.recording.writer import RecordingWriter

UNREAD: Final = Unavailable("not read", "")
SAMPLES: Final = [replace(one, meminfo=UNREAD, free_blocks=UNREAD, counters=UNREAD, zones=UNREAD) for one in run(8)]
"""Small ones, so that a file is tried at every byte in a second or two."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, list[int]]:
    """A recording in groups of 3, its bytes, and its size after each sample."""
    path = tmp_path_factory.mktemp("fuzz") / "a.rec"
    with pytest.MonkeyPatch.context() as patch:
        in_small_groups(patch, 3)
        made = RecordingWriter(path, interval=1.0)
        sizes = []
        for one in SAMPLES:
            made.write(one)
            sizes.append(made.size)
        made.close()
    return path, path.read_bytes(), sizes


def survivors(path: Path, data: bytes, *, salvage: bool) -> list[Sample] | None:
    """The samples of a file of these bytes, all of which were written, in order; None when it is refused."""
    path.write_bytes(data)
    try:
        with Recording.open(path, salvage=salvage) as recording:
            assert recording.note.isprintable()
            samples = list(recording.samples())
            assert [one for _, one in recording.outline()]
            assert recording.sample(recording.index_at(recording.end)) == samples[-1]
    except RecordingError:
        return None
    places = [SAMPLES.index(one) for one in samples]
    assert places == sorted(set(places))
    return samples


@pytest.mark.ci
def test_a_file_cut_at_any_byte_loses_at_most_the_last_sample(written: tuple[Path, bytes, list[int]]) -> None:
    path, data, sizes = written
    for length in range(len(data)):
        count = sum(size <= length for size in sizes)
        samples = survivors(path, data[:length], salvage=False)
        assert (samples or []) == SAMPLES[:count], length


@pytest.mark.ci
def test_one_wrong_byte_anywhere(written: tuple[Path, bytes, list[int]]) -> None:
    path, data, _ = written
    for place in range(len(data)):
        wrong = bytearray(data)
        wrong[place] ^= 1 << place % 8
        salvage = place % 2 > 0
        samples = survivors(path, bytes(wrong), salvage=salvage)
        # Only the very last sample may be missing without an error: there damage looks like a torn end.
        assert salvage or samples is None or samples == SAMPLES[:-1], place


@st.composite
def vandalism(draw: st.DrawFn) -> list[tuple[str, float, float, float, bytes]]:
    """What to do to a file: what, three places as shares of its length, and bytes."""
    kinds = st.sampled_from(["flip", "insert", "delete", "copy", "cut", "overwrite"])
    share = st.floats(0, 1)
    return draw(
        st.lists(st.tuples(kinds, share, share, share, st.binary(min_size=1, max_size=40)), min_size=1, max_size=4)
    )


def vandalize(data: bytes, acts: list[tuple[str, float, float, float, bytes]]) -> bytes:
    """Do it."""
    for kind, one, other, third, noise in acts:
        start, end = sorted((int(one * len(data)), int(other * len(data))))
        place = int(third * len(data))
        match kind:
            case "flip" if data:
                start = min(start, len(data) - 1)
                data = data[:start] + bytes([data[start] ^ (noise[0] or 1)]) + data[start + 1 :]
            case "insert":
                data = data[:start] + noise + data[start:]
            case "delete":
                data = data[:start] + data[end:]
            case "copy":
                data = data[:place] + data[start:end] + data[place:]
            case "overwrite":
                data = data[:start] + noise + data[start + len(noise) :]
            case "cut":
                data = data[:end]
    return data


@pytest.mark.ci
@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=vandalism(), salvage=st.booleans())
def test_vandalism(
    written: tuple[Path, bytes, list[int]], acts: list[tuple[str, float, float, float, bytes]], salvage: bool
) -> None:
    path, data, _ = written
    survivors(path, vandalize(data, acts), salvage=salvage)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.binary(max_size=400), st.booleans())
def test_any_bytes(written: tuple[Path, bytes, list[int]], noise: bytes, behind_the_header: bool) -> None:
    path, data, sizes = written
    survivors(path, data[: sizes[0] if behind_the_header else 0] + noise, salvage=True)


def test_groups_of_another_recording_are_not_taken(
    written: tuple[Path, bytes, list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, data, sizes = written
    in_small_groups(monkeypatch, 3)
    other = record(tmp_path / "b.rec", [replace(one, page_size=1) for one in SAMPLES]).read_bytes()
    assert len(other) >= sizes[5]
    assert survivors(path, data[: sizes[2]] + other[sizes[2] :], salvage=False) is None
    assert survivors(path, data[: sizes[2]] + other[sizes[2] :], salvage=True) == SAMPLES[:3]


KILLED: Final = """
import sys
from pathlib import Path
from tests.recording.recorded import run
from wsltop.recording.writer import RecordingWriter
made = RecordingWriter(Path(sys.argv[1]), interval=1.0)
for number, one in enumerate(run(100_000), 1):
    made.write(one)
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_all_that_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    program = KILLED.replace("run(100_000)", "run(600)")
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    ) as process:
        assert process.stdout is not None
        told = 0
        while told < 350:
            told = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        told = max([told, *(int(line) for line in process.stdout.read().split()[:-1])])
    with Recording.open(path) as recording:
        assert len(recording) >= told
        assert list(recording.samples()) == run(600)[: len(recording)]
