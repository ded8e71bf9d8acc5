"""The tape: Tensors, recording operations, and running the recorded operations, in three layers.

* Data and recording: dtypes, tree, path, recording, trace, requires_grad, values, protocol, operators, result, tensor,
  variable.
* Operators on these: indexing, and ``jitgrad.functions``.
* The engine: flatten, executable, runs, groups, evaluate, pending; reverse_mode, forward_mode, batching; backward,
  gradient_tape, function, loop.

This module attaches functions of the upper layers that the lower layers need.
"""

from jitgrad.ops.table import record_with
from jitgrad.tape import backward, evaluate, indexing, pending
from jitgrad.tape.operators import Operators
from jitgrad.tape.tensor import Tensor, record
from jitgrad.tape.variable import Variable

record_with(record)
Operators.__getitem__ = indexing.getitem  # type: ignore[method-assign]
Operators.at = property(indexing.At)  # type: ignore[method-assign, assignment]
Operators.backward = backward.backward  # type: ignore[method-assign]
Tensor.force = evaluate.value_of  # type: ignore[method-assign, assignment]
Tensor.compute_apart = evaluate.compute_apart  # type: ignore[method-assign, assignment]
Variable.assign_later = staticmethod(pending.assign_later)  # type: ignore[method-assign]
