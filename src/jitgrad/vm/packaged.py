"""Object code that a wheel carries for common processors, so that a first fit compiles nothing.

The x86-64 levels v3 (AVX2) and v4 (AVX-512) cover most machines. A wheel has a folder for each level and a manifest. Its code
is used only if the manifest matches the installed sources and LLVM, and the machine has all features of the level.
``JITGRAD_CPU=host`` compiles for exactly this machine instead. The folder is trusted like the Python files beside it. A file
that does not match its digest is ignored.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import platform
import sys
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from llvmlite import binding

from jitgrad.vm import objects
from jitgrad.vm.cache import Kept

_V3 = ("avx", "avx2", "bmi", "bmi2", "cx16", "f16c", "fma", "lzcnt", "movbe", "popcnt", "sse4.1", "sse4.2", "ssse3")
LEVELS = {
    "x86-64-v4": (*_V3, "avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"),
    "x86-64-v3": _V3,
}
"""The features that a machine needs for each level, the most demanding first."""

FOLDER = resources.files("jitgrad.vm") / "compiled"
MANIFEST = "manifest.json"


def find(name: str) -> Kept | None:
    """Return the object code of ``name`` for this machine, or None if the wheel has none that matches."""
    chosen = level()
    if chosen is None:
        return None
    content = _content(f"{chosen}/{name}")
    compiled = objects.decode(content) if content else None
    return None if compiled is None else Kept(Path(str(FOLDER / chosen)), compiled)


def _content(path: str) -> bytes | None:
    """Return the content of a file in the folder, or None if it does not exist or this user may not read it."""
    try:
        return FOLDER.joinpath(*path.split("/")).read_bytes()
    except OSError:
        return None


@functools.cache
def level() -> str | None:
    """Return the level whose code this process uses, or None if the installed package has no code that matches."""
    if _content(MANIFEST) != manifest():
        return None
    chosen = os.environ.get("JITGRAD_CPU")
    if chosen:
        return chosen if chosen in LEVELS else None
    if os.environ.get("NUMBA_CPU_NAME") or os.environ.get("NUMBA_CPU_FEATURES"):
        return None
    return best(name for name, there in binding.get_host_cpu_features().items() if there)


def best(features: Iterable[str]) -> str | None:
    """Return the most demanding level that a machine with ``features`` can run, or None."""
    there = set(features)
    return next((name for name, needed in LEVELS.items() if there.issuperset(needed)), None)


def manifest() -> bytes:
    """Return the manifest of code that matches this installation."""
    system = f"{sys.platform}-{platform.machine()}"
    facts = {"system": system, "llvm": binding.llvm_version_info[0], "sources": objects.sources()}
    return json.dumps(facts, indent=2).encode() + b"\n"


def build(name: str, folder: Path) -> None:
    """Compile everything for the level ``name`` into ``folder``, on any x86-64 machine. Call it in a new process."""
    from jitgrad.vm.groups import FORMS, UNITS
    from jitgrad.vm.processor import compile_for

    compile_for(name)
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    for unit in UNITS:
        for function, file in unit.files():
            native = getattr(importlib.import_module(FORMS[function].module), function)
            (place / file).write_bytes(objects.encode(native.compile(unit.dtype)))
