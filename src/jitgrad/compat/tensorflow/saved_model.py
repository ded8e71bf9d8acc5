"""``tf.saved_model`` is not available, because it saves graphs, and jitgrad's functions are Python functions."""

from jitgrad.compat.modules import missing

_WHY = "A SavedModel is a graph of TensorFlow's. Save weights by tf.train.Checkpoint, Keras models by model.save(path)."
__all__: list[str] = []
__getattr__ = missing(
    "tensorflow.saved_model", ["save", "load"], dict.fromkeys(["save", "load", "SaveOptions", "LoadOptions"], _WHY)
)
