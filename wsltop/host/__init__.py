"""Reads the Windows side. Never raises for what Windows does; knows no Textual."""
