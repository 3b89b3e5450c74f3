"""Copies text to where the user can paste it: Windows' clipboard, the desktop's, the terminal's, else a file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pyperclip

from wsltop.guest.files import read_small
from wsltop.host.interop import Launch
from wsltop.host.relay import run_relay
from wsltop.model.sample import Unavailable
from wsltop.private import write_private

TIMEOUT: Final = 5.0
VERSION = Path("/proc/version")


class Copied(str):
    """Where the text went, as a sentence for the user."""

    __slots__ = ()


def copy_text(text: str, *, clip: Launch | None, terminal: Callable[[str], None] | None, file: Path) -> Copied:
    """Copy ``text`` to the first place that takes it.

    Args:
        text: what to copy.
        clip: how to start Windows' ``clip.exe``, inside WSL. pyperclip would look it up in PATH.
        terminal: sends the text to the terminal's own clipboard (OSC 52), which gives no answer; so a file is
            written as well.
        file: where the text goes when nothing takes it for sure.

    Raises:
        OSError: not even the file can be written.
    """
    if clip is not None:
        if run_clip(clip, text):
            return Copied("copied to the Windows clipboard")
    elif desktop_copy(text):
        return Copied("copied to the clipboard")
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file, text)
    if terminal is not None:
        terminal(text)
        return Copied(f"sent to the terminal's clipboard, and written to {file}")
    return Copied(f"no clipboard here: written to {file}")


def run_clip(clip: Launch, text: str) -> bool:
    """Hand ``text`` to clip.exe, which expects UTF-16; whether it took it."""
    done = run_relay(clip, TIMEOUT, text=text.encode("utf-16-le"))
    return not isinstance(done, Unavailable) and done.status == 0


def desktop_copy(text: str) -> bool:
    """Hand ``text`` to the desktop's clipboard, if there is one.

    Not inside WSL: pyperclip runs whatever ``clip.exe`` is in PATH there, and knows WSL by the same file. It waits for
    its program without end, so that it gets a thread of its own, which may stay behind.
    """
    if "microsoft" in read_small(VERSION).lower():
        return False
    taken: list[bool] = []

    def copy() -> None:
        try:
            pyperclip.copy(text)
        except (pyperclip.PyperclipException, OSError):
            return
        taken.append(True)

    thread = threading.Thread(target=copy, name="wsltop-clipboard", daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    return bool(taken)
