"""Transforms of functions: from a function of arrays to its derivatives. The signatures are JAX's."""
