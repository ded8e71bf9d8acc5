"""A compiler from a small subset of Python (numbers, pointers, records and loops) to LLVM IR, in one pass over the syntax tree.

Numba's front end takes 30 ms for a function, but this one less than 1 ms. Subset: assignments, ``if``, ``while``, ``for`` over
``range``, ``return`` of one or several values, arithmetic and comparisons, fields of records and elements of pointers, and
calls of functions of the same kind (``language.py``) and of ``builtins.py``. A variable keeps the type of its first value.
Integers and float32 convert to float64 if needed; other types do not mix. A vector of eight numbers, ``lanes``, is used like a
number: comparisons give eight flags, for ``where`` and ``any``, and a scalar operand is broadcast to all lanes. A function is
compiled once for each tuple of argument types. Everything else is rejected with its location: objects, arrays with shapes,
keyword arguments, closures, exceptions.

Code that the subset cannot express is emitted: ``emitter.py`` has expressions on numbers and vectors alike.
"""
