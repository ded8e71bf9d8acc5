"""The one place for Numba: every njit option, and compiling a function to machine code that later processes can load."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core import config as _config
from numba.core.ccallback import CFunc
from numba.core.codegen import JITCPUCodegen
from numba.core.compiler_lock import global_compiler_lock
from numba.core.errors import TypingError
from numba.core.imputils import impl_ret_borrowed
from numba.core.registry import cpu_target
from numba.extending import intrinsic, overload

from jitgrad.vm import forks
from jitgrad.vm.cache import ObjectCode
from jitgrad.vm.processor import processor
from jitgrad.vm.whole import Codegen, uncalled

config: Any = _config  # its names are made at run time
# nnan and ninf are never set: they would let LLVM delete the handling of nan and inf.
_ELEMENTWISE = {"contract"}
_REDUCTION = {"contract", "reassoc"}
# For functions that only compiled code calls: Python's ways in would take a third of the time of compiling.
_INTERNAL: Any = {"error_model": "numpy", "forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
# Numba's rewriting, of array expressions and of branches on what is known while compiling, takes a twentieth.
_PLAIN: Any = _INTERNAL | {"no_rewrites": True}


def _njit(function: Callable[..., Any], **options: Any) -> Any:
    """Numba's njit, which ``NUMBA_DISABLE_JIT`` does not turn off: it is for the user's functions."""
    disabled, config.DISABLE_JIT = config.DISABLE_JIT, 0
    try:
        return numba.njit(**options)(function)
    finally:
        config.DISABLE_JIT = disabled


def inline(function: Callable[..., Any]) -> Any:
    """Compile for callers in compiled code, elementwise arithmetic: a product and a sum may become one FMA."""
    return _njit(function, fastmath=_ELEMENTWISE, **_PLAIN)


def rounded(function: Callable[..., Any]) -> Any:
    """As ``inline``, but every operation is rounded by itself: no FMA. Its callers must be so, too."""
    return _njit(function, **_PLAIN)


def noinline(function: Callable[..., Any]) -> Any:
    """As ``inline``, for large functions with several callers: their code is there once."""
    return _njit(function, fastmath=_ELEMENTWISE, **(_PLAIN | {"forceinline": False}))


def reduction(function: Callable[..., Any]) -> Any:
    """Compile for callers in compiled code, a reduction: the order of its additions is free, so that it vectorises."""
    return _njit(function, fastmath=_REDUCTION, **_PLAIN)


def generic(function: Callable[..., Any]) -> Any:
    """As ``inline``, for functions whose branches on numbers of axes and the like must be gone before types are inferred."""
    return _njit(function, fastmath=_ELEMENTWISE, **_INTERNAL)


def by_dtype(single: Any, double: Any) -> Any:
    """A function of numbers in compiled code: ``single`` for float32, ``double`` for float64."""

    def function(*numbers):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    options: Any = _PLAIN | {"fastmath": _ELEMENTWISE}

    @overload(function, jit_options=options)
    def _typed(*numbers):  # type: ignore[no-untyped-def]
        if numbers[0] == numba.float32:
            return lambda *numbers: single(*numbers)
        return lambda *numbers: double(*numbers)

    return function


@intrinsic
def like(context, x, value):  # type: ignore[no-untyped-def]
    """A number in the type of another one."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return context.cast(builder, arguments[1], signature.args[1], signature.return_type)

    return x(x, value), generate


@intrinsic
def bits(context, x):  # type: ignore[no-untyped-def]
    """The bits of a float as a signed integer of its width."""
    width = x.bitwidth

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.bitcast(arguments[0], ir.IntType(width))

    return getattr(numba, f"int{width}")(x), generate


@intrinsic
def from_bits(context, i):  # type: ignore[no-untyped-def]
    """The float of these bits."""
    made = getattr(numba, f"float{i.bitwidth}")

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.bitcast(arguments[0], context.get_value_type(made))

    return made(i), generate


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without collecting garbage, which takes a twentieth of the time of compiling."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@functools.cache
def _codegen(kind: type[JITCPUCodegen]) -> Any:
    """Numba's part that speaks to LLVM, of our own: the user's may be for another processor, or not optimise."""
    return kind("jitgrad")


@contextmanager
def _our_settings(kind: type[JITCPUCodegen]) -> Iterator[Any]:
    """For our processor, and with Numba's defaults, whatever ``NUMBA_`` variables the user has set: code is kept for later."""
    with global_compiler_lock:
        config.reload_config()  # so that the compiler, which calls it too, finds nothing new
        context = cpu_target.target_context
        users, codegen = {name: value for name, value in vars(config).items() if name.isupper()}, context._internal_codegen
        try:
            config._env_reloader.process_environ({"NUMBA_NUM_THREADS": str(config.NUMBA_NUM_THREADS)})
            config.CPU_NAME, config.CPU_FEATURES = processor().name, processor().flags()
            context._internal_codegen = _codegen(kind)
            yield context._internal_codegen
        finally:
            context._internal_codegen = codegen
            vars(config).update(users)


class Native(NamedTuple):
    """A function that is called by its address: from Python through ctypes, from compiled code by ``call_execute``.

    Attributes:
        function: takes and returns pointers and numbers only.
        signature: from a Numba float type to the types of the arguments and of the result.
    """

    function: Callable[..., Any]
    signature: Callable[[Any], tuple[tuple[Any, ...], Any]]

    def compile_here(self, dtype: str) -> Any:
        """Compile for float32 or float64, for this process; the result has an ``address`` as long as it is kept."""
        compiled = self._compiler(dtype)
        with forks.loading, _our_settings(JITCPUCodegen), _uncollected():
            compiled.compile()
        return compiled

    def compile(self, dtype: str) -> ObjectCode:
        """Compile for float32 or float64, to be kept."""
        compiled = self._compiler(dtype, no_rewrites=True)
        with forks.loading, _our_settings(Codegen) as codegen, uncalled(), _uncollected():
            compiled.compile()
            return ObjectCode(compiled.native_name, *codegen.emit(compiled._library, compiled.native_name))

    def _compiler(self, dtype: str, **options: Any) -> Any:
        # No fastmath: what a function is compiled with holds for all that it calls, too, and those have their own.
        return CFunc(self.function, self.signature(getattr(numba, dtype)), {}, {"error_model": "numpy", **options})


@intrinsic
def _call_address(context, address, vm_context, start, stop):  # type: ignore[no-untyped-def]
    return numba.void(numba.uint64, vm_context, numba.uint64, numba.uint64), _by_address


@inline
def call_function(context, number, start, stop):  # type: ignore[no-untyped-def]
    """Call one of ``context.FUNCTIONS``, which is thus compiled once, and not into every caller."""
    _call_address(context.functions[number], context, start, stop)  # type: ignore[call-arg]


@inline
def call_execute(context, start, stop):  # type: ignore[no-untyped-def]
    """Run the instructions start ≤ i < stop of a context."""
    _call_address(context.functions[0], context, start, stop)  # type: ignore[call-arg]


@intrinsic
def call_kernel(context, address, arena, table, t, d, s):  # type: ignore[no-untyped-def]
    """Call the kernel at ``address``: ``kernel(arena, table, t, d, s)``, see the instruction ``call``."""
    return numba.void(numba.uint64, arena, table, numba.uint64, numba.uint64, numba.uint64), _by_address


def _by_address(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
    """Code that calls the address in the first argument with the others."""
    kinds = [context.get_value_type(t) for t in signature.args[1:]]
    pointer = builder.inttoptr(arguments[0], ir.FunctionType(ir.VoidType(), kinds).as_pointer())
    builder.call(pointer, arguments[1:])
    return context.get_dummy_value()


@intrinsic
def is_null(context, pointer):  # type: ignore[no-untyped-def]
    """Whether a pointer points nowhere."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return cgutils.is_null(builder, arguments[0])

    return numba.boolean(pointer), generate


@intrinsic
def beyond(context, pointer, n):  # type: ignore[no-untyped-def]
    """The pointer ``n`` elements on."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.gep(arguments[0], [arguments[1]])

    return pointer(pointer, numba.uint64), generate


def kernel_signature(dtype: Any) -> tuple[tuple[Any, ...], Any]:
    """That of a kernel for the instruction ``call``: ``kernel(arena, table, t, d, s)``."""
    number = numba.uint64
    return (types.CPointer(dtype), types.CPointer(number), number, number, number), types.void


@intrinsic
def readonly(context, array):  # type: ignore[no-untyped-def]
    """The same array, but to write to it does not compile."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return impl_ret_borrowed(context, builder, signature.return_type, arguments[0])

    return array.copy(readonly=True)(array), generate


def exactly(ndims: tuple[int, ...], advice: str) -> Any:
    """A function in compiled code of a tuple of arrays of ``ndims`` axes, which it returns; of one, it may stand alone.

    What does not fit does not compile.
    """

    def checked(values):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    @overload(checked)
    def _typed(values):  # type: ignore[no-untyped-def]
        given: Any = values if isinstance(values, types.BaseTuple) else (values,)
        found = tuple(getattr(value, "ndim", 0) for value in tuple(given))
        if found != ndims:
            raise TypingError(f"it returns values of {found} axes, where {ndims} are wanted; {advice}")
        if isinstance(values, types.BaseTuple):
            return lambda values: values
        return lambda values: (values,)

    return generic(lambda values: checked(values))  # type: ignore[no-untyped-call]
