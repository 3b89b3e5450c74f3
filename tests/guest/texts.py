"""The recorded texts of kernels, and fake trees that hold texts."""

from __future__ import annotations

from pathlib import Path

KERNELS = ("4.19", "5.15", "6.6", "6.18")
FOLDER = Path(__file__).parents[1] / "data" / "kernel"


def kernel_text(kernel: str, name: str) -> str:
    return (FOLDER / kernel / name).read_text(encoding="ascii")


def plant(root: Path, place: str, text: str | bytes) -> Path:
    """Write a file of a fake tree."""
    path = root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def script(folder: Path, name: str, body: str) -> Path:
    """Write a program that stands for a real one."""
    path = plant(folder, name, f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path
