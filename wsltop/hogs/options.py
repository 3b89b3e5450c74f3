"""The options of a hog, apart from its size, and how they are passed to the hog's program.

Imported by the hog itself: plain classes, because ``typing`` and ``dataclasses`` would double its start-up.
"""

from __future__ import annotations

MIB = 1024**2


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
