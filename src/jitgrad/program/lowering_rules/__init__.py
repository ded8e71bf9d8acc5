"""The table of lowered ops: one row an op, by families."""
