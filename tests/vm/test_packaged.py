"""Object code in a wheel: when it is used, and that a wheel's first fit compiles nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llvmlite import binding

from jitgrad.vm import cache, compiling, objects, packaged
from jitgrad.vm.objects import ObjectCode

ROOT = Path(__file__).parents[2]
CODE = ObjectCode("symbol", ["sin"], bytes(range(60)))
V3, V4 = packaged.LEVELS["x86-64-v3"], packaged.LEVELS["x86-64-v4"]

Wheel = Callable[..., None]


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    """Make the package one that carries ``f-float32`` for both levels, on a machine with AVX2."""
    for name in ("JITGRAD_CPU", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(packaged, "FOLDER", tmp_path)
    monkeypatch.setattr(packaged, "level", packaged.level.__wrapped__)

    def make(features: tuple[str, ...] = V3, **changes: Any) -> None:
        monkeypatch.setattr(binding, "get_host_cpu_features", lambda: dict.fromkeys(V4, False) | dict.fromkeys(features, True))
        for name in packaged.LEVELS:
            (tmp_path / name).mkdir()
            (tmp_path / name / "f-float32").write_bytes(objects.encode(CODE))
        facts = json.loads(packaged.manifest()) | changes
        (tmp_path / packaged.MANIFEST).write_bytes(json.dumps(facts, indent=2).encode() + b"\n")

    return make


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ((), None),
        (V3[1:], None),
        (V3, "x86-64-v3"),
        ((*V3, "avx512f"), "x86-64-v3"),
        ((*V4, "avx512vnni"), "x86-64-v4"),
    ],
)
def test_the_level_of_a_machine(features: tuple[str, ...], expected: str | None) -> None:
    assert packaged.best(features) == expected


def test_a_package_without_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "FOLDER", tmp_path)
    assert packaged.level.__wrapped__() is None


@pytest.mark.parametrize("features", [V3, V4])
def test_code_that_matches_is_used(wheel: Wheel, features: tuple[str, ...]) -> None:
    wheel(features)
    found = packaged.find("f-float32")
    assert found is not None and found.compiled == CODE
    assert found.place.name == packaged.best(features)
    assert compiling.kept("f-float32") == found
    assert packaged.find("g-float32") is None


@pytest.mark.parametrize("changed", [{"sources": "other"}, {"llvm": 1}, {"system": "darwin-arm64"}, {"new": 1}])
def test_code_that_does_not_match_is_not_used(wheel: Wheel, changed: dict[str, Any]) -> None:
    wheel(**changed)
    assert packaged.find("f-float32") is None


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("JITGRAD_CPU", "host", None),
        ("JITGRAD_CPU", "x86-64-v3", "x86-64-v3"),
        ("JITGRAD_CPU", "haswell", None),
        ("NUMBA_CPU_NAME", "haswell", None),
        ("NUMBA_CPU_FEATURES", "+avx", None),
    ],
)
def test_a_chosen_processor(
    wheel: Wheel, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: str | None
) -> None:
    wheel(V4)
    monkeypatch.setenv(variable, value)
    assert packaged.level() == expected


def test_code_that_cannot_be_read_is_not_used(wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel()
    (tmp_path / "x86-64-v3" / "f-float32").unlink()
    assert packaged.find("f-float32") is None
    (tmp_path / packaged.MANIFEST).write_text("not JSON")
    assert packaged.level() is None
    monkeypatch.setattr(packaged, "FOLDER", tmp_path / "missing")
    assert packaged.level() is None


def test_damaged_code_is_not_used(wheel: Wheel, tmp_path: Path) -> None:
    wheel()
    file = tmp_path / "x86-64-v3" / "f-float32"
    file.write_bytes(file.read_bytes()[:-1] + b"\xff")
    assert packaged.find("f-float32") is None


def test_an_edit_of_a_source_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    before = cache.key.__wrapped__()
    monkeypatch.setattr(objects, "sources", lambda: "other")
    assert cache.key.__wrapped__() != before


@pytest.mark.skipif(not binding.get_process_triple().startswith("x86_64"), reason="levels of x86-64")
@pytest.mark.parametrize("level", packaged.LEVELS)
def test_code_is_compiled_for_processors_that_are_not_here(tmp_path: Path, level: str) -> None:
    code = (
        "import sys, pathlib\n"
        "from jitgrad.vm import groups, packaged\n"
        "groups.UNITS[:] = [groups.Unit('coordinate_descent', 'float64')]\n"
        "packaged.build(sys.argv[1], pathlib.Path(sys.argv[2]))\n"
    )
    subprocess.run([sys.executable, "-c", code, level, str(tmp_path)], check=True)
    files = sorted(path.name for path in (tmp_path / level).iterdir())
    assert files == ["descend_columns-float64", "descend_gram-float64"]
    compiled = [objects.decode((tmp_path / level / name).read_bytes()) for name in files]
    assert all(code is not None and code.code[1:4] == b"ELF" for code in compiled)


@pytest.mark.slow
def test_a_wheel_fits_without_compiling(tmp_path: Path) -> None:
    pytest.importorskip("build", reason="build is not installed")
    if packaged.best(name for name, there in binding.get_host_cpu_features().items() if there) is None:
        pytest.skip("this processor has no level with packaged code")
    subprocess.run([sys.executable, str(ROOT / "scripts" / "build_wheel.py"), "--out", str(tmp_path / "dist")], check=True)
    (built,) = (tmp_path / "dist").glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    places = tmp_path / "venv" / "bin"
    # what users of this environment have, for the wheel's code is made for its LLVM
    pinned = f"llvmlite=={__import__('llvmlite').__version__}"
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("JITGRAD", "NUMBA", "PYTHON"))}
    subprocess.run([places / "pip", "install", "-q", str(built), pinned], check=True, env=environment)
    (tmp_path / "home").mkdir()
    environment |= {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": ""}
    command = [places / "jitgrad", "fit", str(ROOT / "data" / "iris.csv"), "--target", "species"]
    done = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    assert "compil" not in done.stderr
    assert "petal_length" in done.stdout
    assert not list((tmp_path / "home").rglob("*"))
