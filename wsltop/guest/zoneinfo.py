"""``/proc/zoneinfo``: how many pages each zone has and below which level reporting leaves it alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from wsltop.core.reading import Reading, Unavailable
from wsltop.core.sample import Zone
from wsltop.guest.files import KernelFileSource

PER_CPU: Final = re.compile(r"\n +count: +([0-9]{1,19})\n")
"""One for each CPU, below ``pagesets``."""

HEAD: Final = re.compile(r"([0-9]{1,6}), zone +(\w{1,32})\n", re.ASCII)

PAGES: Final = re.compile(
    r"""
      \n\ \ pages\ free \ + [0-9]+ \n
      (?: \ + boost     \ + [0-9]+ \n )?            # Linux 5.19
          \ + min       \ + [0-9]+ \n
          \ + low       \ + ([0-9]{1,19}) \n
      (?: \ + [a-z_]+   \ + [0-9]+ \n ){0,8}?       # high, promo (Linux 6.13), spanned
          \ + present   \ + ([0-9]{1,19}) \n
          \ + managed   \ + ([0-9]{1,19}) \n
    """,
    re.VERBOSE,
)
"""The block that every zone has (``zoneinfo_show_print`` in mm/vmstat.c).

Ahead of it stand the statistics of the node, behind it those of the zone and of each CPU, where ``high`` occurs again.
"""


def parse_zoneinfo(text: str) -> Reading[tuple[Zone, ...]]:
    """Parse ``/proc/zoneinfo``, in pages; zones without pages, which Linux prints since 4.12, are left out."""
    zones: list[Zone] = []
    for section in ("\n" + text).split("\nNode ")[1:]:
        head = HEAD.match(section)
        start = section.find("\n  pages free")
        pages = PAGES.match(section, start) if start >= 0 else None
        if head is None or pages is None:
            return Unavailable("/proc/zoneinfo has a zone without page counts")
        present = int(pages[2])
        if present:
            zones.append(
                Zone(
                    node=int(head[1]),
                    zone=head[2],
                    present=present,
                    managed=int(pages[3]),
                    low=int(pages[1]),
                    per_cpu=sum(map(int, PER_CPU.findall(section, pages.end()))),
                )
            )
    return tuple(zones) if zones else Unavailable("/proc/zoneinfo lists no zone with pages")


class ZoneinfoSource(KernelFileSource[tuple[Zone, ...]]):
    """Reads ``/proc/zoneinfo``."""

    def __init__(self, root: Path = Path("/")) -> None:
        super().__init__(root / "proc/zoneinfo", parse_zoneinfo)
