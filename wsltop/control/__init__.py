"""The only code that changes anything on this machine: hogs."""
