"""Linear combinations of stages. Vectors have a multiple of BLOCK elements, or LANES numbers for each, computed together."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from jitgrad.vm.compiler.emitter import HALF, Emitter, Value
from jitgrad.vm.compiler.language import emitted
from jitgrad.vm.integrate.layout import BLOCK, LANES


@emitted(inline=False)
def combine(emit: Emitter, to: Any, y: Any, stages: Any, weights: Any, count: Any, h: Any, stride: Any) -> None:
    """Compute ``to = y + h Σ weights[j] stages[j]`` over the first ``count`` stages."""
    kind = ir.VectorType(emit.number, BLOCK)
    _combine(emit, to, y, stages, weights, count, Value(emit, emit.spread(h, kind)), stride)


@emitted(inline=False)
def weighted(emit: Emitter, to: Any, stages: Any, weights: Any, count: Any, stride: Any) -> None:
    """Compute ``to = Σ weights[j] stages[j]`` over the first ``count`` stages."""
    _weighted(emit, to, stages, weights, count, stride, ir.VectorType(emit.number, BLOCK))


@emitted()
def collect(emit: Emitter, to: Any, source: Any, stride: Any) -> None:
    """Copy a vector. Its elements may be stored one by one, which processors do not forward to a load of several at once."""
    builder, kind = emit.builder, ir.VectorType(emit.number, BLOCK)

    def block(k: Any) -> None:
        made: Any = ir.Constant(kind, ir.Undefined)
        for j in range(BLOCK):
            element = builder.load_atomic(emit.at(source, k, j), "monotonic", emit.size)  # atomic loads are not united
            made = builder.insert_element(made, element, ir.Constant(HALF, j))
        builder.store(made, builder.bitcast(emit.at(to, k), kind.as_pointer())).align = emit.size

    emit.loop(stride, BLOCK, block)


@emitted(inline=False)
def combine_lanes(emit: Emitter, to: Any, y: Any, stages: Any, weights: Any, count: Any, steps: Any, stride: Any) -> None:
    """Compute ``to = y + h Σ weights[j] stages[j]`` for lanes, each with its own h in ``steps``."""
    step = Value(emit, _loaded(emit, emit.pointer(steps, ir.VectorType(emit.number, LANES))))
    _combine(emit, to, y, stages, weights, count, step, stride)


@emitted(inline=False)
def weighted_lanes(emit: Emitter, to: Any, stages: Any, weights: Any, count: Any, stride: Any) -> None:
    """Compute ``to = Σ weights[j] stages[j]`` for lanes."""
    _weighted(emit, to, stages, weights, count, stride, ir.VectorType(emit.number, LANES))


def _combine(emit: Emitter, to: Any, y: Any, stages: Any, weights: Any, count: Any, step: Value, stride: Any) -> None:
    builder, kind = emit.builder, step.code.type

    def block(k: Any) -> None:
        start, place = (builder.bitcast(emit.at(x, k), kind.as_pointer()) for x in (y, to))
        before = Value(emit, _loaded(emit, start))
        builder.store((before + step * _sum(emit, stages, weights, count, stride, k, kind)).code, place).align = emit.size

    emit.loop(stride, kind.count, block)


def _weighted(emit: Emitter, to: Any, stages: Any, weights: Any, count: Any, stride: Any, kind: Any) -> None:
    builder = emit.builder

    def block(k: Any) -> None:
        place = builder.bitcast(emit.at(to, k), kind.as_pointer())
        builder.store(_sum(emit, stages, weights, count, stride, k, kind).code, place).align = emit.size

    emit.loop(stride, kind.count, block)


def _sum(emit: Emitter, stages: Any, weights: Any, count: Any, stride: Any, k: Any, kind: Any) -> Value:
    """Return the weighted sum of the elements k, k + 1, … of the stages."""
    builder = emit.builder
    with builder.goto_entry_block():
        total = builder.alloca(kind)
    builder.store(ir.Constant(kind, [0.0] * kind.count), total)

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
