"""Imports run one way, and the generated file is what its generator writes."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from itertools import chain
from pathlib import Path

import pytest

from jitgrad.vm.compiler.language import attributes
from jitgrad.vm.generate import TARGET, interpreter_source
from jitgrad.vm.instructions import INSTRUCTIONS

SOURCE = Path(__file__).parents[1] / "src" / "jitgrad"

# From the ground up: a package imports from itself and from what stands before it.
ORDER = [
    "platforms",
    "typing",
    "errors",
    "arguments",
    "files",
    "notation",
    "criteria",
    "html",
    "summary",
    "ops",
    "vm",
    "program",
    "tape",
    "functions",
    "control_flow",
    "graph",
    "random",
    "transforms",
    "integrate",
    "losses",
    "metrics",
    "layers",
    "training",
    "optimizers",
    "saving",
    "callbacks",
    "models",
    "curvefit",
    "glm",
    "timeseries",
    "pictures",
    "reports",
    "tabular",
    "io",
    "groupfit",
    "distributed",
    "sklearn",
    "compat",
    "cli",
]
FREE = {"__init__"}

# The tape: data and recording, operators, engine. A module imports from its own layer and from those before it.
TAPE = [
    [
        "dtypes", "tree", "path", "recording", "trace", "requires_grad", "values", "protocol", "operators", "result",
        "tensor", "variable", "composite",
    ],
    ["indexing"],
    [
        "flatten", "lru", "executable", "reverse_mode", "segments", "runs", "groups", "evaluate", "pending", "forward_mode",
        "batching", "backward", "gradient_tape", "function", "retracing", "region", "loop",
        "while_loop", "cond", "integration", "adjoint", "integrate",
    ],
]  # fmt: skip


FILES = sorted(SOURCE.rglob("*.py"))


def name_of(path: Path) -> str:
    """The module that a file is."""
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in FILES}


@functools.cache
def imports_of(path: Path) -> frozenset[str]:
    """The modules of jitgrad that a file imports, at its top or inside functions; not those for the type checker alone."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and isinstance(test.test, ast.Name) and test.test.id == "TYPE_CHECKING"
        for node in ast.walk(test)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(name for name in found if name.split(".")[0] == "jitgrad")


def parts_of(modules: frozenset[str]) -> set[str]:
    return {name.split(".")[1] for name in modules if "." in name}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_run_one_way(path: Path) -> None:
    part = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    if part in FREE:
        return
    upper = parts_of(imports_of(path)) - set(ORDER[: ORDER.index(part) + 1])
    assert not upper, f"{path} imports {upper}"


def test_the_check_sees_an_import_against_the_order(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.py"
    wrong.write_text("def f():\n    from jitgrad.cli import main\n    import jitgrad.tape.tensor\n")
    assert imports_of(wrong) == {"jitgrad.cli.main", "jitgrad.tape.tensor"}
    assert parts_of(imports_of(wrong)) == {"cli", "tape"}


def test_no_modules_import_each_other() -> None:
    try:
        TopologicalSorter({name: imports_of(path) for name, path in MODULES.items()}).prepare()
    except CycleError as error:
        raise AssertionError(f"Modules import one another: {' from '.join(error.args[1])}") from None


def test_the_tape_is_built_in_layers() -> None:
    for number, layer in enumerate(TAPE):
        for name in layer:
            upper = imports_of(SOURCE / "tape" / f"{name}.py") & {f"jitgrad.tape.{x}" for x in chain(*TAPE[number + 1 :])}
            assert not upper, f"{name} imports {upper}"
    assert {*chain(*TAPE), "__init__"} == {path.stem for path in (SOURCE / "tape").glob("*.py")}


def test_the_interpreter_is_what_the_generator_writes() -> None:
    assert TARGET.read_text() == interpreter_source()


def test_the_interpreter_calls_its_kernels_except_the_shortest() -> None:
    """Kernels that are inlined into its loop take registers from the instructions on single elements, which are the fastest."""
    kernels = [i.kernel for i in INSTRUCTIONS if i.kernel and not i.emitted and i.kernel[0] not in ("", "loop")]
    inlined = {
        name for module, name in kernels if attributes(getattr(import_module(f"jitgrad.vm.kernels.{module}"), name)) == ""
    }
    assert inlined == {"zero", "sum_axis", "dot"}


def test_importing_jitgrad_stays_light() -> None:
    heavy = "numba llvmlite narwhals polars rich scipy click matplotlib"
    code = f"import sys, jitgrad; print([m for m in {heavy.split()} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_table_is_public() -> None:
    import jitgrad
    from jitgrad.ops import OPS

    for op in OPS.values():
        if op.value is not None:
            assert getattr(jitgrad, op.name) is op


def test_only_jit_configures_numba() -> None:
    for path in FILES:
        if path.name != "jit.py" or path.parent.name != "vm":
            text = path.read_text()
            assert not re.search(r"fastmath=|import njit|njit\((?!\))", text), path


def test_the_version_is_the_packages() -> None:
    from importlib.metadata import version

    import jitgrad

    assert jitgrad.__version__ == version("jitgrad")
    root = SOURCE.parents[1]
    assert f"\nversion: {jitgrad.__version__}\n" in (root / "CITATION.cff").read_text()
    assert f"\n## {jitgrad.__version__} - " in (root / "CHANGELOG.md").read_text()


def test_the_interpreter_is_called_in_one_place_of_each_language() -> None:
    calls = r"\"execute\"\), context|_execute\.call\(|\"execute\"\)\.call\(|execute\.call\("
    found = [(path.name, call) for path in FILES for call in re.findall(calls, path.read_text())]
    assert found == [("context.py", "_execute.call("), ("builtins.py", '"execute"), context')]


def test_layouts_are_read_by_name() -> None:
    """Instructions, tables and records of native code: no number stands for a column or a field."""
    wrong = re.compile(r"\b(code|table|rows|moves?|descriptor)\[(?:[^\]]*,\s*)?\d+\]")
    for path in FILES:
        if path.relative_to(SOURCE).parts[0] in ("vm", "program", "training") and path.name not in (
            "interpreter.py",
            "generate.py",
        ):
            assert not wrong.search(path.read_text()), f"{path}: {wrong.search(path.read_text())}"
