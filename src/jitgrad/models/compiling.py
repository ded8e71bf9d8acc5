"""The arguments of a model's ``compile`` method, and its traced costs."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from jitgrad.errors import ArgumentError
from jitgrad.layers.owned import all_owned
from jitgrad.models.costs import Compiled, ModelCost
from jitgrad.models.inspecting import Inspectable
from jitgrad.optimizers import Optimizer
from jitgrad.tape.function import Function, function
from jitgrad.tape.tensor import as_tensor
from jitgrad.tape.tree import tree_map
from jitgrad.training.progress import progress


class Compilable(Inspectable):
    """The part of a model that stores the arguments of ``compile``."""

    compiled: Compiled | None = None
    _predict: tuple[Any, Function[..., Any]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without traces."""
        return {key: value for key, value in vars(self).items() if key != "_predict"}

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer that the model was compiled with."""
        return self.chosen.optimizer

    @property
    def chosen(self) -> Compiled:
        """The arguments of ``compile``. Raises ArgumentError if the model is not compiled."""
        if self.compiled is None:
            raise ArgumentError(f"Model {self.name!r} is not compiled. Call compile(optimizer, loss) first.")
        return self.compiled

    def progress(self, first: int, epochs: int, verbose: Any, metrics: Any) -> AbstractContextManager[Any]:
        """Show the progress of a fit. A subclass may show it differently.

        Parameters
        ----------
        first : int
            Number of the first epoch.
        epochs : int
            Number of epochs.
        verbose : {0, 1, 2, "auto"} or None
            What to show.
        metrics : callable
            Returns the metrics of an epoch of a loop.

        Returns
        -------
        context manager
            Yields the function to call after each chunk, or None.
        """
        return progress(first, epochs, verbose, metrics)

    def cost(self, nest: tuple[Any, ...], training: bool) -> ModelCost:
        """Return the cost on batches with this nesting, traced once for the same layers.

        Parameters
        ----------
        nest : tuple
            Nesting of inputs, targets and sample weights.
        training : bool
            Whether layers behave as in training.

        Returns
        -------
        ModelCost
            The cost.
        """
        chosen = self.chosen
        key = (repr(nest), training, self._layout())
        if key not in chosen.costs:
            chosen.costs[key] = ModelCost(self, chosen, nest, training)
        return chosen.costs[key]

    def _layout(self) -> tuple[Any, ...]:
        """Return a key of everything that a trace depends on: the layers, the Variables, and which Variables are trainable."""
        return tuple((id(x), x.trainable) for x in all_owned(self))

    def _predicting(self) -> Function[..., Any]:
        layout = self._layout()
        if self._predict is None or self._predict[0] != layout:
            self._predict = layout, function(self.__call__)
        return self._predict[1]

    def _own_predictions(self, inputs: Any) -> Any:
        return self.predict_step(tree_map(as_tensor, inputs))
