"""The .wslconfig file: its grammar and keys, what is wrong with it, and what the VM made of it."""
