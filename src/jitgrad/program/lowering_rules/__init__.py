"""The table of lowered ops, one row for each op, in one file for each family."""
