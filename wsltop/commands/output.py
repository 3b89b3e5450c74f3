"""Writing to standard output, where the reader may have gone away, the disk may be full, the locale may be poor."""

from __future__ import annotations

import os
import sys

import click

from wsltop.errors import ExitCode, WsltopError


def say_text(text: str) -> None:
    """Write for people; what their terminal's encoding lacks becomes a question mark."""
    say(text.encode(getattr(sys.stdout, "encoding", None) or "utf-8", "replace"))


def say(data: bytes) -> None:
    """Write to standard output, where the reader may have gone away or the disk may be full."""
    try:
        click.echo(data, nl=False)
    except OSError as error:
        # What is still buffered must not be written again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise SystemExit(ExitCode.OK) from None  # the reader has enough
        raise WsltopError(f"cannot write to standard output: {error.strerror}") from error
