"""Keras's callbacks."""

from jitgrad.compat.keras.callbacks.callback import Callback, History
from jitgrad.compat.keras.callbacks.monitors import (
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from jitgrad.compat.modules import missing

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
_REASONS = {
    "TensorBoard": "There is no TensorBoard here. Use CSVLogger, or draw the History that fit returns.",
    "RemoteMonitor": "Nothing is sent over the network. Use a callback of your own.",
}
__getattr__ = missing("keras.callbacks", __all__, _REASONS)
