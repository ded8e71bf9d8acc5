"""Generate ``interpreter.py`` from the instruction set: ``python -m jitgrad.vm.generate``.

Instructions with code in ``kernels/elementwise.py`` are run by it. Every other instruction is a branch that calls its kernel.
A test compares the file with the output of this module.
"""

from __future__ import annotations

from pathlib import Path

from jitgrad.vm.instructions import INSTRUCTIONS, Instruction

TARGET = Path(__file__).with_name("interpreter.py")

TEMPLATE = '''\
"""The interpreter: one loop over instructions, with one branch for each opcode.

Generated from the instruction set by ``python -m jitgrad.vm.generate``. Do not edit it.
"""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import call_kernel, call_region, compiled
from jitgrad.vm.compiler.types import UINT64, Number, Records, Type
from jitgrad.vm.context import ContextDescriptor
from jitgrad.vm.kernels import {modules}
from jitgrad.vm.kernels.lanes import row

@compiled
def _execute(context, start, stop):
    """Run the instructions of a context from ``start`` until the next one is ``stop``."""
    A, code, table = context.arena, context.code, context.table
    i = start
    while i != stop:
        f = row(code, i)
        if elementwise.run(A, f, f[0]): pass
{branches}
        i += uint64(1)

def _arguments(element: Number) -> tuple[Type, ...]:
    return Records(ContextDescriptor, element), UINT64, UINT64

execute = Native(_execute, _arguments)
'''


def interpreter_source() -> str:
    """Return the text of ``interpreter.py``."""
    kernels = {opcode: i for opcode, i in enumerate(INSTRUCTIONS) if not i.emitted}
    return TEMPLATE.format(
        modules=", ".join(sorted({i.kernel[0] for i in kernels.values() if i.kernel and i.kernel[0]} | {"elementwise"})),
        branches="\n".join(f"        elif f[0] == {opcode}: {_call(i)}" for opcode, i in kernels.items()),
    )


def _call(instruction: Instruction) -> str:
    column = {field: f"f[{number}]" for number, field in enumerate(instruction.fields, 1)}
    if instruction.name == "call":
        return f"call_kernel({column['kernel']}, A, table, {column['t']}, {column['d']}, {column['s']})"
    if instruction.name == "loop":
        numbers = [column[field] for field in ("trips", "length", "tail", "lanes")]
        return f"i += loop.loop(context, code, i, {', '.join(numbers)})"
    if instruction.name == "next":
        return f"i += loop.next(code, table, i, {', '.join(column.values())})"
    if instruction.name == "branch":
        return f"i += loop.branch(A, {', '.join(column.values())})"
    if instruction.name in ("jump", "back"):
        return f"i {'+' if instruction.name == 'jump' else '-'}= {column['length']}"
    if instruction.name == "integrate":
        skipped = " + ".join(column[field] for field in ("length", "jacobian", "events"))
        return f"i += call_region({column['kernel']}, context, i, {skipped})"
    arguments = ["A"] + (["table"] if "t" in instruction.fields else []) + list(column.values())
    assert instruction.kernel is not None
    return f"{'.'.join(instruction.kernel)}({', '.join(arguments)})"


if __name__ == "__main__":
    TARGET.write_text(interpreter_source())
