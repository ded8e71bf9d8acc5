"""``tf.version``: the version of TensorFlow whose names and printed forms are used."""

from jitgrad.compat.modules import missing

VERSION = "2.21.0"
GIT_VERSION = "jitgrad"
COMPILER_VERSION = "llvmlite"
__all__ = ["COMPILER_VERSION", "GIT_VERSION", "VERSION"]
__getattr__ = missing("tensorflow.version", __all__)
