"""Static graphs with placeholders and sessions, as in TensorFlow 1, based on ``jitgrad.function``.

An operation on a placeholder, or on a Variable of this module, is not recorded. It becomes a Node: a call to be made later.
``Session.run`` makes the calls in a traced function, once for each set of fed shapes, and runs its Program from then on.
A session has its own values of the Variables. Nodes use the values from before the run; Variables change at its end.
"""

from jitgrad.graph.nodes import Node, Placeholder, Variable, call, global_variables_initializer, gradients, placeholder
from jitgrad.graph.session import Session

__all__ = [
    "Node",
    "Placeholder",
    "Session",
    "Variable",
    "call",
    "global_variables_initializer",
    "gradients",
    "placeholder",
]
