"""A finding: what is wrong, its figures, and the remedies with their costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from wsltop.core import explanation
from wsltop.core.diagnosis.evidence import Evidence, short
from wsltop.core.explanation import Means, Way, WayId
from wsltop.model.sample import Unavailable, known
from wsltop.model.text import format_size

Severity = Literal["ok", "note", "warning", "problem"]
"""``note``: good to know; ``warning``: memory or time is lost; ``problem``: something fails, or soon will."""
SEVERITIES: Final[tuple[Severity, ...]] = ("ok", "note", "warning", "problem")
"""From the best to the worst."""
KEPT: Final = ("hogs", "end", "stop", "limit", "shutdown")
"""Ways that are named after a better one: they help where it is not enough."""
MOST_WAYS: Final = 5
RemedyKind = Literal["command", "windows", "config", "advice"]
"""``command``: in a shell of the guest; ``windows``: in a terminal of Windows; ``config``: lines of ``.wslconfig`` with
their section; ``advice``: a sentence."""
Action = WayId | Literal[""]
"""The way of the explanation that a remedy takes; empty where it is none."""


Unit = Literal["", "bytes", "share", "seconds", "count"]
"""Of ``Figure.amount``; a share is 0 to 1."""


class Figure(Struct, frozen=True):
    """One figure that a finding rests on."""

    name: str
    value: str
    """For people, with its unit."""
    amount: float | None = None
    """For programs; None where the figure is a text."""
    unit: Unit = ""


class Remedy(Struct, frozen=True, kw_only=True):
    """One remedy."""

    kind: RemedyKind
    does: str
    """What it does, as a clause in the imperative; empty for advice."""
    text: str
    """The exact command, lines or sentence."""
    cost: str = ""
    """What it costs, as a clause; empty when it costs nothing."""
    action: Action = ""
    key: str = ""
    """The key on the screen that does it; empty where there is none."""
    gives: int | None = None
    """The likely bytes that Windows gets back; ``None`` where that is not predicted."""
    low: int | None = None
    high: int | None = None
    """The ends of the range."""


class Finding(Struct, frozen=True, kw_only=True):
    """One thing to tell. All text is short, plain and safe to show."""

    id: str
    """Stable, for the documentation and for silencing: ``cache-kept``."""
    severity: Severity
    verdict: str
    """A word or two in capitals: ``CACHE KEPT``."""
    sentence: str
    evidence: tuple[Figure, ...] = ()
    remedy: tuple[Remedy, ...] = ()


class Found(Struct, frozen=True, kw_only=True):
    """What a rule found: a finding without its id."""

    severity: Severity | None = None
    """``None``: the rule's own, which is its worst."""
    verdict: str
    sentence: str
    evidence: tuple[Figure, ...] = ()
    remedy: tuple[Remedy, ...] = ()


Judge = Callable[[Evidence], Found | None]
Where = Literal["anywhere", "linux", "wsl2"]
"""``linux``: not on WSL 1, whose kernel is an imitation; ``wsl2``: only where the guest is known to be one."""


class Rule(Struct, frozen=True, kw_only=True):
    """One rule of the diagnosis: called with the evidence it returns its finding, or ``None``."""

    id: str
    severity: Severity
    """The worst that it finds."""
    meaning: str
    """One line, for the documentation."""
    where: Where
    judge: Judge

    def __call__(self, evidence: Evidence) -> Finding | None:
        """Judge the evidence, where the rule applies."""
        applies = evidence.on_wsl or self.where == "anywhere" or (self.where == "linux" and evidence.flavor != "wsl1")
        found = self.judge(evidence) if applies else None
        if found is None:
            return None
        return Finding(
            id=self.id,
            severity=found.severity or self.severity,
            verdict=found.verdict,
            sentence=found.sentence,
            evidence=found.evidence,
            remedy=found.remedy,
        )


def rule(name: str, severity: Severity, meaning: str, *, where: Where = "linux") -> Callable[[Judge], Rule]:
    """Make a rule of a function that judges the evidence; ``diagnosis.rules`` finds it in its module."""
    return lambda judge: Rule(id=name, severity=severity, meaning=meaning, where=where, judge=judge)


SPELLED: Final = {
    "VMS": "VMs",
    "WSLTOP": "wsltop",
    "WINDOWS": "Windows",
    **{name: name for name in ("WSL", "OOM", "OOMD", "GPU", "ZFS")},
}
"""Names, as they are spelled in a sentence."""


def title(verdict: str) -> str:
    """A verdict as the beginning of a sentence: ``OOM kill``, ``WSL holds much``, ``Cache kept``."""
    text = " ".join(SPELLED.get(word, word.lower()) for word in verdict.split())
    return text if text.startswith("wsltop") else f"{text[:1].upper()}{text[1:]}"


def rank(severity: Severity) -> int:
    """How bad it is, 0 the best."""
    return SEVERITIES.index(severity)


def size(name: str, amount: float) -> Figure:
    """A figure from an amount in bytes."""
    return Figure(name, format_size(amount), round(amount), "bytes")


def percent(share: float) -> str:
    """``0.53 %``, ``1.9 %`` or ``12 %`` from a share of 1: near WSL's limits of 0.5 % the second digit counts."""
    if share <= 0:
        return "0 %"
    return f"{share * 100:.{2 if share < 0.00995 else 1 if share < 0.0995 else 0}f} %"


def remedy_of(means: Means) -> Remedy:
    """A way of the explanation as a remedy, with what it gives where that is known."""
    kind: RemedyKind = "advice"
    if means.command:
        kind = "config" if means.id == "limit" else "windows" if means.id == "shutdown" else "command"
    gives, low, high = (means.gives, means.low, means.high) if isinstance(means, Way) else (None, None, None)
    return Remedy(
        kind=kind,
        does="" if kind == "advice" else means.does,
        text=means.command or f"{means.does[:1].upper()}{means.does[1:]}.",
        cost=means.cost,
        action=means.id,
        key=means.key,
        gives=gives,
        low=low,
        high=high,
    )


RESTART: Final = "takes effect after wsl --shutdown, which ends every distribution"
DROP: Final = remedy_of(explanation.DROP_CACHE)
DROP_ALL: Final = remedy_of(explanation.DROP_ALL)
COMPACT: Final = remedy_of(explanation.COMPACT)
SHUTDOWN: Final = Remedy(
    kind="windows",
    does="end the VM (the next terminal starts it again)",
    text="wsl --shutdown",
    cost="ends every distribution and all that runs in it",
    action="shutdown",
)
UPDATE: Final = Remedy(
    kind="windows",
    does="update WSL",
    text="wsl --update",
    cost="ends every distribution when it installs",
)
WATCH: Final = Remedy(
    kind="command",
    does="watch for longer than the kernel takes to report free memory",
    text="wsltop doctor --watch 65",
)


def offer(evidence: Evidence, *remedies: Remedy) -> tuple[Remedy, ...]:
    """The remedies with what each gives back; those that give nothing back here are left out."""
    explained = known(evidence.explanation)
    if explained is None:
        return remedies
    given = {way.id: way for way in explained.ways}
    made = []
    for remedy in remedies:
        way = given.get(remedy.action) if remedy.action else None
        if way is not None:
            made.append(replace(remedy, gives=way.gives, low=way.low, high=way.high))
        elif not remedy.action or remedy.action == "shutdown":
            made.append(remedy)
    return tuple(made)


def best_ways(evidence: Evidence) -> tuple[Remedy, ...]:
    """What gives most back: the best way first, then what gives more and costs more."""
    explained = known(evidence.explanation)
    if explained is None or explained.best is None:
        return ()
    best = explained.best
    others = [way for way in explained.ways if way is not best and (way.gives > best.gives or way.id in KEPT)]
    return tuple(remedy_of(way) for way in (best, *others)[:MOST_WAYS])


def name_hogs(evidence: Evidence, finding: Finding) -> Finding:
    """A finding about memory that is held: what wsltop itself holds comes first, and its end is the first remedy."""
    explained = known(evidence.explanation)
    own = None if explained is None or finding.severity == "ok" else explained.own
    if own is None:
        return finding
    held = sum(hog.resident for hog in evidence.moment.sample.hogs if hog.status != "ending")
    others = (remedy for remedy in finding.remedy if remedy.action != own.id)
    return replace(
        finding,
        sentence=f"The hogs of wsltop hold {format_size(held)}. {finding.sentence}",
        evidence=(size("hogs of wsltop", held), *finding.evidence),
        remedy=(remedy_of(own), *others)[:MOST_WAYS],
    )


def act_of(remedy: Remedy) -> str:
    """What a remedy does, as a clause in the imperative; advice that no key carries out has none."""
    text = remedy.text.removesuffix(".")
    return remedy.does or (f"{text[:1].lower()}{text[1:]}" if remedy.key else "")


def reclaim_setting(mode: str, does: str, cost: str = "") -> Remedy:
    """Set ``autoMemoryReclaim``, in the only section where WSL reads it."""
    return Remedy(
        kind="config",
        does=does,
        text=f"[experimental]\nautoMemoryReclaim={mode}",
        cost=f"{cost}; {RESTART}" if cost else RESTART,
    )


def memory_setting(evidence: Evidence, *, more_than: int = 0, less_than: int | None = None) -> tuple[Remedy, ...]:
    """Set ``memory`` to the suggested size, where there is one and it goes in the right direction. Bytes.

    ``more_than`` is a MemTotal: the kernel's own part of the VM, up to a twentieth, is not in it.
    """
    suggestion = known(evidence.suggestion)
    if suggestion is None or not evidence.on_wsl or suggestion.size <= more_than + more_than // 20:
        return ()
    if less_than is not None and suggestion.size >= less_than:
        return ()
    way = "raise" if less_than is None else "lower"
    return (
        Remedy(kind="config", does=f"{way} the VM's limit", text=f"[wsl2]\n{short(suggestion.line)}", cost=RESTART),
    )


def advice(text: str, cost: str = "") -> Remedy:
    """A remedy that is advice."""
    return Remedy(kind="advice", does="", text=text, cost=cost)


def hint_of(missing: Unavailable) -> tuple[Remedy, ...]:
    """The hint of a missing value as a remedy; none where it has no hint."""
    return (advice(short(missing.hint, 240)),) if missing.hint else ()
