"""Keras's activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.compat.keras.border import as_plain, bordered, is_plain, wrap
from jitgrad.compat.keras.configs import custom_objects, deserialized
from jitgrad.compat.modules import missing
from jitgrad.errors import ArgumentError, near_name
from jitgrad.layers import ReLU
from jitgrad.layers import activations as library
from jitgrad.tape.protocol import deferred_in

_OF_LIBRARY: dict[Any, str] = {}
"""Return jitgrad's name for a function of this module."""


def _function(name: str) -> Callable[..., Any]:
    """Wrap an activation of the library so that it accepts and returns TensorFlow's tensors."""
    plain = library.ACTIVATIONS[name]

    def function(x: Any, *args: Any, **kwargs: Any) -> Any:
        found = deferred_in((x,))
        if found is not None:
            return found.defer(function, (x, *args), kwargs)
        if is_plain(x):
            return plain(x, *args, **kwargs)
        return wrap(plain(as_plain(x), *args, **kwargs))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = plain.__doc__
    _OF_LIBRARY[function] = name
    return function


linear = _function("linear")
sigmoid = _function("sigmoid")
tanh = _function("tanh")
softplus = _function("softplus")
_relu = _function("relu")


def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """Return ``min(x, max_value)`` from ``threshold`` on, and ``negative_slope * (x - threshold)`` below it."""
    if negative_slope == 0 and max_value is None and threshold == 0:
        return _relu(x)
    return wrap(ReLU(max_value, negative_slope, threshold)(as_plain(x)))


_OF_LIBRARY[relu] = "relu"
leaky_relu = _function("leaky_relu")
elu = _function("elu")
selu = _function("selu")
gelu = _function("gelu")
silu = swish = _function("silu")
mish = _function("mish")
softmax = _function("softmax")
log_softmax = _function("log_softmax")
exponential = _function("exponential")
celu = _function("celu")
glu = _function("glu")
hard_shrink = _function("hard_shrink")
hard_sigmoid = _function("hard_sigmoid")
hard_silu = hard_swish = _function("hard_silu")
hard_tanh = _function("hard_tanh")
log_sigmoid = _function("log_sigmoid")
relu6 = _function("relu6")
soft_shrink = _function("soft_shrink")
softsign = _function("softsign")
sparse_plus = _function("sparse_plus")
sparse_sigmoid = _function("sparse_sigmoid")
squareplus = _function("squareplus")
tanh_shrink = _function("tanh_shrink")

_NAMES = [name for name, value in list(globals().items()) if name[0] != "_" and callable(value) and value in _OF_LIBRARY]


def name_of(activation: Any) -> str | None:
    """Return the library's name for one of its activations, or None for any other function."""
    if isinstance(activation, str):
        return activation if activation in library.ACTIVATIONS else None
    if activation in _OF_LIBRARY:
        return _OF_LIBRARY[activation]
    module, name = getattr(activation, "__module__", ""), getattr(activation, "__name__", "")
    return name if str(module).startswith("jitgrad.") and name in library.ACTIVATIONS else None


def get(identifier: Any) -> Any:
    """Return an activation by name; functions are returned unchanged, and None means linear."""
    if identifier is None:
        return linear
    if isinstance(identifier, dict):
        return deserialized(identifier)
    if callable(identifier):
        return identifier
    found = custom_objects().get(identifier) or (globals().get(identifier) if identifier in _NAMES else None)
    if found is None:
        near = near_name(str(identifier), _NAMES)
        raise ArgumentError(
            f"Could not interpret activation function identifier: {identifier!r}.{near} Use one of {', '.join(_NAMES)}, "
            f"or a function."
        )
    return found


def plain(identifier: Any) -> Any:
    """Return the library's own activation if there is one."""
    found = get(identifier)
    name = name_of(found)
    if name is not None:
        return library.ACTIVATIONS[name]
    return found if hasattr(found, "built_for") or hasattr(found, "bordered") else bordered(found)


def serialize(activation: Any) -> Any:
    """Return the name of an activation."""
    return name_of(activation) or getattr(activation, "__name__", None)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """Return the activation with the given name."""
    return get(config)


__all__ = ["deserialize", "get", "serialize", *_NAMES]
__getattr__ = missing("keras.activations", __all__)
