"""The action of an experiment: checked before it begins, planned anew for the memory that there is when it is due."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from wsltop.control.actions import ActionName
from wsltop.control.perform import Performance, perform
from wsltop.control.plan import Plan, plan
from wsltop.control.root import RootAccess, Way
from wsltop.core.experiment import ExperimentPlan
from wsltop.core.ledger import Ledger
from wsltop.core.prediction import Prediction
from wsltop.core.reading import Reading, tell_why
from wsltop.errors import WsltopError


class Acting:
    """The action of a plan, as often as the trials ask for it.

    Root is used for it only because the user named it.
    """

    def __init__(
        self, chosen: ExperimentPlan, access: RootAccess, way: Way | None = None, root: Path = Path("/")
    ) -> None:
        self._name = cast("ActionName", chosen.action)
        self._size, self._access, self._way, self._root = chosen.action_size, access, way, root

    def plan(self, ledger: Reading[Ledger]) -> Plan:
        """The plan for a ledger."""
        return plan(self._name, ledger=ledger, access=self._access, size=self._size, way=self._way, root=self._root)

    def check(self, ledger: Reading[Ledger]) -> Plan:
        """The plan as of now, before anything is begun.

        Raises:
            WsltopError: it cannot be performed; the message says what to do.
        """
        planned = self.plan(ledger)
        if planned.blocked is not None and planned.way != "hog":  # the load may leave cache for a hog to push out
            raise WsltopError(f"{self._name}: {tell_why(planned.blocked.reason, planned.blocked.hint)}")
        if planned.way == "paste":
            raise WsltopError(
                f"{self._name} needs root, and there is no way to it here: run wsltop as root, or with --way"
            )
        return planned

    def __call__(self, ledger: Reading[Ledger]) -> tuple[Reading[Prediction], Performance]:
        """Plan it for the memory of now."""
        planned = self.plan(ledger)
        return planned.predicted, perform(planned, root=self._root)
