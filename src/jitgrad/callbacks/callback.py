"""The base class of callbacks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from jitgrad.errors import ArgumentError, OptionError, near_name

if TYPE_CHECKING:
    from jitgrad.models.model import Model

Logs: TypeAlias = Mapping[str, Any]
"""The metrics of an epoch by name."""


class Callback:
    """Base class of callbacks. Override the methods that you need.

    Attributes
    ----------
    model : Model
        The model that is being fitted. Its weights are up to date and may be changed. Set ``self.model.stop_training
        = True`` to end the fit after the epoch.
    shares_model : bool
        Class attribute: whether the callback reads or changes the model, beyond ``stop_training``. If no
        callback does, the weights stay in the native loop from epoch to epoch.
    fit_state : callable
        Returns the state that is needed to resume the fit after the current epoch.

    See Also
    --------
    LambdaCallback : Calls functions instead of methods.

    Examples
    --------
    A callback that ends a fit once the loss is small enough:

    >>> class StopAt(jg.callbacks.Callback):
    ...     def __init__(self, loss):
    ...         self.loss = loss
    ...
    ...     def on_epoch_end(self, epoch, logs):
    ...         self.model.stop_training = logs["loss"] < self.loss
    >>> x = np.linspace(-1.0, 1.0, 64)[:, None]
    >>> model = jg.Sequential([jg.layers.Dense(1)])
    >>> model.compile(jg.optimizers.SGD(0.5), "mse")
    >>> history = model.fit(x, 2.0 * x, epochs=100, callbacks=StopAt(0.01), seed=0)
    >>> bool(history.epochs < 100)
    True
    """

    model: Model
    shares_model = True
    fit_state: Callable[[], dict[str, Any]]

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without the running fit."""
        return {key: value for key, value in vars(self).items() if key != "fit_state"}

    def on_train_begin(self, first: int) -> None:
        """Called before the first epoch.

        Parameters
        ----------
        first : int
            Number of the first epoch, starting with 0.
        """

    def on_epoch_begin(self, epoch: int) -> None:
        """Called before each epoch.

        Parameters
        ----------
        epoch : int
            Number of the epoch, starting with 0.
        """

    def on_train_batch_end(self, epoch: int, logs: Logs) -> None:
        """Called after each step. Overriding this method makes the fit run step by step, many times slower.

        Parameters
        ----------
        epoch : int
            Number of the epoch, starting with 0.
        logs : mapping of str to float
            The loss of the batch.
        """

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """Called after each epoch and the evaluation of its validation data.

        Parameters
        ----------
        epoch : int
            Number of the epoch, starting with 0.
        logs : mapping of str to float or ndarray
            Metrics of the epoch by name, including ``learning_rate``.
        """

    def after_epoch(self, epoch: int, logs: Logs) -> None:
        """Called after `on_epoch_end` of all callbacks, for example to save the model.

        Parameters
        ----------
        epoch : int
            Number of the epoch, starting with 0.
        logs : mapping of str to float or ndarray
            Metrics of the epoch by name, including ``learning_rate``.
        """

    def on_train_end(self, logs: Logs) -> None:
        """Called after the last epoch.

        Parameters
        ----------
        logs : mapping of str to float or ndarray
            Metrics of the last epoch by name.
        """

    def ahead(self) -> int:
        """Return the number of epochs that may run natively before the callback is called again.

        Returns
        -------
        int
            Number of epochs, at least 1.
        """
        return 1

    def get_state(self) -> dict[str, Any]:
        """Return the state of the callback between epochs, for a fit that is resumed later.

        Returns
        -------
        dict
            State, in nested dicts and lists of numbers, strings and arrays.
        """
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore a state.

        Parameters
        ----------
        state : dict
            State that `get_state` returned.
        """

    def restored(self) -> dict[str, Any] | None:
        """Return the state of an earlier fit that is to be resumed.

        Returns
        -------
        dict or None
            The state, if there is one.
        """
        return None


class LambdaCallback(Callback):
    """Call functions in place of the methods of a callback.

    Parameters
    ----------
    **functions : callable
        Functions by the names of the methods of `Callback`, called with the same arguments. If there is a
        function for ``on_train_batch_end``, the fit runs step by step.

    Raises
    ------
    OptionError
        If a name is not the name of a method.
    ArgumentError
        If a value is not a function.

    Examples
    --------
    >>> lines = []
    >>> callback = jg.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: lines.append(epoch))
    >>> model = jg.Sequential([jg.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> history = model.fit(np.ones((4, 2)), np.ones(4), epochs=3, callbacks=callback)
    >>> lines
    [0, 1, 2]
    """

    def __init__(self, **functions: Callable[..., None]) -> None:
        known = [name for name in vars(Callback) if name.startswith(("on_", "after_"))]
        for name, function in functions.items():
            if name not in known:
                raise OptionError(
                    f"There is no callback method {name!r}.{near_name(name, known)} The methods are {', '.join(known)}."
                )
            if not callable(function):
                raise ArgumentError(f"{name} is {function!r}. Give a function.")
            setattr(self, name, function)
