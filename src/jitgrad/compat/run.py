"""Run a program in which the names of other libraries mean ours: its own imports are left as they are.

What Python does for ``python program.py`` and ``python -m module`` is done here: ``sys.argv``, ``sys.path[0]``, ``__main__``,
the exit code, and the traceback of an error, which begins in the program.
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
"""What ``tensorflow`` means in a program of TensorFlow 1."""

_SIGNS = {"placeholder", "Session", "InteractiveSession"}
_MORE_SIGNS = {f"compat.v1.{name}" for name in (*_SIGNS, "disable_eager_execution", "disable_v2_behavior")}


class Program(NamedTuple):
    """A program to be run as ``__main__``: its name in ``sys.argv``, and the folder that Python looks for modules in first."""

    name: str
    file: str
    folder: str
    loader: Any
    spec: ModuleSpec | None

    def source(self) -> Any:
        """Its text, or None of a module that comes without."""
        return self.loader.get_source(self.loader.name)

    def code(self) -> CodeType:
        """What is run."""
        code: CodeType = self.loader.get_code(self.loader.name)
        return code


def program(path: str) -> Program:
    """A program in a file. Raises ArgumentError where there is none."""
    if os.path.isdir(path):
        raise ArgumentError(f"{path} is a folder. Name a Python program in it, or give -m and the name of a package.")
    if not os.path.exists(path):
        raise ArgumentError(f"There is no file {path}. Check the path, or give -m and the name of a module.")
    file = os.path.abspath(path)
    return Program(path, file, os.path.dirname(os.path.realpath(path)), _Script("__main__", file), None)


class _Script(SourceFileLoader):
    """Loads a file that is run: from its text, whatever it is called, and no compiled file is left behind."""

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def module(name: str) -> Program:
    """A module, found by its name without importing anything. Raises ArgumentError where there is none."""
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
    """Run a program to its end, as Python does; it begins a process, which it is alone in.

    Parameters
    ----------
    found : Program
        What to run, see ``program`` and ``module``.
    arguments : sequence of str
        What the program has in ``sys.argv`` after its own name.
    v1 : bool
        Whether ``tensorflow`` means TensorFlow 1's names. A program that uses ``tf.placeholder`` or ``tf.Session`` is noticed.

    Raises
    ------
    SystemExit
        Where the program ends with a code, and with 1 after its traceback where it ends with an error.
    JitgradError
        Where one of the libraries is imported already.
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
    """Print an error of the program, as Python does, without what was called to run it."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and _is_runner(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)
    if isinstance(error, KeyboardInterrupt):  # the shell shall see what has ended it
        sys.stdout.flush()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)


def _is_runner(file: str) -> bool:
    return file == __file__ or file.startswith("<frozen importlib") or file == importlib.__file__


def uses_sessions(source: str | None) -> bool:
    """Whether a program uses TensorFlow's placeholders or sessions, by the name that it gives to ``tensorflow``."""
    if source is None or "tensorflow" not in source:
        return False
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(source)
    except SyntaxError:
        return False  # running it says so, and warns
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name for alias in node.names if alias.name == "tensorflow"}
        elif isinstance(node, ast.ImportFrom) and node.module == "tensorflow" and _SIGNS & {a.name for a in node.names}:
            return True
    used = {_dotted(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return any(f"{name}.{sign}" in used for name in names for sign in _SIGNS | _MORE_SIGNS)


def _dotted(node: ast.expr) -> str:
    """``"tf.compat.v1"`` of attributes of a name; what hangs on something else begins with a dot."""
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
