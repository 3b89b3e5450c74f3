"""What an experiment will do, decided before it starts."""

from __future__ import annotations

from msgspec import Struct

from wsltop.core.curve import REST
from wsltop.core.events import tell_kind
from wsltop.hogs.kinds import KINDS
from wsltop.model.units import GIB


class ExperimentPlan(Struct, frozen=True, kw_only=True):
    """Loads, times and actions. Sizes in bytes, times in seconds."""

    command: tuple[str, ...] = ()
    """The program and its arguments, an absolute path first; empty: the load is hogs."""
    hogs: int = 4
    size: int = GIB
    """Of each hog."""
    kind: str = "anonymous"
    incompressible: bool = False
    """Whether the content of the hogs is random."""
    baseline: float = 5.0
    hold: float | None = 10.0
    """How long the full hogs stay, or how long a command may run; ``None``: until the command ends."""
    settle: float = 60.0
    """The longest time to wait for rest."""
    action: str = ""
    """The action to try after the release; empty: none."""
    action_size: int | None = None
    repeat: int = 1
    control: bool = False
    """Each trial also without the action, to tell what would have come back anyway."""

    @property
    def lasting(self) -> bool:
        """Whether the load stays until the action has been measured."""
        return bool(self.action) and not self.command and KINDS[self.kind].lasts

    @property
    def hog_kind(self) -> str:
        """What the hogs are, in words."""
        return tell_kind(self.kind, incompressible=self.incompressible)

    @property
    def window(self) -> float:
        """Seconds without change that count as rest."""
        return min(REST, self.settle / 2)

    @property
    def trials(self) -> tuple[bool, ...]:
        """One entry for each trial, true for a control; controls go first, so that an action cannot color them."""
        return (True, False) * self.repeat if self.control and self.action else (False,) * self.repeat

    @property
    def seconds(self) -> float | None:
        """The most that it takes without filling and ending; ``None``: the command decides."""
        if self.hold is None:
            return None
        waits = 2 if self.action and not self.lasting else 1
        return len(self.trials) * (self.baseline + self.hold + waits * self.settle)
