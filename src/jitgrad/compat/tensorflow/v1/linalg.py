"""``tf.linalg`` of TensorFlow 1."""

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow import linalg
from jitgrad.compat.tensorflow.v1.functions import all_in_graph

_functions = all_in_graph(linalg, linalg.__all__)
globals().update(_functions)
__all__ = list(_functions)
__getattr__ = missing("tensorflow.v1.linalg", __all__)
del linalg, missing, all_in_graph
