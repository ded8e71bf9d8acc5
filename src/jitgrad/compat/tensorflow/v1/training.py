"""TensorFlow 1's optimizers: the library's, with other arguments, defaults and initial values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jitgrad import optimizers
from jitgrad.compat.tensorflow.v1 import ops
from jitgrad.compat.tensorflow.v1.graph import GraphKeys, Operation, get_default_graph
from jitgrad.compat.tensorflow.v1.variables import Variable, as_tensor, trainable_variables
from jitgrad.errors import ArgumentError
from jitgrad.optimizers.schedules import Schedule


class _Given(Schedule):
    """A learning rate that is a tensor of the graph: its value in the current run."""

    def __init__(self) -> None:
        self.now: Any = 1.0

    def __call__(self, step: Any) -> Any:
        return self.now


class _Train:
    """The function of a training operation, given its gradients, the Variables and the learning rate."""

    changes_state = True
    name = "train"

    def __init__(self, optimizer: Any, rate: _Given | None) -> None:
        self.optimizer, self.rate = optimizer, rate

    def __call__(self, gradients: list[Any], variables: list[Any], rate: Any) -> list[Any]:
        if self.rate is not None:
            self.rate.now = rate._read()
        self.optimizer.apply_gradients([(g._read(), v) for g, v in zip(gradients, variables, strict=True)])
        return []


class Optimizer:
    """Base class of TensorFlow 1's optimizers. A subclass determines the library's optimizer.

    Parameters
    ----------
    learning_rate : float or Tensor
        Step size. If it is a tensor of the graph, its value may change between runs.
    use_locking : bool
        Has no effect.
    name : str
        Name of the operations.
    """

    GATE_NONE, GATE_OP, GATE_GRAPH = 0, 1, 2

    def __init__(self, learning_rate: Any, name: str, kind: Any, **options: Any) -> None:
        self._name = name
        self._rate = learning_rate() if callable(learning_rate) else learning_rate
        self._given = None if isinstance(self._rate, (int, float)) else _Given()
        self._optimizer = kind(float(self._rate) if self._given is None else self._given, **options)

    def get_name(self) -> str:
        """Return the name of the operations."""
        return self._name

    def variables(self) -> list[Any]:
        """Return the state."""
        return list(self._optimizer.variables)

    def minimize(
        self, loss: Any, global_step: Variable | None = None, var_list: Sequence[Variable] | None = None,
        gate_gradients: int = GATE_OP, aggregation_method: Any = None, colocate_gradients_with_ops: bool = False,
        name: str | None = None, grad_loss: Any = None,
    ) -> Operation:  # fmt: skip
        """Return an operation that takes one step to minimize ``loss`` and increments ``global_step``."""
        pairs = self.compute_gradients(loss, var_list, grad_loss=grad_loss)
        if all(g is None for g, _ in pairs):
            raise ArgumentError(
                f"No gradients provided for any variable: the loss does not depend on any of {[v.name for _, v in pairs]} by "
                f"functions that have a gradient. Compute it from the Variables."
            )
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(
        self, loss: Any, var_list: Sequence[Variable] | None = None, gate_gradients: int = GATE_OP,
        aggregation_method: Any = None, colocate_gradients_with_ops: bool = False, grad_loss: Any = None,
    ) -> list[tuple[Any, Variable]]:  # fmt: skip
        """Return the gradients of ``loss`` with their Variables, by default for all trainable ones."""
        variables = list(trainable_variables() if var_list is None else var_list)
        if not variables:
            raise ArgumentError("No variables to optimize. Create a trainable tf.Variable first.")
        return list(zip(ops.gradients(loss, variables, grad_loss), variables, strict=True))

    def apply_gradients(
        self, grads_and_vars: Any, global_step: Variable | None = None, name: str | None = None,
        skip_gradients_aggregation: bool = False,
    ) -> Operation:  # fmt: skip
        """Return an operation that updates the Variables with gradients and increments ``global_step``."""
        pairs = [(g, v) for g, v in grads_and_vars if g is not None]
        if not pairs:
            raise ArgumentError("No gradients provided for any variable. Compute them with compute_gradients().")
        gradients, variables = [as_tensor(g) for g, _ in pairs], [v for _, v in pairs]
        rate = None if self._given is None else as_tensor(self._rate)
        train = _Train(self._optimizer, self._given)
        op = Operation("NoOp", train, (gradients, variables, rate), name=name or self._name)
        if global_step is None:
            return op
        with ops.control_dependencies([op]):
            return global_step.assign_add(1).op


class GradientDescentOptimizer(Optimizer):
    """Gradient descent."""

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent") -> None:
        super().__init__(learning_rate, name, optimizers.SGD)


class MomentumOptimizer(Optimizer):
    """Gradient descent with momentum, ``b ← momentum·b + g; w ← w − learning_rate·b``."""

    def __init__(
        self, learning_rate: Any, momentum: float, use_locking: bool = False, name: str = "Momentum", use_nesterov: bool = False
    ) -> None:
        super().__init__(learning_rate, name, optimizers.SGD, momentum=momentum, nesterov=use_nesterov, form="torch")


class AdamOptimizer(Optimizer):
    """Adam."""

    def __init__(
        self, learning_rate: Any = 0.001, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8,
        use_locking: bool = False, name: str = "Adam",
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, name, optimizers.Adam, beta_1=beta1, beta_2=beta2, epsilon=epsilon)


class AdagradOptimizer(Optimizer):
    """Adagrad, without an epsilon."""

    def __init__(
        self, learning_rate: Any, initial_accumulator_value: float = 0.1, use_locking: bool = False, name: str = "Adagrad"
    ) -> None:
        start = {"initial_accumulator_value": initial_accumulator_value}
        super().__init__(learning_rate, name, optimizers.Adagrad, epsilon=0.0, **start)


class RMSPropOptimizer(Optimizer):
    """RMSprop with an initial mean square of 1."""

    def __init__(
        self, learning_rate: Any, decay: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-10, use_locking: bool = False,
        centered: bool = False, name: str = "RMSProp",
    ) -> None:  # fmt: skip
        options: dict[str, Any] = {"rho": decay, "momentum": momentum, "epsilon": epsilon, "centered": centered}
        super().__init__(learning_rate, name, optimizers.RMSprop, form="keras", initial_accumulator_value=1.0, **options)


class AdadeltaOptimizer(Optimizer):
    """Adadelta."""

    def __init__(
        self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-8, use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:  # fmt: skip
        super().__init__(learning_rate, name, optimizers.Adadelta, rho=rho, epsilon=epsilon)


def create_global_step(graph: Any = None) -> Variable:
    """Create the Variable that counts the steps if the graph has none."""
    found = graph or get_default_graph()
    if found.get_collection(GraphKeys.GLOBAL_STEP):
        raise ArgumentError('"global_step" already exists. Use tf.train.get_or_create_global_step().')
    with found.as_default():
        made = Variable(0, trainable=False, name="global_step", dtype="int64")
    found.add_to_collection(GraphKeys.GLOBAL_STEP, made)
    return made


def get_global_step(graph: Any = None) -> Variable | None:
    """Return the Variable that counts the steps, or None."""
    found = (graph or get_default_graph()).get_collection(GraphKeys.GLOBAL_STEP)
    return found[0] if found else None


def get_or_create_global_step(graph: Any = None) -> Variable:
    """Return the Variable that counts the steps, creating it if necessary."""
    return get_global_step(graph) or create_global_step(graph)


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """Return the number of steps in a session."""
    return int(sess.run(global_step_tensor))
