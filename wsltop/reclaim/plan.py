"""The plan of an action: all that it will do, said before it is begun, for the eye and for ``--dry-run``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Final

from msgspec import Struct

from wsltop.core.ledger import Ledger
from wsltop.core.page_map import PageMap, predict_by_pages
from wsltop.core.prediction import (
    Prediction,
    Shares,
    all_free,
    predict_compaction,
    predict_drop,
    predict_pressure,
    predict_reclaim,
    pressure_size,
)
from wsltop.guest.page_flags import read_page_map
from wsltop.hogs.guard import floor_for
from wsltop.model.sample import Reading, Unavailable, known
from wsltop.model.text import clean, format_size, write_as_root
from wsltop.reclaim import write
from wsltop.reclaim.actions import ACTIONS, Action, ActionName, explain_absence, find_reclaim_file
from wsltop.reclaim.root import RootAccess, Start, Way


class Plan(Struct, frozen=True, kw_only=True):
    """What one action will do, complete before it is begun."""

    action: Action
    size: int | None
    """Bytes that were asked for; ``None`` for what takes no size."""
    way: Way
    as_whom: str
    path: str
    texts: tuple[str, ...]
    start: Start | None
    """What runs, with the text as its input; ``None`` for a hog and where there is only a command to paste."""
    hog: int
    """Bytes that the hog of ``pressure`` takes; 0 otherwise."""
    floor: int | None
    """Bytes of available memory that it leaves; ``None``: as ``floor_for`` says."""
    predicted: Reading[Prediction]
    command: str
    """The same for a shell, to paste; empty for ``pressure``."""
    blocked: Unavailable | None
    """Why it cannot be performed."""
    by_wsl: bool
    """Whether it could go through wsl.exe instead; that is done only where the user names it."""

    @property
    def name(self) -> str:
        """``compact``, ``reclaim 512 MiB``."""
        return self.action.name if self.size is None else f"{self.action.name} {format_size(self.size)}"

    @property
    def runs(self) -> bool:
        """Whether there is something to run, rather than a reason or a command to paste."""
        return self.blocked is None and (self.start is not None or self.hog > 0)


def plan(
    name: ActionName,
    *,
    ledger: Reading[Ledger],
    access: RootAccess,
    size: int | None = None,
    way: Way | None = None,
    floor: int | None = None,
    shares: Shares | None = None,
    root: Path = Path("/"),
    pages: PageMap | None = None,
) -> Plan:
    """Plan an action; nothing is changed or asked.

    ``size`` is in bytes, for ``reclaim`` and ``pressure``. Without a ``way`` it is the first of ``access.ways`` that
    needs no consent, never ``wsl``. ``floor`` is what ``pressure`` leaves, by default as ``floor_for`` says;
    ``shares`` is what came back before; ``root`` is where ``proc`` and ``sys`` are. ``pages`` is where each page
    lies, as ``find_pages`` has found it.
    """
    action = ACTIONS[name]
    wanted = size or 0
    predicted, hog = reckon(name, ledger, wanted, floor, shares, pages)
    path, own = find_path(action, access, root)
    way = way or choose_way(action, access, own)
    start = start_of(way, access, path)
    texts = tuple(text.format(size=wanted) for text in action.texts)
    return Plan(
        action=action,
        size=size if action.takes_size else None,
        way=way,
        as_whom=tell_whom(way, access),
        path=path,
        texts=texts,
        start=known(start),
        hog=hog,
        floor=floor,
        predicted=predicted,
        command=paste_command(path, texts, access) if texts and path else "",
        blocked=find_block(action, size, path, hog, start, root),
        by_wsl=bool(path) and way in ("sudo", "paste") and "wsl" in access.ways,
    )


def find_pages(name: ActionName, access: RootAccess, root: Path = Path("/")) -> PageMap | None:
    """Where each page lies, for the prediction of root; it takes about 0.1 s for each GiB. ``None`` for other users."""
    return known(read_page_map(root)) if access.uid == 0 and name != "pressure" else None


def reckon(
    name: ActionName,
    ledger: Reading[Ledger],
    size: int,
    floor: int | None,
    shares: Shares | None,
    pages: PageMap | None = None,
) -> tuple[Reading[Prediction], int]:
    """What an action would return, and how large its hog is: 0 for one that would push no cache out."""
    if isinstance(ledger, Unavailable):
        return ledger, 0
    hog = pressure_size(ledger, size, keep(ledger, floor)) if name == "pressure" else 0
    hog = hog if hog > all_free(ledger) else 0
    return predict(name, ledger, size, floor, shares, pages), hog


def choose_way(action: Action, access: RootAccess, own: bool) -> Way:
    """The best way that needs no consent; ``own``: the user may write the file without being root."""
    if not action.needs_root:
        return "hog"
    return "direct" if own else next(way for way in access.ways if way != "wsl")


def keep(ledger: Ledger, floor: int | None) -> int:
    """Bytes of available memory that are left alone."""
    return floor_for(ledger.total) if floor is None else floor


def predict(
    name: ActionName,
    ledger: Ledger,
    size: int,
    floor: int | None = None,
    shares: Shares | None = None,
    pages: PageMap | None = None,
) -> Reading[Prediction]:
    """What an action would add to reportable free memory; ``pages`` is where each page lies, for root."""
    if pages is not None and name != "pressure":
        return predict_by_pages(name, pages, ledger, size, shares)
    if name == "compact":
        return predict_compaction(ledger, shares)
    if name == "reclaim":
        return predict_reclaim(ledger, size, shares)
    if name == "pressure":
        return predict_pressure(ledger, size, keep(ledger, floor), shares)
    return predict_drop(ledger, shares, slab=name == "drop-all")


def find_path(action: Action, access: RootAccess, root: Path) -> tuple[str, bool]:
    """The file that an action writes, empty when there is none, and whether this user may write it without root."""
    if action.name == "reclaim":
        return find_reclaim_file(root, access.uid)
    path = root / action.path.lstrip("/")
    return (str(path) if action.path and path.exists() else ""), False


def start_of(way: Way, access: RootAccess, path: str) -> Reading[Start] | None:
    """What runs for a way; ``None`` for the ways that start no writer."""
    if way == "direct":
        return Start(argv=(sys.executable, "-I", "-S", write.__file__, path))
    if way == "sudo":
        return access.start_sudo(path)
    return access.start_wsl(path) if way == "wsl" else None


def find_block(
    action: Action, size: int | None, path: str, hog: int, start: Reading[Start] | None, root: Path
) -> Unavailable | None:
    """Why a plan cannot be performed, if it cannot."""
    if action.takes_size and (size is None or size < 1):
        return Unavailable(f"{action.name} needs a size", f"Give one: {action.name} 1G")
    if not path and not hog:
        return explain_absence(root) if action.name == "reclaim" else action.missing
    return start if isinstance(start, Unavailable) else None


def tell_whom(way: Way, access: RootAccess) -> str:
    """The user that a plan runs as, and how it becomes that user."""
    who = "root" if access.uid == 0 else f"yourself (uid {access.uid})"
    return {
        "direct": who,
        "sudo": "root, through sudo without asking for a password",
        "wsl": f"root, through wsl.exe of Windows, which asks for no password; distribution {access.distro}; "
        "WSL starts a session for root, which stays until the distribution ends",
        "hog": who,
        "paste": "root: run the command yourself",
    }[way]


def paste_command(path: str, texts: tuple[str, ...], access: RootAccess) -> str:
    """The command for a shell that does the same."""
    text = texts[0].strip()
    direct = f"echo {shlex.quote(text)} > {shlex.quote(path)}"
    if access.uid == 0:
        return direct
    if access.sudo is None and not isinstance(access.distro, Unavailable):
        return f"wsl.exe -u root -d {access.distro} -e sh -c {shlex.quote(direct)}"
    return write_as_root(text, path)


NOTHING: Final[dict[ActionName, str]] = {
    "compact": "no free memory is scattered",
    "drop-cache": "there is no file cache to drop",
    "drop-all": "there is neither file cache nor slab to drop",
    "reclaim": "there is no file cache to reclaim",
    "pressure": "there is no file cache to push out",
}
"""Why an action would give back nothing."""


def tell_plan(plan: Plan) -> tuple[tuple[str, str], ...]:
    """The plan for people, as headings and texts: what ``--dry-run`` prints and the screen shows before it runs."""
    predicted = plan.predicted
    basis = ""
    if isinstance(predicted, Unavailable):
        returns = f"cannot be predicted: {predicted.reason}"
    else:
        returns, basis = predicted.tell(), predicted.basis
        if predicted.high <= 0:
            returns = f"{returns}: {NOTHING[plan.action.name]}"
    lines = [
        ("action", f"{plan.action.name}: {plan.action.title}"),
        ("returns", returns),
        ("costs", plan.action.cost),
        ("runs", tell_run(plan)),
        ("as", plan.as_whom),
    ]
    if plan.command:
        lines.append(("by hand", plan.command))
    if basis:
        lines.append(("based on", basis))
    if plan.blocked is not None:
        lines.append(("blocked", str(plan.blocked)))
    return tuple((heading, clean(text)) for heading, text in lines)


def tell_run(plan: Plan) -> str:
    """What runs."""
    if plan.way == "hog":
        if plan.blocked is not None:
            return "nothing"
        return f"a hog of {format_size(plan.hog)} that ends when it is full, or at the floor of available memory"
    if plan.blocked is not None or plan.way == "paste":
        return "nothing"
    text = plan.texts[0].strip()
    if plan.way == "direct" or plan.start is None:
        return f"writes {text} to {plan.path}"
    return f"{shlex.join(plan.start.argv)}, its input: {text}"
