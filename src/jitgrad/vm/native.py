"""The compiled functions, ready to call: loaded from the cache, or compiled first, with a notice on stderr.

Loading needs llvmlite alone. Numba, which takes long to import, comes in only where something must be compiled.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import sys
import time
from typing import Any, NamedTuple

import numpy as np
from llvmlite import binding

from jitgrad.vm import cache, forks
from jitgrad.vm.cache import Kept, ObjectCode
from jitgrad.vm.processor import processor

DTYPES = ("float32", "float64")

_POINTER = ctypes.c_void_p
_NUMBER = ctypes.c_uint64


class _Form(NamedTuple):
    """What a native function is, where it is defined, and how ctypes calls it."""

    what: str
    compiles_in: str
    module: str
    arguments: tuple[Any, ...]
    result: Any
    dtypes: tuple[str, ...] = DTYPES


_LAPACK, _COFACTOR, _DECOMPOSITIONS = (f"jitgrad.vm.kernels.{name}" for name in ("lapack", "cofactor", "decompositions"))
_FORMS = {
    "execute": _Form("the interpreter", "about fifteen seconds", "jitgrad.vm.interpreter", (_POINTER,) + (_NUMBER,) * 2, None),
    **{
        name: _Form(what, "a second", "jitgrad.vm.interpreter", (_POINTER,) + (_NUMBER,) * 2, None)
        for name, what in (
            ("rare", "rare kernels"),
            ("random_numbers", "random numbers"),
            ("special_functions", "special functions"),
        )
    },
    "train": _Form("the training loop", "a second", "jitgrad.vm.train", (_POINTER,) * 3 + (_NUMBER,) * 2, _NUMBER),
    "least_squares": _Form(
        "least squares",
        "about ten seconds",
        "jitgrad.vm.least_squares.solve",
        (_POINTER,) * 2 + (_NUMBER,) * 2,
        _NUMBER,
        ("float64",),
    ),
    "flush": _Form("the mode for subnormal numbers", "a second", "jitgrad.vm.kernels.flush", (_NUMBER,), _NUMBER, ("float64",)),
    "assist": _Form("the helpers' loop", "a second", "jitgrad.vm.kernels.tasks", (_POINTER, _NUMBER), None),
    **{
        name: _Form(what, "a second", module, (_POINTER,) * 2 + (_NUMBER,) * 3, None)
        for name, what, module in (
            ("solve", "the solver", _LAPACK),
            ("determinant", "the determinant", _LAPACK),
            ("cholesky", "Cholesky's factor", _LAPACK),
            ("cofactor", "cofactors", _COFACTOR),
            ("eigh", "eigenvalues", _DECOMPOSITIONS),
            ("svd", "singular values", _DECOMPOSITIONS),
            ("qr", "the QR decomposition", _DECOMPOSITIONS),
        )
    },
}


def names(dtype: str) -> list[str]:
    """Of all native functions for a float dtype."""
    return [name for name, form in _FORMS.items() if dtype in form.dtypes]


def find(name: str, dtype: str) -> Kept | None:
    """The compiled code that is kept of a native function."""
    return cache.find(f"{name}-{dtype}")


class Function:
    """A native function.

    Attributes:
        address: where its code starts, in this process.
        call: calls it with addresses and numbers; the GIL is released while it runs.
    """

    def __init__(self, compiled: ObjectCode, form: _Form) -> None:
        self._engine = _engine()
        _provide(compiled.declared)
        self._engine.add_object_file(binding.ObjectFileRef.from_data(compiled.code))
        self._engine.finalize_object()
        self.address = self._engine.get_function_address(compiled.symbol)
        self.call = ctypes.CFUNCTYPE(form.result, *form.arguments)(self.address)


_loaded: dict[tuple[str, np.dtype[Any]], Function] = {}


def load(name: str, dtype: np.dtype[Any]) -> Function:
    """The native function ``name`` for a float dtype."""
    found = _loaded.get((name, dtype))
    if found is None:
        with forks.loading:
            if (name, dtype) not in _loaded:
                _loaded[name, dtype] = _load(name, str(dtype))
            found = _loaded[name, dtype]
    return found


def _load(name: str, dtype: str) -> Function:
    if _FORMS[name].module in (_LAPACK, _COFACTOR, _DECOMPOSITIONS):
        _provide_lapack()
    kept = find(name, dtype)
    if kept is not None:
        return Function(kept.compiled, _FORMS[name])
    file = f"{name}-{dtype}"
    with cache.alone(file, f"jitgrad: waiting for another process, which compiles {_FORMS[name].what} for {dtype}"):
        kept = find(name, dtype)  # it may have come meanwhile
        if kept is not None:
            return Function(kept.compiled, _FORMS[name])
        compiled = _compiled(name, dtype)
        cache.write(file, compiled)
    return Function(compiled, _FORMS[name])


def _compiled(name: str, dtype: str) -> ObjectCode:
    form = _FORMS[name]
    print(
        f"jitgrad: compiling {form.what} for {dtype}, once per machine; this takes {form.compiles_in} "
        f"(`jitgrad warmup` does it ahead of time)",
        file=sys.stderr, flush=True,
    )  # fmt: skip
    started = time.perf_counter()
    native = getattr(importlib.import_module(form.module), name)
    compiled: ObjectCode = native.compile(dtype)
    seconds = time.perf_counter() - started
    print(f"jitgrad: compiled {form.what} for {dtype} in {seconds:.1f} s", file=sys.stderr, flush=True)
    return compiled


def _engine() -> Any:
    """LLVM's execution engine for the processor."""
    _start_llvm()
    name, flags = processor().name, processor().flags()
    machine = binding.Target.from_default_triple().create_target_machine(cpu=name, features=flags, jit=True)
    module = binding.parse_assembly("")
    return binding.create_mcjit_compiler(module, machine)


# What compiled code may call: C's mathematics, of double and of float, memory, and the scheduler.
_MATHEMATICS = """
    acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs floor fma fmax fmin fmod
    frexp hypot ldexp lgamma log log10 log1p log2 logb modf nearbyint nextafter pow remainder rint round scalbn sin sincos
    sinh sqrt tan tanh tgamma trunc
"""
_SYSTEM = "memcmp memcpy memmove memset sched_yield"


@functools.cache
def _start_llvm() -> None:
    """Start LLVM and tell it where C's functions are, which it does not find by itself."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    mathematics = _MATHEMATICS.split()
    for name in [*mathematics, *[name + "f" for name in mathematics], *_SYSTEM.split()]:
        if hasattr(_C, name):
            binding.add_symbol(name, _address(name))


def _provide(declared: list[str]) -> None:
    """Give every name that code refers to an address: one name without leaves all of them without.

    What is not C's is Numba's: calls that raise exceptions, which no kernel does. They stop the process.
    """
    for name in declared:
        if not name.startswith("llvm.") and binding.address_of_symbol(name) is None:
            binding.add_symbol(name, _address("abort"))


@functools.cache
def _provide_lapack() -> None:
    """Tell LLVM where SciPy has LAPACK's routines, as ``scipy_dgetrf`` and so on."""
    from scipy.linalg import cython_lapack

    name_of, pointer_of = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    for routine in ("getrf", "getrs", "potrf", "syevd", "gesdd", "geqrf", "orgqr"):
        for letter in "sd":
            capsule = cython_lapack.__pyx_capi__[letter + routine]
            binding.add_symbol(f"scipy_{letter}{routine}", pointer_of(capsule, name_of(capsule)))


_C = ctypes.CDLL(None)


def _address(name: str) -> int | None:
    return ctypes.cast(getattr(_C, name), ctypes.c_void_p).value
