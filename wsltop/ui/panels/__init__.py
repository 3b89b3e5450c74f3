"""Panels of the main screen, one file each: its view, and how it paints it."""
