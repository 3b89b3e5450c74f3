"""Small files and directories of the guest, read whatever state they are in."""

from __future__ import annotations

from pathlib import Path


def read_small(path: Path) -> str:
    """The first 64 KiB of a file as text, empty when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(64 * 1024).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""


def is_there(path: Path) -> bool:
    """Whether ``path`` exists, as far as we may look; an impossible name does not."""
    try:
        return path.exists()
    except OSError:
        return False


def list_directory(directory: Path) -> list[Path]:
    """What a directory holds, sorted; nothing when it cannot be read."""
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []
