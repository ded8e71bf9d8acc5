"""Where jitgrad does not stand as files of sources: in a zip file, and without its sources."""

from __future__ import annotations

import compileall
import shutil
import subprocess
from pathlib import Path

import jitgrad
from tests.vm.processes import LOAD, python

KEY = "from jitgrad.vm import cache; print(cache.key())"


def copied(to: Path) -> Path:
    shutil.copytree(Path(jitgrad.__file__).parent, to / "jitgrad", ignore=shutil.ignore_patterns("__pycache__"))
    return to / "jitgrad"


def run(code: str, place: Path, kept: Path) -> subprocess.CompletedProcess[str]:
    """Run code with the jitgrad that is at a place."""
    return python(f"import sys; sys.path.insert(0, {str(place)!r})\n{code}", kept)


def test_it_compiles_in_a_zip_file_and_another_one_has_another_key(tmp_path: Path) -> None:
    package = copied(tmp_path / "sources")
    keys = []
    for number, code in enumerate((f"{KEY}\n{LOAD}", KEY)):
        packed = Path(shutil.make_archive(str(tmp_path / f"packed{number}"), "zip", package.parent))
        done = run(code, packed, tmp_path / "kept")
        assert done.returncode == 0, done.stderr
        keys.append(done.stdout.strip())
        with (package / "vm" / "kernels" / "tasks.py").open("a") as source:
            source.write("\n# Another version.\n")
    assert len(set(keys)) == 2
    assert keys[0] == run(KEY, packed.with_name("packed0.zip"), tmp_path / "kept").stdout.strip()


def test_without_its_sources_it_says_so(tmp_path: Path) -> None:
    package = copied(tmp_path)
    assert compileall.compile_dir(package, quiet=1, legacy=True)
    for source in package.rglob("*.py"):
        source.unlink()
    done = run(LOAD, tmp_path, tmp_path / "kept")
    assert done.stderr.splitlines()[-1].startswith(
        "jitgrad.errors.JitgradError: jitgrad compiles its machine code from its Python sources"
    )
