"""TensorFlow's names: ``import jitgrad.compat.tensorflow as tf``."""

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow import constants, dtypes, errors, indexing, operators
from jitgrad.compat.tensorflow.constants import *  # noqa: F403
from jitgrad.compat.tensorflow.dtypes import *  # noqa: F403
from jitgrad.compat.tensorflow.operators import *  # noqa: F403
from jitgrad.compat.tensorflow.scopes import name_scope
from jitgrad.compat.tensorflow.shape import TensorShape
from jitgrad.compat.tensorflow.tensor import Tensor
from jitgrad.compat.tensorflow.tensor import convert as convert_to_tensor
from jitgrad.compat.tensorflow.variable import Variable

__all__ = [
    *constants.__all__, *dtypes.__all__, *operators.__all__,
    "Tensor", "TensorShape", "Variable", "convert_to_tensor", "dtypes", "errors", "name_scope",
]  # fmt: skip
__getattr__ = missing("tensorflow", __all__)
del constants, indexing, operators
