"""Expressions of TensorFlow, evaluated here and there: ``recorded.json`` has each, and what TensorFlow gives.

``python tests/compat/tensorflow/expressions.py`` evaluates all of them again by TensorFlow. To add one, add it there with an
empty text, and run this.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

RECORDED = Path(__file__).with_name("recorded.json")


def names(tf: Any) -> dict[str, Any]:
    """What stands in the expressions."""

    def g(function: Any, x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = function(x)
        return tape.gradient(y, x)

    def g2(function: Any, x: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            first = g(function, x)
        return tape.gradient(first, x)

    def recorded(function: Any, x: Any, **kwargs: Any) -> Any:
        with tf.GradientTape(**kwargs) as tape:
            tape.watch(x)
            y = function(x)
        return tape, y

    def jac(function: Any, x: Any) -> Any:
        tape, y = recorded(function, x)
        return tape.jacobian(y, x)

    def bjac(function: Any, x: Any) -> Any:
        tape, y = recorded(function, x)
        return tape.batch_jacobian(y, x)

    def fwd(function: Any, x: Any) -> Any:
        with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as forward:
            y = function(x)
        return forward.jvp(y)

    def twice(x: Any) -> Any:
        tape, y = recorded(lambda x: x * x, x)
        return tape.gradient(y, x), tape.gradient(y, x)

    def persistent(x: Any) -> Any:
        tape, y = recorded(lambda x: x * x, x, persistent=True)
        return tape.gradient(y, x), tape.gradient(y, {"a": x}), tape.gradient([y, y], [x], [f * 3, f])

    def unconnected(x: Any) -> Any:
        tape, _ = recorded(lambda y: y * y, x, persistent=True)
        other = f + 1
        return tape.gradient(other, [x]), tape.gradient(other, x, unconnected_gradients=tf.UnconnectedGradients.ZERO)

    f = tf.constant([1.0, 2.0])
    numbers = np.arange(10, dtype=np.float32).reshape(5, 2)
    return {
        "tf": tf, "np": np, "g": g, "g2": g2, "jac": jac, "bjac": bjac, "fwd": fwd, "twice": twice, "persistent": persistent,
        "unconnected": unconnected, "A": np.array([1.5, 2.5]), "N": np.array([3, 4]), "n64": np.float64(2),
        "N2": np.array([[1.0, 2.0], [3.0, 4.0]]), "f": f, "d": tf.constant([1.0, 2.0], tf.float64),
        "i": tf.constant([1, 2]), "l": tf.constant([1, 2], tf.int64), "u": tf.constant([200, 100], tf.uint8),
        "i16": tf.constant([7, 300], tf.int16), "b": tf.constant([True, False]), "t": tf.constant([1.0, 2.0, 3.0]),
        "h": tf.constant([0.25, 0.75]), "m": tf.constant([[1.0, 2.0], [3.0, 5.0]]), "im": tf.constant([[1, 2], [3, 4]]),
        "d2": tf.constant([[1.0, 2.0], [3.0, 4.0]], tf.float64), "s": tf.constant([[4.0, 1.0], [1.0, 3.0]]),
        "tall": tf.constant([[1.0, 1.0], [1.0, 2.0], [1.0, 4.0]]), "t3": tf.reshape(tf.range(8), [2, 2, 2]),
        "v": tf.Variable([1.0, 2.0]), "w": tf.Variable([3, 4]),
        "ds": tf.data.Dataset.from_tensor_slices((numbers, np.arange(5))),
    }  # fmt: skip


def described(value: Any) -> str:
    """A value in a text that says dtype, shape and numbers, floats to five digits."""
    if type(value).__name__ == "TensorShape":
        return repr(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return f"{type(value).__name__}({', '.join(map(described, value))})"
    if isinstance(value, (list, tuple)):
        text = ", ".join(map(described, value))
        return f"[{text}]" if isinstance(value, list) else f"({text})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {described(item)}" for key, item in value.items()) + "}"
    if hasattr(value, "numpy") and hasattr(value, "shape"):
        array = np.asarray(value.numpy())
        kind = "Variable " if "Variable" in repr(value)[:15] else ""
        return f"{kind}{value.dtype.name} {tuple(value.shape)} {_numbers(array)}"
    if isinstance(value, (np.ndarray, np.generic)):
        return f"numpy {value.dtype} {value.shape} {_numbers(np.asarray(value))}"
    return repr(value)


def _numbers(array: np.ndarray) -> str:
    values = array.astype(np.float64).ravel().tolist() if array.dtype.kind == "f" else array.ravel().tolist()
    return " ".join(f"{x:.5g}".replace("-0", "0") if x == 0 else f"{x:.5g}" if isinstance(x, float) else str(x) for x in values)


def outcome(expression: str, known: dict[str, Any]) -> str:
    """What an expression gives, or the name of the exception that it raises."""
    try:
        return described(eval(expression, dict(known)))
    except Exception as error:
        return f"raises {type(error).__name__}"


def main() -> None:
    """Record what TensorFlow gives."""
    import tensorflow

    known = names(tensorflow)
    found = {expression: outcome(expression, known) for expression in json.loads(RECORDED.read_text())}
    RECORDED.write_text(json.dumps(found, indent=0, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
