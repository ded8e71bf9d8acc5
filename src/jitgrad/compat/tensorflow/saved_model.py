"""``tf.saved_model``, which is not supported: it stores graphs, and Python functions are not graphs."""

from jitgrad.compat.modules import missing

_WHY = "A SavedModel is a graph of TensorFlow's. Save weights by tf.train.Checkpoint, Keras models by model.save(path)."
__all__: list[str] = []
__getattr__ = missing(
    "tensorflow.saved_model", ["save", "load"], dict.fromkeys(["save", "load", "SaveOptions", "LoadOptions"], _WHY)
)
