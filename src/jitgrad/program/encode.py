"""From steps with places in the arena to instructions."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jitgrad.ops import OPS, Shape
from jitgrad.ops.table import Kernel
from jitgrad.program.expression import Expression, Step, Update
from jitgrad.program.passes.legalise import layout_of
from jitgrad.program.passes.tile_rows import LANES, Blocks
from jitgrad.program.split import split
from jitgrad.vm import addresses
from jitgrad.vm.instructions import INSTRUCTIONS, OPCODE, OPERANDS, WIDTH
from jitgrad.vm.late import load

_FIELDS = {instruction.name: instruction.fields for instruction in INSTRUCTIONS}


@dataclass
class Encoder:
    """The one place where instructions are appended, large ones in parts."""

    expression: Expression
    offsets: list[int]
    dtype: np.dtype[Any]
    rows: list[list[int]] = field(default_factory=list)
    table: list[int] = field(default_factory=list)
    whole: bool = False  # whether large instructions stay so, as parts of what is shared already

    def emit(self, name: str, **fields: int) -> None:
        parts = [fields] if self.whole else split(INSTRUCTIONS[OPCODE[name]], fields)
        if len(parts) > 1:
            self._append("together", {"count": len(parts), "length": 1})
        for part in parts:
            self._append(name, part)

    def _append(self, name: str, fields: dict[str, int]) -> None:
        row = [OPCODE[name], *[fields[key] for key in _FIELDS[name]]]
        self.rows.append(row + [0] * (WIDTH - len(row)))

    def _append_all(self, code: np.ndarray) -> None:
        self.rows += code.reshape(-1, WIDTH).tolist()

    def code(self) -> np.ndarray:
        return np.array(self.rows, np.uint64).reshape(-1, WIDTH)

    def shape(self, i: int) -> Shape:
        return self.expression.steps[i].shape

    def size(self, i: int) -> int:
        return math.prod(self.shape(i))

    # One step.

    def step(self, i: int) -> None:
        step = self.expression.steps[i]
        if math.prod(step.shape) == 0 or step.op in ("input", "literal", "reshape", "room"):
            return
        row = OPS.get(step.op)
        if row is not None and row.value is not None:
            self._elementwise(step, self.offsets[i])
        elif row is not None and row.kernel is not None:
            self._custom(step, self.offsets[i], row.kernel)
        else:
            getattr(self, "_" + step.op)(step, self.offsets[i], *[self.offsets[j] for j in step.args], **dict(step.attrs))

    def _elementwise(self, step: Step, d: int) -> None:
        places = [self.offsets[j] for j in step.args]
        if len(places) == 1:
            self.emit(step.op, d=d, x=places[0], n=math.prod(step.shape))
            return
        layout = layout_of(step.shape, tuple(self.shape(j) for j in step.args))
        assert layout is not None
        names = OPERANDS[len(places)]
        if layout.rows * layout.cols == 1 and f"{step.op}.1" in OPCODE:
            self.emit(f"{step.op}.1", d=d, **dict(zip(names, places, strict=True)))
            return
        fields = dict(zip(names, places, strict=True)) | {"r" + x: s for x, s in zip(names, layout.strides, strict=True)}
        self.emit(f"{step.op}.{layout.pattern}", d=d, rows=layout.rows, cols=layout.cols, **fields)

    def _copy(self, step: Step, d: int, a: int) -> None:
        self.emit("copy", d=d, a=a, n=math.prod(step.shape))

    def _broadcast_to(self, step: Step, d: int, a: int, shape: Shape) -> None:
        source = self.shape(step.args[0])
        lead = len(shape) - len(source)
        strides = (0,) * lead + tuple(0 if n == 1 else s for n, s in zip(source, _strides(source), strict=True))
        self._view("copy_from", d, a, shape, strides)

    def _transpose(self, step: Step, d: int, a: int, axes: tuple[int, ...]) -> None:
        strides = _strides(self.shape(step.args[0]))
        self._view("copy_from", d, a, step.shape, tuple(strides[axis] for axis in axes))

    def _slice(self, step: Step, d: int, a: int, starts: Shape, steps: Shape, shape: Shape) -> None:
        start, strides = _sliced(self.shape(step.args[0]), starts, steps)
        self._view("copy_from", d, a + start, shape, strides)

    def _pad(self, step: Step, d: int, a: int, starts: Shape, steps: Shape, shape: Shape) -> None:
        self.emit("zero", d=d, n=math.prod(shape))
        start, strides = _sliced(shape, starts, steps)
        self._view("copy_into", d + start, a, self.shape(step.args[0]), strides)

    def _concatenate(self, step: Step, d: int, *places: int, axis: int) -> None:
        strides, at = _strides(step.shape), d
        for j, a in zip(step.args, places, strict=True):
            self._view("copy_into", at, a, self.shape(j), strides)
            at += self.shape(j)[axis] * strides[axis]

    def _view(self, name: str, d: int, a: int, shape: Shape, strides: Shape) -> None:
        """A strided copy, axes merged where they run on from one another."""
        sizes, jumps = [1], [1]
        for n, s in zip(shape, strides, strict=True):
            if n == 1:
                continue
            if jumps[-1] == n * s and sizes[-1] != 1:
                sizes[-1], jumps[-1] = sizes[-1] * n, s
            else:
                sizes.append(n)
                jumps.append(s)
        if len(sizes) > 1:
            del sizes[0], jumps[0]
        n = math.prod(sizes)
        if n == 0:
            return
        if len(sizes) == 1 and jumps[0] == 1:
            self.emit("copy", d=d, a=a, n=n)
            return
        self.emit(name, d=d, a=a, t=self._numbers(sizes + jumps), ndim=len(sizes), n=n)

    def _numbers(self, wanted: list[int]) -> int:
        """Where in the table some numbers stand, once for all that have the same."""
        start = len(self.table)
        for k in range(start - len(wanted) + 1):
            if self.table[k : k + len(wanted)] == wanted:
                return k
        self.table += wanted
        return start

    def _gather(self, step: Step, d: int, a: int, b: int, axis: int) -> None:
        outer, rows, width = _around(self.shape(step.args[0]), axis)
        self.emit("gather", d=d, a=a, b=b, outer=outer, count=self.size(step.args[1]), rows=rows, width=width)

    def _scatter(self, step: Step, d: int, a: int, b: int, axis: int, rows: int) -> None:
        outer, rows, width = _around(step.shape, axis)
        self.emit("scatter", d=d, a=a, b=b, outer=outer, count=self.size(step.args[1]), rows=rows, width=width)

    def _cumsum(self, step: Step, d: int, a: int, axis: int, reverse: bool) -> None:
        outer, n, inner = _around(step.shape, axis)
        self.emit("cumsum", d=d, a=a, outer=outer, n=n, inner=inner, reverse=int(reverse))

    def _argmax(self, step: Step, d: int, a: int) -> None:
        self.emit("argmax", d=d, a=a, outer=math.prod(step.shape), n=self.shape(step.args[0])[-1])

    def _argsort(self, step: Step, d: int, a: int, room: int) -> None:
        self.emit("argsort", d=d, a=a, s=room, outer=math.prod(step.shape[:-1]), n=step.shape[-1])

    def _uniform(self, step: Step, d: int, a: int, shape: Shape, stream: int) -> None:
        self.emit("uniform", d=d, a=a, stream=stream, n=math.prod(shape))

    def _reduced(self, name: str, step: Step, d: int, a: int, axes: tuple[int, ...]) -> None:
        shape = self.shape(step.args[0])
        first, last = min(axes), max(axes)
        outer, reduced, inner = (math.prod(shape[s]) for s in (slice(first), slice(first, last + 1), slice(last + 1, None)))
        self.emit(name, d=d, a=a, outer=outer, reduced=reduced, inner=inner)

    def _sum(self, step: Step, d: int, a: int, axes: tuple[int, ...]) -> None:
        self._reduced("sum_axis", step, d, a, axes)

    def _max(self, step: Step, d: int, a: int, axes: tuple[int, ...]) -> None:
        self._reduced("max_axis", step, d, a, axes)

    def _min(self, step: Step, d: int, a: int, axes: tuple[int, ...]) -> None:
        self._reduced("min_axis", step, d, a, axes)

    def _dot(self, step: Step, d: int, a: int, b: int) -> None:
        self.emit("dot", d=d, a=a, b=b, n=self.size(step.args[0]))

    def _product(self, step: Step, d: int, a: int, b: int, c: int | None = None) -> None:
        m, n = step.shape[-2:]
        k = self.shape(step.args[0])[-2 if step.op == "matmul_tn" else -1]
        batch = math.prod(step.shape[:-2])
        sa, sb = (
            per if math.prod(self.shape(j)[:-2]) == batch else 0 for j, per in zip(step.args, (m * k, k * n), strict=False)
        )
        rc = n if c is not None and self.shape(step.args[2]) == step.shape else 0
        c = d if c is None else c
        ta, tb = int(step.op == "matmul_tn"), int(step.op == "matmul_nt")
        ra = m if ta else k
        self.emit("matmul", d=d, a=a, b=b, c=c, ra=ra, rc=rc, m=m, k=k, n=n, batch=batch, sa=sa, sb=sb, ta=ta, tb=tb)

    def _matmul_by_depth(self, step: Step, d: int, a: int, b: int) -> None:
        (batch, m, n), depth = step.shape, self.shape(step.args[0])[-1]
        k = depth // batch
        self.emit("matmul", d=d, a=a, b=b, c=d, ra=depth, rc=0, m=m, k=k, n=n, batch=batch, sa=k, sb=k * n, ta=0, tb=0)

    _matmul_nn = _matmul_nt = _matmul_tn = _product

    # Blocks of rows.

    def _blocks(self, step: Step, d: int, *places: int, blocks: Blocks) -> None:
        """Lanes of as many blocks each, which threads share; then the blocks that are left.

        An instruction's place in another lane or block is as far on as in the next, so three of them say where all are.
        """
        *operands, room = places
        here = functools.partial(self._block, blocks, operands, room, d)
        full = blocks.rows // blocks.block
        each = full // LANES
        first, second, aside = here(0, 0), here(0, 1), here(1, each)
        lane, block = np.arange(LANES).reshape(-1, 1, 1, 1), np.arange(each).reshape(1, -1, 1, 1)
        self._append("together", {"count": LANES, "length": each * len(first)})
        self._append_all(first + lane * (aside - first) + block * (second - first))
        for left in range(LANES * each, blocks.number):
            self._append_all(here(0, left))

    def _block(self, blocks: Blocks, operands: Sequence[int], room: int, d: int, lane: int, number: int) -> np.ndarray:
        """The instructions for one block, int64."""
        body = blocks.body if number < blocks.rows // blocks.block else blocks.tail
        assert body is not None
        offsets = [room + lane * blocks.room + offset for offset in body.offsets]
        row = number * blocks.block
        for k, (place, width) in enumerate(zip(operands, blocks.widths, strict=True)):
            offsets[k] = place + row * width
        for k in body.sums:
            size = math.prod(body.expression.steps[k].shape)
            offsets[k] = d + number * size
            d += blocks.number * size
        inner = Encoder(body.expression, offsets, self.dtype, table=self.table, whole=True)
        for i, one in enumerate(body.expression.steps):
            if one.op == "reshape":
                offsets[i] = offsets[one.args[0]]
            inner.step(i)
        return inner.code().astype(np.int64)

    # Functions by their address.

    def _solve(self, step: Step, d: int, a: int, b: int, room: int) -> None:
        *batch, n, k = step.shape
        self._linalg("solve", step, d, (math.prod(batch), n, k))

    def _determinant(self, step: Step, d: int, a: int, room: int) -> None:
        self._linalg("determinant", step, d, (math.prod(step.shape[:-1]), self.shape(step.args[0])[-1]))

    def _cholesky(self, step: Step, d: int, a: int, room: int) -> None:
        self._linalg("cholesky", step, d, (math.prod(step.shape[:-2]), step.shape[-1]))

    def _linalg(self, name: str, step: Step, d: int, numbers: Sequence[int]) -> None:
        address = addresses.note(addresses.linalg(name, self.dtype), load(name, self.dtype).address)
        self._call(address, step.args[:-1], step.args[-1], d, math.prod(step.shape), numbers)

    def _custom(self, step: Step, d: int, kernel: Kernel) -> None:
        shapes = [self.shape(j) for j in step.args]
        numbers = [n for shape in (step.shape, *shapes) for n in shape]
        address = kernel(self.dtype, len(step.shape), tuple(map(len, shapes)))
        self._call(address, step.args, None, d, math.prod(step.shape), numbers)

    def _call(self, kernel: int, operands: Sequence[int], room: int | None, d: int, n: int, numbers: Sequence[int]) -> None:
        t = self._numbers([x for j in operands for x in (self.offsets[j], self.size(j))] + [*numbers])
        s, size = (0, 0) if room is None else (self.offsets[room], self.size(room))
        self.emit("call", kernel=kernel, d=d, n=n, s=s, room=size, t=t, count=len(operands))

    # One update.

    def update(self, update: Update) -> None:
        """Fields are the places of the targets, those of what is read, and the attributes, or ``n``, the first target's size.

        Those without an instruction of their own are copies, and products that are added in place.
        """
        n = self.size(update.targets[0])
        if n == 0:
            return
        if update.op == "assign":
            self.emit("copy", d=self.offsets[update.targets[0]], a=self.offsets[update.args[0]], n=n)
            return
        places = [self.offsets[i] for i in update.targets + update.args]
        if update.op == "add_product":
            d, a, b = places
            (m, n), k = self.shape(update.targets[0]), self.shape(update.args[0])[0]
            self.emit("matmul", d=d, a=a, b=b, c=d, ra=m, rc=n, m=m, k=k, n=n, batch=1, sa=0, sb=0, ta=1, tb=0)
            return
        self.emit(update.op, **({"n": n} | dict(update.attrs)), **dict(zip(_FIELDS[update.op], places, strict=False)))


def _around(shape: Shape, axis: int) -> tuple[int, int, int]:
    """The sizes before, of, and after an axis."""
    return math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])


def _strides(shape: Shape) -> tuple[int, ...]:
    """Elements from one index to the next along each axis, row-major."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _sliced(shape: Shape, starts: Shape, steps: Shape) -> tuple[int, tuple[int, ...]]:
    """Where a slice of an array of ``shape`` starts, and its strides."""
    strides = _strides(shape)
    start = sum(first * s for first, s in zip(starts, strides, strict=True))
    return start, tuple(step * s for step, s in zip(steps, strides, strict=True))
