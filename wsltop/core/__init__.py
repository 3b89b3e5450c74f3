"""What the numbers mean. Pure: no I/O, no clock, no Textual; imports nothing of wsltop but itself."""
