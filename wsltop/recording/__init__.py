"""Samples in a file and back."""
