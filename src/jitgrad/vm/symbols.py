"""Where in this process the names are that compiled code refers to, for LLVM to know: C's functions and SciPy's LAPACK."""

from __future__ import annotations

import ctypes
import functools

from llvmlite import binding

from jitgrad.errors import ProgramError

# What compiled code may call: C's mathematics, of double and of float, memory, and the scheduler.
_MATHEMATICS = """
    acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs floor fma fmax fmin fmod
    frexp hypot ldexp lgamma log log10 log1p log2 logb modf nearbyint nextafter pow remainder rint round scalbn sin sincos
    sinh sqrt tan tanh tgamma trunc
"""
_SYSTEM = "memcmp memcpy memmove memset sched_yield"


@functools.cache
def start_llvm() -> None:
    """Start LLVM and tell it where C's functions are, which it does not find by itself."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    mathematics = _MATHEMATICS.split()
    for name in [*mathematics, *[name + "f" for name in mathematics], *_SYSTEM.split()]:
        if hasattr(_C, name):
            binding.add_symbol(name, _address(name))


def check(declared: list[str]) -> None:
    """Raise ProgramError for a name that code refers to and that has no address: LLVM would leave all of them without."""
    for name in declared:
        if not name.startswith("llvm.") and binding.address_of_symbol(name) is None:
            raise ProgramError(
                f"Compiled code calls {name}, which is not known in this process. Add it to jitgrad.vm.symbols, "
                f"or remove what is kept of compiled code (`jitgrad doctor` says where) if it is from another version."
            )


@functools.cache
def provide_lapack() -> None:
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
