"""Findings: what is wrong with the memory, the figures that show it, and what to do."""
