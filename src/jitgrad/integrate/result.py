"""The result of an integration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jitgrad.tape.tensor import Tensor


class OdeSolution:
    """The solution of an initial value problem as a function of time, as ``solve_ivp`` returns it with ``dense_output=True``.

    Parameters
    ----------
    at : callable
        A function that integrates to an array of sorted times.

    See Also
    --------
    solve_ivp : Solve an initial value problem.

    Notes
    -----
    A call integrates again, from the initial time to the given times. The result is as accurate as with ``t_eval``, and it is
    differentiable by the times, too. It is nan at times after a terminal event.

    Examples
    --------
    >>> result = jg.solve_ivp(lambda t, y: -y, (0, 5), [1.0], t_eval=[5.0], dense_output=True)
    >>> result.sol(1.0).numpy().round(5)
    array([0.36788])
    """

    def __init__(self, at: Callable[[Any], Any]) -> None:
        self._at = at

    def __call__(self, t: Any) -> Any:
        """Return the solution at the given times.

        Parameters
        ----------
        t : float or array_like of shape (m,)
            Times within ``t_span``, in any order.

        Returns
        -------
        Tensor of shape (n,) or (n, m)
            The states, in the structure of ``y0``.
        """
        return self._at(t)


class OdeResult:
    """The result of ``solve_ivp``.

    Parameters
    ----------
    **fields : object
        The attributes.

    Attributes
    ----------
    t : Tensor of shape (m,)
        The times.
    y : Tensor of shape (n, m)
        The states at these times, in the structure of ``y0``; the last axis is time.
    sol : OdeSolution or None
        The solution as a function of time, with ``dense_output=True``.
    t_events : list of Tensor or None
        The times of each event.
    y_events : list of Tensor or None
        The states at these times, before the state is reset; the first axis is time.
    nfev : int
        The number of evaluations of the right-hand side.
    njev : int
        The number of evaluations of the Jacobian.
    nlu : int
        The number of LU decompositions.
    status : int
        0 if the end of ``t_span`` was reached, 1 if an event stopped the integration, and negative if the integration failed.
    message : str
        The reason why the integration stopped.
    success : bool
        Whether the integration reached the end of ``t_span`` or was stopped by an event.

    See Also
    --------
    solve_ivp : Solve an initial value problem.

    Notes
    -----
    In a traced function and in ``vmap``, ``nfev``, ``njev``, ``nlu``, ``status`` and ``success`` are Tensors, and ``message``
    is empty.

    Examples
    --------
    >>> result = jg.solve_ivp(lambda t, y: -y, (0, 5), [1.0], t_eval=[0, 1, 2])
    >>> result.y.numpy().round(5)
    array([[1.     , 0.36788, 0.13534]])
    >>> result.message
    'The solver successfully reached the end of the integration interval.'
    """

    t: Tensor
    y: Any
    sol: OdeSolution | None
    t_events: list[Tensor] | None
    y_events: list[Any] | None
    nfev: Any
    njev: Any
    nlu: Any
    status: Any
    message: str
    success: Any

    def __init__(self, **fields: Any) -> None:
        vars(self).update(fields)

    def __repr__(self) -> str:
        names = ("message", "success", "status", "t", "y", "sol", "t_events", "y_events", "nfev", "njev", "nlu")
        shown = [f"{name:>8}: " + repr(getattr(self, name)).replace("\n", "\n" + " " * 10) for name in names]
        return "\n".join(shown)
