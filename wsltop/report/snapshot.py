"""One sample as JSON, for programs: names and meanings that stay.

Sizes are integer bytes, text is safe to print. A part that cannot be read is ``{"unavailable": reason, "hint": what
to do}`` in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import msgspec

from wsltop.core.diagnosis.finding import Finding
from wsltop.core.diagnosis.rules import answer
from wsltop.core.explanation import Explanation
from wsltop.core.gate.watch import GateState
from wsltop.core.ledger import Draining, Ledger, Lent
from wsltop.core.outcomes import Settled
from wsltop.core.prediction import Prediction, Shares, predict_compaction, predict_drop
from wsltop.core.session import Session
from wsltop.model.sample import Event, HostMemory, Reading, Unavailable
from wsltop.model.text import clean

SCHEMA: Final = 2
"""Raised when a name changes its meaning or goes away; new names do not raise it."""
Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"


def snapshot(session: Session, events: Sequence[Event] = ()) -> dict[str, Json]:
    """The newest moment of a session as the documented object, with ``events``; empty before the first sample."""
    moment = session.moment
    if moment is None:
        return {"schema": SCHEMA}
    sample = moment.sample
    identity, pressure = sample.identity, sample.pressure
    return {
        "schema": SCHEMA,
        "time": sample.time,
        "monotonic": sample.monotonic,
        **explanation_part(session.explanation, session.findings),
        "guest": guest_part(moment.ledger),
        "host": host_part(sample.host, sample.monotonic),
        "lent": lent_part(moment.lent),
        "draining": draining_part(moment.draining),
        "returning": None if session.returning is None else msgspec.to_builtins(session.returning),
        "predictions": predictions_part(moment.ledger, session.outcomes.shares),
        "outcomes": [outcome_part(settled) for settled in session.outcomes.settled],
        "gates": [gate_part(gate) for gate in session.insight.gates],
        "pressure": missing(pressure) if isinstance(pressure, Unavailable) else msgspec.to_builtins(pressure),
        "findings": [finding_part(finding) for finding in session.findings],
        "events": [event_part(event) for event in events],
        "wsl": {
            "version": jsonable(identity.wsl_version),
            "kernel": jsonable(identity.kernel),
            "distro": jsonable(identity.distro),
        },
    }


def encode(session: Session, events: Sequence[Event] = (), *, indent: bool = True) -> str:
    """The snapshot as text: indented, or one line for streams."""
    text = msgspec.json.encode(snapshot(session, events))
    return (msgspec.json.format(text, indent=2) if indent else text).decode()


def explanation_part(explanation: Reading[Explanation], findings: tuple[Finding, ...]) -> dict[str, Json]:
    """The answer in sentences and figures: headline, what gives memory back, what WSL will do, whether it matters."""
    if isinstance(explanation, Unavailable):
        why = missing(explanation)
        return {"headline": list(answer(findings, explanation)), "ways": why, "outlook": why, "matter": why}
    outlook, matter = explanation.outlook, explanation.matter
    return {
        "headline": list(answer(findings, explanation)),
        "ways": [
            {
                "id": way.id,
                "does": way.does,
                "key": way.key,
                "command": way.command,
                "cost": way.cost,
                "low": way.low,
                "likely": way.gives,
                "high": way.high,
                "seconds": way.seconds,
            }
            for way in explanation.ways
        ],
        "outlook": None
        if outlook is None
        else {
            "answer": outlook.answer,
            "reason": outlook.reason,
            "earliest": outlook.earliest,
            "latest": outlook.latest,
            "known_in": outlook.known_in,
            "by": [{"name": name, "share": share} for name, share in outlook.by],
        },
        "matter": {
            "id": matter.id,
            "weight": matter.weight,
            "available": matter.available,
            "total": matter.total,
            "runs_out": matter.runs_out,
            "stalled": matter.stalled,
        },
    }


def gate_part(gate: GateState) -> Json:
    """The idle gate as one rule would judge it."""
    return {
        "rule": gate.rule.id,
        "mode": gate.mode,
        "verdict": gate.verdict,
        "reason": clean(gate.reason),
        "windows": [
            {"seconds": window.seconds, "busy": window.busy, "limit": window.limit, "watched": window.watched}
            for window in gate.windows
        ],
    }


def finding_part(finding: Finding) -> Json:
    """One finding: its id, how bad it is, and what to do."""
    return {
        "id": finding.id,
        "severity": finding.severity,
        "verdict": clean(finding.verdict),
        "sentence": clean(finding.sentence),
        "evidence": [
            {"name": clean(one.name), "value": clean(one.value), "amount": one.amount, "unit": one.unit}
            for one in finding.evidence
        ],
        "remedy": [
            {
                "kind": one.kind,
                "does": clean(one.does),
                "text": one.text,
                "cost": clean(one.cost),
                "action": one.action,
                "key": one.key,
                "gives": one.gives,
                "low": one.low,
                "high": one.high,
            }
            for one in finding.remedy
        ],
    }


def event_part(event: Event) -> Json:
    """One event."""
    return {
        "kind": event.kind,
        "origin": event.origin,
        "time": event.time,
        "start": event.start,
        "end": event.end,
        "text": clean(event.text),
        "amounts": dict(event.amounts),
    }


def guest_part(ledger: Reading[Ledger]) -> Json:
    """The guest's buckets, which sum to ``total``."""
    if isinstance(ledger, Unavailable):
        return missing(ledger)
    split = ledger.free_split
    reporting = ledger.reporting
    cache = ("cache", "cache_clean", "cache_dirty", "cache_held")
    names = ("total", "free", "available", "used", "anonymous", "shared", *cache)
    kernel = ("slab_reclaimable", "slab_unreclaimable", "page_tables", "huge_pages", "freed_in_huge", "kernel_other")
    part: dict[str, Json] = {name: getattr(ledger, name) for name in names + kernel}
    part["fragmented_free"] = missing(split) if isinstance(split, Unavailable) else split.fragmented
    part["reportable_free"] = missing(split) if isinstance(split, Unavailable) else split.reportable
    part["reporting_order"] = missing(reporting) if isinstance(reporting, Unavailable) else reporting.order
    part["reporting_order_assumed"] = isinstance(reporting, Unavailable) or reporting.assumed
    part["present"] = jsonable(ledger.present)
    part["expected_host"] = jsonable(ledger.expected_host)
    part["expected_host_at_most"] = jsonable(ledger.expected_most)
    part["swap_total"] = ledger.swap_total
    part["swap_free"] = jsonable(ledger.swap_free)
    return part


def predictions_part(ledger: Reading[Ledger], shares: Shares | None) -> Json:
    """What each act would add to reportable free memory: low, likely and high."""
    if isinstance(ledger, Unavailable):
        return missing(ledger)
    acts = {
        "compaction": predict_compaction(ledger, shares),
        "cache_drop": predict_drop(ledger, shares),
        "cache_and_slab_drop": predict_drop(ledger, shares, slab=True),
    }
    return {name: prediction_part(prediction) for name, prediction in acts.items()}


def prediction_part(prediction: Reading[Prediction]) -> Json:
    """One prediction."""
    if isinstance(prediction, Unavailable):
        return missing(prediction)
    return {
        "low": prediction.low,
        "likely": prediction.likely,
        "high": prediction.high,
        "basis": clean(prediction.basis),
        "parts": [
            {"name": one.name, "low": one.low, "likely": one.likely, "high": one.high} for one in prediction.parts
        ],
    }


def outcome_part(settled: Settled) -> Json:
    """One act that has settled: predicted and measured, with the error."""
    outcome = settled.outcome
    return {
        "act": settled.act,
        "time": settled.time,
        "predicted": outcome.predicted.likely,
        "measured": outcome.gained,
        "error": outcome.error,
    }


def draining_part(draining: Reading[Draining]) -> Json:
    """What is on its way to the host."""
    if isinstance(draining, Unavailable):
        return missing(draining)
    return {"size": draining.size, "seconds": draining.seconds}


def lent_part(lent: Reading[Lent]) -> Json:
    """What Windows lends, in parts that add up to ``size``."""
    if isinstance(lent, Unavailable):
        return missing(lent)
    return {
        "size": lent.size,
        "measured": lent.measured,
        "parts": {part.id: part.size for part in lent.parts},
        "cause": lent.cause.id,
    }


def host_part(host: Reading[HostMemory], monotonic: float) -> Json:
    """What the host said, and how old it is."""
    if isinstance(host, Unavailable):
        return missing(host)
    return {
        "source": host.source,
        "process": clean(host.process),
        "pid": host.pid,
        "working_set": host.working_set,
        "private_bytes": jsonable(host.private_bytes),
        "total": jsonable(host.total),
        "available": jsonable(host.available),
        "age": round(max(0.0, monotonic - host.read_at), 3),
    }


def jsonable(reading: Reading[str] | Reading[int]) -> Json:
    """A value, or why there is none."""
    if isinstance(reading, Unavailable):
        return missing(reading)
    return clean(reading) if isinstance(reading, str) else reading


def missing(reading: Unavailable) -> Json:
    """The object that stands for a missing value."""
    return {"unavailable": clean(reading.reason), "hint": clean(reading.hint)}
