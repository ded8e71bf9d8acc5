"""``torch.autograd.grad``, and ``backward`` for several tensors."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from jitgrad.compat.torch.backward import TWICE, check_target, run_backward
from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.tensor import Tensor, wrap
from jitgrad.tape import recording
from jitgrad.tape.backward import let_go
from jitgrad.tape.groups import group
from jitgrad.tape.reverse_mode import differentiate, key_of, topological
from jitgrad.tape.tensor import Tensor as Plain
from jitgrad.tape.tensor import as_tensor


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """Return the gradients of the sum of ``outputs``; with ``create_graph``, they can be differentiated."""
    if is_grads_batched:
        raise TorchError("grad: jitgrad does not have is_grads_batched. Use torch.func.jacrev or torch.vmap.")
    targets, sources = _listed(outputs), _listed(inputs)
    weights = [None] * len(targets) if grad_outputs is None else _listed(grad_outputs)
    for target, weight in zip(targets, weights, strict=True):
        check_target(target._tensor, weight)
    if not all(x.requires_grad for x in sources):
        raise TorchError("One of the differentiated Tensors does not require grad. Call requires_grad_() before it is used.")
    plain = [x._tensor._read() for x in targets]
    kept = create_graph if retain_graph is None else retain_graph
    _check_kept(plain)
    with nullcontext() if create_graph else recording.no_grad():
        keys = [key_of(x._tensor._read()) for x in sources]
        cotangents = [None if w is None else as_tensor(w._tensor) for w in weights]
        found = differentiate(plain, keys, _requires, _requires, cotangents)
    group([*plain, *found])
    if not kept:
        for target in plain:
            let_go(target)
    return tuple([_made(g, x, bool(allow_unused), materialize_grads) for g, x in zip(found, sources, strict=True)])


def _listed(given: Any) -> list[Any]:
    return list(given) if isinstance(given, Sequence) else [given]


def _made(found: Plain | None, source: Tensor, allow_unused: bool, zeros: bool) -> Tensor | None:
    if found is not None:
        return wrap(found)
    if zeros:
        return wrap(as_tensor(source._tensor) * 0.0).detach()
    if not allow_unused:
        raise TorchError(
            "One of the differentiated Tensors appears to not have been used in the graph. "
            "Set allow_unused=True if this is the desired behavior."
        )
    return None


def _check_kept(targets: Sequence[Plain]) -> None:
    for node in topological(targets, _requires):
        if node.gradient is not None and node.gradient.spent:
            raise TorchError(TWICE)


def _requires(tensor: Plain) -> bool:
    return tensor.gradient is not None


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: None = None,
    inputs: Any = None,
) -> None:
    """Call ``backward`` for several tensors."""
    targets = _listed(tensors)
    weights = [None] * len(targets) if grad_tensors is None else _listed(grad_tensors)
    for number, (target, weight) in enumerate(zip(targets, weights, strict=True), 1):
        run_backward(target, weight, retain_graph or number < len(targets), create_graph, inputs)
