"""Where compiled code is kept, and under which key.

The key is a hash of every source of this package, the versions of what compiles them and the processor: an edited kernel,
another Numba or another machine finds nothing and compiles anew. A file is written aside and renamed, so that it is whole
or not there, and it carries a digest; what does not match it is compiled anew too.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import tempfile
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from jitgrad.vm.processor import processor


@functools.cache
def key() -> str:
    """What the compiled code depends on, as a hash."""
    made_for = processor()
    facts = [version("numba"), version("llvmlite"), sys.version, made_for.name, made_for.flags()]
    digest = hashlib.sha256("\0".join(facts).encode())
    package = Path(__file__).parent
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:20]


@functools.cache
def directory() -> Path | None:
    """The directory of compiled code, created if need be; None, with a warning, where none can be written.

    In ``JITGRAD_CACHE_DIR`` if that is set, else in the user's cache directory, else in a private one among temporary files.
    """
    chosen = os.environ.get("JITGRAD_CACHE_DIR")
    for root in [Path(chosen)] if chosen else [_user_directory(), Path(tempfile.gettempdir()) / f"jitgrad-{os.getuid()}"]:
        try:
            root.mkdir(parents=True, exist_ok=True, mode=0o700)
            place = root / key()
            place.mkdir(exist_ok=True, mode=0o700)
        except OSError:
            continue
        if os.access(place, os.W_OK) and place.stat().st_uid == os.getuid():
            return place
    warnings.warn(
        "jitgrad found no directory to keep compiled code in, so that each process compiles anew. "
        "Set JITGRAD_CACHE_DIR to a directory that can be written.",
        RuntimeWarning,
        stacklevel=2,
    )
    return None


def _user_directory() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "jitgrad"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jitgrad"


class ObjectCode(NamedTuple):
    """A compiled function.

    Attributes:
        symbol: the function's name in the code.
        declared: the names that the code refers to and does not define.
        code: the object file's content.
    """

    symbol: str
    declared: list[str]
    code: bytes


def read(name: str) -> ObjectCode | None:
    """What is kept under ``name``; None where there is nothing, or it is damaged."""
    place = directory()
    if place is None:
        return None
    try:
        content = (place / name).read_bytes()
    except OSError:
        return None
    digest, body = content[:32], content[32:]
    if hashlib.sha256(body).digest() != digest:
        return None
    names, code = body.split(b"\n", 1)
    symbol, *declared = names.decode().split(" ")
    return ObjectCode(symbol, declared, code)


def write(name: str, compiled: ObjectCode) -> None:
    """Keep compiled code under ``name``. A full disk is no error: the next process compiles again."""
    place = directory()
    if place is None:
        return
    body = " ".join([compiled.symbol, *compiled.declared]).encode() + b"\n" + compiled.code
    aside = None
    try:
        with tempfile.NamedTemporaryFile(dir=place, delete=False) as file:
            aside = Path(file.name)
            file.write(hashlib.sha256(body).digest() + body)
        aside.replace(place / name)
    except OSError as error:
        if aside is not None:
            aside.unlink(missing_ok=True)
        warnings.warn(
            f"Compiled code could not be kept in {place}: {error.strerror}. "
            f"Make room there, or set JITGRAD_CACHE_DIR to another directory.",
            RuntimeWarning,
            stacklevel=2,
        )
