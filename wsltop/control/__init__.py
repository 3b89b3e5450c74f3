"""The only code that changes anything on this machine: hogs, and the actions that give memory back."""
