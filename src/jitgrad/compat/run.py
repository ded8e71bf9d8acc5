"""Run a program with jitgrad in place of the libraries that it imports.

As with ``python program.py`` and ``python -m module``, this sets ``sys.argv``, ``sys.path[0]``, ``__main__`` and the exit
code, and the traceback of an error begins in the program.
"""

from __future__ import annotations

import ast
import importlib
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ExtensionFileLoader, ModuleSpec, SourceFileLoader
from itertools import accumulate
from types import CodeType, ModuleType, NoneType, TracebackType
from typing import Any, NamedTuple

from jitgrad.compat import modules
from jitgrad.errors import ArgumentError

LIBRARIES = {"tensorflow": "jitgrad.compat.tensorflow", "keras": "jitgrad.compat.keras", "torch": "jitgrad.compat.torch"}
V1 = "jitgrad.compat.tensorflow.v1"
"""The module that ``tensorflow`` refers to in a program for TensorFlow 1."""

_SIGNS = {"placeholder", "Session", "InteractiveSession"}
_MORE_SIGNS = {f"compat.v1.{name}" for name in (*_SIGNS, "disable_eager_execution", "disable_v2_behavior")}


class Program(NamedTuple):
    """A program to run as ``__main__``: its name in ``sys.argv``, and the folder that is searched for modules first."""

    name: str
    file: str
    folder: str
    loader: Any
    spec: ModuleSpec | None

    def source(self) -> Any:
        """Return the source text, or None for a module that has none."""
        return self.loader.get_source(self.loader.name)

    def code(self) -> CodeType:
        """Return the code object."""
        code: CodeType = self.loader.get_code(self.loader.name)
        return code


def program(path: str) -> Program:
    """Return the program in a file. Raise ArgumentError if the file does not exist."""
    if os.path.isdir(path):
        raise ArgumentError(f"{path} is a folder. Name a Python program in it, or give -m and the name of a package.")
    if not os.path.exists(path):
        raise ArgumentError(f"There is no file {path}. Check the path, or give -m and the name of a module.")
    file = os.path.abspath(path)
    return Program(path, file, os.path.dirname(os.path.realpath(path)), _Script("__main__", file), None)


class _Script(SourceFileLoader):
    """A loader for the program's file, which accepts any file name and does not write bytecode files."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def module(name: str) -> Program:
    """Return a module as a program. It is found by name without importing it. Raise ArgumentError for an unknown name."""
    spec = _spec_of(name)
    if spec.submodule_search_locations is not None:
        spec = _spec_of(f"{name}.__main__")
    if isinstance(spec.loader, (ExtensionFileLoader, type, NoneType)) or spec.origin is None:
        raise ArgumentError(f"The module {name} has no Python code to run. Name another one.")
    return Program(spec.origin, spec.origin, os.getcwd(), spec.loader, spec)


def _spec_of(name: str) -> ModuleSpec:
    spec: ModuleSpec | None = None
    for part in accumulate(name.split("."), "{}.{}".format):
        folders = None if spec is None else spec.submodule_search_locations
        found = None
        if spec is None or folders is not None:
            found = next(filter(None, (finder.find_spec(part, folders) for finder in sys.meta_path)), None)
        if found is None:
            raise ArgumentError(f"There is no module {part}. Check the name, and that Python finds it from {os.getcwd()}.")
        spec = found
    assert spec is not None
    return spec


def run(found: Program, arguments: Sequence[str], v1: bool = False) -> None:
    """Run a program to completion, as ``python`` does.

    Parameters
    ----------
    found : Program
        The program, see ``program`` and ``module``.
    arguments : sequence of str
        The arguments in ``sys.argv`` after the program's name.
    v1 : bool
        Whether ``tensorflow`` refers to TensorFlow 1. Programs that use ``tf.placeholder`` or ``tf.Session`` are detected.

    Raises
    ------
    SystemExit
        If the program exits with a code; with code 1 after the traceback of an error.
    JitgradError
        If one of the libraries has already been imported.
    """
    for name, target in LIBRARIES.items():
        modules.alias(name, target)
    if not sys.flags.safe_path:
        sys.path[0] = found.folder
    sys.argv = [found.name, *arguments]
    try:
        if v1 or uses_sessions(found.source()):
            modules.alias("tensorflow", V1)
        _run_as_main(found)
    except SystemExit:
        raise
    except BaseException as error:
        _show(error)
        raise SystemExit(1) from None


def _run_as_main(found: Program) -> None:
    code = found.code()
    main = ModuleType("__main__")
    about: dict[str, Any] = {"__file__": found.file, "__loader__": found.loader, "__spec__": found.spec, "__annotations__": {}}
    about["__cached__"] = None if found.spec is None else found.spec.cached
    if found.spec is not None:
        about["__package__"] = found.spec.parent
        if found.spec.parent:
            importlib.import_module(found.spec.parent)
    vars(main).update(about, __builtins__=sys.modules["builtins"])
    sys.modules["__main__"] = main
    exec(code, vars(main))


def _show(error: BaseException) -> None:
    """Print an error of the program as Python does, without the frames of this module."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and _is_runner(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)
    if isinstance(error, KeyboardInterrupt):  # the exit status reports the signal to the shell
        sys.stdout.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)


def _is_runner(file: str) -> bool:
    return file == __file__ or file.startswith("<frozen importlib") or file == importlib.__file__


def uses_sessions(source: str | None) -> bool:
    """Return whether a program uses TensorFlow's placeholders or sessions, under the name that it gives to ``tensorflow``."""
    if source is None or "tensorflow" not in source:
        return False
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(source)
    except SyntaxError:
        return False  # running the program reports it and warns
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name for alias in node.names if alias.name == "tensorflow"}
        elif isinstance(node, ast.ImportFrom) and node.module == "tensorflow" and _SIGNS & {a.name for a in node.names}:
            return True
    used = {_dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return any(f"{name}.{sign}" in used for name in names for sign in _SIGNS | _MORE_SIGNS)


def _dotted(node: ast.expr) -> str:
    """Return ``"tf.compat.v1"`` for attributes of a name; for attributes of anything else, the result begins with a dot."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
