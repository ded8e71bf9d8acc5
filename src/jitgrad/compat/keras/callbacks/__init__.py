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
    "TensorBoard": "TensorBoard is not available. Use CSVLogger, or plot the History that fit returns.",
    "RemoteMonitor": "Sending over the network is not supported. Use a custom callback.",
}
__getattr__ = missing("keras.callbacks", __all__, _REASONS)
