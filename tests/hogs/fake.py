"""A pool of hogs that are rows and no processes."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from tests.samples import ended, hog
from wsltop.errors import HogRefused
from wsltop.hogs.load import HogOptions
from wsltop.model.sample import Hog, HogEnded


class FakePool:
    """Hogs that are rows and no processes."""

    def __init__(self) -> None:
        self.root = Path("/")
        self.floor: int | None = None
        self.last_id = 0
        self.there: dict[int, Hog] = {}
        self.gone: list[HogEnded] = []
        self.killed: list[int] = []
        self.refusal = ""

    def add(
        self, size: int, count: int = 1, kind: str = "anonymous", options: HogOptions | None = None
    ) -> tuple[int, ...]:
        if self.refusal:
            raise HogRefused(self.refusal)
        numbers = tuple(range(self.last_id + 1, self.last_id + 1 + count))
        self.last_id += count
        noise = options is not None and options.incompressible
        self.there |= {
            number: hog(number, kind=kind, target=size, resident=size, incompressible=noise) for number in numbers
        }
        return numbers

    def read(self) -> tuple[Hog, ...]:
        shown = tuple(self.there.values())
        for one in [one for one in shown if one.status == "ending"]:
            del self.there[one.id]
        return shown

    def ended(self) -> tuple[HogEnded, ...]:
        told, self.gone = tuple(self.gone), []
        return told

    def kill(self, number: int) -> None:
        one = self.there.get(number)
        if one is None:
            return
        self.there[number] = replace(one, status="ending")
        self.killed.append(number)
        figures = {"pid": one.pid, "kind": one.kind, "target": one.target, "resident": one.resident}
        self.gone.append(ended(number, lived=1.0, teardown=0.1, **figures))

    def kill_all(self) -> None:
        for number in list(self.there):
            self.kill(number)

    def reap(self, number: int, seconds: float) -> None:
        """It has ended when it was killed."""

    @property
    def busy(self) -> bool:
        return any(one.status in ("starting", "filling", "ending") for one in self.there.values())

    def close(self) -> None:
        self.there.clear()
