"""The tape: Tensors, what is recorded of them, and what is made of that. Three layers, each on those before:

* data and recording: dtypes, tree, path, recording, trace, requires_grad, values, protocol, operators, tensor, variable;
* operators on these: indexing, and ``jitgrad.functions``;
* the engine: flatten, executable, runs, groups, evaluate, pending; reverse_mode, forward_mode, batching; backward,
  gradient_tape, function, loop.

What lower layers need of upper ones is put there here, and nowhere else.
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
