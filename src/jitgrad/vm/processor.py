"""The processor that code is compiled for: this machine's, or the one that ``JITGRAD_CPU`` names.

LLVM names processors and knows what each of them has: ``x86-64-v3``, ``haswell``, ``znver4``. It does not say what it knows,
but it inlines a function into another only where the caller's processor has all that the callee's needs, and so it is asked.
"""

from __future__ import annotations

import functools
import os
from typing import Any, NamedTuple

from llvmlite import binding

from jitgrad.errors import ArgumentError, near_name

_VARIABLE = "JITGRAD_CPU"
# What makes one processor's code wrong on another. The rest (protection keys, random numbers, …) is switched off if need be.
_DECISIVE = ("avx", "bmi", "f16c", "fma", "lzcnt", "movbe", "neon", "popcnt", "sse2", "sse3", "sse4.", "ssse3", "sve")
# Every processor of 64 bits has one of these, x86-64 or AArch64. What LLVM does not know has none.
_BASIC = ("cx8", "neon")
_COMMON = (
    "host", "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", "nehalem", "haswell", "skylake", "skylake-avx512", "cascadelake",
    "icelake-server", "sapphirerapids", "znver1", "znver2", "znver3", "znver4", "znver5", "cortex-a72", "neoverse-n1",
    "neoverse-v1", "apple-m1",
)  # fmt: skip


class Processor(NamedTuple):
    """A processor.

    Attributes:
        name: LLVM's.
        features: whether it has each of the features that LLVM knows.
    """

    name: str
    features: dict[str, bool]

    def flags(self) -> str:
        """The features as LLVM takes them: ``+avx,-avx512f``."""
        return ",".join(f"{'+' if there else '-'}{feature}" for feature, there in sorted(self.features.items()))


@functools.cache
def processor() -> Processor:
    """The processor to compile for, in this process.

    ``JITGRAD_CPU``, else ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES``, else this machine's.

    Raises:
        ArgumentError: where LLVM does not know the processor, or this machine lacks something that it has.
    """
    if _crossed is not None:
        return _crossed
    host = Processor(binding.get_host_cpu_name(), dict(binding.get_host_cpu_features()))
    name, flags, variable = os.environ.get(_VARIABLE) or "host", "", _VARIABLE
    if name == "host":
        variable = "NUMBA_CPU_NAME"
        given = os.environ.get(variable)
        name = given or host.name  # "generic" too, where LLVM is older than the processor: its features are known all the same
        flags = os.environ.get("NUMBA_CPU_FEATURES", "" if given == "generic" else host.flags())
        if (name, flags) == (host.name, host.flags()):
            return host
    needed = "+64bit" if "64bit" in host.features else ""  # without it, LLVM would stop the process
    others = [other for other in _COMMON if other != name]
    if not any(_has(name, needed, [feature for feature in _BASIC if feature in host.features]).values()):
        raise ArgumentError(
            f"{variable} is {name!r}, which LLVM does not know as a processor of this kind.{near_name(name, others)} "
            f"Give one of x86-64-v2, x86-64-v3, x86-64-v4, one of LLVM's names, such as haswell or znver4, or host."
        )
    wanted = _has(name, f"{needed},{flags}", list(host.features))
    missing = [feature for feature, there in wanted.items() if there and not host.features[feature]]
    decisive = sorted(feature for feature in missing if feature.startswith(_DECISIVE))
    if decisive:
        raise ArgumentError(
            f"{variable} is {name!r}, but this machine, {host.name}, cannot run its code: it has no {', '.join(decisive)}. "
            f"Unset it, or name a processor that has no more than this one."
        )
    return Processor(name, wanted | dict.fromkeys(missing, False))


_crossed: Processor | None = None


def compile_for(name: str) -> None:
    """Compile for the processor ``name`` from now on, even if this machine cannot run its code.

    Call it in a new process, before anything is compiled or a module of kernels is imported.
    """
    global _crossed
    features = dict(binding.get_host_cpu_features())
    _crossed = Processor(name, _has(name, "+64bit", list(features)))


def target_machine(jit: bool = False) -> Any:
    """What LLVM makes code for the processor with, once LLVM is started."""
    triple, (name, _) = binding.Target.from_default_triple(), processor()
    return triple.create_target_machine(cpu=name, features=processor().flags(), jit=jit)


def _has(name: str, flags: str, features: list[str]) -> dict[str, bool]:
    """Whether the processor ``name`` with ``flags`` has each of ``features``, in LLVM's opinion."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    text = ["declare void @used(i64)", _attributes(0, name, flags)]
    for number, feature in enumerate(features, start=1):
        text.append(
            f"define internal void @needs{number}(i64 %x) #{number} {{\n call void @used(i64 %x)\n ret void\n}}\n"
            f"define void @has{number}(i64 %x) #0 {{\n call void @needs{number}(i64 %x)\n ret void\n}}\n"
            + _attributes(number, name, f"{flags},+{feature}")
        )
    module = binding.parse_assembly("\n".join(text))
    machine = binding.Target.from_default_triple().create_target_machine()
    passes = binding.create_pass_builder(machine, binding.create_pipeline_tuning_options(speed_level=1))
    passes.getModulePassManager().run(module, passes)
    left = {function.name for function in module.functions}
    return {feature: f"needs{number}" not in left for number, feature in enumerate(features, start=1)}


def _attributes(number: int, name: str, flags: str) -> str:
    return f'attributes #{number} = {{ "target-cpu"="{_escaped(name)}" "target-features"="{_escaped(flags)}" }}'


def _escaped(text: str) -> str:
    """As a string in LLVM's code."""
    return "".join(f"\\{byte:02x}" for byte in text.encode())
