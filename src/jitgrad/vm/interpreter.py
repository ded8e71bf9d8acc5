"""The interpreter: one loop over instructions, with one branch for each opcode.

Generated from the instruction set by ``python -m jitgrad.vm.generate``. Do not edit it.
"""

from __future__ import annotations

from numpy import uint64

from jitgrad.vm.compiler.functions import Native
from jitgrad.vm.compiler.language import call_kernel, call_region, compiled
from jitgrad.vm.compiler.types import UINT64, Number, Records, Type
from jitgrad.vm.context import ContextDescriptor
from jitgrad.vm.kernels import copy, elementwise, loop, matmul, norms, order, random, recurrence, reduce, special
from jitgrad.vm.kernels.lanes import row

@compiled
def _execute(context, start, stop):
    """Run the instructions of a context from ``start`` until the next one is ``stop``."""
    A, code, table = context.arena, context.code, context.table
    i = start
    while i != stop:
        f = row(code, i)
        if elementwise.run(A, f, f[0]): pass
        elif f[0] == 44: special.digamma(A, f[1], f[2], f[3])
        elif f[0] == 45: special.polygamma(A, f[1], f[2], f[3], f[4], f[5], f[6], f[7])
        elif f[0] == 81: copy.copy(A, f[1], f[2], f[3])
        elif f[0] == 82: copy.zero(A, f[1], f[2])
        elif f[0] == 83: copy.copy_from(A, table, f[1], f[2], f[3], f[4], f[5])
        elif f[0] == 84: copy.copy_into(A, table, f[1], f[2], f[3], f[4], f[5])
        elif f[0] == 85: copy.gather(A, f[1], f[2], f[3], f[4], f[5], f[6], f[7])
        elif f[0] == 86: copy.scatter(A, f[1], f[2], f[3], f[4], f[5], f[6], f[7])
        elif f[0] == 87: reduce.sum_axis(A, f[1], f[2], f[3], f[4], f[5])
        elif f[0] == 88: reduce.max_axis(A, f[1], f[2], f[3], f[4], f[5])
        elif f[0] == 89: reduce.min_axis(A, f[1], f[2], f[3], f[4], f[5])
        elif f[0] == 90: reduce.dot(A, f[1], f[2], f[3], f[4])
        elif f[0] == 91: reduce.cumsum(A, f[1], f[2], f[3], f[4], f[5], f[6])
        elif f[0] == 92: recurrence.linear_recurrence(A, table, f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], f[10])
        elif f[0] == 93: order.argmax(A, f[1], f[2], f[3], f[4])
        elif f[0] == 94: order.argsort(A, f[1], f[2], f[3], f[4], f[5])
        elif f[0] == 95: matmul.matmul(A, f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], f[10], f[11], f[12], f[13], f[14])
        elif f[0] == 96: random.uniform(A, f[1], f[2], f[3], f[4])
        elif f[0] == 97: call_kernel(f[1], A, table, f[6], f[2], f[4])
        elif f[0] == 104: norms.bound_norms(A, f[1], f[2], f[3], f[4], f[5])
        elif f[0] == 105: random.advance(A, f[1], f[2])
        elif f[0] == 106: i += loop.loop(context, code, i, f[1], f[2], f[3], f[4])
        elif f[0] == 107: i += loop.next(code, table, i, f[1], f[2], f[3], f[4], f[5])
        elif f[0] == 108: i += loop.branch(A, f[1], f[2])
        elif f[0] == 109: i += f[1]
        elif f[0] == 110: i -= f[1]
        elif f[0] == 111: i += call_region(f[1], context, i, f[10] + f[11] + f[12])
        i += uint64(1)

def _arguments(element: Number) -> tuple[Type, ...]:
    return Records(ContextDescriptor, element), UINT64, UINT64

execute = Native(_execute, _arguments)
