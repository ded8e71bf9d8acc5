"""TensorFlow's names: ``import jitgrad.compat.tensorflow as tf``."""
