"""Diagnosis: from the evidence of one moment to findings, each with its figures and its remedy.

Pure: no I/O and no clock. Imports the standard library, msgspec and ``wsltop.core``.
"""

from wsltop.core.diagnosis.evidence import (
    Evidence,
    Flavor,
    SwapCount,
    SwapRates,
    count_swap,
    swap_rates,
)
from wsltop.core.diagnosis.finding import Figure, Finding, Remedy, Severity
from wsltop.core.diagnosis.verdict import catalogue, diagnose, worst

__all__ = [
    "Evidence",
    "Figure",
    "Finding",
    "Flavor",
    "Remedy",
    "Severity",
    "SwapCount",
    "SwapRates",
    "catalogue",
    "count_swap",
    "diagnose",
    "swap_rates",
    "worst",
]
