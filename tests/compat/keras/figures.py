"""Figures of Keras, computed by any module that has its names: Keras itself, or jitgrad's.

``python figures.py keras recorded.json`` writes those of Keras.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

NUMBERS = np.array([[0.2, -1.3, 0.7], [1.5, 0.4, -0.6], [0.9, 2.1, 0.3], [-0.8, 0.1, 1.2]], np.float32)
OTHERS = np.array([[0.1, -1.0, 1.7], [1.1, 0.9, -0.2], [-0.9, 2.0, 0.8], [-0.5, 0.3, 1.0]], np.float32)
POSITIVE = np.abs(NUMBERS) + 0.5
PROBABILITIES = np.array([[0.2, 0.5, 0.3], [0.7, 0.1, 0.2], [0.3, 0.3, 0.4], [0.05, 0.9, 0.05]], np.float32)
ONE_HOT = np.array([[0, 1, 0], [1, 0, 0], [1, 0, 0], [0, 0, 1]], np.float32)
CLASSES = np.array([1, 0, 0, 2])
BINARY = np.array([[0.0], [1.0], [1.0], [0.0]], np.float32)
SCORES = np.array([[0.2], [0.8], [0.4], [0.6]], np.float32)
WEIGHTS = np.array([1.0, 0.5, 2.0, 0.0], np.float32)

LOSSES: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("MeanSquaredError", {}, OTHERS, NUMBERS),
    ("MeanAbsoluteError", {}, OTHERS, NUMBERS),
    ("MeanAbsolutePercentageError", {}, OTHERS, NUMBERS),
    ("MeanSquaredLogarithmicError", {}, POSITIVE, POSITIVE[::-1].copy()),
    ("LogCosh", {}, OTHERS, NUMBERS),
    ("Huber", {}, OTHERS, NUMBERS),
    ("Huber", {"delta": 0.3}, OTHERS, NUMBERS),
    ("Poisson", {}, POSITIVE, POSITIVE[::-1].copy()),
    ("KLDivergence", {}, PROBABILITIES[::-1].copy(), PROBABILITIES),
    ("Hinge", {}, 2 * ONE_HOT - 1, NUMBERS),
    ("Hinge", {}, ONE_HOT, NUMBERS),
    ("SquaredHinge", {}, 2 * ONE_HOT - 1, NUMBERS),
    ("CategoricalHinge", {}, ONE_HOT, NUMBERS),
    ("CosineSimilarity", {}, OTHERS, NUMBERS),
    ("BinaryCrossentropy", {}, BINARY, SCORES),
    ("BinaryCrossentropy", {"from_logits": True}, BINARY, SCORES),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, BINARY, SCORES),
    ("CategoricalCrossentropy", {}, ONE_HOT, PROBABILITIES),
    ("CategoricalCrossentropy", {"from_logits": True}, ONE_HOT, NUMBERS),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, ONE_HOT, PROBABILITIES),
    ("SparseCategoricalCrossentropy", {}, CLASSES, PROBABILITIES),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, CLASSES, NUMBERS),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, CLASSES[:, None], NUMBERS),
    ("BinaryFocalCrossentropy", {}, BINARY, SCORES),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "gamma": 3.0}, BINARY, SCORES),
    ("CategoricalFocalCrossentropy", {}, ONE_HOT, PROBABILITIES),
]

METRICS: list[tuple[str, dict[str, Any], Any, Any]] = [
    ("Accuracy", {}, CLASSES, np.array([1, 1, 0, 2])),
    ("BinaryAccuracy", {}, BINARY, SCORES),
    ("BinaryAccuracy", {"threshold": 0.3}, BINARY, SCORES),
    ("CategoricalAccuracy", {}, ONE_HOT, PROBABILITIES),
    ("SparseCategoricalAccuracy", {}, CLASSES, PROBABILITIES),
    ("TopKCategoricalAccuracy", {"k": 2}, ONE_HOT, PROBABILITIES),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, CLASSES, PROBABILITIES),
    ("MeanSquaredError", {}, OTHERS, NUMBERS),
    ("MeanAbsoluteError", {}, OTHERS, NUMBERS),
    ("MeanAbsolutePercentageError", {}, OTHERS, NUMBERS),
    ("MeanSquaredLogarithmicError", {}, POSITIVE, POSITIVE[::-1].copy()),
    ("RootMeanSquaredError", {}, OTHERS, NUMBERS),
    ("LogCoshError", {}, OTHERS, NUMBERS),
    ("CosineSimilarity", {}, OTHERS, NUMBERS),
    ("Poisson", {}, POSITIVE, POSITIVE[::-1].copy()),
    ("KLDivergence", {}, PROBABILITIES[::-1].copy(), PROBABILITIES),
    ("Hinge", {}, 2 * ONE_HOT - 1, NUMBERS),
    ("SquaredHinge", {}, 2 * ONE_HOT - 1, NUMBERS),
    ("CategoricalHinge", {}, ONE_HOT, NUMBERS),
    ("BinaryCrossentropy", {"from_logits": True}, BINARY, SCORES),
    ("CategoricalCrossentropy", {}, ONE_HOT, PROBABILITIES),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, CLASSES, NUMBERS),
    ("TruePositives", {}, ONE_HOT, PROBABILITIES),
    ("TrueNegatives", {}, ONE_HOT, PROBABILITIES),
    ("FalsePositives", {"thresholds": 0.25}, ONE_HOT, PROBABILITIES),
    ("FalseNegatives", {"thresholds": [0.25, 0.5]}, ONE_HOT, PROBABILITIES),
    ("Precision", {}, ONE_HOT, PROBABILITIES),
    ("Precision", {"thresholds": [0.1, 0.6]}, BINARY, SCORES),
    ("Precision", {"class_id": 1}, ONE_HOT, PROBABILITIES),
    ("Precision", {"top_k": 2}, ONE_HOT, PROBABILITIES),
    ("Recall", {}, ONE_HOT, PROBABILITIES),
    ("Recall", {"top_k": 1, "class_id": 1}, ONE_HOT, PROBABILITIES),
    ("AUC", {}, BINARY, SCORES),
    ("AUC", {"curve": "PR"}, BINARY, SCORES),
    ("AUC", {"num_thresholds": 5}, BINARY, SCORES),
    ("AUC", {"from_logits": True}, BINARY, SCORES),
    ("PrecisionAtRecall", {"recall": 0.5}, BINARY, SCORES),
    ("RecallAtPrecision", {"precision": 0.5}, BINARY, SCORES),
    ("SensitivityAtSpecificity", {"specificity": 0.5}, BINARY, SCORES),
    ("SpecificityAtSensitivity", {"sensitivity": 0.5}, BINARY, SCORES),
    ("F1Score", {}, ONE_HOT, PROBABILITIES),
    ("F1Score", {"average": "macro"}, ONE_HOT, PROBABILITIES),
    ("F1Score", {"average": "micro", "threshold": 0.4}, ONE_HOT, PROBABILITIES),
    ("FBetaScore", {"beta": 2.0, "average": "weighted"}, ONE_HOT, PROBABILITIES),
    ("R2Score", {}, OTHERS, NUMBERS),
]

_SIMPLE = ("SGD", "Adam", "AdamW", "Nadam", "Adamax", "Lion", "RMSprop", "Adagrad", "Adadelta")
OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    *((name, {"learning_rate": 0.1}) for name in _SIMPLE),
    ("Adafactor", {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("Adam", {"learning_rate": 0.1, "amsgrad": True}),
    ("Adam", {"learning_rate": 0.1, "weight_decay": 0.02, "clipnorm": 1.0}),
    ("Adam", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.9, "ema_overwrite_frequency": 2}),
    ("RMSprop", {"learning_rate": 0.1, "momentum": 0.5, "centered": True}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.5}),
    ("SGD", {"learning_rate": 0.1, "clipvalue": 0.2}),
]  # fmt: skip

SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}),
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "staircase": True}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "staircase": True}),
    ("PiecewiseConstantDecay", {"boundaries": [5, 20], "values": [0.1, 0.05, 0.01]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "power": 2.0}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 10, "cycle": True}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 20, "alpha": 0.1}),
    ("CosineDecay", {"initial_learning_rate": 0.0, "decay_steps": 20, "warmup_target": 0.1, "warmup_steps": 5}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 10, "m_mul": 0.5}),
]
STEPS = (0, 1, 4, 5, 6, 10, 11, 19, 20, 25, 40)

INITIALIZERS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in ("GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal")),
    *((name, {}) for name in ("RandomUniform", "RandomNormal", "TruncatedNormal", "VarianceScaling")),
    ("RandomUniform", {"minval": -2.0, "maxval": 1.0}),
    ("RandomNormal", {"mean": 3.0, "stddev": 0.1}),
    ("TruncatedNormal", {"mean": 3.0, "stddev": 0.1}),
    ("VarianceScaling", {"scale": 3.0, "mode": "fan_out", "distribution": "uniform"}),
    ("VarianceScaling", {"scale": 3.0, "mode": "fan_avg", "distribution": "untruncated_normal"}),
]
SHAPES = ((300, 200), (50, 1000))

LAYERS: list[tuple[str, dict[str, Any], int]] = [
    ("ReLU", {}, 1),
    ("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.35}, 1),
    ("LeakyReLU", {}, 1),
    ("ELU", {}, 1),
    ("PReLU", {}, 1),
    ("Softmax", {}, 1),
    ("BatchNormalization", {}, 1),
    ("LayerNormalization", {}, 1),
    ("GroupNormalization", {"groups": 3}, 1),
    ("UnitNormalization", {}, 1),
    ("RMSNormalization", {}, 1),
    ("Rescaling", {"scale": 0.5, "offset": 1.0}, 1),
    ("Reshape", {"target_shape": (3, 1)}, 1),
    ("RepeatVector", {"n": 2}, 1),
    ("Flatten", {}, 1),
    ("Dropout", {"rate": 0.5}, 1),
    ("Add", {}, 2),
    ("Subtract", {}, 2),
    ("Multiply", {}, 2),
    ("Average", {}, 2),
    ("Maximum", {}, 2),
    ("Minimum", {}, 2),
    ("Concatenate", {}, 2),
    ("Dot", {"axes": 1}, 2),
    ("Dot", {"axes": 1, "normalize": True}, 2),
]

MODULES = (
    "layers", "losses", "metrics", "optimizers", "optimizers.schedules", "initializers", "regularizers", "constraints",
    "callbacks",
)  # fmt: skip


def array(value: Any) -> Any:
    """A value as nested lists of numbers."""
    return np.asarray(value, np.float64).tolist()


def losses(K: Any) -> dict[str, Any]:
    """Every loss: that of each row, and what the reductions make of them, without and with weights."""
    found = {}
    for number, (name, options, y, p) in enumerate(LOSSES):
        kind = getattr(K.losses, name)
        for reduction in ("none", "sum", "sum_over_batch_size", "mean_with_sample_weight"):
            made = kind(**options, reduction=reduction)
            weights = WEIGHTS[:, None] if np.ndim(y) == 2 and np.shape(y) == (4, 1) and number % 2 else WEIGHTS
            found[f"{number} {name} {reduction}"] = [array(made(y, p)), array(made(y, p, sample_weight=weights))]
    return found


def metrics(K: Any) -> dict[str, Any]:
    """Every metric, of one batch, of two, and with weights."""
    found = {}
    for number, (name, options, y, p) in enumerate(METRICS):
        made = getattr(K.metrics, name)(**options)
        made.update_state(y, p)
        values = [array(made.result())]
        made.reset_state()
        made.update_state(y[:2], p[:2])
        made.update_state(y[2:], p[2:])
        values.append(array(made.result()))
        if name not in ("R2Score",):
            made.reset_state()
            made.update_state(y, p, sample_weight=WEIGHTS)
            values.append(array(made.result()))
        found[f"{number} {name}"] = values
    return found


def optimizers(K: Any) -> dict[str, Any]:
    """Where each optimizer takes a weight with given gradients."""
    found = {}
    for number, (name, options) in enumerate(OPTIMIZERS):
        optimizer = getattr(K.optimizers, name)(**options)
        weight = K.Variable(np.array([[1.0, -2.0], [0.5, 3.0]], np.float32))
        for step in range(5):
            gradient = np.array([[0.3, -0.1 * step], [1.0 - step, 2.0]], np.float32)
            optimizer.apply_gradients([(gradient, weight)])
        found[f"{number} {name}"] = array(weight.numpy())
    return found


def schedules(K: Any) -> dict[str, Any]:
    """The learning rates of each schedule."""
    kinds = K.optimizers.schedules
    return {
        f"{number} {name}": [float(np.asarray(getattr(kinds, name)(**options)(step))) for step in STEPS]
        for number, (name, options) in enumerate(SCHEDULES)
    }


def initializers(K: Any) -> dict[str, Any]:
    """Mean, standard deviation and range of each initializer, for two shapes."""
    found = {}
    for number, (name, options) in enumerate(INITIALIZERS):
        values = [np.asarray(getattr(K.initializers, name)(**options, seed=7)(shape), np.float64) for shape in SHAPES]
        found[f"{number} {name}"] = [[a.mean(), a.std(), a.min(), a.max()] for a in values]
    return found


def layers(K: Any) -> dict[str, Any]:
    """What each layer makes of numbers."""
    found = {}
    for number, (name, options, inputs) in enumerate(LAYERS):
        layer = getattr(K.layers, name)(**options)
        found[f"{number} {name}"] = array(layer(NUMBERS if inputs == 1 else [NUMBERS, OTHERS]))
    return found


def defaults(K: Any) -> dict[str, Any]:
    """The arguments of every class, with those that have a default."""
    found: dict[str, Any] = {}
    for module in MODULES:
        where = K
        for part in module.split("."):
            where = getattr(where, part)
        for name in sorted(dir(where)):
            kind = getattr(where, name)
            if inspect.isclass(kind) and not name.startswith("_"):
                parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
                plain = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
                found[f"{module}.{name}"] = {p.name: _told(p.default) for p in plain}
    return found


def _told(default: Any) -> Any:
    if default is inspect.Parameter.empty:
        return "<required>"
    if isinstance(default, (list, tuple)):
        return [_told(item) for item in default]
    return default if isinstance(default, (int, float, str, bool, type(None))) else repr(default)


FIGURES: dict[str, Callable[[Any], dict[str, Any]]] = {
    "losses": losses, "metrics": metrics, "optimizers": optimizers, "schedules": schedules, "initializers": initializers,
    "layers": layers, "defaults": defaults,
}  # fmt: skip

if __name__ == "__main__":
    K = importlib.import_module(sys.argv[1])
    Path(sys.argv[2]).write_text(json.dumps({name: f(K) for name, f in FIGURES.items()}, indent=0) + "\n")
