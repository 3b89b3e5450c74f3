"""Starts programs of Windows: the process here is WSL's relay, which passes bytes on between the pipes and Windows."""

from __future__ import annotations

from wsltop.child import Child, Output, collect
from wsltop.host.interop import Launch
from wsltop.model.reading import Reading, Unavailable
from wsltop.prctl import tethered


def start_relay(launch: Launch, *, text: bytes | None = None) -> Child | Unavailable:
    """Start a program of Windows, or say why the kernel refused; ``text`` as ``Child`` takes it."""
    try:
        return Child(tethered(launch.command), directory=launch.directory, environment=launch.environment, text=text)
    except OSError as error:
        return Unavailable(
            f"cannot start {launch.name}: {error.strerror}",
            "Free some memory, or look whether the Windows drive is still mounted.",
        )


def run_relay(launch: Launch, timeout: float, *, text: bytes = b"") -> Reading[Output]:
    """Run a program of Windows to its end, with ``text`` as its input. Blocks: for background threads."""
    child = start_relay(launch, text=text)
    if isinstance(child, Unavailable):
        return child
    try:
        return collect(child, launch.name, timeout)
    finally:
        child.end(0.0)
