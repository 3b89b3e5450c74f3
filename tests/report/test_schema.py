"""What programs read of doctor and snapshot is what the schemas and the page next to the code say."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

import wsltop
from tests.core.test_explanation import cache_case, machines
from tests.guest.texts import KERNELS
from tests.samples import host_memory, kernel_sample, later, nothing, small_sample
from wsltop.core.session import Session
from wsltop.model.sample import Sample
from wsltop.report.doctor import encode as encode_doctor
from wsltop.report.snapshot import encode as encode_snapshot

FOLDER = Path(__file__).parents[1] / "data/schemas"
PAGE = Path(wsltop.__file__).parent / "report/README.md"


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


DOCTOR, SNAPSHOT = validator("doctor"), validator("snapshot")


def check(*samples: Sample) -> None:
    session = Session(1.0)
    for one in samples:
        session.take(one)
    SNAPSHOT.validate(json.loads(encode_snapshot(session, session.journal.events())))
    DOCTOR.validate(json.loads(encode_doctor(session.findings, session.explanation)))


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_known_kernel(kernel: str) -> None:
    check(kernel_sample(kernel, host=host_memory()), later(kernel_sample(kernel, host=host_memory())))


@pytest.mark.parametrize("seen", [nothing(), small_sample(), cache_case()], ids=["nothing", "no host", "file cache"])
def test_what_is_missing_and_what_is_not(seen: Sample) -> None:
    check(seen)


@settings(max_examples=25)
@given(machines())
def test_any_machine(seen: Sample) -> None:
    check(seen, later(seen))


def printed() -> list[str]:
    """What both commands print for the most frequent public report."""
    session = Session(1.0)
    session.take(cache_case())
    return [encode_doctor(session.findings, session.explanation), encode_snapshot(session, session.journal.events())]


def test_the_examples_of_the_page_are_what_is_printed() -> None:
    """WSLTOP_GOLDEN=write brings them up to date."""
    texts, page = iter(printed()), PAGE.read_text(encoding="utf-8")
    wanted = re.sub(r"```json\n.*?```", lambda _: f"```json\n{next(texts)}\n```", page, flags=re.DOTALL)
    if os.environ.get("WSLTOP_GOLDEN") == "write":
        PAGE.write_text(wanted, encoding="utf-8")
    assert page == wanted
