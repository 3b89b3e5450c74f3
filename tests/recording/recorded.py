"""What the tests record: a run with everything in it, and any sample at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import strategies as st
from msgspec import inspect

from tests.samples import ended, hog, host_memory, later, sample
from wsltop.model.sample import Counters, KernelLog, KernelRecord, Mark, OwnUse, Pressure, Sample, Unavailable
from wsltop.model.text import clean
from wsltop.recording import reader, writer
from wsltop.recording.reader import Recording
from wsltop.recording.writer import RecordingWriter


def run(count: int) -> list[Sample]:
    """So many samples, one a second, in which parts come, change and go."""
    samples = [sample()]
    while len(samples) < count:
        number = len(samples)
        counters = samples[0].counters
        assert isinstance(counters, Counters)
        records = (
            KernelRecord(sequence=number, monotonic=600 + number / 7, level=6, facility=1, text=f"line {number}"),
        )
        samples.append(
            later(
                samples[-1],
                1 + number / 1e6,
                counters=Counters(values=counters.values | {"compact_stall": 7 * number}),
                kernel_log=KernelLog(origin="kmsg", records=records if number % 3 == 1 else ()),
                host=host_memory(read_at=600.25 + number) if number % 5 else Unavailable("no answer", "Wait."),
                pressure=Pressure(
                    some_avg10=number / 100,
                    some_avg60=0.5,
                    full_avg10=0.0,
                    full_avg60=0.0,
                ),
                hogs=tuple(hog(one, resident=number << 20) for one in range(1, number % 4 + 1)),
                hogs_ended=(ended(1),) if number % 4 == 3 else (),
                marks=(Mark(time=1e9 + number, monotonic=600.0 + number, text="compact: done"),)
                if number % 6 == 5
                else (),
                own=OwnUse(cpu=None if number == 2 else number / 3, resident=number * 4096),
            )
        )
    return samples


def record(path: Path, samples: Sequence[Sample], **options: Any) -> Path:
    """Record ``samples`` to ``path``."""
    made = RecordingWriter(path, interval=1.0, **options)
    for one in samples:
        made.write(one)
    made.close()
    return path


def in_short_runs(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Let every ``size``-th sample be a whole one."""
    for module in (writer, reader):
        monkeypatch.setattr(module, "LONGEST_RUN", size)


def read(path: Path) -> list[Sample]:
    """All samples of a recording."""
    with Recording.open(path) as recording:
        return list(recording.samples())


ODD_FILES: Final = (
    b"[wsl2]\r\nmemory=8GB\n\tswap=0\n",
    b"a\0b\xff\xfe\x80",
    "[wsl2]\n".encode("utf-16"),
    b"\x1b[31m\n",
)


def values(kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Any value of a type that a sample is made of; texts as they come out of a recording."""
    if isinstance(kind, inspect.StructType):
        return st.builds(kind.cls, **{field.name: values(field.type) for field in kind.fields})
    if isinstance(kind, inspect.UnionType):
        return st.one_of([values(one) for one in kind.types])
    if isinstance(kind, inspect.VarTupleType):
        return st.lists(values(kind.item_type), max_size=3).map(tuple)
    if isinstance(kind, inspect.DictType):
        return st.dictionaries(values(kind.key_type), values(kind.value_type), max_size=3)
    if isinstance(kind, inspect.LiteralType):
        return st.sampled_from(kind.values)
    plain: dict[type[inspect.Type], Callable[[], st.SearchStrategy[Any]]] = {
        inspect.IntType: lambda: st.integers(-(2**70), 2**70),
        inspect.FloatType: lambda: st.floats(allow_nan=False, allow_infinity=False),
        inspect.BytesType: lambda: st.binary(max_size=40) | st.sampled_from(ODD_FILES),
        inspect.StrType: lambda: st.text(max_size=10).map(clean),
        inspect.BoolType: st.booleans,
        inspect.NoneType: st.none,
    }
    return plain[type(kind)]()


def any_sample() -> st.SearchStrategy[Sample]:
    """Any sample, far beyond what kernels say."""
    return values(inspect.type_info(Sample)).filter(lambda made: isinstance(made, Sample))
