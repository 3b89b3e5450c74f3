"""Cells from numbers. Pure: rows of text and style names, no terminal, no Textual."""
