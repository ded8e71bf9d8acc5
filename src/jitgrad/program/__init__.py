"""Lowering recorded expressions to Programs, and running them."""
