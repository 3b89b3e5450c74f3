"""A simulated laptop with WSL, for tests, pictures and people: see README.md beside this file."""
