"""The weights of a layer and its inner layers: finding, freezing, reading and assigning them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from jitgrad.errors import ArgumentError, ShapeError
from jitgrad.layers import regularizers
from jitgrad.layers.owned import Owner, all_owned, own_variables, owned
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.values import peek
from jitgrad.tape.variable import Variable
from jitgrad.typing import ArrayLike

if TYPE_CHECKING:
    from jitgrad.layers.layer import Layer


class WeightOwner(Owner):
    """An object with weights, including the weights of layers in its attributes."""

    name: str
    built: bool
    _trainable: bool
    _requires_grad: bool
    _frozen: list[Variable]
    _penalties: list[tuple[regularizers.Regularizer, Variable]]

    @property
    def layers(self) -> list[Layer]:
        """The layers that this layer contains directly."""
        return [x for x in owned(self) if isinstance(x, WeightOwner)]  # type: ignore[misc]  # its only subclass

    @property
    def variables(self) -> list[Variable]:
        """All Variables, including those of inner layers, each once."""
        return [x for x in all_owned(self) if isinstance(x, Variable)]

    @property
    def losses(self) -> list[Tensor]:
        """The penalties of regularized weights, including those of inner layers. A model's fit adds them to its loss."""
        return [penalty(variable) for layer in self._all_layers() for penalty, variable in layer._penalties]

    @property
    def trainable_variables(self) -> list[Variable]:
        """The Variables that a fit changes."""
        return [v for v in self.variables if v.trainable]

    @property
    def trainable(self) -> bool:
        """Whether a fit may change the weights. Set it to freeze or unfreeze a layer and all layers in it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._all_layers():
            layer._set_trainable(bool(value))

    def requires_grad_(self, value: bool = True) -> Self:
        """Set whether ``backward`` computes gradients of the trainable Variables in ``.grad``, as in PyTorch.

        This also applies to weights that are created later.

        Parameters
        ----------
        value : bool, default True
            Whether to compute gradients.

        Returns
        -------
        Layer
            The layer itself.

        Examples
        --------
        >>> x, y = np.ones((4, 2)), np.ones((4, 1))
        >>> model = jg.Sequential([jg.layers.Dense(1)]).requires_grad_()
        >>> optimizer = jg.optimizers.SGD(0.1)
        >>> jg.mean(jg.square(model(x) - y)).backward()
        >>> optimizer.apply_gradients((v.grad, v) for v in model.trainable_variables)
        >>> model.zero_grad()
        """
        for layer in self._all_layers():
            layer._requires_grad = bool(value)
        for v in self.trainable_variables:
            v.requires_grad = bool(value)
        return self

    def zero_grad(self) -> None:
        """Discard the gradients that ``backward`` computed."""
        for v in self.variables:
            if v.requires_grad:
                v.grad = None

    def _set_trainable(self, value: bool) -> None:
        own = own_variables(self)
        if value:
            changed, self._frozen = self._frozen, []
        else:
            changed = [v for v in own if v.trainable]
            self._frozen += changed
        for v in changed:
            v.trainable = value
        self._trainable = value

    def count_params(self) -> int:
        """Return the number of elements of all weights.

        Returns
        -------
        int
            Number of elements.

        Raises
        ------
        ArgumentError
            If the layer is not built.
        """
        if not self.built and not self.variables:
            raise ArgumentError(f"Layer {self.name!r} is not built, so it has no weights. Call it on an input first.")
        return sum(v.size for v in self.variables)

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of the values of all weights.

        Returns
        -------
        list of ndarray
            The values.
        """
        return [np.array(peek(v)) for v in self.variables]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Assign values to all weights.

        Parameters
        ----------
        weights : sequence of array_like
            Values in the order of `get_weights`.

        Raises
        ------
        ArgumentError
            If there are more or fewer values than weights, or a value is not numeric.
        ShapeError
            If the shape of a value differs from the shape of its weight. The weights are then unchanged.
        """
        for array, v in zip(self.check_weights(weights), self.variables, strict=True):
            v.assign(array)

    def check_weights(self, weights: Sequence[ArrayLike]) -> list[np.ndarray]:
        """Convert values for all weights to arrays of their dtypes.

        Parameters
        ----------
        weights : sequence of array_like
            Values in the order of `get_weights`.

        Returns
        -------
        list of ndarray
            The arrays.

        Raises
        ------
        ArgumentError
            If there are more or fewer values than weights, or a value is not numeric.
        ShapeError
            If the shape of a value differs from the shape of its weight.
        """
        variables = self.variables
        if len(weights) != len(variables):
            raise ArgumentError(
                f"{self.name!r} has {len(variables)} weights, but {len(weights)} are given. Give one array per weight."
            )
        arrays = [_as_weight(w, v) for w, v in zip(weights, variables, strict=True)]
        for array, v in zip(arrays, variables, strict=True):
            if array.shape != v.shape:
                raise ShapeError(
                    f"Weight {v.name!r} has shape {v.shape}, but an array of shape {array.shape} is given. "
                    "Give one of the same shape."
                )
        return arrays

    def _all_layers(self) -> list[WeightOwner]:
        """Return this object and all of its inner layers."""
        return [self, *(x for x in all_owned(self) if isinstance(x, WeightOwner))]


def _as_weight(value: ArrayLike, variable: Variable) -> np.ndarray:
    try:
        return np.asarray(value, variable.dtype)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"Weight {variable.name!r} cannot be set: {error}. Give an array of numbers.") from error
