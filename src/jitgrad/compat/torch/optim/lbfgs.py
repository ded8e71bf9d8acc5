"""L-BFGS, whose steps call a closure."""

from __future__ import annotations

from typing import Any

import numpy as np

from jitgrad.compat.torch.errors import TorchError
from jitgrad.compat.torch.grad_mode import enable_grad
from jitgrad.compat.torch.optim.optimizer import Optimizer
from jitgrad.compat.torch.tensor import Tensor, leaf_of, of_array
from jitgrad.errors import ArgumentError
from jitgrad.optimizers.closures import ClosureLBFGS


class LBFGS(Optimizer):
    """L-BFGS with up to ``max_iter`` iterations per step, and an optional line search (``line_search_fn="strong_wolfe"``)."""

    def __init__(
        self, params: Any, lr: float = 1, max_iter: int = 20, max_eval: int | None = None, tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9, history_size: int = 100, line_search_fn: str | None = None,
    ) -> None:  # fmt: skip
        if line_search_fn not in (None, "strong_wolfe"):
            raise TorchError(
                f"line_search_fn is {line_search_fn!r}, but only 'strong_wolfe' is supported. Give 'strong_wolfe' or None."
            )
        super().__init__(params, {
            "lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size,
            "line_search_fn": line_search_fn,
        })  # fmt: skip
        if len(self.param_groups) != 1:
            raise ArgumentError("LBFGS doesn't support per-parameter options (parameter groups). Give one list of parameters.")
        self._library = self._made()

    def _made(self) -> ClosureLBFGS:
        names = ("max_iter", "max_eval", "tolerance_grad", "tolerance_change", "history_size")
        group = self.param_groups[0]
        return ClosureLBFGS(
            group["lr"], strong_wolfe=group["line_search_fn"] is not None, **{name: group[name] for name in names}
        )

    def step(self, closure: Any = None) -> Any:
        """Iterate, calling ``closure`` for the loss and the gradients, and return the first loss."""
        if closure is None:
            raise TypeError(
                "LBFGS.step() needs a closure: a function that clears the gradients, computes the loss and calls backward(). "
                "Pass one."
            )
        self._stepped = True
        group = self.param_groups[0]
        params: list[Tensor] = group["params"]
        losses: list[Any] = []

        def cost(x: np.ndarray) -> tuple[float, np.ndarray]:
            if losses:  # the first point is the current one
                _spread(x, params)
            with enable_grad():
                losses.append(closure())
            return float(losses[-1]), _gathered([p.grad if p.grad is not None else None for p in params], params)

        self._library.learning_rate = float(group["lr"])
        start = _gathered([p.detach() for p in params], params)
        _spread(self._library.step(start, cost), params)
        return losses[0]

    def state_dict(self) -> dict[str, Any]:
        """Return the state of later steps, which is stored with the first parameter, as in PyTorch."""
        kept = {} if not self._library.evaluations else {0: _as_tensors(self._library.get_state())}
        return super().state_dict() | {"state": kept}

    def _take(self, state: dict[Tensor, dict[str, Any]]) -> None:
        self._library = self._made()
        for kept in state.values():
            self._library.set_state(_as_arrays(kept))


def _gathered(values: list[Any], params: list[Tensor]) -> np.ndarray:
    """Concatenate all values, with zeros for missing ones."""
    parts = [
        np.zeros(p.numel(), p.numpy_dtype) if value is None else value.numpy().ravel()
        for value, p in zip(values, params, strict=True)
    ]
    return np.concatenate(parts)


def _spread(x: np.ndarray, params: list[Tensor]) -> None:
    """Copy the elements of a vector into the parameters."""
    at = 0
    for p in params:
        p.detach()._become(leaf_of(x[at : at + p.numel()].reshape(p.shape), p.dtype))
        at += p.numel()


def _as_tensors(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_tensors(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_tensors(item) for item in value]
    return of_array(value) if isinstance(value, np.ndarray) else value


def _as_arrays(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_arrays(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_arrays(item) for item in value]
    return value.numpy() if isinstance(value, Tensor) else value
