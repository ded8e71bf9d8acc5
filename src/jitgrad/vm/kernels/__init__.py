"""What the interpreter's branches call: loops over the arena, in compiled code.

``A`` is the arena; ``d`` is where a result goes; other letters are operands: offsets into the arena, and sizes. All are
unsigned: the compiler takes no other index.
"""
