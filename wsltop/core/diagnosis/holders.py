"""Findings about who holds memory: groups at their limit, shared memory, huge pages."""

from __future__ import annotations

import re
import shlex
from typing import Final

from wsltop.core.diagnosis.evidence import Evidence, ledger_of, short, sure_mode
from wsltop.core.diagnosis.finding import RESTART, SHUTDOWN, Figure, Found, Remedy, advice, percent, rule, size
from wsltop.model.sample import Group, Tmpfs, Unavailable, known
from wsltop.model.text import GIB, MIB, format_size

HIDDEN, HIDDEN_SHARE, HALF_HIDDEN = GIB, 8, 3
"""The system distribution and WSL's init together hold a few hundred MiB."""
FULL: Final = 0.9
"""Share of a group's limit that is anonymous or shared and so cannot be reclaimed without swap."""
SHOWN: Final = 3
MISSED: Final = 64 * MIB
"""Groups below this that were not read are not worth a word."""


@rule("elsewhere-hidden", "warning", "Memory of processes not visible from here.", where="wsl2")
def elsewhere_hidden(evidence: Evidence) -> Found | None:
    """Other distributions, Docker Desktop and WSLg have PID namespaces of their own: WSL#7540, #11000, wslg#919."""
    ledger, holders = ledger_of(evidence), known(evidence.holders)
    elsewhere = None if holders is None else known(holders.elsewhere)
    if holders is not None and elsewhere is not None:
        seen = {process.pid for process in holders.processes}
        elsewhere -= sum(hog.resident for hog in evidence.moment.sample.hogs if hog.pid not in seen)
    if ledger is None or elsewhere is None or elsewhere < max(HIDDEN, ledger.total // HIDDEN_SHARE):
        return None
    return Found(
        severity="warning" if elsewhere >= ledger.total // HALF_HIDDEN else "note",
        verdict="HIDDEN MEMORY",
        sentence=f"At least {format_size(elsewhere)} is held by processes that cannot be seen from here: other "
        "distributions, containers, WSLg.",
        evidence=(
            size("not visible", elsewhere),
            size("memory of programs", ledger.anonymous),
            size("shared", ledger.shared),
        ),
        remedy=(
            Remedy(kind="windows", does="see which distributions run", text="wsl --list --running"),
            Remedy(
                kind="windows",
                does="look at all processes, with top",
                text="wsl --debug-shell",
                cost="needs an administrator",
            ),
            Remedy(kind="windows", does="end one of them", text="wsl --terminate NAME", cost="ends what runs in it"),
        ),
    )


@rule("groups-frozen", "warning", "A control group is frozen, as by Docker.")
def groups_frozen(evidence: Evidence) -> Found | None:
    """Docker Desktop's pause freezes more than its own under cgroup v2: WSL#11066, #12991, docker/for-win#14656."""
    groups = known(evidence.groups)
    if groups is None:
        return None
    paused = [group for group in groups.groups if group.frozen and group.kind == "container"]
    strangers = groups.frozen
    if not strangers and not paused:
        return None
    gradual = sure_mode(evidence) == "gradual"
    if strangers:
        sentence = f"{short(strangers[0])} is frozen: what runs in it hangs and keeps its memory."
    else:
        sentence = (
            f"{'A container is' if len(paused) == 1 else f'{len(paused)} containers are'} paused, and keep memory."
        )
    why = "; gradual reclaim and it do not mix" if gradual else ""
    saver = f"Turn Resource Saver off in Docker Desktop, under Settings, Resources{why}."
    return Found(
        severity="warning" if strangers else "note",
        verdict="FROZEN",
        sentence=sentence,
        evidence=(
            *(Figure(short(name), "frozen") for name in strangers[:SHOWN]),
            *(Figure(short(group.name), f"paused with {format_size(group.current)}") for group in paused[:SHOWN]),
        ),
        remedy=(advice(saver, "an idle engine uses CPU"), SHUTDOWN)
        if evidence.on_wsl
        else (advice("Thaw it with the program that froze it."),),
    )


@rule("group-full", "warning", "A control group is at its own memory limit.")
def group_full(evidence: Evidence) -> Found | None:
    """A group near its memory.max: the kernel kills in it while the machine has memory left (WSL#40519)."""
    ledger, groups = ledger_of(evidence), known(evidence.groups)
    if ledger is None or groups is None:
        return None
    full = sorted(
        ((share, group) for group in groups.groups if (share := fullness(group, ledger.total)) >= FULL),
        key=lambda pair: (-pair[0], pair[1].path),
    )
    if not full:
        return None
    share, group = full[0]
    return Found(
        verdict="GROUP AT LIMIT",
        sentence=f"{short(group.name)} uses {percent(share)} of its own limit of {format_size(group.limit or 0)}: the "
        "kernel kills in it, even where the VM has memory left.",
        evidence=tuple(
            Figure(short(one.name), f"{percent(part)} of {format_size(one.limit or 0)}") for part, one in full[:SHOWN]
        ),
        remedy=(advice("Raise the limit of this group or container, or end something in it."),),
    )


@rule("groups-left-out", "note", "There are more control groups than are read.")
def groups_left_out(evidence: Evidence) -> Found | None:
    """Groups are read the fullest first, within a cost: what was left out is said where it may matter."""
    groups = known(evidence.groups)
    if groups is None or groups.left_out is None or groups.left_out < MISSED:
        return None
    return Found(
        verdict="GROUPS LEFT OUT",
        sentence=f"There are more control groups than wsltop reads: inside groups of up to "
        f"{format_size(groups.left_out)} some are missing, and so may be a limit that is reached.",
        evidence=(
            Figure("groups read", str(len(groups.groups)), len(groups.groups), "count"),
            size("missing inside of", groups.left_out),
        ),
        remedy=(Remedy(kind="command", does="see all of them", text="systemd-cgtop -m"),),
    )


def fullness(group: Group, total: int) -> float:
    """The share of the group's limit that cannot be reclaimed; 0 where it has none below the machine's RAM."""
    if group.limit is None or not 0 < group.limit < total or group.anonymous is None:
        return 0.0
    return (group.anonymous + (group.shared or 0)) / group.limit


SOME, SOME_SHARE = 512 * MIB, 16
"""Less than this is normal."""
MUCH_SHARE: Final = 4
HUGE_SOME: Final = 64 * MIB
"""32 huge pages: fewer do not matter."""
HUGE_SHARE: Final = 8
LONGEST_PATH: Final = 44
"""So that the command fits into one line of 80 columns."""
RESERVED: Final = re.compile(r"(?:^|\s)(hugepages=\S{1,40})")


@rule("tmpfs-big", "warning", "Files in a tmpfs, such as /mnt/wsl, hold memory.")
def tmpfs_big(evidence: Evidence) -> Found | None:
    """Files in memory count as used and stay until they are deleted; dropping caches does not touch them."""
    ledger, places = ledger_of(evidence), used_places(evidence)
    if ledger is None or not places:
        return None
    total = sum(used for _, used in places)
    if total < max(SOME, ledger.total // SOME_SHARE):
        return None
    largest = places[0][0]
    of_all = " (shared by all distributions)" if largest.everywhere and evidence.on_wsl else ""
    return Found(
        severity="warning" if total >= ledger.total // MUCH_SHARE else "note",
        verdict="FILES IN MEMORY",
        sentence=f"{format_size(total)} is files in memory (tmpfs), most of it in {short(largest.place)}{of_all}; it "
        "stays until they are deleted.",
        evidence=tuple(size(short(place.place), used) for place, used in places[:SHOWN]),
        remedy=(find_files(largest.place),),
    )


def used_places(evidence: Evidence) -> list[tuple[Tmpfs, int]]:
    """Every tmpfs whose use is known, fullest first; bytes."""
    mounts = known(evidence.mounts)
    places = mounts.tmpfs if mounts else ()
    used = [(place, place.used) for place in places if not isinstance(place.used, Unavailable)]
    return sorted(used, key=lambda pair: (-pair[1], pair[0].place))


def find_files(path: str) -> Remedy:
    """List what is there; a path that a terminal may show other than it is, is not put into a command."""
    quoted = shlex.quote(path)
    if not path.isascii() or not path.isprintable() or len(quoted) > LONGEST_PATH:
        return advice("Look for large files there and delete what is not needed.")
    return Remedy(
        kind="command",
        does="see what is there",
        text=f"sudo du -ahx {quoted} | sort -h | tail",
        cost="nothing; delete what you do not need",
    )


@rule("shared-hidden", "warning", "Shared memory that no visible tmpfs explains.")
def shared_hidden(evidence: Evidence) -> Found | None:
    """Shared memory that no visible tmpfs explains: memfd, System V, graphics, a tmpfs of another mount namespace.

    Where ``elsewhere`` is known, it contains what is not visible, and the rest shows with its processes.
    """
    ledger, mounts, holders = ledger_of(evidence), known(evidence.mounts), known(evidence.holders)
    if ledger is None or mounts is None or (holders is not None and known(holders.elsewhere) is not None):
        return None
    if any(isinstance(place.used, Unavailable) for place in mounts.tmpfs):
        return None
    own = sum(hog.resident for hog in evidence.moment.sample.hogs if hog.kind == "shared")
    rest = ledger.shared - sum(used for _, used in used_places(evidence)) - own
    if rest < max(SOME, ledger.total // SOME_SHARE):
        return None
    return Found(
        severity="warning" if rest >= ledger.total // MUCH_SHARE else "note",
        verdict="SHARED MEMORY",
        sentence=f"{format_size(rest)} of shared memory is in no tmpfs that is visible here: programs share it, or "
        "it is mounted elsewhere.",
        evidence=(size("shared", ledger.shared), size("in no visible tmpfs", rest)),
        remedy=(
            Remedy(kind="command", does="see what System V holds", text="ipcs -m --human", cost=""),
            advice("Look for programs with much RssShmem in /proc/PID/status."),
        ),
    )


@rule("huge-pages-reserved", "warning", "Huge pages are reserved.")
def huge_pages_reserved(evidence: Evidence) -> Found | None:
    """No other memory comes from reserved huge pages, in use or not, and they are never reported to the host."""
    ledger = ledger_of(evidence)
    if ledger is None or ledger.huge_pages < HUGE_SOME:
        return None
    match = RESERVED.search(known(evidence.cmdline) or "")
    kept: tuple[Remedy, ...] = ()
    if match and evidence.on_wsl:
        kept = (
            advice(f"Remove {short(match[1])} from kernelCommandLine under [wsl2] in .wslconfig.", RESTART),
            SHUTDOWN,
        )
    return Found(
        severity="warning" if ledger.huge_pages >= ledger.total // HUGE_SHARE else "note",
        verdict="HUGE PAGES",
        sentence=f"{format_size(ledger.huge_pages)} is reserved as huge pages: nothing else can use it, and it is "
        "never given back.",
        evidence=(
            size("huge pages", ledger.huge_pages),
            *((Figure("command line", short(match[1])),) if match else ()),
        ),
        remedy=(
            Remedy(
                kind="command",
                does="free those that are not in use",
                text="sudo sysctl -w vm.nr_hugepages=0",
                cost="programs that ask for huge pages get none",
            ),
            *kept,
        ),
    )
