"""Panels: each shows one frozen view and paints; none owns a timer, reads a file or asks a sibling."""
