"""Experiments: load the guest, release it, and measure on both sides what comes back."""
