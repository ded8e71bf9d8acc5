"""Callbacks: actions between the epochs of a model's fit. The names follow Keras.

A fit without callbacks runs all epochs natively. With callbacks it returns to Python after each epoch, which
takes about 0.1 ms, or less often if the callbacks allow it (``Callback.ahead``). If a callback
defines ``on_train_batch_end``, the fit returns after each step.
"""

from jitgrad.callbacks.callback import Callback, LambdaCallback
from jitgrad.callbacks.csv_logger import CSVLogger
from jitgrad.callbacks.learning_rates import LearningRateScheduler, ReduceLROnPlateau
from jitgrad.callbacks.monitor import EarlyStopping
from jitgrad.callbacks.saves import BackupAndRestore, ModelCheckpoint

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ReduceLROnPlateau",
]
