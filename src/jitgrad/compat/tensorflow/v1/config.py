"""Logging, and options without effect: for devices and for switching between TensorFlow versions."""

from __future__ import annotations

import logging as _logging
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from jitgrad.compat.modules import MissingNameError
from jitgrad.errors import OptionError, UnsupportedError, near_name


class _Options:
    """Options by name, which are stored and have no effect."""

    _names: tuple[str, ...] = ()

    def __init__(self, **options: Any) -> None:
        for name, value in options.items():
            setattr(self, name, value)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._names:
            advice = near_name(name, self._names).strip() or "Leave it out: options of devices change nothing here."
            raise OptionError(f"{type(self).__name__} has no option {name!r}. {advice}")
        super().__setattr__(name, value)


class GPUOptions(_Options):
    """Options of graphics processors, which are not used."""

    _names = ("allow_growth", "allocator_type", "per_process_gpu_memory_fraction", "visible_device_list")


class ConfigProto(_Options):
    """Options of a session."""

    _names = (
        "allow_soft_placement", "device_count", "gpu_options", "graph_options", "inter_op_parallelism_threads",
        "intra_op_parallelism_threads", "log_device_placement", "operation_timeout_in_ms", "use_per_session_threads",
    )  # fmt: skip

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"gpu_options": GPUOptions()} | options)


def _as_it_is(what: str) -> Callable[[], None]:
    def function() -> None:
        return None

    function.__name__ = function.__qualname__ = what
    function.__doc__ = "Nothing: that is how it is here."
    return function


disable_v2_behavior = _as_it_is("disable_v2_behavior")
disable_eager_execution = _as_it_is("disable_eager_execution")
disable_v2_tensorshape = _as_it_is("disable_v2_tensorshape")
disable_tensor_equality = _as_it_is("disable_tensor_equality")
disable_resource_variables = _as_it_is("disable_resource_variables")
disable_control_flow_v2 = _as_it_is("disable_control_flow_v2")


def enable_eager_execution(config: Any = None, device_policy: Any = None, execution_mode: Any = None) -> NoReturn:
    """Raise UnsupportedError: only graphs and sessions are available."""
    raise UnsupportedError(
        "tensorflow.v1 supports only graphs and sessions. "
        "For eager execution import jitgrad.compat.tensorflow, or run the program "
        "without --v1."
    )


def executing_eagerly() -> bool:
    """Return False: calls create a graph."""
    return False


class _Logging:
    """``tf.logging``: Python's logger "tensorflow"."""

    DEBUG, INFO, WARN, ERROR, FATAL = 10, 20, 30, 40, 50

    def __init__(self) -> None:
        logger = self._logger = _logging.getLogger("tensorflow")
        self.debug, self.info, self.warn, self.warning = logger.debug, logger.info, logger.warning, logger.warning
        self.error, self.fatal, self.log = logger.error, logger.critical, logger.log

    def set_verbosity(self, v: int) -> None:
        """Set the lowest level that is logged."""
        self._logger.setLevel(v)

    def get_verbosity(self) -> int:
        """Return the lowest level that is logged."""
        return self._logger.getEffectiveLevel()


logging = _Logging()


class _App:
    """``tf.app``."""

    @staticmethod
    def run(main: Callable[[list[str]], Any] | None = None, argv: list[str] | None = None) -> NoReturn:
        """Call ``main``, by default the program's ``main``, with the command-line arguments, and exit."""
        called = main or sys.modules["__main__"].main
        sys.exit(called(argv or sys.argv))

    def __getattr__(self, name: str) -> NoReturn:
        raise MissingNameError(f"jitgrad does not have tensorflow.v1.app.{name}. Use Python's argparse for options.")


app = _App()

__all__ = [
    "ConfigProto", "GPUOptions", "app", "disable_control_flow_v2", "disable_eager_execution", "disable_resource_variables",
    "disable_tensor_equality", "disable_v2_behavior", "disable_v2_tensorshape", "enable_eager_execution", "executing_eagerly",
    "logging",
]  # fmt: skip
