"""PyTorch's tensors by jitgrad: ``import jitgrad.compat.torch as torch``."""

from jitgrad.compat.modules import missing
from jitgrad.compat.torch import operators, views  # noqa: F401  (they put methods on Tensor)
from jitgrad.compat.torch.creation import (
    arange,
    as_tensor,
    empty,
    empty_like,
    eye,
    from_numpy,
    full,
    full_like,
    linspace,
    logspace,
    ones,
    ones_like,
    tensor,
    zeros,
    zeros_like,
)
from jitgrad.compat.torch.dtypes import bool_ as bool
from jitgrad.compat.torch.dtypes import (
    dtype,
    float32,
    float64,
    get_default_dtype,
    int8,
    int16,
    int32,
    int64,
    promote_types,
    set_default_dtype,
    uint8,
)
from jitgrad.compat.torch.dtypes import float32 as float
from jitgrad.compat.torch.dtypes import float64 as double
from jitgrad.compat.torch.dtypes import int16 as short
from jitgrad.compat.torch.dtypes import int32 as int
from jitgrad.compat.torch.dtypes import int64 as long
from jitgrad.compat.torch.grad_mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from jitgrad.compat.torch.random import (
    Generator,
    initial_seed,
    manual_seed,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    seed,
)
from jitgrad.compat.torch.tensor import Size, Tensor

__all__ = [
    "Generator",
    "Size",
    "Tensor",
    "arange",
    "as_tensor",
    "bool",
    "double",
    "dtype",
    "empty",
    "empty_like",
    "enable_grad",
    "eye",
    "float",
    "float32",
    "float64",
    "from_numpy",
    "full",
    "full_like",
    "get_default_dtype",
    "inference_mode",
    "initial_seed",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "is_grad_enabled",
    "linspace",
    "logspace",
    "long",
    "manual_seed",
    "no_grad",
    "ones",
    "ones_like",
    "promote_types",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "randperm",
    "seed",
    "set_default_dtype",
    "set_grad_enabled",
    "short",
    "tensor",
    "uint8",
    "zeros",
    "zeros_like",
]
__getattr__ = missing("torch", __all__)
