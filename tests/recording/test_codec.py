"""Samples as compressed JSON: all of a sample comes back, and nothing that is not one does."""

from __future__ import annotations

import base64
import zlib

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.recording.recorded import ODD_FILES, any_sample, run
from tests.samples import record, small_sample
from wsltop.model.sample import KernelLog, OwnUse, Sample, Surroundings, WslconfigFile
from wsltop.model.text import clean
from wsltop.recording import codec
from wsltop.recording.codec import MOST_JSON, Malformed, SampleCoder, SampleDecoder

SAMPLES = run(20)


def encode_all(samples: list[Sample], whole_every: int = 60) -> list[bytes]:
    coder = SampleCoder()
    return [coder.encode(one, whole=number % whole_every == 0) for number, one in enumerate(samples)]


def decode_all(rows: list[bytes], whole_every: int = 60) -> list[Sample]:
    decoder = SampleDecoder()
    return [decoder.decode(row, whole=number % whole_every == 0) for number, row in enumerate(rows)]


@pytest.mark.parametrize("whole_every", [1, 7, 60])
def test_what_was_encoded_is_decoded(whole_every: int) -> None:
    assert decode_all(encode_all(SAMPLES, whole_every), whole_every) == SAMPLES


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(any_sample(), min_size=1, max_size=3))
def test_any_sample_comes_back_whatever_is_in_it(samples: list[Sample]) -> None:
    assert decode_all(encode_all(samples)) == samples


@pytest.mark.parametrize("content", ODD_FILES)
def test_the_content_of_a_file_comes_back_to_the_byte(content: bytes) -> None:
    file = WslconfigFile(path="/mnt/c/Users/me/.wslconfig", present=True, content=content, chosen_by="only profile")
    samples = [small_sample(), small_sample(surroundings=Surroundings(wslconfig=file))]
    rows = encode_all(samples)
    (_, back) = decode_all(rows)
    assert back.surroundings.wslconfig == file
    assert base64.b64encode(content) in msgspec.json.encode(back)


def test_a_sample_is_told_by_what_changed() -> None:
    rows = encode_all(SAMPLES)
    assert max(map(len, rows[1:])) < len(rows[0]) / 3


def test_a_value_that_stays_is_the_same_object() -> None:
    samples = decode_all(encode_all(SAMPLES))
    assert samples[1].surroundings is samples[0].surroundings
    assert samples[1].census is samples[0].census


def test_text_is_cleaned_when_it_is_read() -> None:
    evil = "a\x1b[31mb\x07c\u202e\x9bd\x7fe\n"
    log = KernelLog(origin="kmsg", records=(record(evil),))
    coder, decoder = SampleCoder(), SampleDecoder()
    back = decoder.decode(coder.encode(small_sample(kernel_log=log), whole=True), whole=True)
    assert isinstance(back.kernel_log, KernelLog)
    assert back.kernel_log.records[0].text == clean(evil)
    assert msgspec.json.decode(decoder.json, type=Sample) == back
    assert decoder.json.decode().isprintable()
    # What comes after is compressed against the text as it was written.
    again = small_sample(kernel_log=log, page_size=1)
    assert decoder.decode(coder.encode(again, whole=False), whole=False).page_size == 1


@pytest.mark.parametrize("text", ["a\\x20b", 'say "x"', "a/b", "日本語", "\\\\server\\share"])
def test_harmless_text_is_read_as_it_is(text: str) -> None:
    log = KernelLog(origin="kmsg", records=(record(text),))
    decoder = SampleDecoder()
    (row,) = encode_all([small_sample(kernel_log=log)])
    back = decoder.decode(row, whole=True)
    assert isinstance(back.kernel_log, KernelLog)
    assert back.kernel_log.records[0].text == text
    assert msgspec.json.decode(decoder.json, type=Sample) == back


def test_half_a_surrogate_pair_does_not_stop_it() -> None:
    log = KernelLog(origin="kmsg", records=(record("a\udc80b"),))
    (back,) = decode_all(encode_all([small_sample(kernel_log=log)]))
    assert isinstance(back.kernel_log, KernelLog)
    assert back.kernel_log.records[0].text == "ab"


@pytest.mark.parametrize("changes", [{"monotonic": float("nan")}, {"time": float("inf")}, {"time": float("-inf")}])
def test_a_figure_that_is_no_number_is_refused_and_the_next_sample_is_good(changes: dict[str, float]) -> None:
    coder, decoder = SampleCoder(), SampleDecoder()
    decoder.decode(coder.encode(SAMPLES[0], whole=True), whole=True)
    with pytest.raises(ValueError, match=next(iter(changes))):
        coder.encode(replace(SAMPLES[1], **changes), whole=False)
    assert decoder.decode(coder.encode(SAMPLES[2], whole=False), whole=False) == SAMPLES[2]


def test_infinity_where_a_value_may_be_missing_is_a_missing_value() -> None:
    (back,) = decode_all(encode_all([small_sample(own=OwnUse(cpu=float("inf"), resident=1))]))
    assert back.own.cpu is None


def test_a_sample_is_not_taken_that_follows_another_one() -> None:
    rows = encode_all(SAMPLES)
    decoder = SampleDecoder()
    with pytest.raises(Malformed):
        decoder.decode(rows[1], whole=False)
    decoder.decode(rows[0], whole=True)
    with pytest.raises(Malformed):
        decoder.decode(rows[2], whole=False)  # its dictionary is sample 1
    with pytest.raises(Malformed):
        decoder.decode(rows[1], whole=False)  # and now nothing is known until a whole one
    with pytest.raises(Malformed):
        decoder.decode(rows[1], whole=True)
    assert decoder.decode(rows[0], whole=True) == SAMPLES[0]


def test_a_bomb_does_not_go_off() -> None:
    with pytest.raises(Malformed, match="too large"):
        SampleDecoder().decode(zlib.compress(bytes(MOST_JSON + 1)), whole=True)
    deep = zlib.compress(b"[" * 1_000_000)
    with pytest.raises(Malformed):
        SampleDecoder().decode(deep, whole=True)


def test_many_rows_do_not_become_a_bomb_together(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = encode_all(SAMPLES)
    monkeypatch.setattr(codec, "MOST_RUN", 20_000)
    with pytest.raises(Malformed, match="too large"):
        decode_all(rows)


def test_a_sample_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "MOST_JSON", 1000)
    with pytest.raises(ValueError, match="too large"):
        SampleCoder().encode(SAMPLES[0], whole=True)


@pytest.mark.parametrize(
    "json",
    [b"", b"[]", b"{}", b'{"time":1}', b'{"time":"noon"}', b"\xff", b'{"time":1,"x":' + b"[" * 5000, b'{"a":\xc3}'],
)
def test_json_that_is_no_sample_is_refused(json: bytes) -> None:
    with pytest.raises(Malformed):
        SampleDecoder().decode(zlib.compress(json), whole=True)


def test_fields_of_a_later_version_are_left_out() -> None:
    data = msgspec.json.decode(msgspec.json.encode(SAMPLES[0]))
    row = zlib.compress(msgspec.json.encode(data | {"invented": [1, 2]}))
    assert SampleDecoder().decode(row, whole=True) == SAMPLES[0]


@settings(max_examples=300)
@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_refused(data: bytes, whole: bool) -> None:
    with pytest.raises(Malformed):
        SampleDecoder().decode(data, whole=whole)


def test_more_than_deflate_sees_is_still_small() -> None:
    """1000 control groups are 150 KB of JSON, and the window of deflate is 32 KiB."""
    surroundings = Surroundings(cmdline=" ".join(f"option{number}={number * 7919}" for number in range(10_000)))
    rows = encode_all([replace(one, surroundings=surroundings) for one in SAMPLES])
    assert max(map(len, rows[1:])) < 1500
