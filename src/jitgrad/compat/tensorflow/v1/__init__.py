"""TensorFlow 1's names: ``import jitgrad.compat.tensorflow.v1 as tf``.

Functions create operations of a graph. A ``tf.Session`` runs them and stores its own values of the Variables.
"""

import jitgrad.compat.tensorflow as _tf
from jitgrad.compat import modules as _modules
from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow import dtypes, errors
from jitgrad.compat.tensorflow.dtypes import *  # noqa: F403
from jitgrad.compat.tensorflow.v1 import (
    config,
    functions,
    graph,
    initializers,
    layers,
    linalg,
    losses,
    math,
    nn,
    older,
    ops,
    random,
    scopes,
    session,
    symbols,
    train,
    variables,
)
from jitgrad.compat.tensorflow.v1.config import *  # noqa: F403
from jitgrad.compat.tensorflow.v1.control import cond
from jitgrad.compat.tensorflow.v1.graph import *  # noqa: F403
from jitgrad.compat.tensorflow.v1.initializers import constant as constant_initializer
from jitgrad.compat.tensorflow.v1.initializers import glorot_normal as glorot_normal_initializer
from jitgrad.compat.tensorflow.v1.initializers import glorot_uniform as glorot_uniform_initializer
from jitgrad.compat.tensorflow.v1.initializers import ones as ones_initializer
from jitgrad.compat.tensorflow.v1.initializers import random_normal as random_normal_initializer
from jitgrad.compat.tensorflow.v1.initializers import random_uniform as random_uniform_initializer
from jitgrad.compat.tensorflow.v1.initializers import truncated_normal as truncated_normal_initializer
from jitgrad.compat.tensorflow.v1.initializers import variance_scaling as variance_scaling_initializer
from jitgrad.compat.tensorflow.v1.initializers import zeros as zeros_initializer
from jitgrad.compat.tensorflow.v1.older import *  # noqa: F403
from jitgrad.compat.tensorflow.v1.ops import *  # noqa: F403
from jitgrad.compat.tensorflow.v1.random import (
    multinomial,
    random_normal,
    random_shuffle,
    random_uniform,
    set_random_seed,
    truncated_normal,
)
from jitgrad.compat.tensorflow.v1.scopes import *  # noqa: F403
from jitgrad.compat.tensorflow.v1.session import *  # noqa: F403
from jitgrad.compat.tensorflow.v1.shape import Dimension, TensorShape
from jitgrad.compat.tensorflow.v1.variables import *  # noqa: F403

for _name, _target in {
    "keras": "jitgrad.compat.keras", "compat": "jitgrad.compat.tensorflow.compat",
    "compat.v1": "jitgrad.compat.tensorflow.v1", "compat.v2": "jitgrad.compat.tensorflow",
}.items():  # fmt: skip
    _modules.alias(f"jitgrad.compat.tensorflow.v1.{_name}", _target)

__version__ = _tf.__version__
_functions = functions.top_level(_tf, math, linalg)
globals().update(_functions)

_GONE = "TensorFlow 2 has not got it either."
_NO_LOGS = "jitgrad writes no event files. Print the values, or plot them with matplotlib."
_REASONS = {
    "summary": _NO_LOGS, "contrib": _GONE, "flags": "Use Python's argparse.",
    "metrics": "Compute them by tf.equal and tf.argmax.",
    "while_loop": "Use a Python loop when the graph is made.",
    "py_func": "Compute it with tf's functions, or outside of the session.",
    "data": "Feed arrays by feed_dict.", "Print": "Fetch the value in sess.run, and print it.",
    "queue": "Feed arrays by feed_dict.", "FIFOQueue": "Feed arrays by feed_dict.",
    "GradientTape": "Use tf.gradients in a graph.", "sparse_placeholder": "jitgrad has no sparse tensors.",
}  # fmt: skip
__all__ = [
    *_functions, *config.__all__, *dtypes.__all__, *graph.__all__, *older.__all__, *ops.__all__, *scopes.__all__,
    *session.__all__, *variables.__all__, "Dimension", "TensorShape", "cond", "constant_initializer", "dtypes", "errors",
    "glorot_normal_initializer", "glorot_uniform_initializer", "initializers", "layers", "linalg", "losses", "math",
    "multinomial", "nn", "ones_initializer", "random", "random_normal", "random_normal_initializer", "random_shuffle",
    "random_uniform", "random_uniform_initializer", "set_random_seed", "train", "truncated_normal",
    "truncated_normal_initializer", "variance_scaling_initializer", "zeros_initializer",
]  # fmt: skip
_refuse = missing("tensorflow.v1", __all__, _REASONS)


def __getattr__(name: str) -> object:
    """Import Keras on first use; reject other names."""
    if name in ("keras", "compat"):
        return getattr(_tf, name)
    return _refuse(name)


del symbols
