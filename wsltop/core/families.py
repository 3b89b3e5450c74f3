"""Families: processes under the name that a person knows, such as ``vscode-server`` or ``java``.

Pure. Imports msgspec and ``core``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from wsltop.core.processes import ProcessUse

MARKS: Final = (
    ("vscode-server", "/.vscode-server"),
    ("vscode-server", "/.vscode-remote"),
    ("cursor-server", "/.cursor-server"),
    ("windsurf-server", "/.windsurf-server"),
    ("jetbrains", "JetBrains/"),
    ("jetbrains", "com.intellij."),
    ("gradle", "org.gradle."),
    ("kotlin", "org.jetbrains.kotlin."),
    ("elasticsearch", "org.elasticsearch."),
    ("jupyter", "/jupyter"),
    ("jupyter", "ipykernel"),
)
"""What gives a program away that runs inside an interpreter, looked for in the first words of its command."""

COMMS: Final = tuple(
    (family, re.compile(pattern))
    for family, pattern in (
        ("node", r"node|nodejs|MainThread|npm.*|yarn|pnpm|tsserver|deno|bun"),
        ("python", r"python[0-9.]*|pypy[0-9.]*|ipython[0-9]*|gunicorn.*|uvicorn|celery"),
        ("java", r"java|javac|mvn"),
        ("docker", r"dockerd|docker.*|containerd.*|runc|buildkitd|vpnkit.*|com\.docker.*"),
        ("podman", r"podman.*|conmon|crun|netavark|aardvark-dns"),
        ("kubernetes", r"kube.*|k3s.*|kind|minikube|etcd|coredns"),
        ("chrome", r"chrome.*|chromium.*|headless_shell"),
        ("firefox", r"firefox.*|Web Content|Isolated Web Co|WebExtensions|Privileged Cont|RDD Process|Socket Process"),
        ("postgres", r"postgres|postmaster"),
        ("mysql", r"mysqld.*|mariadbd.*"),
        ("C compiler", r"cc1|cc1plus|gcc.*|g\+\+.*|clang(\+\+)?(-[0-9]+)?|ld|ld\..*|lld|mold|as|collect2|lto1.*"),
        ("rust", r"rustc|cargo|rust-analyzer.*|rustdoc"),
        ("go", r"go|gopls|compile|link"),
        ("dotnet", r"dotnet|MSBuild|VBCSCompiler"),
        ("bazel", r"bazel.*"),
        ("systemd", r"systemd.*|\(sd-pam\)|dbus-daemon|dbus-broker.*"),
        ("WSL init", r"init(\(.*)?|SessionLeader|Relay\(.*|plan9|wsl.*-?relay"),
        ("shell", r"bash|zsh|fish|sh|dash|tmux.*|screen"),
    )
)
"""Families by the kernel's name of the process, which is 15 characters long at the most."""

INTERPRETERS: Final = re.compile(
    r"node|nodejs|MainThread|python[0-9.]*|pypy[0-9.]*|java|ruby|perl|php.*|electron|dotnet|sh|bash|dash"
)
"""Names that say little: of these alone the command line is read. Reading it takes a lock of the process."""
WORDS: Final = 8
"""The words of the command that are looked at: the program, options, a script; a later word may be anything."""


class Family(Struct, frozen=True, kw_only=True):
    """Processes of one family. Bytes."""

    name: str
    held: int
    """Sum of ``ProcessUse.held``."""
    anonymous: int
    """Sum of RSS - shared: coarser than ``held``, but measured the same way every time, so its growth means growth."""
    pids: tuple[int, ...]
    """Biggest first."""
    estimated: bool
    """Whether less than half of ``held`` is backed by PSS."""
    own: bool = False
    """wsltop's own processes."""


def is_interpreter(name: str) -> bool:
    """Whether the name of a process says little about what it is."""
    return INTERPRETERS.fullmatch(name) is not None


def family_of(name: str, command: Sequence[str] = ()) -> str:
    """The family of a process: by its command, then by its name, else its name without what comes after ``/`` or ``:``.

    Kernel threads such as ``kworker/0:1-events`` so become one family.
    """
    text = "\n".join(command[:WORDS])
    for family, mark in MARKS:
        if mark in text:
            return family
    for family, pattern in COMMS:
        if pattern.fullmatch(name):
            return family
    return re.split(r"[/:]", name, maxsplit=1)[0].strip() or name or "(no name)"


def group_families(processes: Iterable[ProcessUse]) -> tuple[Family, ...]:
    """Group processes that come biggest first; the families come biggest first. Kernel threads hold nothing."""
    members: dict[tuple[str, bool], list[ProcessUse]] = {}
    for use in processes:
        if use.rss:
            members.setdefault((use.family, use.own), []).append(use)
    families = [_sum(name, own, uses) for (name, own), uses in members.items()]
    return tuple(sorted(families, key=lambda family: (-family.held, family.name)))


def _sum(name: str, own: bool, uses: list[ProcessUse]) -> Family:
    held = proven = anonymous = 0
    for use in uses:
        alone = use.rss_anon
        anonymous += alone
        if use.estimated:
            held += alone
        else:
            held += use.held
            proven += use.held
    return Family(
        name="wsltop" if own else name,
        held=held,
        anonymous=anonymous,
        pids=tuple(use.pid for use in uses),
        estimated=2 * proven < held,
        own=own,
    )
