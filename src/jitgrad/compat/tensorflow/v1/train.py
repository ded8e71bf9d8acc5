"""``tf.train`` of TensorFlow 1."""

from jitgrad.compat.modules import missing
from jitgrad.compat.tensorflow.v1.decays import (
    exponential_decay,
    inverse_time_decay,
    natural_exp_decay,
    piecewise_constant,
    polynomial_decay,
)
from jitgrad.compat.tensorflow.v1.saver import Saver, latest_checkpoint
from jitgrad.compat.tensorflow.v1.training import (
    AdadeltaOptimizer,
    AdagradOptimizer,
    AdamOptimizer,
    GradientDescentOptimizer,
    MomentumOptimizer,
    Optimizer,
    RMSPropOptimizer,
    create_global_step,
    get_global_step,
    get_or_create_global_step,
    global_step,
)

_SESSIONS = "Make a tf.Session, and save with tf.train.Saver where you want to."
__all__ = [
    "AdadeltaOptimizer", "AdagradOptimizer", "AdamOptimizer", "GradientDescentOptimizer", "MomentumOptimizer", "Optimizer",
    "RMSPropOptimizer", "Saver", "create_global_step", "exponential_decay", "get_global_step", "get_or_create_global_step",
    "global_step", "inverse_time_decay", "latest_checkpoint", "natural_exp_decay", "piecewise_constant", "polynomial_decay",
]  # fmt: skip
__getattr__ = missing(
    "tensorflow.v1.train", __all__,
    dict.fromkeys(["MonitoredTrainingSession", "SessionRunHook", "Supervisor", "Coordinator", "start_queue_runners"], _SESSIONS)
    | {"ExponentialMovingAverage": "Store the average in another Variable with tf.assign."},
)  # fmt: skip
