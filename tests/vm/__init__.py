"""A small virtual machine that gives memory back as WSL2's does, and what wsltop says in it: see README.md."""
