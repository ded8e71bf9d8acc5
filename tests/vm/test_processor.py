"""The processor that code is compiled for, and compiling whatever Numba's variables say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from llvmlite import binding

from jitgrad.errors import ArgumentError
from jitgrad.vm.processor import processor

HAS = binding.get_host_cpu_features()
x86 = pytest.mark.skipif(not binding.get_process_triple().startswith("x86_64"), reason="names of x86-64 processors")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment, of which no variable about processors is set."""
    for name in ("JITGRAD_CPU", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("value", [None, "", "host"])
def test_it_is_this_machine_s_by_default(asked: pytest.MonkeyPatch, value: str | None) -> None:
    if value is not None:
        asked.setenv("JITGRAD_CPU", value)
    found = processor.__wrapped__()
    assert found == (binding.get_host_cpu_name(), HAS)
    assert sorted(found.flags().split(",")) == sorted(HAS.flatten().split(","))


LEVELS = [
    ("generic", {"cx8"}, {"sse3", "avx"}),
    ("x86-64", {"sse2"}, {"sse3", "popcnt", "avx"}),
    ("x86-64-v2", {"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cx16"}, {"avx", "fma", "bmi"}),
    ("x86-64-v3", {"avx", "avx2", "fma", "f16c", "bmi", "bmi2", "lzcnt", "movbe"}, {"avx512f", "aes"}),
    ("x86-64-v4", {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}, {"avx512vnni", "avx512vbmi"}),
    ("haswell", {"avx2", "fma", "bmi2"}, {"avx512f", "sha"}),
    ("znver3", {"avx2", "fma", "bmi2"}, {"avx512f"}),
    ("skylake-avx512", {"avx512f", "avx512vl"}, {"avx512vnni"}),
]


@x86
@pytest.mark.parametrize(("name", "some", "not_any"), LEVELS)
def test_a_processor_has_what_llvm_knows_of_it(asked: pytest.MonkeyPatch, name: str, some: set[str], not_any: set[str]) -> None:
    asked.setattr(binding, "get_host_cpu_features", lambda: dict.fromkeys(HAS, True))
    asked.setenv("JITGRAD_CPU", name)
    made = processor.__wrapped__()
    assert made.name == name
    assert {feature for feature in some | not_any if made.features[feature]} == some


@x86
@pytest.mark.parametrize("variable", ["JITGRAD_CPU", "NUMBA_CPU_NAME"])
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("haswel", "not a processor that LLVM knows.*Did you mean 'haswell'"),
        ("x86-64-v5", "not a processor that LLVM knows.*Did you mean 'x86-64-v4'"),
        ("cortex-a72", r"is not a processor that LLVM knows for this architecture\.(?! Did you mean 'cortex-a72')"),
        ("i386", "not a processor that LLVM knows"),
        ("native", "not a processor that LLVM knows"),
        ('a"b\n', "not a processor that LLVM knows"),
    ],
)
def test_an_unknown_processor_is_an_error(asked: pytest.MonkeyPatch, variable: str, name: str, says: str) -> None:
    asked.setenv(variable, name)
    with pytest.raises(ArgumentError, match=f"(?s)^{variable} is .*{says}"):
        processor.__wrapped__()


@x86
@pytest.mark.parametrize(
    ("name", "lacks"), [("x86-64-v4", "avx512f"), ("icelake-server", "avx512vl"), ("haswell", "fma"), ("znver3", "fma")]
)
def test_a_processor_that_has_more_than_this_one_is_an_error(asked: pytest.MonkeyPatch, name: str, lacks: str) -> None:
    asked.setattr(binding, "get_host_cpu_features", lambda: dict.fromkeys(HAS, True) | {lacks: False})
    asked.setenv("JITGRAD_CPU", name)
    with pytest.raises(ArgumentError, match=rf"JITGRAD_CPU is '{name}'.*cannot run its code because it lacks {lacks}\. "):
        processor.__wrapped__()


@x86
def test_what_arithmetic_does_not_need_is_switched_off(asked: pytest.MonkeyPatch) -> None:
    """A virtual machine often lacks a few of them, such as protection keys, and Intel's processors some of AMD's."""
    extra = {"pku", "mwaitx", "rdpru", "wbnoinvd", "sse4a"}
    asked.setattr(binding, "get_host_cpu_features", lambda: dict.fromkeys(HAS, True) | dict.fromkeys(extra, False))
    asked.setenv("JITGRAD_CPU", "znver3")
    assert not {feature for feature in extra if processor.__wrapped__().features[feature]}


@x86
def test_numba_s_variables_name_one_too_and_ours_comes_first(asked: pytest.MonkeyPatch) -> None:
    asked.setattr(binding, "get_host_cpu_features", lambda: dict.fromkeys(HAS, True))
    asked.setenv("NUMBA_CPU_NAME", "haswell")
    asked.setenv("NUMBA_CPU_FEATURES", "+avx2,-fma")
    made = processor.__wrapped__()
    assert (made.name, made.features["avx2"], made.features["fma"]) == ("haswell", True, False)
    asked.setenv("JITGRAD_CPU", "x86-64-v3")
    made = processor.__wrapped__()
    assert (made.name, made.features["fma"], made.features["aes"]) == ("x86-64-v3", True, False)


# A kernel in a process where the user's functions were compiled first; what is printed says which registers it uses.
KERNEL = """
import numba
assert numba.config.DISABLE_JIT or numba.njit(lambda x: x + 1)(1.0) == 2
from jitgrad.vm.jit import compiled_kernel
def twice(arena, table, t, d, s):
    a = numba.carray(arena, (s,))
    for i in range(s):
        a[i] = 2 * a[i] + a[i] * a[i]
code = compiled_kernel(twice, "float32")._library.get_asm_str()
print(*[register for register in ("xmm", "ymm", "zmm") if register in code])
"""


@x86
@pytest.mark.parametrize(
    ("name", "registers", "not_any"), [("x86-64-v2", ["xmm"], ["ymm", "zmm"]), ("x86-64-v3", ["xmm", "ymm"], ["zmm"])]
)
def test_the_code_is_for_that_processor(name: str, registers: list[str], not_any: list[str]) -> None:
    if registers[-1] == "ymm" and not HAS["avx2"]:
        pytest.skip("this machine has no AVX2")
    used = run(KERNEL, JITGRAD_CPU=name).split()
    assert set(registers) <= set(used)
    assert not set(not_any) & set(used)


def run(code: str, **more: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | more, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


COMPILE = """
import hashlib
from jitgrad.vm.train import train
print(hashlib.sha256(train.compile("float32").code).hexdigest())
"""


def test_numba_s_variables_do_not_change_the_code() -> None:
    plain, spoilt = (
        run(COMPILE, **more)
        for more in (
            {},
            {
                "NUMBA_BOUNDSCHECK": "1",
                "NUMBA_OPT": "0",
                "NUMBA_ENABLE_AVX": "0",
                "NUMBA_LOOP_VECTORIZE": "0",
                "NUMBA_SLP_VECTORIZE": "1",
                "NUMBA_DEBUGINFO": "1",
                "NUMBA_EXTEND_VARIABLE_LIFETIMES": "1",
                "NUMBA_DEVELOPER_MODE": "1",
                "NUMBA_LLVM_REFPRUNE_PASS": "0",
                "NUMBA_DISABLE_JIT": "1",
            },
        )
    )
    assert spoilt == plain


def test_numba_s_variables_are_the_user_s_again_afterwards() -> None:
    code = (
        KERNEL
        + "\nprint(int(numba.config.OPT), numba.config.BOUNDSCHECK, numba.config.CPU_NAME, numba.config.NUMBA_NUM_THREADS)"
    )
    assert run(code, NUMBA_OPT="1", NUMBA_BOUNDSCHECK="1", NUMBA_NUM_THREADS="3").splitlines()[-1] == "1 1 None 3"


@x86
@pytest.mark.slow
@pytest.mark.parametrize(("name", "needs"), [("x86-64-v2", "sse4.2"), ("x86-64-v3", "avx2"), ("x86-64-v4", "avx512f")])
def test_kernels_are_right_for_vectors_of_any_width(name: str, needs: str) -> None:
    """The widths of vectors and the numbers of registers differ, so what is computed by which loop does, too."""
    if not HAS[needs]:
        pytest.skip(f"this machine has no {needs}")
    here = Path(__file__).parent
    files = [str(here / file) for file in ("test_matmul.py", "test_mathfun.py")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
        env=os.environ | {"JITGRAD_CPU": name}, cwd=here.parents[1], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
