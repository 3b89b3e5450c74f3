"""Finds and reads the ``.wslconfig`` of the Windows user whose VM this is, through the mount of the system drive.

Only drive access is needed, no Windows program. WSL takes the file from ``%USERPROFILE%`` (microsoft/WSL, helpers.cpp),
which the guest does not know, unless WSLENV passes it; so the profiles under ``Users`` are looked at. Windows itself
checks what this user may open, whatever user we are inside: a profile that cannot be listed is another user's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from wsltop.core.wslconfig.lint import decode
from wsltop.model.sample import ChosenBy, Reading, Unavailable, WslconfigFile
from wsltop.model.text import clean

NAME: Final = ".wslconfig"
LIMIT: Final = 2**20
"""Bytes; a real file has a few hundred."""
MOST_PROFILES: Final = 256
NO_USERS: Final = frozenset({"public", "default", "default user", "all users", "wdagutilityaccount"})
"""Folders below Users that are no profiles; ``defaultuser0`` and its kind come from the setup of Windows."""
LOOKALIKES: Final = frozenset({".wslconfig.txt", ".wslconf", "wslconfig", ".wsl.config", "wsl.conf", "wslconfig.txt"})
"""What people called it instead (WSL#6890), in lower case; the Explorer hides ``.txt``."""


def find_wslconfig(drive: Path, environ: Mapping[str, str], *, uid: int | None = None) -> Reading[WslconfigFile]:
    """Find the file; an absent one is a result too, because the defaults hold then.

    Args:
        drive: mount point of the system drive, such as ``/mnt/c``.
        environ: where USERPROFILE (passed through WSLENV), USER, LOGNAME and SUDO_USER are looked for.
        uid: who we are; by default the real one.
    """
    passed = passed_profile(environ.get("USERPROFILE", ""), drive)
    if passed is not None:
        return read_profile(passed, "USERPROFILE")
    try:
        profiles = list_profiles(drive / "Users")
    except OSError as error:
        return Unavailable(
            reason=f"the Windows profiles cannot be listed: {error.strerror}",
            hint="Check that the system drive is mounted (automount in /etc/wsl.conf).",
        )
    if not profiles:
        return Unavailable(
            reason="there is no Windows profile under Users",
            hint="On Windows, add USERPROFILE/p to the variable WSLENV.",
        )
    return choose(profiles, environ, os.getuid() if uid is None else uid)


def choose(profiles: list[Path], environ: Mapping[str, str], uid: int) -> Reading[WslconfigFile]:
    """Tell our profile from those of others: by access, then by name, then by having the file at all."""
    if len(profiles) == 1:
        return read_profile(profiles[0], "only profile")
    names = {environ.get(variable, "").casefold() for variable in ("USER", "LOGNAME", "SUDO_USER")} - {"", "root"}
    tests: tuple[tuple[ChosenBy, Callable[[Path], bool]], ...] = (
        ("own profile", lambda profile: is_ours(profile, uid)),
        ("user name", lambda profile: profile.name.casefold() in names),
        ("only file", has_file),
    )
    for chosen_by, test in tests:
        passing = [profile for profile in profiles if test(profile)]
        if len(passing) == 1:
            return read_profile(passing[0], chosen_by)
        profiles = passing or profiles
    if not any(has_file(profile) for profile in profiles):
        place = profiles[0].parent / "<you>" / NAME
        return WslconfigFile(path=str(place), present=False, chosen_by="no file")
    return Unavailable(
        reason=f"several Windows users have a .wslconfig: {', '.join(clean(profile.name) for profile in profiles[:8])}",
        hint="On Windows, add USERPROFILE/p to the variable WSLENV.",
    )


def list_profiles(users: Path) -> list[Path]:
    """Return the folders that may be profiles, by name.

    Raises:
        OSError: the folder of the profiles cannot be listed.
    """
    found = []
    with os.scandir(users) as entries:
        for entry in entries:
            name = entry.name.casefold()
            if name in NO_USERS or name.startswith("defaultuser"):
                continue
            try:
                if entry.is_dir():
                    found.append(Path(entry.path))
            except OSError:
                continue
            if len(found) == MOST_PROFILES:
                break
    return sorted(found)


def passed_profile(text: str, drive: Path) -> Path | None:
    r"""Return the profile that Windows passed on: ``/mnt/c/Users/name`` or ``C:\Users\name``; ``None`` if unusable."""
    if not text or "\0" in text:
        return None
    if text.startswith("/"):
        profile = Path(text)
    elif text[1:3] in (":\\", ":/") and text[0].isascii() and text[0].isalpha():
        parts = [part for part in text[3:].replace("\\", "/").split("/") if part]
        # The drives are mounted side by side, /mnt/c and /mnt/d; a system drive mounted elsewhere is taken as given.
        mount = drive if len(drive.name) != 1 else drive.with_name(text[0].lower())
        profile = mount.joinpath(*parts)
    else:
        return None
    try:
        return profile if ".." not in profile.parts and profile.is_dir() else None
    except OSError:
        return None


def is_ours(profile: Path, uid: int) -> bool:
    """Tell whether a profile looks like our own: Windows lets us list it, and it is writable.

    Without metadata the mode shows what the Windows user may do, and the owner is the one that the mount names; with
    metadata the owner counts. Being root inside says nothing, so ``access`` is not asked.
    """
    try:
        with os.scandir(profile) as entries:
            next(entries, None)
        status = profile.stat()
    except OSError:
        return False
    return bool(status.st_mode & stat.S_IWUSR) and (uid == 0 or status.st_uid == uid)


def has_file(profile: Path) -> bool:
    """Tell whether a profile has the file, as far as we may look."""
    try:
        return (profile / NAME).is_file()
    except OSError:
        return False


def read_profile(profile: Path, chosen_by: ChosenBy) -> Reading[WslconfigFile]:
    """Read the file of one profile."""
    path = profile / NAME
    try:
        data, mtime = read_bounded(path)
    except FileNotFoundError:
        return WslconfigFile(path=str(path), present=False, chosen_by=chosen_by, lookalikes=find_lookalikes(profile))
    except OSError as error:
        return Unavailable(reason=f"{clean(str(path))} cannot be read: {error.strerror or error}")
    if len(data) > LIMIT:
        return Unavailable(reason=f"{clean(str(path))} is larger than 1 MiB", hint="Check that it is a text file.")
    _, encoding = decode(data)
    return WslconfigFile(
        path=str(path), present=True, content=data, encoding=encoding, mtime=mtime, chosen_by=chosen_by
    )


def read_bounded(path: Path) -> tuple[bytes, float]:
    """Return up to one byte more than the limit, and the time of the last change.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is no regular file")
        data = b""
        while len(data) <= LIMIT and (more := os.read(descriptor, LIMIT + 1 - len(data))):
            data += more
        return data, status.st_mtime
    finally:
        os.close(descriptor)


def find_lookalikes(profile: Path) -> tuple[str, ...]:
    """The files in the folder that were probably meant to be the missing one."""
    try:
        names = [path.name for path in profile.iterdir()]
    except OSError:
        return ()
    return tuple(sorted(name for name in names if name.lower() in LOOKALIKES))
