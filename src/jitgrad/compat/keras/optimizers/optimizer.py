"""Features of Keras's optimizers that the library's lack: ``iterations``, and assignment to the learning rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from jitgrad import optimizers as library
from jitgrad.compat.keras.border import plain_number, unwrap
from jitgrad.compat.keras.configs import made_with_config, serialized
from jitgrad.compat.keras.names import snake_case
from jitgrad.compat.keras.optimizers.schedules import LearningRateSchedule, native
from jitgrad.compat.tensorflow.tensor import INT32, Tensor, wrap_array
from jitgrad.errors import ArgumentError
from jitgrad.tape import trace
from jitgrad.tape.tree import tree_leaves


class Setting(Tensor):
    """A number in an optimizer that supports assignment, such as the learning rate."""

    __slots__ = ("_name", "_set")

    def __init__(self, name: str, value: Any, dtype: str, store: Callable[[float], None]) -> None:
        made = wrap_array(np.asarray(value, dtype))
        super().__init__(made._tensor, made._integer if dtype == "int64" else INT32)
        self._name, self._set = name, store

    @property
    def name(self) -> str:
        """The name."""
        return self._name.rpartition("/")[2]

    @property
    def path(self) -> str:
        """The name, preceded by the name of the optimizer."""
        return self._name

    @property
    def value(self) -> Tensor:
        """Return the value."""
        return self

    def assign(self, value: Any) -> Setting:
        """Assign a value."""
        self._set(plain_number(value))
        return self

    def assign_add(self, value: Any) -> Setting:
        """Add to the value."""
        return self.assign(self.numpy() + plain_number(value))

    def __repr__(self) -> str:
        return f"<Variable path={self._name}, shape=(), dtype={self.numpy().dtype}, value={float(self):.16g}>"

    __str__ = __repr__


_COMMON: dict[str, Any] = {
    "weight_decay": None, "clipnorm": None, "clipvalue": None, "global_clipnorm": None, "use_ema": False, "ema_momentum": 0.99,
    "ema_overwrite_frequency": None, "loss_scale_factor": None, "gradient_accumulation_steps": None,
}  # fmt: skip


class Optimizer(library.Optimizer):
    """Base class of Keras's optimizers."""

    family = "keras.optimizers"
    _done = 0

    def __init__(self, learning_rate: Any, *args: Any, name: str | None = None, **options: Any) -> None:
        given = {**_COMMON, **options}
        if "lr" in given:
            raise ArgumentError(
                f"{type(self).__name__}: the argument lr is named learning_rate. Give learning_rate={given['lr']!r}."
            )
        for refused in ("loss_scale_factor", "gradient_accumulation_steps"):
            if given.pop(refused) is not None:
                raise ArgumentError(f"{type(self).__name__}: {refused} is not supported. Omit it.")
        decay = given.pop("decay", None)
        if decay:
            raise ArgumentError(f"{type(self).__name__}: decay is not supported. Use schedules.InverseTimeDecay.")
        for known in ("jit_compile", "is_legacy_optimizer"):
            given.pop(known, None)
        self.name = name or snake_case(type(self).__name__)
        super().__init__(native(learning_rate), *args, **{key: value for key, value in given.items() if value is not None})

    @property
    def learning_rate(self) -> Any:
        """The learning rate; for a schedule, the rate of the last step."""
        return Setting(f"{self.name}/learning_rate", self.hyperparameters["learning_rate"], "float32", self._set_rate)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, LearningRateSchedule):
            raise ArgumentError(
                "A schedule can be set only when an optimizer is created. Create an optimizer with the schedule."
            )
        self._set_rate(plain_number(value))

    def _set_rate(self, value: float) -> None:
        self.change(learning_rate=float(value))

    @property
    def lr(self) -> Any:
        """Alias of ``learning_rate``."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        self.learning_rate = value

    @property
    def iterations(self) -> Any:
        """The number of steps so far."""
        return Setting(f"{self.name}/iteration", self._done, "int64", self._set_done)

    def _set_done(self, value: float) -> None:
        self._done = int(value)

    def count(self, steps: int) -> None:
        """Add the steps that a fit has run to the number of steps."""
        self._done += steps

    def build(self, variables: Any) -> None:
        """Do nothing: state is created in the first step."""

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Any]], name: str | None = None, **kwargs: Any) -> Any:  # type: ignore[override]
        """Update each variable with its gradient."""
        super().apply_gradients([(unwrap(gradient), variable) for gradient, variable in grads_and_vars], kwargs.get("cost"))
        if trace.current() is None:
            self._done += 1
        return self.iterations

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        """Update variables with gradients in the same order; by default the variables of the last step."""
        chosen = self._fitted if trainable_variables is None else trainable_variables
        return self.apply_gradients(zip(grads, chosen, strict=True))

    def minimize(self, loss: Any, var_list: Any = None, tape: Any = None, **kwargs: Any) -> Any:  # type: ignore[override]
        """Run one step on a loss: a function, or a value with the tape that recorded it."""
        chosen = var_list() if callable(var_list) else var_list
        if not callable(loss):
            if tape is None:
                raise ArgumentError("`tape` is required when a `Tensor` loss is passed. Give the tape, or a function.")
            return self.apply_gradients(zip(tape.gradient(loss, chosen), chosen, strict=True))
        super().minimize(loss, None if chosen is None else tree_leaves(chosen))
        return self.iterations

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        config = {"name": self.name, **_COMMON, **self.defaults(), **self.arguments}
        rate = config["learning_rate"]
        if not isinstance(rate, LearningRateSchedule):
            config["learning_rate"] = self.hyperparameters["learning_rate"]
        return {key: serialized(value) for key, value in config.items()}

    def defaults(self) -> dict[str, Any]:
        """Return the arguments of this class that have default values."""
        import inspect

        parameters = inspect.signature(type(self).__init__).parameters.values()
        return {p.name: p.default for p in parameters if p.default is not p.empty and p.name != "name"}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Create an optimizer from the result of ``get_config``."""
        return made_with_config(cls, config)
