"""The instruction set: the fields of instructions, and the memory that they read and write.

An instruction is a row of WIDTH unsigned integers: the opcode, then its fields. An elementwise op of the table has one
instruction for each useful pattern of operands along the columns: ``v`` advances with them, ``s`` stays (``add.sv`` adds a
scalar to a vector), and ``1`` stands for a single element without a loop. Every other instruction calls a kernel; to add one,
add a row here. The code of updates is also emitted, from ``kernels/update.py``.

This module does not import llvmlite, so lowering, validation and dumps do not need it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from jitgrad.ops import OPS, Op
from jitgrad.vm import addresses

WIDTH = 16
OPERATION = 0
"""The column of the opcode."""
MOVE = 3
WORD, BY_TRIP, BY_LANE = range(MOVE)
"""The table entries of a place that a loop moves: its position, and its increments per trip and per lane."""

Extent = tuple[int, int]
Fields = Mapping[str, int]
Extents = Callable[[Fields, np.ndarray], list[Extent]]
Splits = Callable[[Fields], "Cut"]
"""Splits an instruction with these fields into parts."""
Limit = Callable[[Fields, np.ndarray, np.dtype[Any]], str]
"""Checks numbers that are not places or sizes, given the fields, the table and the dtype; returns a fault, or an empty text."""

LEAST_ELEMENTS = 32768
"""Minimum size of a part of an elementwise instruction or an update: several microseconds, ten times the cost of sharing it."""
LEAST_PRODUCTS = 2**20
"""Minimum number of multiply-adds of a part of a matrix product: about ten microseconds."""
_GRAIN = 16  # where elements or rows are cut: the vectors and blocks of the kernels


class Cut(NamedTuple):
    """How an instruction can be split into parts for threads.

    Attributes
    ----------
    axis : str
        The field with the length that is split.
    moves : dict
        The distance by which each place advances along it.
    work : callable
        Work of the whole instruction, in elements or multiply-adds.
    least : int
        Minimum work of a part.
    grain : int
        The length of a part is a multiple of it.
    """

    axis: str
    moves: dict[str, int]
    work: int
    least: int = LEAST_ELEMENTS
    grain: int = _GRAIN


@dataclass(frozen=True)
class Instruction:
    """One kind of instruction.

    Attributes
    ----------
    name : str
        As printed in dumps.
    fields : tuple of str
        The names of the columns after the opcode.
    places : tuple of str
        The fields that are places in the arena, which a loop may move.
    writes, reads : callable
        Compute from the fields and the table the extents (start, count) of the arena that are written and read. Memory that is
        updated in place is in both.
    kernel : tuple of str or None
        Module and name of the kernel; None for an elementwise instruction.
    op, pattern : Op and str
        For an elementwise instruction, the op of the table and the pattern of its operands.
    splits : callable or None
        How the instruction can be split into parts.
    limits : tuple of callable
        Limits of numbers that the extents do not bound, in the order in which they are checked, before the extents.
    numbers : dict
        For an update, the number of elements at each place whose numbers all elements share.
    of_arrays : bool
        Whether it has no limits and its extents can be computed for arrays of fields of many instructions.
    """

    name: str
    fields: tuple[str, ...]
    places: tuple[str, ...]
    writes: Extents
    reads: Extents
    kernel: tuple[str, str] | None = None
    op: Op | None = None
    pattern: str = ""
    splits: Splits | None = None
    limits: tuple[Limit, ...] = ()
    of_arrays: bool = False
    numbers: Mapping[str, int] = field(default_factory=dict)

    @property
    def emitted(self) -> bool:
        """Whether its code is emitted from expressions, see ``vm/kernels/elementwise.py``."""
        return self.kernel is None or self.kernel[0] == "update"


# Names of the operands of an elementwise op, in its value and in its instructions.
OPERANDS = {1: "x", 2: "ab", 3: "cab"}

INSTRUCTIONS: list[Instruction] = []
OPCODE: dict[str, int] = {}


def _add(instruction: Instruction) -> None:
    OPCODE[instruction.name] = len(INSTRUCTIONS)
    INSTRUCTIONS.append(instruction)


class _Products:
    """Extents that are products of fields. The fields may be arrays with one number for each instruction."""

    def __init__(self, **counts: str) -> None:
        self._factors = {offset: count.split(" * ") for offset, count in counts.items()}

    def __call__(self, f: Fields, table: np.ndarray) -> list[Extent]:
        return [
            (f[offset], math.prod([int(x) if x.isdigit() else f[x] for x in factors]))
            for offset, factors in self._factors.items()
        ]


def extents(**counts: str) -> Extents:
    """Parse extents: ``extents(a="m * k")`` is m·k elements at the place in field ``a``."""
    return _Products(**counts)


def along(*places: str) -> Splits:
    """Return a cut along ``n`` elements, along which these places advance."""
    return lambda f: Cut("n", dict.fromkeys(places, 1), f["n"])


# Elementwise instructions, from the op table.


def patterns(op: Op) -> tuple[str, ...]:
    """Return the patterns of operands along the columns for which the interpreter has a loop."""
    if op.loops:
        return op.loops
    if op.arity == 1:
        return ("v",)
    if op.arity == 2:
        return ("11", "vv", "sv") if op.commutative else ("11", "vv", "sv", "vs")
    return ("vvv", "vvs", "vsv", "vss")


# Lowered to another op with exchanged operands, or to no instruction.
SWAPPED = {"greater": "less", "greater_equal": "less_equal"}
ALIASES = ("stop_gradient", "reshape")


_SPECIAL = {"digamma", "polygamma"}  # with their own loops and branches, in kernels/special.py


def _elementwise(op: Op, pattern: str) -> Instruction:
    operands = OPERANDS[len(pattern)]
    kernel = ("special", op.name) if op.name in _SPECIAL else None
    if len(pattern) == 1:
        return Instruction(
            op.name, ("d", "x", "n"), ("d", "x"), extents(d="n"), extents(x="n"), kernel, op, pattern, along("d", "x"),
            of_arrays=True,
        )  # fmt: skip
    if set(pattern) == {"1"}:
        ones = extents(**dict.fromkeys(operands, "1"))
        places = ("d", *operands)
        return Instruction(f"{op.name}.1", places, places, extents(d="1"), ones, None, op, pattern, of_arrays=True)
    fields = ("d", "rows", "cols", *(x for operand in operands for x in (operand, "r" + operand)))

    def reads(f: Fields, table: np.ndarray) -> list[Extent]:
        some = f["rows"] * f["cols"] > 0
        return [
            (f[x], some * ((f["rows"] - 1) * f["r" + x] + (f["cols"] if kind == "v" else 1)))
            for x, kind in zip(operands, pattern, strict=True)
        ]

    def splits(f: Fields) -> Cut:
        if f["rows"] == 1:
            vectors = [x for x, kind in zip(operands, pattern, strict=True) if kind == "v"]
            return Cut("cols", dict.fromkeys(["d", *vectors], 1), f["cols"])
        return Cut("rows", {"d": f["cols"]} | {x: f["r" + x] for x in operands}, f["rows"] * f["cols"], grain=1)

    return Instruction(
        f"{op.name}.{pattern}", fields, ("d", *operands), extents(d="rows * cols"), reads, kernel, op, pattern, splits,
        of_arrays=True,
    )  # fmt: skip


for _op in OPS.values():
    if _op.value is not None and _op.name not in SWAPPED and _op.name not in ALIASES:
        for _pattern in patterns(_op):
            _add(_elementwise(_op, _pattern))


def _flag(name: str) -> Limit:
    return lambda f, table, dtype: "" if f[name] in (0, 1) else f"{name}={f[name]}, which is 0 or 1"


def _is(name: str, value: int) -> Limit:
    return lambda f, table, dtype: "" if f[name] == value else f"{name}={f[name]}, which is {value}"


def _added_rows(f: Fields, table: np.ndarray, dtype: np.dtype[Any]) -> str:
    return "" if f["rc"] in (0, f["n"]) else f"rc={f['rc']}, which is 0 or n"


def _sizes_and_strides(f: Fields, table: np.ndarray) -> tuple[list[int], list[int]]:
    numbers = table[f["t"] : f["t"] + 2 * f["ndim"]].astype(np.int64).tolist()
    return numbers[: f["ndim"]], numbers[f["ndim"] :]


def _is_view(f: Fields, table: np.ndarray, dtype: np.dtype[Any]) -> str:
    """Check that a view has at least one axis, in the table, and that its sizes match the number of elements."""
    if f["ndim"] == 0 or f["t"] + 2 * f["ndim"] > len(table):
        return f"t={f['t']} ndim={f['ndim']}, past the table of {len(table)}"
    sizes, _ = _sizes_and_strides(f, table)
    return "" if min(sizes) > 0 and math.prod(sizes) == f["n"] else f"n={f['n']} elements of a view of {sizes}"


def _view(offset: str) -> Extents:
    """Return the extent of a strided view, from its lowest to its highest element."""

    def extents_of(f: Fields, table: np.ndarray) -> list[Extent]:
        reach = [(n - 1) * stride for n, stride in zip(*_sizes_and_strides(f, table), strict=True)]
        low, high = sum(r for r in reach if r < 0), sum(r for r in reach if r > 0)
        return [(f[offset] + low, high - low + 1)]

    return extents_of


def _kernel(
    module: str,
    name: str,
    fields: str,
    writes: Extents,
    reads: Extents,
    splits: Splits | None = None,
    limits: tuple[Limit, ...] = (),
) -> None:
    """Declare the instruction of a kernel. Fields with a ``*`` are places."""
    names = tuple(fields.replace("*", "").split())
    places = tuple(field[1:] for field in fields.split() if field[0] == "*")
    products = isinstance(writes, _Products) and isinstance(reads, _Products) and not limits
    _add(Instruction(name, names, places, writes, reads, (module, name), splits=splits, limits=limits, of_arrays=products))


_kernel("copy", "copy", "*d *a n", extents(d="n"), extents(a="n"), splits=along("d", "a"))
_kernel("copy", "zero", "*d n", extents(d="n"), extents(), splits=along("d"))
_kernel("copy", "copy_from", "*d *a t ndim n", extents(d="n"), _view("a"), limits=(_is_view,))
_kernel("copy", "copy_into", "*d *a t ndim n", _view("d"), extents(a="n"), limits=(_is_view,))
_kernel(
    "copy", "gather", "*d *a *b outer count rows width",
    extents(d="outer * count * width"), extents(a="outer * rows * width", b="count"),
)  # fmt: skip
_kernel(
    "copy", "scatter", "*d *a *b outer count rows width",
    extents(d="outer * rows * width"), extents(a="outer * count * width", b="count"),
)  # fmt: skip


def _at_least_one(f: Fields, table: np.ndarray) -> list[Extent]:
    """Return the extent of a reduction's operand, of which the first element is always read."""
    return [(f["a"], f["outer"] * max(f["reduced"], 1) * f["inner"])]


_REDUCED = extents(d="outer * inner")
_kernel("reduce", "sum_axis", "*d *a outer reduced inner", _REDUCED, extents(a="outer * reduced * inner"))
_kernel("reduce", "max_axis", "*d *a outer reduced inner", _REDUCED, _at_least_one)
_kernel("reduce", "min_axis", "*d *a outer reduced inner", _REDUCED, _at_least_one)
_kernel("reduce", "dot", "*d *a *b n", extents(d="1"), extents(a="n", b="n"))
_kernel(
    "reduce", "cumsum", "*d *a outer n inner reverse",
    extents(d="outer * n * inner"), extents(a="outer * n * inner"), limits=(_flag("reverse"),),
)  # fmt: skip


def _coefficients(f: Fields, table: np.ndarray) -> list[Extent]:
    """Return the extents of the operands of k recurrences, whose coefficients are one for all trips or ``apart``."""
    values, trips = f["k"] * f["inner"], f["n"] if f["apart"] else min(f["n"], 1)
    return [(f["a"], f["k"] * values * trips), (f["b"], values * f["n"]), (f["c"], values)]


def _apart(f: Fields, table: np.ndarray, dtype: np.dtype[Any]) -> str:
    return "" if f["apart"] in (0, f["inner"]) else f"apart={f['apart']}, which is 0 or inner"


def _has_links(f: Fields, table: np.ndarray, dtype: np.dtype[Any]) -> str:
    """Check that the table has the values that each of several values depends on: their count, and their numbers."""
    k, t = f["k"], f["t"]
    links = table[t:][: k * (k + 1)]
    fits = k <= 1 or (len(links) == k * (k + 1) and (links.reshape(k, -1) < [k + 1, *[k] * k]).all())
    return "" if fits else f"k={k} t={t}, not the links of k values in the table of {len(table)}"


_kernel(
    "recurrence", "linear_recurrence", "*d *a *b *c k n inner apart reverse t",
    lambda f, table: [(f["d"], f["k"] * f["inner"] * (f["n"] + 1))], _coefficients,
    limits=(_apart, _flag("reverse"), _has_links),
)  # fmt: skip
_kernel("order", "argmax", "*d *a outer n", extents(d="outer"), extents(a="outer * n"))
_kernel("order", "argsort", "*d *a *s outer n", extents(d="outer * n", s="n"), extents(a="outer * n"))


def _products(f: Fields, table: np.ndarray) -> list[Extent]:
    """Return the extents of ``batch`` products of operands ``sa`` and ``sb`` apart, transposed if ``ta`` and ``tb`` are 1.

    The rows of the left operand, as stored, are ``ra`` apart: it may be a block of rows or columns of a larger matrix.

    The matrix at ``c`` is added: one row (``rc`` = 0) or all rows of the result (``rc`` = n). Nothing is added if ``c`` is
    ``d`` and ``rc`` is 0.
    """
    last = f["batch"] - 1
    if last < 0:
        return []
    rows, columns = (f["k"], f["m"]) if f["ta"] else (f["m"], f["k"])
    left = (rows - 1) * f["ra"] + columns if rows and columns else 0
    added = (last + 1) * f["m"] * f["n"] if f["rc"] else f["n"]
    return [
        (f["a"], last * f["sa"] + left),
        (f["b"], last * f["sb"] + f["k"] * f["n"]),
        (f["c"], 0 if f["c"] == f["d"] and f["rc"] == 0 else added),
    ]


def _split_products(f: Fields) -> Cut:
    """Split along the batch, or along the rows of a single product."""
    work = f["batch"] * f["m"] * f["k"] * f["n"]
    row = f["n"] if f["c"] == f["d"] else f["rc"]  # no addend, or the target itself, moves with the result
    if f["batch"] != 1:
        moves = {"d": f["m"] * f["n"], "a": f["sa"], "b": f["sb"], "c": f["m"] * row}
        return Cut("batch", moves, work, LEAST_PRODUCTS, 1)
    return Cut("m", {"d": f["n"], "a": 1 if f["ta"] else f["ra"], "c": row}, work, LEAST_PRODUCTS)


_kernel(
    "matmul", "matmul", "*d *a *b *c ra rc m k n batch sa sb ta tb",
    extents(d="batch * m * n"), _products, splits=_split_products, limits=(_added_rows, _flag("ta"), _flag("tb")),
)  # fmt: skip
_kernel("random", "uniform", "*d *a stream n", extents(d="n"), extents(a="5"))


def _operands(f: Fields, table: np.ndarray) -> list[Extent]:
    """Return the extents of the operands of a call: pairs of offset and size in the table."""
    numbers = table[f["t"] : f["t"] + 2 * f["count"]].tolist()
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _is_called_right(f: Fields, table: np.ndarray, dtype: np.dtype[Any]) -> str:
    """Check that the function is registered, reads numbers within the table, and that its sizes match."""
    callee = addresses.callee(f["kernel"])
    first = f["t"] + 2 * f["count"]
    if callee.dtype != dtype:
        return f"a kernel of {callee.dtype} in a Program of {dtype}"
    if first + callee.numbers > len(table):
        return f"t={f['t']} count={f['count']}, past the table of {len(table)}"
    given = [f["n"], f["room"], *(size for _, size in _operands(f, table))]
    wanted = callee.elements(*table[first : first + callee.numbers].tolist())
    return "" if given == wanted else f"results, room and operands of {given} elements, where {callee.name} has {wanted}"


# A function called by address, see ``language.call_kernel``: ``n`` results at ``d``, ``room`` elements of scratch memory at
# ``s``. The table has offset and size of each of the ``count`` operands, followed by the integers that the function reads.
_kernel(
    "", "call", "kernel *d n *s room t count",
    extents(d="n", s="room"), _operands, limits=(_is_called_right,),
)  # fmt: skip


def _update(name: str, fields: str, writes: str, **numbers: int) -> None:
    """Declare an update in place of ``n`` elements at each place, except for shared numbers; without n, of shared numbers."""
    names = fields.split()
    places = [x for x in names if x != "n"]
    counts = {x: str(numbers.get(x, "n")) for x in places}
    vectors = [x for x in places if x not in numbers]
    _add(
        Instruction(
            name, tuple(names), tuple(places), extents(**{x: counts[x] for x in writes.split()}), extents(**counts),
            ("update", name), numbers=numbers, splits=along(*vectors) if vectors else None, of_arrays=True,
        )
    )  # fmt: skip


# Updates change state in place. "assign" is the copy; "add_product" is a matmul whose ``c`` is ``d``.
_update("sgd", "p g h n", "p", h=1)
_update("momentum", "p v g h n", "p v", h=2)
_update("nesterov", "p v g h n", "p v", h=2)
_update("adam_rate", "s h", "s", s=3, h=4)
_update("adam", "p m v s g h n", "p m v", s=3, h=4)
_update("nonnegative", "p n", "p")
_kernel(
    "norms", "bound_norms", "*p *h outer reduced inner",
    extents(p="outer * reduced * inner"), extents(p="outer * reduced * inner", h="4"),
)  # fmt: skip
_kernel("random", "advance", "*p n", extents(p="n"), extents(p="n"), limits=(_is("n", 5),))


# The next ``length`` instructions run ``trips`` times. They are followed by ``next``, which jumps back to their beginning, and
# by the ``tail``, which runs once. The table has ``moves`` triples for the fields that move: a word, counted from the first
# instruction of the body, and its increments with each trip, and with each of the ``lanes`` that threads can share.
def _is_loop(f: Fields, table: np.ndarray, dtype: np.dtype[Any]) -> str:
    if f["trips"] == 0 or f["t"] + MOVE * f["moves"] > len(table):
        return f"trips={f['trips']} t={f['t']} moves={f['moves']}, none or past the table of {len(table)}"
    return "" if f["lanes"] <= f["trips"] else f"lanes={f['lanes']} of trips={f['trips']}"


_kernel("loop", "loop", "trips length tail lanes t moves", extents(), extents(), limits=(_is_loop,))
_kernel("loop", "next", "left trips length t moves", extents(), extents())

# Jumps, which stay within the bodies of the loops around them. ``branch`` skips the next ``length`` instructions if the number
# at ``p`` is 0, ``jump`` always, and ``back`` returns to the instruction that is ``length - 1`` before it.
_kernel("loop", "branch", "*p length", extents(), extents(p="1"))
_kernel("loop", "jump", "length", extents(), extents())
_kernel("loop", "back", "length", extents(), extents())
JUMPS = ("branch", "jump", "back")


# Integrates differential equations whose right-hand side is the next ``length`` instructions; those of its Jacobian and of the
# events follow. ``n`` results at ``d``, ``room`` elements of scratch memory at ``s``, ``count`` times, and the sizes in the
# table at ``t``: see ``vm/integrate/layout.py``.
_kernel(
    "", "integrate", "kernel *d n *times count *tableau numbers *s room length jacobian events t",
    extents(d="n", s="room"), extents(times="count", tableau="numbers"),
)  # fmt: skip


def column(name: str, field: str) -> np.uint64:
    """Return the column of a field in an instruction."""
    return np.uint64(1 + INSTRUCTIONS[OPCODE[name]].fields.index(field))
