"""Kernels, which the interpreter's branches call: loops over the arena, in compiled code.

``A`` is the arena, ``d`` the place of the result; other letters are operands (offsets into the arena) and sizes. All are
unsigned, because the compiler requires unsigned indices.
"""
