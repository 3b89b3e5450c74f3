"""Settings of all tests: property tests keep no database on disk and have no deadline, which a busy machine misses."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("wsltop", database=None, deadline=None)
settings.load_profile("wsltop")
