"""``tf.math`` of TensorFlow 1."""

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow import math
from jitgrad.compat.tensorflow.v1.functions import all_in_graph

_functions = all_in_graph(math, math.__all__)
globals().update(_functions)
__all__ = list(_functions)
__getattr__ = missing("tensorflow.v1.math", __all__)
del math, missing, all_in_graph
