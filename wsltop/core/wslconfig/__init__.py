"""``.wslconfig``: WSL's grammar, its keys, what is wrong with a file, and what the VM made of it. Pure."""

from __future__ import annotations

from wsltop.core.wslconfig.effective import Comparison, Machine, compare, effective, in_force
from wsltop.core.wslconfig.file import WslconfigFile, as_wsl_reads, decode, lint_file
from wsltop.core.wslconfig.finding import ConfigFinding
from wsltop.core.wslconfig.grammar import Entry, Header, Problem, WslConfig, parse
from wsltop.core.wslconfig.keys import KNOWN_KEYS, RETIRED_KEYS, KnownKey, RetiredKey, find_key
from wsltop.core.wslconfig.lint import lint
from wsltop.core.wslconfig.reclaim import ReclaimMode, reclaim_mode
from wsltop.core.wslconfig.suggestion import Observed, Suggestion, suggest_memory
from wsltop.core.wslconfig.values import parse_wsl_bool, parse_wsl_int, parse_wsl_size, render_size

__all__ = [
    "KNOWN_KEYS",
    "RETIRED_KEYS",
    "Comparison",
    "ConfigFinding",
    "Entry",
    "Header",
    "KnownKey",
    "Machine",
    "Observed",
    "Problem",
    "ReclaimMode",
    "RetiredKey",
    "Suggestion",
    "WslConfig",
    "WslconfigFile",
    "as_wsl_reads",
    "compare",
    "decode",
    "effective",
    "find_key",
    "in_force",
    "lint",
    "lint_file",
    "parse",
    "parse_wsl_bool",
    "parse_wsl_int",
    "parse_wsl_size",
    "reclaim_mode",
    "render_size",
    "suggest_memory",
]
