"""Experiments: what a load did to both sides of the memory, worked out from what was sampled while it ran.

Pure: no I/O and no clock. Imports the standard library, msgspec and ``wsltop.core``.
"""

from wsltop.core.experiment.curve import Crossing, Dot
from wsltop.core.experiment.measures import ActionFigures, Measures, measure, measure_all
from wsltop.core.experiment.plan import LASTING, ExperimentPlan
from wsltop.core.experiment.side import Side
from wsltop.core.experiment.spread import Spread, spread
from wsltop.core.experiment.trial import PHASES, ActionOutcome, Ending, Phase, Result, Stage, Tick, Trial, tick_of
from wsltop.core.experiment.verdict import tell_result

__all__ = [
    "LASTING",
    "PHASES",
    "ActionFigures",
    "ActionOutcome",
    "Crossing",
    "Dot",
    "Ending",
    "ExperimentPlan",
    "Measures",
    "Phase",
    "Result",
    "Side",
    "Spread",
    "Stage",
    "Tick",
    "Trial",
    "measure",
    "measure_all",
    "spread",
    "tell_result",
    "tick_of",
]
