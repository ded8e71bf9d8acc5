"""The table of supported names: ``python -m jitgrad.compat.coverage`` writes it to ``docs/compat.md``.

The modules of another library are those that have ``__all__`` and a ``__getattr__`` for missing names. The table is generated
from them, so it lists exactly what exists.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

PACKAGES = {"tensorflow": "TensorFlow", "keras": "Keras", "torch": "PyTorch"}
TENSORS = {"tensorflow": "Tensor", "torch": "Tensor"}
"""The class of each package whose methods are listed, too."""


def covered(package: str) -> Iterator[tuple[str, ModuleType, list[str]]]:
    """Return the modules of a package: the name in the original library, the module, and its names."""
    top = importlib.import_module(f"jitgrad.compat.{package}")
    below = pkgutil.walk_packages(top.__path__, top.__name__ + ".")
    for name in [top.__name__, *sorted(found.name for found in below)]:
        module = importlib.import_module(name)
        if "__all__" in vars(module) and "__getattr__" in vars(module):
            yield getattr(module.__getattr__, "library", name.removeprefix("jitgrad.compat.")), module, _names(module)


def _names(module: ModuleType) -> list[str]:
    """Return the names in a module, without submodules, which have their own rows."""
    values = {name: getattr(module, name) for name in module.__all__}
    return sorted((name for name, value in values.items() if not inspect.ismodule(value)), key=str.lower)


def methods(package: str) -> list[str]:
    """Return the public methods and attributes of a package's tensor."""
    kind = getattr(importlib.import_module(f"jitgrad.compat.{package}"), TENSORS[package])
    return sorted(name for name in dir(kind) if not name.startswith("_"))


def table() -> str:
    """Return the tables of all packages in Markdown."""
    lines = []
    for package, title in PACKAGES.items():
        rows = list(covered(package))
        lines += [
            f"## {title}",
            "",
            f"{sum(len(names) for *_, names in rows)} names.",
            "",
            "| module | names |",
            "| --- | --- |",
        ]
        lines += [f"| `{library}` | {' '.join(f'`{name}`' for name in names)} |" for library, _, names in rows if names]
        if package in TENSORS:
            lines.append(f"| methods of `{TENSORS[package]}` | {' '.join(f'`{name}`' for name in methods(package))} |")
        lines.append("")
    return "\n".join(lines)


BEGIN = "<!-- The rest is written by python -m jitgrad.compat.coverage -->"


def page(text: str) -> str:
    """Return ``docs/compat.md``: the text written by hand, and the table."""
    written, mark, _ = text.partition(BEGIN)
    if not mark:
        raise ValueError(f"The page has no line {BEGIN}. Put it where the table begins.")
    return f"{written}{BEGIN}\n\n{table()}"


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/compat.md")
    target.write_text(page(target.read_text()))
