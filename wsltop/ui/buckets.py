"""The buckets of Linux' memory in the order in which they are listed, with what each is."""

from __future__ import annotations

from typing import Final, NamedTuple


class Bucket(NamedTuple):
    """One bucket of the ledger."""

    name: str
    attribute: str
    """Of ``Ledger``."""
    formula: str


BUCKETS: Final = (
    Bucket("programs", "anonymous", "AnonPages: memory of programs"),
    Bucket("shared, tmpfs", "shared", "Shmem: tmpfs and shared memory"),
    Bucket("file cache", "cache_clean", "the rest of the cache: d frees it"),
    Bucket("file cache dirty", "cache_dirty", "Dirty + Writeback: written first"),
    Bucket("file cache in use", "cache_held", "mapped or unevictable: programs have it open"),
    Bucket("slab reclaimable", "slab_reclaimable", "SReclaimable: names and inodes of files; D frees it"),
    Bucket("slab fixed", "slab_unreclaimable", "SUnreclaim: kernel objects"),
    Bucket("page tables", "page_tables", "PageTables + SecPageTables"),
    Bucket("huge pages", "huge_pages", "Hugetlb: reserved, used or not"),
    Bucket("freed in huge", "freed_in_huge", "free inside huge pages: drop slab, then compact"),
    Bucket("other kernel", "kernel_other", "what remains of MemTotal"),
)
