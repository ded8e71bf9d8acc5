"""The base class of optimizers: their state, applying gradients, and minimizing a cost."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from jitgrad.arguments import count
from jitgrad.errors import ArgumentError, DTypeError, ShapeError, users_level
from jitgrad.functions.joining import concatenate
from jitgrad.functions.reductions import sum
from jitgrad.functions.shapes import reshape
from jitgrad.graph import Node
from jitgrad.ops.elementwise import equal, mod, where
from jitgrad.optimizers.state import OptimizerState
from jitgrad.tape import dtypes, trace
from jitgrad.tape.gradient_tape import GradientTape
from jitgrad.tape.indexing import getitem
from jitgrad.tape.operators import Operators
from jitgrad.tape.pending import apply
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.tape.trace import StateUpdate
from jitgrad.tape.tree import tree_leaves
from jitgrad.tape.variable import Variable
from jitgrad.training.data_pass import Pass
from jitgrad.training.epochs import run_epochs
from jitgrad.training.rows import Batches
from jitgrad.training.step import STEPS_AT_ONCE, make_step, trace_updates, variables_of
from jitgrad.typing import ArrayLike


def assigned(*pairs: tuple[Variable, Tensor]) -> list[StateUpdate]:
    """Return state updates that assign a new value to each Variable."""
    return [StateUpdate("assign", (variable,), (value,)) for variable, value in pairs]


def _train(loss: Any, optimizer: Optimizer, variables: list[Variable] | None) -> None:
    """Record a step for a loss that is being traced."""
    trace_updates(as_tensor(loss), optimizer, variables)


_train.changes_state = True  # type: ignore[attr-defined]


class Optimizer(OptimizerState):
    """Base class of optimizers.

    A subclass defines its hyperparameters and state, and the change of each Variable in a step. The state
    consists of Variables that are created when a Variable is first updated.

    Parameters
    ----------
    learning_rate : float or Schedule
        Step size, positive; or a schedule that returns it for each step.
    others : dict of str to float, optional
        Hyperparameters of the subclass by name.
    **options : OptimizerOptions, optional
        Options that every optimizer accepts:

        - ``weight_decay``: decoupled weight decay λ, as in Keras: ``w ← w·(1 − lr·λ)`` before each step.
          Default 0.
        - ``l2``: strength λ of an L2 penalty that is added to the gradient, ``g ← g + λ·w``; this is what PyTorch
          calls ``weight_decay`` in all optimizers except AdamW. Default 0.
        - ``maximize``: whether to maximize the cost. Default False.
        - ``clipvalue``: bound c on the elements of the gradients, which are clipped to [-c, c].
        - ``clipnorm``: largest norm of each gradient.
        - ``global_clipnorm``: largest norm of all gradients together.
        - ``use_ema``: whether to keep exponential moving averages of the Variables, ``a ← m·a + (1 − m)·w``.
          Default False.
        - ``ema_momentum``: momentum m of the averages. Default 0.99.
        - ``ema_overwrite_frequency``: number of steps after which the Variables are replaced by their
          averages. By default, they are replaced only at the end of a fit.

    Raises
    ------
    ArgumentError
        If a number is outside its range, or if more than one kind of clipping is requested.
    OptionError
        If an option is unknown.

    See Also
    --------
    jitgrad.optimizers.schedules : Learning rates that depend on the step.

    Examples
    --------
    Gradient descent as a custom optimizer. ``_own`` returns the learning rate and the hyperparameters, and
    ``_moves`` the state updates and the distance of each Variable:

    >>> class Descent(jg.optimizers.Optimizer):
    ...     def _moves(self, pairs, hyper):
    ...         (rate,) = self._own(hyper)
    ...         return [], [rate * g for g, w in pairs]
    >>> w = jg.Variable([2.0, -3.0])
    >>> costs = Descent(0.1).minimize(lambda: jg.sum((w - 1.0) ** 2), steps=50)
    >>> np.round(w.numpy(), 3)
    array([1., 1.])
    """

    def apply_gradients(
        self,
        grads_and_variables: Iterable[tuple[Tensor | ArrayLike | None, Variable]],
        cost: Tensor | ArrayLike | None = None,
    ) -> None:
        """Update Variables with their gradients.

        Parameters
        ----------
        grads_and_variables : iterable of (Tensor or None, Variable)
            Pairs of a gradient and its Variable. A Variable whose gradient is None is skipped with a warning.
        cost : Tensor, optional
            The cost of which these are the gradients, shape (). `LBFGS` shortens steps that increase it, and takes every
            step if it is not given. Other optimizers ignore it.

        Raises
        ------
        ArgumentError
            If no Variable has a gradient, or a Variable occurs twice.
        ShapeError
            If a gradient and its Variable differ in shape.
        DTypeError
            If a Variable has an integer or boolean dtype.

        See Also
        --------
        minimize : Computes the gradients and applies them.

        Examples
        --------
        >>> w = jg.Variable([2.0, -3.0])
        >>> sgd = jg.optimizers.SGD(0.1)
        >>> with jg.GradientTape() as tape:
        ...     cost = jg.sum(w**2)
        >>> sgd.apply_gradients([(tape.gradient(cost, w), w)])
        >>> w.numpy()
        array([ 1.6, -2.4])
        """
        return self._apply(list(grads_and_variables), cost)

    @public()
    def _apply(self, grads_and_variables: list[tuple[Any, Variable]], cost: Any) -> None:
        pairs = []
        for gradient, variable in grads_and_variables:
            if gradient is None:
                warnings.warn(
                    f"There is no gradient for Variable {variable.name!r}, so it is not updated. "
                    f"Compute the cost from it, or omit it.",
                    stacklevel=users_level(),
                )
                continue
            if variable.level <= dtypes.INTEGER:
                raise DTypeError(
                    f"apply_gradients: Variable {variable.name!r} has dtype {variable.dtype}. "
                    f"Only floating-point Variables can be optimized. Create it with dtype='float64'."
                )
            tensor = gradient if type(gradient) is Tensor else as_tensor(gradient)
            if tensor.shape != variable.shape:
                raise ShapeError(
                    f"apply_gradients: Variable {variable.name!r} has shape {variable.shape} and its gradient "
                    f"{tensor.shape}. Give the gradients in the order of their Variables."
                )
            pairs.append((tensor, variable))
        if len({id(variable) for _, variable in pairs}) < len(pairs):
            raise ArgumentError("A Variable occurs twice. Pass each Variable once.")
        if not pairs:
            raise ArgumentError("No Variable has a gradient. Compute the cost from the Variables inside the tape.")
        self.update(pairs, None if cost is None else as_tensor(cost))

    _apply.changes_state = True  # type: ignore[attr-defined]

    def update(self, pairs: list[tuple[Tensor, Variable]], cost: Tensor | None = None) -> None:
        """Update Variables like `apply_gradients`, without checks.

        Parameters
        ----------
        pairs : list of (Tensor, Variable)
            Pairs of a gradient and its Variable.
        cost : Tensor, optional
            The cost of which these are the gradients.
        """
        self._fitted = [variable for _, variable in pairs]
        if self._copied_from is not None:
            self._follow(self._fitted)
        self._cost = cost
        changes = self._updates(pairs)
        self._cost = None
        tracing = trace.current()
        if tracing is not None:
            tracing.update(changes)
        else:
            apply(changes)

    def minimize(
        self, cost: Callable[[], Any] | Node, variables: Sequence[Variable] | Variable | None = None, steps: int | None = None
    ) -> Tensor:
        """Minimize a cost.

        Parameters
        ----------
        cost : callable or Node
            A function without arguments that returns a scalar Tensor; or a Node of a static graph.
        variables : Variable or sequence of Variable, optional
            Variables to change. By default, all trainable Variables on which the cost depends.
        steps : int, optional
            Number of steps. The cost is then traced once, and all steps run natively. A cost made by
            ``jitgrad.function`` is not traced again in later calls. By default, one step is recorded and run.

        Returns
        -------
        Tensor, shape (steps,)
            Cost before each step; of shape (1,) if `steps` is None. If `cost` is a Node, a Node that runs a
            step in a session.

        Raises
        ------
        FitError
            If the cost becomes nan or infinite. The Variables keep their last finite values.

        See Also
        --------
        apply_gradients : Applies given gradients.
        jitgrad.fit : Minimizes a cost over batches of data.

        Examples
        --------
        >>> w = jg.Variable([2.0, -3.0])
        >>> adam = jg.optimizers.Adam(0.1)
        >>> costs = adam.minimize(lambda: jg.sum((w - 1.0) ** 2), steps=300)
        >>> np.round(w.numpy(), 3)
        array([1., 1.])
        """
        if isinstance(cost, Operators) and not isinstance(cost, Node):
            raise ArgumentError(
                "minimize: the cost is already computed. Give a function that computes it, or a Node of a graph."
            )
        if isinstance(cost, Node):
            train: Any = Node(_train, (cost, self, None if variables is None else tree_leaves(variables)))
            return train
        if steps is not None:
            count("steps", steps)
            step = make_step(cost, [], self, variables, STEPS_AT_ONCE)
            loop, _ = run_epochs(Pass(step, None, Batches()), steps)
            return as_tensor(loop.training.losses)
        with GradientTape() as tape:
            loss = as_tensor(cost())
            chosen = [v for v in variables_of(loss) if v.trainable] if variables is None else tree_leaves(variables)
            tape.watch(chosen)
        gradients = tape.gradient(loss, chosen)
        self.apply_gradients(zip(gradients, chosen, strict=True), cost=loss if loss.shape == () else sum(loss))
        return reshape(loss if loss.shape == () else sum(loss), (1,))

    def _updates(self, pairs: list[tuple[Tensor, Variable]]) -> list[StateUpdate]:
        """Return all state updates of one step."""
        hyper = self._hyperparameters()
        if self._maximize:
            pairs = [(-g, w) for g, w in pairs]
        pairs = self._clip(pairs)
        if "l2" in self._hyper.used:
            strength = self._hyper.of(hyper, "l2")
            pairs = [(g + strength * w.leaf, w) for g, w in pairs]
        changes = self._changes(pairs, hyper)
        changes += [w.constraint.change(w) for _, w in pairs if w.constraint is not None]
        return [*self._counted(hyper), *changes] if self._counts else changes

    def _changes(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> list[StateUpdate]:
        """Return the updates of the Variables and of their state. A subclass with its own instruction overrides this method."""
        changes, moves = self._moves(pairs, hyper)
        factor = self._factor(hyper)
        for (_, w), move in zip(pairs, moves, strict=True):
            new = self._shrunk(w, factor) - move
            changes += self._averaged(w, new, hyper) if self._average else assigned((w, new))
        return changes

    @abstractmethod
    def _moves(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> tuple[list[StateUpdate], list[Tensor]]:
        """Return updates of the state, and the move of each Variable: ``w ← w − move``."""

    def _averaged(self, w: Variable, new: Tensor, hyper: Tensor) -> list[StateUpdate]:
        """Assign a Variable and update its moving average, which starts with the first value."""
        self._state(w)
        average = self._slots[w][-1]
        done = getitem(self._step.leaf, 0)
        m = where(equal(done, 0.0), 0.0, self._hyper.of(hyper, "ema_momentum"))
        mean = m * average.leaf + (1.0 - m) * new
        if self._overwrite is not None:
            new = where(equal(mod(done + 1.0, float(self._overwrite)), 0.0), mean, new)
        return assigned((average, mean), (w, new))

    def _factor(self, hyper: Tensor) -> Tensor | None:
        """Return the factor of weight decay, or None if there is none."""
        if "weight_decay" not in self._hyper.used:
            return None
        return 1.0 - self._hyper.of(hyper, "learning_rate") * self._hyper.of(hyper, "weight_decay")

    def _decays(self, w: Variable) -> bool:
        return w not in self._undecayed and not any(name in w.name for name in self._undecayed_names)

    def _shrunk(self, w: Variable, factor: Tensor | None) -> Tensor:
        """Return the value of a Variable after weight decay."""
        return w.leaf if factor is None or not self._decays(w) else w.leaf * factor

    def _shrinking(self, pairs: list[tuple[Tensor, Variable]], hyper: Tensor) -> list[StateUpdate]:
        """Return weight decay as updates that precede a step's own instructions."""
        factor = self._factor(hyper)
        if factor is None:
            return []
        return assigned(*((w, self._shrunk(w, factor)) for _, w in pairs if self._decays(w)))

    def _hyperparameters(self) -> Tensor:
        """Return the hyperparameters of this step, the learning rate first."""
        leaf = self._hyper.variable.leaf
        if self.schedule is None:
            return leaf
        rate = as_tensor(self.schedule(getitem(self._step.leaf, 0)))
        return concatenate([reshape(rate, (1,)), getitem(leaf, slice(1, None))])

    def _own(self, hyper: Tensor) -> list[Tensor]:
        """Return the learning rate and the subclass's hyperparameters as scalar Tensors."""
        return [getitem(hyper, i) for i in range(self._split_at)]

    def _counted(self, hyper: Tensor) -> list[StateUpdate]:
        """Return updates that count the step and record a scheduled learning rate."""
        kept = [] if self.schedule is None else [(self._hyper.variable, hyper)]
        return assigned(*kept, (self._step, self._step.leaf + 1.0))
