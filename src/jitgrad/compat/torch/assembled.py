"""Functions that assemble larger tensors from vectors and matrices."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from jitgrad.compat.torch.promotion import read
from jitgrad.compat.torch.shapes import atleast_2d, stack
from jitgrad.compat.torch.tensor import Tensor, wrap
from jitgrad.functions import joining, rearranging
from jitgrad.functions import shapes as lib
from jitgrad.tape.tensor import retyped


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Return the coordinates of a grid spanned by vectors."""
    given = tensors[0] if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else tensors
    made = lib.meshgrid(*[read("meshgrid", x) for x in given], indexing=indexing)
    return tuple(wrap(grid, "ExpandBackward0", x._integer) for grid, x in zip(made, given, strict=True))


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Return all combinations, one per row."""
    if len(tensors) == 1:
        return tensors[0]
    return stack([grid.reshape(-1) for grid in meshgrid(*tensors)], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Return all combinations of ``r`` elements, one per row."""
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(choose(range(input.numel()), r)), np.int64).reshape(-1, r)
    return wrap(read("combinations", input)[places], "StackBackward0", input._integer)


def block_diag(*tensors: Tensor) -> Tensor:
    """Place matrices along the diagonal of a larger matrix."""
    blocks = [atleast_2d(x)._tensor for x in tensors]
    width = sum(x.shape[1] for x in blocks)
    rows, start = [], 0
    for x in blocks:
        rows.append(rearranging.pad(x, [(0, 0), (start, width - start - x.shape[1])]))
        start += x.shape[1]
    return wrap(joining.concatenate(rows, 0), "BlockDiagBackward0", tensors[0]._integer)


def diag_embed(input: Tensor) -> Tensor:
    """Return matrices whose diagonals are the vectors along the last axis."""
    x = read("diag_embed", input)
    return wrap(lib.expand_dims(x, -1) * np.eye(x.shape[-1]), "DiagEmbedBackward0", input._integer)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Return a Vandermonde matrix: a row of powers for each element."""
    held = read("vander", x)
    powers = np.arange(held.size if N is None else N)
    made = lib.expand_dims(held, -1) ** (powers if increasing else powers[::-1])
    return wrap(retyped(made, held.level), "FlipBackward0", x._integer)
