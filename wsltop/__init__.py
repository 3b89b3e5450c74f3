"""wsltop: shows, explains and proves where the memory of WSL2 goes."""

__version__ = "0.1.0"
