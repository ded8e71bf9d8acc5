"""A compiler for functions in a small part of Python: numbers, pointers, records and loops, to LLVM code in one walk.

Numba's front end takes 30 ms a function, this one takes less than one. What it knows: assignments, ``if``, ``while``, ``for``
over ``range``, ``return`` of some values, arithmetic and comparisons, fields of records and elements behind pointers, functions
of the same kind (``language.py``) and those of ``builtins.py``. A variable keeps the type of its first value; integers and
float32 become float64 where that is wanted, and other types do not mix. A vector of eight numbers, ``lanes``, is a number like
others: its comparisons give eight flags, for ``where`` and ``any``, and a single number beside it is the same in all lanes. A
function is compiled once for each list of types of its arguments. What it does not know it refuses, with the place: objects,
arrays with shapes, keywords, closures, exceptions.

What cannot be said in this part of Python is emitted: ``emitter.py`` has expressions on numbers and vectors alike.
"""
