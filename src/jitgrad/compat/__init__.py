"""The programs people already have: TensorFlow, Keras and PyTorch by their own names, run by jitgrad.

Each package below maps names, defaults and printing onto the library: it holds no mathematics, and nothing in the library
imports it. ``import jitgrad.compat.tensorflow as tf`` is one way in; ``jitgrad run program.py`` lets a program's own imports
mean these packages.
"""

from jitgrad.compat import modules

modules.alias("jitgrad.compat.tensorflow.keras", "jitgrad.compat.keras")
modules.alias("jitgrad.compat.tensorflow.compat.v1.keras", "jitgrad.compat.keras")
modules.alias("jitgrad.compat.tensorflow.compat.v1", "jitgrad.compat.tensorflow.v1")
modules.alias("jitgrad.compat.tensorflow.compat.v2", "jitgrad.compat.tensorflow")
