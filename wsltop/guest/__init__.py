"""Reads the Linux side: one module, one kernel file. Never raises for bad or missing input, never changes anything."""
