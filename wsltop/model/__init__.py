"""What a sample is: frozen structs, events, readings, text and units. Imports nothing else of wsltop."""
