"""What breaks wsltop on purpose, and what must hold all the same: a table as code.

A row is one function decorated with ``@fault``: what happens, how it is made to happen, what must hold. It raises
``AssertionError`` where that does not hold, and returns what was seen. ``python -m tests.faults`` runs the table.
"""
