"""The storage format of object code, in a user's cache folder or in a wheel."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from jitgrad.errors import JitgradError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_DIGEST = 32  # bytes of a SHA-256


class ObjectCode(NamedTuple):
    """A compiled function.

    Attributes
    ----------
    symbol : str
        The function's name in the object file.
    declared : list of str
        The names that the object file refers to and does not define.
    code : bytes
        The object file.
    """

    symbol: str
    declared: list[str]
    code: bytes


def encode(compiled: ObjectCode) -> bytes:
    """Return the content of a file: a digest, a line of names, and the object file."""
    body = " ".join([compiled.symbol, *compiled.declared]).encode() + b"\n" + compiled.code
    return hashlib.sha256(body).digest() + body


def decode(content: bytes) -> ObjectCode | None:
    """Return the object code that ``encode`` encoded, or None if the content is damaged."""
    digest, body = content[:_DIGEST], content[_DIGEST:]
    if hashlib.sha256(body).digest() != digest:
        return None
    names, code = body.split(b"\n", 1)
    symbol, *declared = names.decode().split(" ")
    return ObjectCode(symbol, declared, code)


@functools.cache
def sources() -> str:
    """Return a digest of every source file that object code depends on: the op table and this package."""
    package, digest = resources.files("jitgrad"), hashlib.sha256()
    found = [source for folder in ("ops", "vm") for source in _sources(package / folder, folder)]
    if not found:
        raise JitgradError(
            "jitgrad compiles its machine code from its Python sources, and this installation has only bytecode. "
            "Install or bundle jitgrad with its .py files."
        )
    for name, content in found:
        digest.update(f"{name}\0".encode() + content + b"\0")
    return digest.hexdigest()


def _sources(folder: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the sources in a folder, which may be in a zip file."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name) if folder.is_dir() else ():
        if entry.is_dir():
            yield from _sources(entry, f"{name}/{entry.name}")
        elif entry.name.endswith(".py"):
            yield f"{name}/{entry.name}", entry.read_bytes()
