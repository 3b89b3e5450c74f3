"""Gives memory back: compaction, cache drops, memory.reclaim, with the way to root."""
