"""What can be asked of a hog beside its size, and the words that carry it to the hog's program.

Imported by the hog itself: plain classes, because ``typing`` and ``dataclasses`` would double its start-up.
"""

from __future__ import annotations

import os

MIB = 1024**2
ABOUT = {
    "anonymous": "takes memory and keeps it",
    "cache": "fills the page cache by reading a file that nobody else can see",
    "fragment": "takes memory and frees a random half of its pages: free, but in pieces too small to report",
    "churn": "takes memory and keeps touching it; uses CPU, so WSL's idle reclaim may not fire",
    "leak": "grows slowly, at a rate",
    "shared": "takes shared memory (tmpfs)",
}
"""What each kind of hog does, for people."""


class HogOptions:
    """The options of one hog; a kind ignores those that mean nothing to it."""

    __slots__ = ("cpu", "directory", "incompressible", "rate")

    def __init__(
        self,
        *,
        incompressible: bool = False,
        directory: str = "/var/tmp",  # noqa: S108 - only a file without a name is made there
        rate: int = 64 * MIB,
        cpu: float = 0.05,
    ) -> None:
        self.incompressible = incompressible
        """Fill with random bytes: Windows compresses memory that it finds idle, and zeros to nothing."""
        self.directory = directory
        """``cache``: where its file is; on a disk, for a tmpfs has no cache that could be dropped."""
        self.rate = rate
        """``leak``: bytes per second."""
        self.cpu = cpu
        """``churn``: share of one core, above 0 and up to 1."""

    def words(self) -> list[str]:
        """The options as arguments of the hog's program."""
        return [f"{name}={getattr(self, name)}" for name in self.__slots__]

    def fault(self, kind: str) -> str:
        """What is wrong with them for a kind of hog, as a clause; empty when nothing is."""
        if kind == "cache" and self.incompressible:
            return "the content of page cache is that of its file: only memory of its own can be incompressible"
        if kind == "leak" and self.rate < 1:
            return "a leak needs a rate above zero"
        if kind == "churn" and not 0 < self.cpu <= 1:
            return "a churn's share of a core is above 0 and at most 1"
        if kind == "cache" and not self.directory.startswith("/"):
            return f"{self.directory} is not an absolute path"
        if kind == "cache" and not os.path.isdir(self.directory):  # noqa: PTH112 - pathlib would double the start-up
            return f"{self.directory} is no directory"
        return ""


def parse_options(words: list[str]) -> HogOptions:
    """The options from arguments.

    Raises:
        KeyError, ValueError: they were not made by ``HogOptions.words``.
    """
    found = dict(word.split("=", 1) for word in words)
    options = HogOptions()
    for name, text in found.items():
        if name == "incompressible":
            options.incompressible = text == "True"
        elif name == "directory":
            options.directory = text
        elif name == "rate":
            options.rate = int(text)
        elif name == "cpu":
            options.cpu = float(text)
        else:
            raise KeyError(name)
    return options
