"""The one place for Numba: every njit option, the disk cache and its key, and the notice while something compiles.

Two kinds of functions exist. A ``device`` function is called by compiled code only. An ``Entry`` is called from Python: it
has one fixed signature for each dtype, is compiled once per machine and loaded from the disk cache afterwards.

The cache directory is keyed by a hash of all sources of this package, because Numba itself does not notice an edit in
the file of a callee. Each entry and dtype has a directory of its own, so that two functions are never confused and two
processes that compile at once write the same content by rename.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import event, types
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.ccallback import CFunc
from numba.extending import intrinsic
from numba.misc.appdirs import user_cache_dir

DTYPES = (np.dtype(np.float32), np.dtype(np.float64))

# nnan and ninf are never set: they would let LLVM delete the handling of nan and inf.
_ELEMENTWISE = {"contract"}
_REDUCTION = {"contract", "reassoc"}


def device(function: Callable[..., Any]) -> Any:
    """Compile for callers in compiled code, elementwise arithmetic: a product and a sum may become one FMA."""
    return numba.njit(error_model="numpy", fastmath=_ELEMENTWISE)(function)


def reduction(function: Callable[..., Any]) -> Any:
    """Compile for callers in compiled code, a reduction: the order of its additions is free, so that it vectorises."""
    return numba.njit(error_model="numpy", fastmath=_REDUCTION)(function)


class Entry:
    """A function that Python calls, compiled for each dtype on first use: ``entry[dtype](*arguments)``.

    Args:
        function: the function.
        signature: from a Numba float type to the types of the arguments.
    """

    def __init__(self, function: Callable[..., Any], signature: Callable[[Any], tuple[Any, ...]]) -> None:
        self.function = function
        self.signature = signature
        self._loaded: dict[np.dtype[Any], Any] = {}

    def __getitem__(self, dtype: np.dtype[Any]) -> Any:
        loaded = self._loaded.get(dtype)
        if loaded is None:
            arguments = self.signature(numba.from_dtype(dtype))
            with _notice(f"{self.function.__name__.strip('_')} for {dtype}"):
                loaded = self._loaded[dtype] = self._load(dtype, arguments)
        return loaded

    def _load(self, dtype: np.dtype[Any], arguments: tuple[Any, ...]) -> Any:
        dispatcher = numba.njit(error_model="numpy", fastmath=_ELEMENTWISE, nogil=True)(self.function)
        _use_cache(dispatcher, self.function, dtype)
        dispatcher.compile(arguments)
        dispatcher.disable_compile()
        return dispatcher


class Native(Entry):
    """A function that compiled code calls by its address: ``native[dtype]`` is the address, valid in this process.

    It takes pointers and numbers and returns nothing. Calls by address keep what is compiled once from being compiled into
    every caller.
    """

    def _load(self, dtype: np.dtype[Any], arguments: tuple[Any, ...]) -> int:
        function = CFunc(self.function, (arguments, types.void), {}, {"error_model": "numpy", "fastmath": _ELEMENTWISE})
        _use_cache(function, self.function, dtype)
        function.compile()
        self._kept = [*getattr(self, "_kept", []), function]  # the code lives as long as this object
        return function.address  # type: ignore[return-value]


@intrinsic
def call_native(context, address, code, table, arena, start, stop):  # type: ignore[no-untyped-def]
    """Call the function at ``address`` with three pointers and two numbers, all held as uint64."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        kinds = [context.get_value_type(t) for t in signature.args[1:]]
        pointer = builder.inttoptr(arguments[0], ir.FunctionType(ir.VoidType(), kinds).as_pointer())
        builder.call(pointer, arguments[1:])
        return context.get_dummy_value()

    return types.void(*[types.uint64] * 6), generate


# The cache.


@functools.cache
def source_hash() -> str:
    """A hash of every source file of this package: the key of the cache."""
    digest = hashlib.sha256(numba.__version__.encode())
    package = Path(__file__).parent
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


@functools.cache
def cache_directory() -> Path | None:
    """Where compiled code is kept, created if need be; None where no directory can be written.

    ``JITGRAD_CACHE_DIR``, else the user's cache directory, else a private directory under the system's temporary one.
    """
    private = Path(tempfile.gettempdir()) / f"jitgrad-{os.getuid() if hasattr(os, 'getuid') else 'cache'}"
    chosen = os.environ.get("JITGRAD_CACHE_DIR")
    for root in [Path(chosen)] if chosen else [Path(user_cache_dir("jitgrad", False)), private]:
        try:
            directory = root / source_hash()
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            ours = not hasattr(os, "getuid") or directory.stat().st_uid == os.getuid()
            if ours and os.access(directory, os.W_OK):
                return directory
        except OSError:
            continue
    warnings.warn(
        "jitgrad found no directory to keep compiled code in, so each process compiles anew. "
        "Set JITGRAD_CACHE_DIR to a directory that can be written.",
        RuntimeWarning,
        stacklevel=2,
    )
    return None


def _use_cache(compiled: Any, function: Callable[..., Any], dtype: np.dtype[Any]) -> None:
    """Have a Numba function keep its code in a directory of its own, stamped by the source hash."""
    root = cache_directory()
    if root is None:
        return
    directory = root / f"{function.__name__.strip('_')}-{dtype}"

    class Locator:
        @classmethod
        def from_function(cls, py_func: Any, py_file: str) -> Locator:
            return cls()

        def get_cache_path(self) -> str:
            return str(directory)

        def ensure_cache_path(self) -> None:
            directory.mkdir(parents=True, exist_ok=True)

        def get_source_stamp(self) -> str:
            return source_hash()

        def get_disambiguator(self) -> str:
            return ""

    class Impl(CompileResultCacheImpl):
        _locator_classes = [Locator]  # type: ignore[list-item]  # noqa: RUF012

    class Cache(FunctionCache):
        _impl_class = Impl

    compiled._cache = Cache(function)  # type: ignore[no-untyped-call]


# The notice.


class _FirstCompile(event.Listener):
    """Says what is happening when Numba starts to compile; silent while everything comes from the cache."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.started: float | None = None

    def on_start(self, event: Any) -> None:
        if self.started is None:
            self.started = time.perf_counter()
            print(
                f"jitgrad: compiling {self.what} (once per machine, some seconds; `jitgrad warmup` does it ahead of time)",
                file=sys.stderr, flush=True,
            )  # fmt: skip

    def on_end(self, event: Any) -> None:
        pass


@contextmanager
def _notice(what: str) -> Iterator[None]:
    listener = _FirstCompile(what)
    with event.install_listener("numba:compile", listener):
        yield
    if listener.started is not None:
        print(f"jitgrad: compiled {what} in {time.perf_counter() - listener.started:.1f} s", file=sys.stderr, flush=True)
