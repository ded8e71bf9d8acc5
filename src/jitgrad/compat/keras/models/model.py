"""Keras's Model: the library's Model with Keras's arguments, output and functional API."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from jitgrad import models as library
from jitgrad.compat.keras import callbacks as keras_callbacks
from jitgrad.compat.keras import metrics, optimizers
from jitgrad.compat.keras.border import is_plain, unwrap, wrap
from jitgrad.compat.keras.callbacks.batches import Batches, for_batches, predicted, stepped
from jitgrad.compat.keras.callbacks.bridge import Bridge
from jitgrad.compat.keras.callbacks.callback import History
from jitgrad.compat.keras.configs import custom_objects_known
from jitgrad.compat.keras.layers.layer import Layer
from jitgrad.compat.keras.models import saving
from jitgrad.compat.keras.models.compiled import Compiled
from jitgrad.compat.keras.models.data import Nested, as_rows, collected, count_rows, inputs_alone, is_batches, plain
from jitgrad.compat.keras.models.given import check_options, flat_logs, listed, same, symbols_of, unpacked
from jitgrad.compat.keras.models.graph import Graph
from jitgrad.compat.keras.models.progress import EpochLines, Lines, in_order, level
from jitgrad.compat.keras.models.summary import summary
from jitgrad.compat.keras.symbol import symbols_in
from jitgrad.errors import ArgumentError, FitError
from jitgrad.layers import layer as library_layer
from jitgrad.layers.owned import all_owned
from jitgrad.tape.gradient_tape import GradientTape
from jitgrad.tape.tree import tree_leaves


class Model(Layer, library.Model):
    """A model defined by symbols, ``Model(inputs, outputs)``, or by a subclass with ``call``.

    A fit is native unless ``train_step`` or a metric is user-defined; otherwise it is a Python loop.
    """

    functional: type[Model]
    """The class of functional models; set by ``models.functional``."""
    keras_compiled: Compiled | None = None
    history: History | None = None
    _graph: Graph | None = None
    _fitting: dict[str, Any] | None = None
    _logs: dict[str, Any] | None = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        of_symbols = cls is Model and (symbols_in(args) or "outputs" in kwargs)
        return super().__new__(Model.functional if of_symbols else cls, *args, **kwargs)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not cls.__module__.startswith("jitgrad."):
            for name in ("train_step", "test_step"):
                if name in vars(cls):
                    setattr(cls, name, _noted(vars(cls)[name]))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        inputs, outputs, rest = symbols_of(args, kwargs)
        super().__init__(**rest)
        if inputs is not None:
            self._take(Graph(inputs, outputs))

    def _take(self, graph: Graph) -> None:
        """Use the computation of a graph of symbols."""
        self._graph = graph
        self._graph_layers = graph.layers
        shapes = [x.shape for x in symbols_in(graph.inputs)]
        self.mark_built(shapes[0] if len(shapes) == 1 else [tuple(shape) for shape in shapes])
        outputs = symbols_in(graph.outputs)
        if len(outputs) == 1:
            self.output_shape = outputs[0].shape[1:]

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if self._graph is None:
            raise NotImplementedError(f"{type(self).__name__} has no call(). Define call(self, inputs).")
        return self._graph.run(inputs, bool(training))

    @property
    def layers(self) -> list[Any]:
        """The layers, in the order of the graph or of the attributes."""
        return super().layers if self._graph is None else self._graph.layers

    @property
    def inputs(self) -> Any:
        """The symbols of the inputs of a functional model."""
        return [] if self._graph is None else symbols_in(self._graph.inputs)

    @property
    def outputs(self) -> Any:
        """The symbols of the outputs of a functional model."""
        return [] if self._graph is None else symbols_in(self._graph.outputs)

    @property
    def input(self) -> Any:
        """The symbol of the input, or the nested symbols of several inputs."""
        return self._alone(self._graph.inputs if self._graph is not None else super().input)

    @property
    def output(self) -> Any:
        """The symbol of the output, or the nested symbols of several outputs."""
        return self._alone(self._graph.outputs if self._graph is not None else super().output)

    @staticmethod
    def _alone(nest: Any) -> Any:
        return nest[0] if isinstance(nest, (list, tuple)) and len(nest) == 1 else nest

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """Return the layer with the given name or index."""
        if index is not None:
            return self.layers[index]
        found = next((layer for layer in self.layers if layer.name == name), None)
        if found is None:
            names = ", ".join(layer.name for layer in self.layers)
            raise ArgumentError(f"No such layer: {name}. Existing layers are: {names}. Choose one of them.")
        return found

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Create an identical model with new weights."""
        if cls is Model and "plan" in config:
            return Model.functional.from_config(config, custom_objects)
        with custom_objects_known(custom_objects or {}):
            return super().from_config(config)

    def compile(  # type: ignore[override]
        self, optimizer: Any = "rmsprop", loss: Any = None, loss_weights: Any = None, metrics: Any = None,
        weighted_metrics: Any = None, run_eagerly: bool = False, steps_per_execution: int = 1, jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:  # fmt: skip
        """Set the optimizer, loss and metrics. The last four arguments have no effect."""
        made = Compiled(
            optimizers.get(optimizer), loss, loss_weights, metrics, weighted_metrics, self._nested.outputs, self.output_names
        )
        made.give(super().compile)
        assert self.compiled is not None
        self.compiled.arguments.clear()
        self.compiled.arguments.update(made.arguments)
        self.keras_compiled = made

    @property
    def _nested(self) -> Nested:
        graph = self._graph
        needed = self.loss is not None and not self.has_own("train_step")
        return Nested(same, same, needed) if graph is None else Nested(graph.as_inputs, graph.as_outputs, needed)

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs of a functional model."""
        return [] if self._graph is None else self._graph.output_names

    @property
    def loss(self) -> Any:
        """The loss given to ``compile``."""
        return None if self.keras_compiled is None else self.keras_compiled.arguments["loss"]

    @property
    def metrics(self) -> list[Any]:
        """The metrics: the mean loss, the compiled metrics, and metrics stored in attributes."""
        compiled = [] if self.keras_compiled is None else self.keras_compiled.tracked
        layers = [self, *(x for x in all_owned(self) if isinstance(x, library_layer.Layer))]
        own = {id(x): x for layer in layers for x in vars(layer).values() if isinstance(x, metrics.Metric)}
        return [*compiled, *own.values()]

    @property
    def metrics_names(self) -> list[str]:
        """The names of the metrics."""
        return [metric.name for metric in self.metrics]

    def reset_metrics(self) -> None:
        """Reset all metrics."""
        super().reset_metrics()
        self._logs = None
        for metric in self.metrics:
            metric.reset_state()

    def get_metrics_result(self) -> dict[str, Any]:
        """Return the values of the metrics by name."""
        found: dict[str, Any] = {}
        for metric in self.metrics:
            made = metric.result()
            found.update(made if isinstance(made, dict) else {metric.name: made})
        return found

    def has_own(self, *methods: str) -> bool:
        own = any(name in vars(self) or getattr(type(self), name) is not getattr(Model, name) for name in methods)
        python = self.keras_compiled is not None and self.keras_compiled.in_python
        return own or (python and any(name in methods for name in ("train_step", "test_step", "compute_metrics")))

    def train_step(self, data: Any) -> dict[str, Any]:
        """Run one step on a batch, as Keras does, for subclasses that extend it."""
        x, y, weight = unpacked(data)
        with GradientTape() as tape:
            predicted = self(x, training=True)
            loss = self.compute_loss(x=x, y=y, y_pred=predicted, sample_weight=weight)
        chosen = self.trainable_variables
        self.chosen.optimizer.apply_gradients(zip(tape.gradient(unwrap(loss), chosen), chosen, strict=True))
        return self._tracked(loss, x, y, predicted, weight)

    def test_step(self, data: Any) -> dict[str, Any]:
        """Evaluate a batch."""
        x, y, weight = unpacked(data)
        predicted = self(x, training=False)
        loss = self.compute_loss(x=x, y=y, y_pred=predicted, sample_weight=weight)
        return self._tracked(loss, x, y, predicted, weight)

    def _tracked(self, loss: Any, x: Any, y: Any, predicted: Any, weight: Any) -> dict[str, Any]:
        assert self.keras_compiled is not None
        self.keras_compiled.loss_tracker.update_state(loss, sample_weight=tree_leaves(x)[0].shape[0])
        self.keras_compiled.track(y, predicted, weight)
        self._logs = self.compute_metrics(wrap(x), wrap(y), wrap(predicted), wrap(weight))
        return self._logs

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        """Return the loss of a batch."""
        if is_plain((x, y, y_pred)):
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        x, y, y_pred, sample_weight = unwrap((x, y, y_pred, sample_weight))
        if self.keras_compiled is not None:
            self.keras_compiled.track(y, y_pred, sample_weight)
        return wrap(super().compute_loss(x, y, y_pred, sample_weight, training))

    def batch_means(self, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        return {} if self.keras_compiled is None else self.keras_compiled.output_losses(y, y_pred, sample_weight)

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Return the values of the metrics by name, over the batches of the epoch."""
        if self.keras_compiled is not None:
            self.keras_compiled.update_state(y, y_pred, sample_weight)
        return self.get_metrics_result()

    def metrics_so_far(self) -> dict[str, Any]:
        return {} if self._logs is None else {name: float(np.asarray(unwrap(value))) for name, value in self._logs.items()}

    def fit(  # type: ignore[override]
        self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = "auto",
        callbacks: Any = None, validation_split: float = 0.0, validation_data: Any = None, shuffle: bool = True,
        class_weight: Any = None, sample_weight: Any = None, initial_epoch: int = 0, steps_per_epoch: int | None = None,
        validation_steps: int | None = None, validation_batch_size: int | None = None, validation_freq: int = 1,
        **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Fit the model to data and print Keras's lines. Returns a History."""
        check_options(kwargs, validation_freq)
        rows = as_rows(x, y, sample_weight, batch_size, steps_per_epoch, self._nested, True)
        if type(self).call is Model.call and self._graph is None:
            self.output_shape = ()  # a model that only has steps has no layers to build
        steps = rows.steps
        if validation_split and rows.batch_size:
            steps = math.ceil(int(count_rows(rows.x) * (1 - validation_split)) / rows.batch_size)
        history = History()
        history.set_model(self)
        history.set_params({"verbose": verbose, "epochs": epochs, "steps": steps})
        given = listed(callbacks)
        lines: list[EpochLines] = []
        self._fitting = {
            "verbose": level(verbose),
            "steps": steps,
            "without_targets": y is None and rows.batch_size is not None,
            "counted": rows.x,
            "lines": lines,
            "asked": bool(given),
        }
        batches = Batches(given)
        made = Bridge(batches, history, self._told, lambda epoch: lines[0].header(epoch, epochs) if lines else None)
        for callback in given:
            callback.set_model(self)
            callback.set_params(history.params)
        held_out = self._validation(validation_data, validation_steps)
        self.evaluation_rows = validation_batch_size or rows.batch_size or 32
        in_python = self.has_own("train_step") or for_batches(given, "train")
        try:
            with stepped(self, batches):
                fitted = super().fit(
                    rows.x, rows.y, rows.batch_size, epochs, 0, [made] if given else None, validation_split,
                    held_out, shuffle, class_weight, rows.weight, initial_epoch,
                )  # fmt: skip
        except FitError:
            if not any(isinstance(callback, keras_callbacks.TerminateOnNaN) and not callback.raise_error for callback in given):
                raise
            print("Invalid loss, terminating training")
            fitted = None
        finally:
            self._fitting = None
            self.forget_losses()
        if fitted is not None and not given:
            history.epoch = fitted.epoch
            history.history = self._told({name: values for name, values in fitted.history.items() if name != "learning_rate"})
        if not in_python:
            self._count(len(history.epoch) * (steps or 0))
        self.history = history
        return history

    def _count(self, steps: int) -> None:
        """Add the steps that the native loop has run to the number of steps."""
        optimizer: Any = self.optimizer
        optimizer.count(steps)

    def _told(self, metrics: Mapping[str, Any]) -> dict[str, Any]:
        """Return metrics in Keras's order, without the loss if a custom step does not return it."""
        left_out = set() if self._logs is None or "loss" in self._logs else {"loss", "val_loss"}
        return in_order({name: value for name, value in metrics.items() if name not in left_out})

    def _validation(self, given: Any, steps: int | None) -> Any:
        if given is None:
            return None
        x, y, *weight = collected(given, steps) if is_batches(given) else [plain(item) for item in given if item is not None]
        return self._nested.batch((x, y, *weight))

    def progress(self, first: int, epochs: int, verbose: Any, metrics: Any) -> Any:
        """Return the callback that reports the progress of a fit."""
        return self._reporting(first, epochs, metrics)

    def _shown(self, metrics: Any) -> Callable[[Any, int], dict[str, Any]]:
        return lambda loop, epoch: self._told(metrics(loop, epoch))

    @contextmanager
    def _reporting(self, first: int, epochs: int, metrics: Any) -> Iterator[Any]:
        fitting = self._fitting
        if fitting is None or not fitting["verbose"]:
            yield None
            return
        lines = EpochLines(
            fitting["verbose"], fitting["steps"], fitting["counted"], first, epochs, self._shown(metrics), fitting["asked"]
        )
        fitting["lines"].append(lines)
        yield lines

    def evaluate(  # type: ignore[override]
        self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: Any = "auto", sample_weight: Any = None,
        steps: int | None = None, callbacks: Any = None, return_dict: bool = False, **kwargs: Any,
    ) -> Any:  # fmt: skip
        """Return the loss and the metrics on data, and print Keras's progress line."""
        rows = as_rows(x, y, sample_weight, batch_size, steps, self._nested, False)
        batches = Batches(listed(callbacks))
        for callback in batches.callbacks:
            callback.set_model(self)
        batches.test_begins()
        lines = Lines(level(verbose), rows.steps, rows.x)
        self.reset_metrics()
        with stepped(self, batches, ["test"]):
            found = super().evaluate(rows.x, rows.y, rows.batch_size or 32, 0, rows.weight, return_dict=True)
        lines.finish(lines.seconds, self._told(found))
        batches.test_ends(dict(found))
        if return_dict:
            return in_order(found)
        listed_first = [] if self.keras_compiled is None else self.keras_compiled.names
        names = [name for name in listed_first if name in found]
        values = [found[name] for name in [*names, *sorted(set(found) - set(names))]]
        return values if len(values) > 1 else values[0]

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None, callbacks: Any = None
    ) -> Any:
        """Return the outputs for rows of data as arrays, and print Keras's progress line."""
        inputs, count = inputs_alone(x, steps, self._nested)
        size = batch_size or 32
        given = listed(callbacks)
        for callback in given:
            callback.set_model(self)
            callback.on_predict_begin({})
        lines = Lines(level(verbose), math.ceil(count / size))
        if for_batches(given, "predict"):
            made = predicted(super().predict, inputs, count, size, given)
        else:
            made = super().predict(inputs, max(size, 256), 0)
        lines.finish(lines.seconds, {})
        for callback in given:
            callback.on_predict_end({})
        return made

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch."""
        return super().predict(plain(x), max(1, count_rows(plain(x))), 0)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Run one step. Returns the loss before the step, and the metrics."""
        made = super().train_on_batch(plain(x), plain(y), plain(sample_weight), class_weight, return_dict)
        self._count(1)
        return made

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Return the loss and the metrics of one batch."""
        return self.evaluate(x, y, count_rows(plain(x)), 0, sample_weight, return_dict=return_dict)

    def summary(  # type: ignore[override]
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print a table of the layers in Keras's form."""
        text = summary(self, line_length, show_trainable, expand_nested)
        (print_fn or functools.partial(print, flush=True))(text)

    def save(self, filepath: Any, overwrite: bool = True, include_optimizer: bool = True, **kwargs: Any) -> None:  # type: ignore[override]
        """Save the model to one file for ``load_model``. The format is jitgrad's, under Keras's file name."""
        saving.save_model(self, filepath, overwrite)

    def save_weights(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> Any:  # type: ignore[override]
        """Save the values of all weights to a file."""
        saving.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:  # type: ignore[override]
        """Load the values of all weights from a file."""
        saving.load_weights(self, filepath)

    def to_json(self, **kwargs: Any) -> str:
        """Return the config as JSON."""
        return saving.to_json(self, **kwargs)


def _noted(step: Any) -> Any:
    """Wrap a user's step; the last value that it returns is reported for the epoch, as in Keras."""

    @functools.wraps(step)
    def noted(self: Any, data: Any) -> Any:
        fitting = self._fitting or {}
        if getattr(fitting.get("counted"), "inputs_alone", False):
            data = data[0]
        elif fitting.get("without_targets"):
            data = data[:1]
        made = flat_logs(step(self, data))
        self._logs = made if isinstance(made, dict) else None
        return made

    return noted
