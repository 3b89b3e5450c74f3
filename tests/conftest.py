"""Settings of all tests: property tests keep no database on disk and have no deadline, which a busy machine misses.

In continuous integration they try the same examples each time, so that a change is judged by what it changes;
everywhere else they look for new ones.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("wsltop", database=None, deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("wsltop")
