"""``cond``: one of two functions, by a condition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.control_flow.structure import leaves, leaves_like, names, packed
from jitgrad.errors import DTypeError, ShapeError, TracingError
from jitgrad.tape import cond as op
from jitgrad.tape.protocol import public
from jitgrad.tape.region import Region, weak
from jitgrad.tape.tensor import Tensor, as_tensor


@public()
def cond(pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Any) -> Any:
    """Return the result of one of two functions.

    ``cond`` computes the same as ``true_fun(*operands) if pred else false_fun(*operands)``, also if the value of ``pred`` is
    not known when the function is recorded, as in the body of a loop or in a traced function. Then both functions are recorded,
    and one of them runs.

    Parameters
    ----------
    pred : array_like
        A single boolean, or a number that stands for True if it is not 0.
    true_fun, false_fun : callable
        Functions of the operands, which may also read other values. Their results have the same structure, shapes and dtypes.
        If the value of ``pred`` is known, only one of them is called, and its result is returned.
    *operands : array_like or structure of array_like
        The arguments of both functions.

    Returns
    -------
    Tensor or structure of Tensors
        The result.

    Raises
    ------
    ArgumentError
        If the results have different structures.
    ShapeError
        If the results have different shapes, or ``pred`` is not a single value.
    DTypeError
        If the results have different dtypes.
    UnsupportedError
        If a function draws random numbers and the value of ``pred`` is not known.

    See Also
    --------
    where : Select elements of two arrays, which are both computed.

    Notes
    -----
    With ``vmap``, both functions run if ``pred`` depends on the row, and ``where`` selects the results.

    Examples
    --------
    A bounded random walk:

    >>> def step(x, dx):
    ...     x = jg.cond(abs(x) > 1, lambda x: 0 * x, lambda x: x + dx, x)
    ...     return x, x
    >>> jg.scan(step, 0.0, np.array([0.5, 0.75, 0.5, 0.25]))[1].numpy()
    array([0.5 , 1.25, 0.  , 0.25])
    """
    chosen = as_tensor(pred)
    if chosen.shape != ():
        raise ShapeError(f"cond: pred has shape {chosen.shape}. Give a single boolean, for example by jg.any.")
    try:
        known = bool(chosen)
    except TracingError:  # its value is known only while the Program runs
        return _recorded(chosen, true_fun, false_fun, operands)
    result = (true_fun if known else false_fun)(*operands)
    return packed(result, leaves(result))


def _recorded(pred: Tensor, true_fun: Callable[..., Any], false_fun: Callable[..., Any], operands: tuple[Any, ...]) -> Any:
    """Record both functions."""
    with Region("cond") as region:
        result = true_fun(*operands)
        true, false = leaves(result), leaves_like(result, false_fun(*operands), "cond", "the result")
    for name, x, y in zip(names(result, "the result"), true, false, strict=True):
        if x.shape != y.shape:
            raise ShapeError(
                f"cond: {name} has shape {x.shape} from true_fun and {y.shape} from false_fun. Return the same shape from both."
            )
        if x.dtype != y.dtype and not weak(x if x.level < y.level else y):
            raise DTypeError(
                f"cond: {name} has dtype {x.dtype} from true_fun and {y.dtype} from false_fun. Return the same dtype from both."
            )
    return packed(result, op.cond(region, pred, true, false))
