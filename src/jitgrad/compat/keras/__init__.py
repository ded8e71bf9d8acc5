"""Keras's names: ``from jitgrad.compat import keras``, which is ``jitgrad.compat.tensorflow.keras``, too."""
