"""Linear combinations of stages. Vectors have a multiple of BLOCK elements, which are computed together."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from jitgrad.vm.compiler.emitter import Emitter, Value
from jitgrad.vm.compiler.language import emitted
from jitgrad.vm.integrate.layout import BLOCK


@emitted(inline=False)
def combine(emit: Emitter, to: Any, y: Any, stages: Any, weights: Any, count: Any, h: Any, stride: Any) -> None:
    """Compute ``to = y + h Σ weights[j] stages[j]`` over the first ``count`` stages."""
    builder, kind = emit.builder, ir.VectorType(emit.number, BLOCK)
    step = Value(emit, emit.spread(h, kind))

    def block(k: Any) -> None:
        start, place = (builder.bitcast(emit.at(x, k), kind.as_pointer()) for x in (y, to))
        before = Value(emit, _loaded(emit, start))
        builder.store((before + step * _sum(emit, stages, weights, count, stride, k)).code, place).align = emit.size

    emit.loop(stride, BLOCK, block)


@emitted(inline=False)
def weighted(emit: Emitter, to: Any, stages: Any, weights: Any, count: Any, stride: Any) -> None:
    """Compute ``to = Σ weights[j] stages[j]`` over the first ``count`` stages."""
    builder, kind = emit.builder, ir.VectorType(emit.number, BLOCK)

    def block(k: Any) -> None:
        place = builder.bitcast(emit.at(to, k), kind.as_pointer())
        builder.store(_sum(emit, stages, weights, count, stride, k).code, place).align = emit.size

    emit.loop(stride, BLOCK, block)


def _sum(emit: Emitter, stages: Any, weights: Any, count: Any, stride: Any, k: Any) -> Value:
    """Return the weighted sum of the elements k, k + 1, … of the stages."""
    builder, kind = emit.builder, ir.VectorType(emit.number, BLOCK)
    with builder.goto_entry_block():
        total = builder.alloca(kind)
    builder.store(ir.Constant(kind, [0.0] * BLOCK), total)

    def add(j: Any) -> None:
        weight = Value(emit, emit.spread(builder.load(emit.at(weights, j)), kind))
        place = builder.bitcast(emit.at(stages, builder.mul(j, stride), k), kind.as_pointer())
        builder.store((Value(emit, builder.load(total)) + weight * Value(emit, _loaded(emit, place))).code, total)

    emit.loop(count, 1, add)
    return Value(emit, builder.load(total))


def _loaded(emit: Emitter, place: Any) -> Any:
    loaded = emit.builder.load(place)
    loaded.align = emit.size
    return loaded
