"""The processor for which code is compiled: this machine's, or the one given by ``JITGRAD_CPU``.

LLVM has a list of processors with their features: ``x86-64-v3``, ``haswell``, ``znver4``. It does not list the features,
but it inlines a function into another only if the caller's processor has all features of the callee's, so they can be queried.
"""

from __future__ import annotations

import functools
import os
from typing import Any, NamedTuple

from llvmlite import binding

from jitgrad.errors import ArgumentError, near_name

_VARIABLE = "JITGRAD_CPU"
# Features without which code crashes on another processor. The rest (protection keys, random numbers, …) is disabled if needed.
_DECISIVE = ("avx", "bmi", "f16c", "fma", "lzcnt", "movbe", "neon", "popcnt", "sse2", "sse3", "sse4.", "ssse3", "sve")
# Every 64-bit processor has one of these, x86-64 or AArch64. A processor that LLVM does not support has none.
_BASIC = ("cx8", "neon")
_COMMON = (
    "host", "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", "nehalem", "haswell", "skylake", "skylake-avx512", "cascadelake",
    "icelake-server", "sapphirerapids", "znver1", "znver2", "znver3", "znver4", "znver5", "cortex-a72", "neoverse-n1",
    "neoverse-v1", "apple-m1",
)  # fmt: skip


class Processor(NamedTuple):
    """A processor.

    Attributes
    ----------
    name : str
        LLVM's name.
    features : dict of str to bool
        Whether it has each of LLVM's features.
    """

    name: str
    features: dict[str, bool]

    def flags(self) -> str:
        """Return the features in LLVM's syntax: ``+avx,-avx512f``."""
        return ",".join(f"{'+' if there else '-'}{feature}" for feature, there in sorted(self.features.items()))


@functools.cache
def processor() -> Processor:
    """Return the processor for which this process compiles code.

    It is taken from ``JITGRAD_CPU``, else ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES``, else from this machine.

    Raises
    ------
    ArgumentError
        If LLVM does not support the processor, or if this machine lacks one of its features.
    """
    if _crossed is not None:
        return _crossed
    host = Processor(binding.get_host_cpu_name(), dict(binding.get_host_cpu_features()))
    name, flags, variable = os.environ.get(_VARIABLE) or "host", "", _VARIABLE
    if name == "host":
        variable = "NUMBA_CPU_NAME"
        given = os.environ.get(variable)
        name = given or host.name  # LLVM reports "generic" for processors newer than itself, but reports their features
        flags = os.environ.get("NUMBA_CPU_FEATURES", "" if given == "generic" else host.flags())
        if (name, flags) == (host.name, host.flags()):
            return host
    needed = "+64bit" if "64bit" in host.features else ""  # without it, LLVM would abort the process
    others = [other for other in _COMMON if other != name]
    if not any(_has(name, needed, [feature for feature in _BASIC if feature in host.features]).values()):
        raise ArgumentError(
            f"{variable} is {name!r}, which is not a processor that LLVM knows for this architecture.{near_name(name, others)} "
            f"Use x86-64-v2, x86-64-v3, x86-64-v4, one of LLVM's names such as haswell or znver4, or host."
        )
    wanted = _has(name, f"{needed},{flags}", list(host.features))
    missing = [feature for feature, there in wanted.items() if there and not host.features[feature]]
    decisive = sorted(feature for feature in missing if feature.startswith(_DECISIVE))
    if decisive:
        raise ArgumentError(
            f"{variable} is {name!r}, but this machine, {host.name}, cannot run its code because it lacks "
            f"{', '.join(decisive)}. "
            f"Unset it, or choose a processor without features that this one lacks."
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
    """Return LLVM's target machine for the processor, after LLVM has been started."""
    triple, (name, _) = binding.Target.from_default_triple(), processor()
    return triple.create_target_machine(cpu=name, features=processor().flags(), jit=jit)


def _has(name: str, flags: str, features: list[str]) -> dict[str, bool]:
    """Query LLVM: return whether the processor ``name`` with ``flags`` has each of ``features``."""
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
    """Escape text as a string in LLVM's IR."""
    return "".join(f"\\{byte:02x}" for byte in text.encode())
