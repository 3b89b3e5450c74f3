"""Whatever happens to a file, the reader ends with a clear error or yields samples that were written, in order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.recording.recorded import in_short_runs, record, run
from wsltop.errors import RecordingError
from wsltop.model.sample import Sample, Unavailable
from wsltop.recording.reader import Recording

UNREAD: Final = Unavailable("not read", "")
SAMPLES: Final = [replace(one, meminfo=UNREAD, counters=UNREAD, zones=UNREAD) for one in run(60)]
STEP: Final = 101
"""Bytes between two places where a file is damaged: a prime, so that all parts of a page are met."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A recording with a whole sample in five, and its bytes."""
    path = tmp_path_factory.mktemp("fuzz") / "a.wsltop"
    with pytest.MonkeyPatch.context() as patch:
        in_short_runs(patch, 5)
        record(path, SAMPLES)
    return path, path.read_bytes()


def survivors(path: Path, data: bytes) -> list[Sample] | None:
    """The samples of a file of these bytes, all of which were written, in order; None when it is refused."""
    path.write_bytes(data)
    try:
        with Recording.open(path) as recording:
            assert recording.note.isprintable()
            samples = list(recording.samples())
            assert all(one in SAMPLES for _, one in recording.outline())
            recording.sample(recording.index_at(recording.end))
            recording.event_kinds()
            recording.index_of_event("hog")
    except RecordingError as error:
        assert str(error).isprintable()  # noqa: PT017 - the error is one of two good ends
        return None
    places = [SAMPLES.index(one) for one in samples]
    assert places == sorted(set(places))
    return samples


def test_a_file_that_was_cut_off_gives_what_is_left(written: tuple[Path, bytes]) -> None:
    path, data = written
    counts = []
    for length in range(0, len(data), STEP * 5):
        samples = survivors(path, data[:length])
        counts.append(len(samples or ()))
    assert counts[-1] > 40
    assert sum(count > 0 for count in counts) > len(counts) / 2


@pytest.mark.slow
def test_one_wrong_bit_anywhere(written: tuple[Path, bytes]) -> None:
    path, data = written
    refused = 0
    for place in range(0, len(data), STEP):
        wrong = bytearray(data)
        wrong[place] ^= 1 << place % 8
        samples = survivors(path, bytes(wrong))
        refused += samples is None
    assert refused < 0.2 * len(data) / STEP


@pytest.mark.slow
def test_pages_that_changed_places(written: tuple[Path, bytes]) -> None:
    path, data = written
    pages = [data[start : start + 4096] for start in range(0, len(data), 4096)]
    chance = random.Random(7)
    for _ in range(60):
        one, other = chance.sample(range(len(pages)), 2)
        mixed = list(pages)
        mixed[one], mixed[other] = mixed[other], mixed[one] if chance.random() < 0.5 else mixed[other]
        survivors(path, b"".join(mixed))


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
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=vandalism())
def test_vandalism(written: tuple[Path, bytes], acts: list[tuple[str, float, float, float, bytes]]) -> None:
    path, data = written
    survivors(path, vandalize(data, acts))


@pytest.mark.ci
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400), st.integers(0, 4096))
def test_any_bytes_behind_a_good_start(written: tuple[Path, bytes], noise: bytes, length: int) -> None:
    path, data = written
    survivors(path, data[:length] + noise)


KILLED: Final = """
import sys
from pathlib import Path
from tests.recording.recorded import run
from wsltop.recording.writer import RecordingWriter
made = RecordingWriter(Path(sys.argv[1]), interval=1.0)
for number, one in enumerate(run(2000), 1):
    made.write(one)
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_all_that_it_wrote(tmp_path: Path) -> None:
    path = tmp_path / "a.wsltop"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
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
        assert recording.count >= told
        assert recording.note == ""
        assert list(recording.samples()) == run(recording.count)
