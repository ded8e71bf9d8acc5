"""Build the sdist and the wheel, and put object code for common processors into the wheel.

Run: python scripts/build_wheel.py [--out dist] [--without-code]

Needs ``pip install build``, and an llvmlite with the major version of LLVM that users will have: the code is used only with
that. The code is compiled on any x86-64 Linux machine, for processors that the machine need not have.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "src")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="the folder for the two files (default: dist)")
    parser.add_argument("--without-code", action="store_true", help="build a wheel without object code")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    run("-m", "build", "--sdist", "--outdir", str(given.out.resolve()), str(ROOT))
    with tempfile.TemporaryDirectory() as name:
        tree = Path(name)
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, tree)
        if not given.without_code:
            compile_into(tree / "src" / "jitgrad" / "vm" / "compiled", tree / "src")
        run("-m", "build", "--wheel", "--outdir", str(given.out.resolve()), str(tree))


def compile_into(folder: Path, sources: Path) -> None:
    """Compile the sources in a tree for each level, each in a process of its own, and write the manifest last."""
    environment = os.environ | {"PYTHONPATH": str(sources)}
    code = "import sys, pathlib; from jitgrad.vm import packaged; packaged.build(sys.argv[1], pathlib.Path(sys.argv[2]))"
    for level in printed("from jitgrad.vm import packaged; print(*packaged.LEVELS)", environment).split():
        run("-c", code, level, str(folder), environment=environment)
    manifest = printed("from jitgrad.vm import packaged; print(packaged.manifest().decode(), end='')", environment)
    (folder / "manifest.json").write_text(manifest)


def run(*arguments: str, environment: dict[str, str] | None = None) -> None:
    subprocess.run([sys.executable, *arguments], check=True, env=environment)


def printed(code: str, environment: dict[str, str]) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, env=environment, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
