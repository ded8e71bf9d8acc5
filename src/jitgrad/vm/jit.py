"""The only use of Numba, which compiles users' functions: its options, and kernels of such functions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numba
from numba import types
from numba.core import config as _config
from numba.core.ccallback import CFunc
from numba.core.codegen import JITCPUCodegen
from numba.core.compiler_lock import global_compiler_lock
from numba.core.errors import TypingError
from numba.core.imputils import impl_ret_borrowed
from numba.core.registry import cpu_target
from numba.extending import intrinsic, overload

from jitgrad.vm import forks
from jitgrad.vm.processor import processor

config: Any = _config  # its names are created at run time


def _njit(function: Callable[..., Any], **options: Any) -> Any:
    """Apply Numba's njit, ignoring ``NUMBA_DISABLE_JIT``, which is meant for the user's functions."""
    disabled, config.DISABLE_JIT = config.DISABLE_JIT, 0
    try:
        return numba.njit(**options)(function)
    finally:
        config.DISABLE_JIT = disabled


def generic(function: Callable[..., Any]) -> Any:
    """Compile a function for calls from compiled code, without nnan and ninf, which would remove checks for nan and inf."""
    options: Any = {"error_model": "numpy", "forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return _njit(function, fastmath={"contract"}, **options)


@functools.cache
def _codegen() -> JITCPUCodegen:
    """Return our instance of Numba's code generator. The user's may target another processor or not optimize."""
    return JITCPUCodegen("jitgrad")


@contextmanager
def _our_settings() -> Iterator[None]:
    """Set our processor and Numba's defaults, whatever ``NUMBA_`` variables the user has set."""
    with global_compiler_lock:
        config.reload_config()  # otherwise the compiler, which also calls it, would reset our settings
        context = cpu_target.target_context
        users, codegen = {name: value for name, value in vars(config).items() if name.isupper()}, context._internal_codegen
        try:
            config._env_reloader.process_environ({"NUMBA_NUM_THREADS": str(config.NUMBA_NUM_THREADS)})
            config.CPU_NAME, config.CPU_FEATURES = processor().name, processor().flags()
            context._internal_codegen = _codegen()
            yield
        finally:
            context._internal_codegen = codegen
            vars(config).update(users)


def kernel_signature(dtype: Any) -> Any:
    """Return the signature of a kernel for the instruction ``call``: ``kernel(arena, table, t, d, s)``."""
    number = numba.uint64
    return types.void(types.CPointer(dtype), types.CPointer(number), number, number, number)


def compiled_kernel(function: Callable[..., Any], dtype: str) -> Any:
    """Compile a kernel for float32 or float64. Its ``address`` is valid while it is referenced."""
    # No fastmath: it would also apply to the functions that are called, which have their own options.
    signature = kernel_signature(getattr(numba, dtype))
    compiled: Any = CFunc(function, (signature.args, signature.return_type), {}, {"error_model": "numpy"})
    with forks.loading, _our_settings():
        compiled.compile()
    return compiled


@intrinsic
def beyond(context, pointer, n):  # type: ignore[no-untyped-def]
    """Return the pointer ``n`` elements later."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.gep(arguments[0], [arguments[1]])

    return pointer(pointer, numba.uint64), generate


@intrinsic
def readonly(context, array):  # type: ignore[no-untyped-def]
    """Return a read-only view; code that writes to it does not compile."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return impl_ret_borrowed(context, builder, signature.return_type, arguments[0])

    return array.copy(readonly=True)(array), generate


def exactly(ndims: tuple[int, ...], advice: str) -> Any:
    """Return a compiled function that checks for a tuple of arrays of ``ndims`` axes, or a single array if there is one.

    Other values do not compile.
    """

    def checked(values):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    @overload(checked)
    def _typed(values):  # type: ignore[no-untyped-def]
        given: Any = values if isinstance(values, types.BaseTuple) else (values,)
        found = tuple(getattr(value, "ndim", 0) for value in tuple(given))
        if found != ndims:
            raise TypingError(f"it returns values with {found} axes instead of {ndims}; {advice}")
        if isinstance(values, types.BaseTuple):
            return lambda values: values
        return lambda values: (values,)

    return generic(lambda values: checked(values))  # type: ignore[no-untyped-call]
