"""Addresses of external names in compiled code, for LLVM: functions of C and of SciPy."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

from llvmlite import binding

from jitgrad.errors import ProgramError

# The functions that compiled code may call: C's math functions for double and float, memory functions, and the scheduler.
_MATHEMATICS = """
    acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs floor fma fmax fmin fmod
    frexp hypot ldexp lgamma log log10 log1p log2 logb modf nearbyint nextafter pow remainder rint round scalbn sin sincos
    sinh sqrt tan tanh tgamma trunc
"""
_SYSTEM = "memcmp memcpy memmove memset sched_yield"


@functools.cache
def start_llvm() -> None:
    """Start LLVM and register the functions of C that it does not find by itself."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    mathematics = _MATHEMATICS.split()
    for name in [*mathematics, *[name + "f" for name in mathematics], *_SYSTEM.split()]:
        if hasattr(_C, name):
            binding.add_symbol(name, _address(name))


def check(declared: list[str]) -> None:
    """Raise ProgramError if code refers to a name without an address. LLVM would leave all symbols unresolved."""
    for name in declared:
        if not name.startswith("llvm.") and binding.address_of_symbol(name) is None:
            raise ProgramError(
                f"Compiled code calls {name}, which has no address in this process. Add it to jitgrad.vm.symbols, "
                f"or delete the cached code of another version (`jitgrad doctor` prints its folder)."
            )


_LAPACK = [letter + name for name in ("getrf", "getrs", "potrf", "syevd", "gesdd", "geqrf", "orgqr") for letter in "sd"]
# Of the variants of a function, for complex numbers or float, select the one for double.
_SPECIAL = {
    name: f"__pyx_fuse_{form}{name}" if form else name
    for form, names in {
        "": "erfcinv ndtri j0 j1 y0 y1 i0 i1 i0e i1e k0 k1 k0e k1e beta betaln gammainc gammaincc wofz",
        "0": "erfinv betainc betaincc",
        "1": "gamma log_ndtr jv yv iv ive kv kve",
    }.items()
    for name in names.split()
}


@functools.cache
def provide(what: str) -> None:
    """Register SciPy's "lapack" or "special" functions with LLVM, as ``scipy_dgetrf`` and so on."""
    if what == "lapack":
        from scipy.linalg import cython_lapack

        _provide(cython_lapack, dict(zip(_LAPACK, _LAPACK, strict=True)))
    if what == "special":
        from scipy.special import cython_special

        _provide(cython_special, _SPECIAL)


def _provide(module: Any, names: dict[str, str]) -> None:
    name_of, pointer_of = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    for name, exported in names.items():
        capsule = module.__pyx_capi__[exported]
        binding.add_symbol(f"scipy_{name}", pointer_of(capsule, name_of(capsule)))


_C = ctypes.CDLL(None)


def _address(name: str) -> int | None:
    return ctypes.cast(getattr(_C, name), ctypes.c_void_p).value
