"""TensorFlow, Keras and PyTorch under their own names, run by jitgrad.

Each package maps names, defaults and printed forms to jitgrad. It computes nothing, and the rest of jitgrad does not import
it. Use ``import jitgrad.compat.tensorflow as tf``, or ``jitgrad run program.py``, which redirects the imports of an unchanged
program.
"""

from jitgrad.compat import modules

modules.alias("jitgrad.compat.tensorflow.keras", "jitgrad.compat.keras")
modules.alias("jitgrad.compat.tensorflow.compat.v1.keras", "jitgrad.compat.keras")
modules.alias("jitgrad.compat.tensorflow.compat.v1", "jitgrad.compat.tensorflow.v1")
modules.alias("jitgrad.compat.tensorflow.compat.v2", "jitgrad.compat.tensorflow")
