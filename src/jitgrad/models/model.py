"""The base class of models, which are fitted by the native loop."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Literal, overload

import numpy as np

from jitgrad.arguments import count
from jitgrad.callbacks import Callback
from jitgrad.layers.shapes import zeros_of
from jitgrad.models import fitting
from jitgrad.models.compiling import Compilable
from jitgrad.models.costs import LossArgument, MetricArgument, compiled
from jitgrad.models.data import as_data, as_inputs, names_of, without_frames
from jitgrad.models.sources import EVALUATION_ROWS, FitArguments
from jitgrad.optimizers import Optimizer
from jitgrad.tape.recording import no_grad
from jitgrad.tape.tree import tree_leaves, tree_map, tree_pack
from jitgrad.training.fit import History
from jitgrad.training.progress import Verbose, bar, is_shown
from jitgrad.typing import ArrayLike


class Model(Compilable):
    """A layer that contains layers and can be fitted.

    Subclass it to define a network: create the layers in ``__init__`` and compute the result in ``call``. For
    layers applied one after another, use `Sequential`. A subclass may also override ``compute_loss``, which
    keeps the fit native, or ``train_step``, ``test_step`` and ``predict_step``, which run in Python.

    Parameters
    ----------
    name : str, optional
        Name of the model; by default the name of the class and a number.
    dtype : {"float32", "float64"}, default "float32"
        Dtype of the weights and results.
    trainable : bool, default True
        Whether a fit may change the weights.
    input_shape : sequence of int, optional
        Shape of a row of the inputs.

    Attributes
    ----------
    stop_training : bool
        Set it to True in a callback to end a fit after the epoch.

    See Also
    --------
    Sequential : Layers applied one after another.
    load_model : Load a model from a file.

    Examples
    --------
    >>> class Net(jg.Model):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden = jg.layers.Dense(16, "relu")
    ...         self.out = jg.layers.Dense(1)
    ...
    ...     def call(self, x):
    ...         return self.out(self.hidden(x))
    >>> x = np.linspace(-1.0, 1.0, 64)[:, None]
    >>> model = Net()
    >>> model.compile("adam", "mse")
    >>> history = model.fit(x, x**2, epochs=2, seed=0)
    >>> model.predict(x).shape
    (64, 1)
    """

    stop_training = False
    fitted_columns: tuple[Any, Any] = (None, None)
    """Names in the inputs and targets to which the model was fitted; see ``training.columns``."""
    evaluation_rows = EVALUATION_ROWS
    """Number of rows that ``test_step`` receives at once during a fit."""
    example: Any = None
    """Inputs of one row of zeros, known after the first call."""

    def __call__(self, x: Any, *more: Any, training: bool | None = None, **options: Any) -> Any:
        x = without_frames(x, self.fitted_columns[0])
        y = super().__call__(x, *more, training=training, **options)
        if self.example is None:
            self.example = tree_map(lambda t: np.zeros((1, *t.shape[1:]), t.dtype), self._inputs(x))
        return y

    def build(self, input_shape: Any) -> None:
        """Create the weights of all layers by calling the model on zeros. Sizes of None other than the rows count as 1.

        Parameters
        ----------
        input_shape : tuple, or list or dict of tuple
            Shape of the inputs with the rows first, None for any number of them; a list or dict of shapes for
            several inputs.

        Examples
        --------
        >>> model = jg.Sequential([jg.layers.Dense(2)])
        >>> model.build((None, 3))
        >>> model.count_params()
        8
        """
        self(zeros_of(input_shape, self.input_dtype))

    def built_for(self, shapes: Any) -> None:
        """Build for these shapes, unless the model is already built.

        Parameters
        ----------
        shapes : tuple, or list or dict of tuple
            Shapes of the inputs with the rows first.
        """
        if shapes is not None and not self.built and type(self).build is Model.build:
            self.mark_built(shapes)  # the call in progress builds the layers
        else:
            super().built_for(shapes)

    def compile(
        self,
        optimizer: str | Optimizer = "adam",
        loss: LossArgument = "mse",
        metrics: MetricArgument = None,
        weighted_metrics: MetricArgument = None,
    ) -> None:
        """Choose the optimizer, the loss and the metrics for ``fit`` and ``evaluate``.

        This discards all traces, so call it again after changing an option of a layer.

        Parameters
        ----------
        optimizer : str or Optimizer, default "adam"
            A name, such as ``"sgd"``, or an optimizer, which has its own learning rate.
        loss : str, callable, or list or dict of them, default "mse"
            A name, a function of `jitgrad.losses`, or a function ``loss(target, prediction)`` that returns one
            number or one per row. For a model with several outputs, a list or dict with a loss for each; their
            sum is minimized. Bind options with ``functools.partial``.
        metrics : str, Metric, callable, or list of them, optional
            Metrics to report, for models with one output: names, objects of `jitgrad.metrics`, losses, or
            functions that return one number per row. They ignore sample weights.
        weighted_metrics : str, Metric, callable, or list of them, optional
            Metrics that are weighted by the sample weights.

        Raises
        ------
        ArgumentError
            If a name is unknown.

        See Also
        --------
        fit : Fit the model.

        Examples
        --------
        >>> model = jg.Sequential([jg.layers.Dense(3, "softmax")])
        >>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

        With options:

        >>> from functools import partial
        >>> model.compile(
        ...     jg.optimizers.SGD(0.05, momentum=0.9),
        ...     partial(jg.losses.categorical_crossentropy, label_smoothing=0.1),
        ...     metrics=[jg.metrics.AUC(curve="PR")],
        ... )
        """
        self.compiled = compiled(optimizer, loss, metrics, weighted_metrics)
        self._predict = None

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = 32,
        epochs: int = 1,
        verbose: Verbose = None,
        callbacks: Sequence[Callback] | Callback | None = None,
        validation_split: float = 0.0,
        validation_data: tuple[Any, ...] | None = None,
        shuffle: bool = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: ArrayLike | None = None,
        initial_epoch: int = 0,
        seed: int | None = None,
    ) -> History:
        """Fit the trainable weights to rows of data.

        All epochs run natively, including validation and metrics. After a fit, further calls continue from the
        current weights and the state of the optimizer.

        Parameters
        ----------
        x : array_like, frame, or list or dict of them
            Inputs with rows along the first axis. Frames of pandas, Polars and Arrow are matched by column name
            in later calls. If `y` is omitted: an iterable of batches ``(x, y)`` or ``(x, y, sample_weight)``,
            which need not fit into memory, or a function that returns an iterator of batches. It is iterated over
            once per epoch, in order.
        y : array_like, frame, or list or dict of them, optional
            Targets.
        batch_size : int or None, default 32
            Rows per step; None for all rows.
        epochs : int, default 1
            Number of the last epoch; with `initial_epoch` 0, the number of epochs.
        verbose : {0, 1, 2, "auto"}, optional
            Progress on stderr: 0 for none, 1 for a bar, 2 for one line per epoch. By default, a bar if stderr is
            a terminal.
        callbacks : Callback or sequence of Callback, optional
            Actions between epochs; see `jitgrad.callbacks`.
        validation_split : float, default 0.0
            Fraction of the rows, taken from the end, that is evaluated after each epoch and not fitted.
        validation_data : tuple, optional
            ``(x, y)`` or ``(x, y, sample_weight)`` to evaluate after each epoch. `validation_split` is then ignored.
        shuffle : bool, default True
            Whether each epoch processes the rows in a new random order.
        class_weight : mapping of int to float, optional
            Weight of the rows of each class; 1 for classes that are not listed.
        sample_weight : array_like, shape (rows,), optional
            Weight of the loss of each row.
        initial_epoch : int, default 0
            Number of the first epoch. The order of the rows depends on the number of the epoch.
        seed : int, optional
            Seed of the shuffling. By default, it is drawn from ``jitgrad.random``, whose seed
            (``jitgrad.random.seed``) also determines the initial weights and the random numbers of layers. The
            same seeds give the same result, to the bit.

        Returns
        -------
        History
            Loss and metrics of each epoch. The names of validation metrics begin with ``val_``.

        Raises
        ------
        DataError
            If arrays differ in the number of rows, have no rows, contain nan, inf, missing values or strings,
            or if a target is outside the range of the loss.
        ArgumentError
            If an argument is out of range, or the model is not compiled.
        ShapeError
            If the rows do not have the shape for which the model was built.
        FitError
            If a loss becomes nan or infinite. The weights keep their values from the last finite chunk.
        KeyboardInterrupt
            After Ctrl-C. The weights then have their values from the last finished chunk.

        See Also
        --------
        evaluate : Compute the loss and the metrics.
        predict : Compute the outputs.
        jitgrad.fit : Fit Variables with any cost.

        Examples
        --------
        >>> iris = np.genfromtxt("data/iris.csv", delimiter=",", skip_header=1, usecols=(0, 1, 2, 3))
        >>> species = np.repeat([0, 1, 2], 50)
        >>> jg.random.seed(0)
        >>> model = jg.Sequential([jg.layers.Dense(16, "relu"), jg.layers.Dense(3, "softmax")])
        >>> model.compile(jg.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
        >>> history = model.fit(iris, species, epochs=50, seed=0)
        >>> bool(history.metrics["accuracy"][-1] > 0.9)
        True

        Batches from a generator function:

        >>> def batches():
        ...     for start in range(0, 150, 50):
        ...         yield iris[start : start + 50], species[start : start + 50]
        >>> history = model.fit(batches, epochs=2)
        >>> history.epochs
        2
        """
        part = 0.0 if validation_data is not None and y is not None else validation_split
        given = FitArguments(batch_size, epochs, verbose, part, shuffle, initial_epoch, seed)
        runners = [callbacks] if isinstance(callbacks, Callback) else list(callbacks or ())
        return fitting.fit(self, (x, y, sample_weight, class_weight), validation_data, runners, given)

    def train_on_batch(
        self,
        x: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Run one step on all given rows.

        Parameters
        ----------
        x : array_like, frame, or list or dict of them
            Inputs.
        y : array_like, frame, or list or dict of them
            Targets.
        sample_weight : array_like, shape (rows,), optional
            Weight of the loss of each row.
        class_weight : mapping of int to float, optional
            Weight of the rows of each class.
        return_dict : bool, default False
            Whether to return a dict.

        Returns
        -------
        float, list or dict
            Loss before the step; with metrics, a list of the loss and the metrics; or a dict by name.

        See Also
        --------
        fit : Run epochs natively, which is faster.
        """
        rows = as_data(x, y, sample_weight, class_weight, known=self.fitted_columns)
        return _returned(fitting.step(self, rows), return_dict)

    @overload
    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 256,
        verbose: Any = None,
        sample_weight: ArrayLike | None = None,
        *,
        return_dict: Literal[True],
    ) -> dict[str, Any]: ...

    @overload
    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 256,
        verbose: Any = None,
        sample_weight: ArrayLike | None = None,
        return_dict: bool = False,
    ) -> Any: ...

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 256,
        verbose: Any = None,
        sample_weight: ArrayLike | None = None,
        return_dict: bool = False,
    ) -> Any:
        """Compute the loss and the metrics on rows of data.

        Layers such as Dropout and BatchNormalization behave as in prediction.

        Parameters
        ----------
        x : array_like, frame, or list or dict of them
            Inputs; or an iterable of batches if `y` is omitted; see `fit`.
        y : array_like, frame, or list or dict of them, optional
            Targets.
        batch_size : int, default 256
            Rows per step.
        verbose : optional
            Ignored; nothing is shown.
        sample_weight : array_like, shape (rows,), optional
            Weight of the loss of each row.
        return_dict : bool, default False
            Whether to return a dict.

        Returns
        -------
        float, list or dict
            The loss; with metrics, a list of the loss and the metrics; or a dict by name.

        Raises
        ------
        DataError
            If data are invalid; see `fit`.

        Examples
        --------
        >>> x = np.linspace(-1.0, 1.0, 64)[:, None]
        >>> model = jg.Sequential([jg.layers.Dense(1, kernel_initializer="ones")])
        >>> model.compile("sgd", "mse", metrics=["mae"])
        >>> model.evaluate(x, x, return_dict=True)
        {'loss': 0.0, 'mae': 0.0}
        """
        return _returned(fitting.evaluate(self, x, y, sample_weight, batch_size), return_dict)

    def predict(self, x: Any, batch_size: int = 256, verbose: Verbose = 0) -> Any:
        """Compute the outputs for rows of data, in batches.

        Parameters
        ----------
        x : array_like, frame, or list or dict of them
            Inputs with rows along the first axis. Frames and dicts are matched by the names to which the model was
            fitted; other columns and keys are ignored.
        batch_size : int, default 256
            Rows per batch.
        verbose : {0, 1, "auto"}, default 0
            Whether to show a bar on stderr.

        Returns
        -------
        ndarray, or list or dict of ndarray
            Outputs in the nesting that ``call`` returns, with rows along the first axis.

        Raises
        ------
        DataError
            If a name is missing, or there are no rows.
        ShapeError
            If the rows do not have the shape for which the model was built.

        See Also
        --------
        Layer.__call__ : Compute Tensors that can be differentiated.

        Examples
        --------
        >>> model = jg.Sequential([jg.layers.Dense(1, kernel_initializer="ones")])
        >>> model.predict([[1.0, 2.0], [3.0, 4.0]])
        array([[3.],
               [7.]], dtype=float32)
        """
        inputs = as_inputs(x, self.fitted_columns[0])
        size, rows = count("batch_size", batch_size), len(tree_leaves(inputs)[0])
        predicting = self._predicting()
        own = self.has_own("predict_step")
        run: Callable[..., Any] = no_grad()(self._own_predictions if own else predicting if rows else self)
        if rows and not own:
            predicting.check(tree_leaves(inputs), names_of(inputs, "x"), tree_map(operator.itemgetter(slice(size)), inputs))
        if rows <= size:
            return tree_map(np.asarray, run(inputs))
        parts: list[list[np.ndarray]] = []
        with bar(rows, "rows") if is_shown(verbose) else nullcontext((None, None)) as (task, shown):
            for first in range(0, rows, size):
                made = run(tree_map(operator.itemgetter(slice(first, first + size)), inputs))
                parts.append([np.asarray(value) for value in tree_leaves(made)])
                if shown is not None:
                    shown.update(task, completed=min(rows, first + size))
        return tree_pack(made, [np.concatenate(column) for column in zip(*parts, strict=True)])


def _returned(metrics: dict[str, Any], return_dict: bool) -> Any:
    if return_dict:
        return metrics
    values = list(metrics.values())
    return values if len(values) > 1 else values[0]
