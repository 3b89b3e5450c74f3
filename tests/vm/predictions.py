"""Scenarios of predictions: what wsltop says before an act, and by how much the host's figure falls."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, Final

from tests.vm.findings import MIB, Finding, foretold
from tests.vm.lab import Lab, State
from tests.vm.missing import MachineFailed
from tests.vm.returns import DROP, FILE

FINE: Final = 5
"""The order at which nearly all of the cache comes back in blocks that are reported. At order 9 that hangs on where its
pages happen to lie, and no prediction of it is always within the bound."""
COMPARED: Final = 30.0
"""Seconds within which wsltop has compared: it waits for 15."""


def kill_and_drop(lab: Lab) -> Iterator[Finding]:
    """Four hogs, killed; a file of 1 GiB in the page cache, dropped: twice, the second time with what was learned."""
    lab.stop()
    lab.start()  # nothing is learned yet
    lab.settle()
    lab.hogs("anonymous", 384 * MIB, 4)
    held = lab.settle()
    lab.kill()
    told = outcome(lab, "kill")
    after = lab.settle()
    yield foretold("kill", told["predicted"], held.measured - after.measured)
    for number, how in ((1, "assumed share"), (2, "learned share")):
        lab.act(f"truncate -s 1G {FILE}; cat {FILE} >/dev/null")
        held = lab.settle()
        predicted = held.tick.snapshot["predictions"]["cache_drop"]["likely"]
        lab.act(DROP)
        outcome(lab, "cache drop", number)
        came = held.measured - lab.settle().measured
        yield foretold(f"cache drop, {how}", predicted, came, known=lab.machine.order != FINE)
    lab.act(f"rm {FILE}")


def outcome(lab: Lab, act: str, count: int = 1) -> dict[str, Any]:
    """The newest outcome of an act, once wsltop has compared so many of them."""

    def of(state: State) -> list[dict[str, Any]]:
        return [one for one in state.tick.snapshot["outcomes"] if one["act"] == act]

    state = lab.wait_until(lambda state: len(of(state)) >= count, f"the comparison of a {act}", COMPARED)
    return of(state)[-1]


def press(lab: Lab) -> Iterator[Finding]:
    """``wsltop reclaim pressure``: a hog pushes some of 1 GiB of page cache out, and ends."""
    lab.act(f"truncate -s 1G {FILE}; cat {FILE} >/dev/null")
    before = lab.settle()
    lab.stop()
    job = lab.machine.start(sys.executable, "-m", "wsltop", "reclaim", "pressure", "256M", "--json")
    said = b"".join(job.stream(180.0)).decode(errors="replace")
    lab.start()
    after = lab.settle()
    try:
        found = json.loads(said[said.index("{") :])
        predicted, gained = int(found["predicted"]), int(found["gained"])
    except (ValueError, KeyError, TypeError) as why:
        raise MachineFailed(f"wsltop reclaim tells nothing ({why!r}): {said[-2000:]}") from None
    yield Finding("its exit status", "0", str(job.code), job.code == 0)
    yield foretold("pressure", predicted, before.measured - after.measured)
    yield foretold("… as it measured itself", predicted, gained)
    lab.act(f"rm {FILE}")
