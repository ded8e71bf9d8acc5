"""The solver of initial value problems."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jitgrad.arguments import count
from jitgrad.integrate.options import options_from
from jitgrad.integrate.problem import Problem
from jitgrad.integrate.result import OdeResult
from jitgrad.integrate.solving import Solver
from jitgrad.tape.protocol import public
from jitgrad.typing import ArrayLike


@public()
def solve_ivp(
    fun: Callable[..., Any],
    t_span: Sequence[Any],
    y0: Any,
    method: str = "auto",
    t_eval: ArrayLike | None = None,
    dense_output: bool = False,
    events: Any = None,
    *,
    args: tuple[Any, ...] | None = None,
    jumps: tuple[Any, Any] | None = None,
    rtol: float = 1e-6,
    atol: Any = 1e-9,
    first_step: float | None = None,
    max_step: float | None = None,
    max_steps: int = 100_000,
    max_events: int = 100,
    **options: Any,
) -> OdeResult:
    """Solve an initial value problem of ordinary differential equations, ``dy/dt = fun(t, y)`` with ``y(t0) = y0``.

    The arguments and the result are those of ``scipy.integrate.solve_ivp``. ``fun`` is recorded once and runs natively, and the
    solution is differentiable with respect to ``y0``, ``args``, ``t_span``, ``t_eval``, the times and amounts of jumps, and all
    Variables and Tensors that ``fun`` reads.

    Parameters
    ----------
    fun : callable
        ``fun(t, y, *args)`` returns the derivative of each element of ``y``: an array, a list or a tuple; a dict if ``y0`` is
        a dict. It is called with Tensors whose values are unknown, so it cannot branch on them; use ``where`` instead.
    t_span : sequence of two floats
        The initial and the final time. The integration runs backward if the final time is smaller.
    y0 : array_like of shape (n,), or dict
        The initial state. An array may have any shape. A dict contains arrays and dicts of arrays.
    method : str, default "auto"
        ``"RK45"`` is the explicit Runge-Kutta pair of Dormand and Prince, of order 5. ``"DOP853"`` is their method of order 8,
        for small tolerances. ``"ESDIRK"`` is an implicit Runge-Kutta method for stiff problems, with exact Jacobians.
        ``"auto"`` begins with ``"DOP853"``, and changes to the implicit method and back depending on the stiffness.
    t_eval : array_like of shape (m,), optional
        The times of the results, sorted and within ``t_span``; equal times are permitted. By default, the times of the steps,
        which requires that all values are known: it is not available in traced functions and in ``vmap``.
    dense_output : bool, default False
        Whether to return a function of time, ``sol``.
    events : callable or list of callables, optional
        Each ``event(t, y, *args)`` returns a number that is zero at the event. Three attributes are optional: ``terminal``
        (bool or int, default False), whether to stop at the event, or at its n-th occurrence; ``direction`` (float, default
        0), 1 for events at which the function increases, -1 for those at which it decreases, 0 for both; ``reset``, a function
        ``reset(t, y, *args)`` that returns the state with which the integration continues after the event. An event is found if
        the function has different signs at the ends of a step, so fast oscillations require ``max_step``. An event at the
        initial time is not reported.
    args : tuple, optional
        Parameters of ``fun``, of the events and of the jumps: floats, arrays, Tensors, and lists, tuples and dicts of them.
        Other values, such as integers and strings, are constants of the program: each new value requires lowering.
    jumps : tuple, optional
        Changes of the state at given times, such as doses: ``(times, amounts)``. The amounts have the shape ``(k, *y0.shape)``
        for ``k`` times, or the shape of ``y0`` if all jumps are equal, and are added to the state. Instead of amounts, a
        function ``jump(t, y, *args)`` may return the state after the jump. The times may have any order; jumps outside
        ``t_span`` are ignored.
    rtol : float, default 1e-6
        The relative tolerance. SciPy's default is 1e-3. In float32, use 1e-5 or more, because of rounding errors.
    atol : float or array_like, default 1e-9
        The absolute tolerance, one or one for each element of ``y0``. The estimated error of a step is at most a small part of
        ``atol + rtol * abs(y)``, because the errors of steps add up. SciPy's default is 1e-6.
    first_step : float, optional
        The size of the first step. By default, it is estimated from the derivatives at the initial time.
    max_step : float, optional
        The largest step size. By default, there is no limit.
    max_steps : int, default 100000
        The largest number of steps, including rejected ones.
    max_events : int, default 100
        The largest number of events.
    **options : object
        Options of SciPy that are not needed raise an error that says why.

    Returns
    -------
    OdeResult
        The result, with the attributes ``t``, ``y``, ``sol``, ``t_events``, ``y_events``, ``nfev``, ``njev``, ``nlu``,
        ``status``, ``message`` and ``success``.

    Raises
    ------
    IntegrationError
        If the integration fails: the step size becomes too small, ``fun`` is not finite, or there are too many steps or
        events. In traced functions and in ``vmap``, the results are nan instead, and ``success`` is 0.
    ShapeError
        If ``fun`` returns an array of another shape than ``y``.
    ArgumentError
        If ``t_eval`` is not sorted or not within ``t_span``, or another argument is invalid.
    TracingError
        If ``fun`` requests a value, for example to branch on it, or ``t_eval`` is missing and values are unknown.

    See Also
    --------
    curve_fit : Fit the parameters of a model to data.
    vmap : Solve many problems at once.

    Notes
    -----
    At the time of a jump or a reset, ``y`` is the state after it. NONMEM and related programs use the order of the rows of the
    data set instead; for a sample that is drawn before a dose at the same time, give a slightly earlier time.

    Sensitivities are computed by integrating the variational equations together with the problem. Only the error of the states
    controls the step size, so the states do not depend on which derivatives are requested. Derivatives with respect to times
    are exact: they are values of ``fun``. Derivatives through jumps and events are those of the exact solution (saltation
    matrices): the time of an event is differentiated as an implicit function. A condition such as ``where(t < t1, a, b)`` has
    no derivative by ``t1``; let a jump or an event change a state at that time instead.

    In reverse mode, derivatives by more than eight numbers (of ``y0``, ``args`` and Variables together) go back from step to
    step [4]_; an implicit step solves transposed systems with the Jacobians of its stages [5]_. They are the derivatives of the
    computed solution, as the sensitivities are, up to a small part of ``rtol`` for implicit steps, whose stages are iterated.
    This takes the time of a few integrations for any number of parameters, and so does a product of the Hessian and a vector,
    ``jvp`` of ``grad``. The memory does not grow with the number of steps, because steps are computed again.

    If a Variable is float32, everything is computed in float32, including times. Otherwise it is float64.

    A floating-point number in the code of ``fun``, such as ``-0.5 * y``, is a constant of the program. Pass parameters that
    change from call to call by ``args``: their values are inputs, so the program is reused.

    References
    ----------
    .. [1] J. R. Dormand, P. J. Prince, "A family of embedded Runge-Kutta formulae", Journal of Computational and Applied
           Mathematics, 6, 19-26, 1980.
    .. [2] E. Hairer, S. P. Norsett, G. Wanner, "Solving Ordinary Differential Equations I: Nonstiff Problems", Springer, 1993.
    .. [3] E. Hairer, G. Wanner, "Solving Ordinary Differential Equations II: Stiff and Differential-Algebraic Problems",
           Springer, 1996.
    .. [4] W. W. Hager, "Runge-Kutta methods in optimal control and the transformed adjoint system", Numerische Mathematik, 87,
           247-282, 2000.
    .. [5] A. Sandu, "On the properties of Runge-Kutta discrete adjoints", Computational Science - ICCS, 2006.

    Examples
    --------
    >>> def decay(t, y, k):
    ...     return -k * y
    >>> result = jg.solve_ivp(decay, (0, 10), [2.0, 4.0], t_eval=[0, 5, 10], args=(0.5,))
    >>> result.y.numpy().round(4)
    array([[2.    , 0.1642, 0.0135],
           [4.    , 0.3283, 0.027 ]])

    The derivative by a parameter:

    >>> at_5 = jg.grad(lambda k: jg.solve_ivp(decay, (0, 10), [2.0], t_eval=[5.0], args=(k,)).y[0, 0])
    >>> round(float(at_5(0.5)), 4)
    -0.8208

    A ball that bounces twice before it is caught:

    >>> def ground(t, y):
    ...     return y[0]
    >>> ground.direction = -1
    >>> ground.terminal = 3
    >>> ground.reset = lambda t, y: [0.0, -0.8 * y[1]]
    >>> result = jg.solve_ivp(lambda t, y: [y[1], -9.81], (0, 10), [1.0, 0.0], events=ground)
    >>> result.t_events[0].numpy().round(4)
    array([0.4515, 1.174 , 1.7519])
    """
    problem = Problem(fun, y0, args)
    checked = options_from(method, rtol, problem.tolerances(atol), first_step, max_step, max_steps, options)
    solver = Solver(problem, t_span, checked, jumps, events, count("max_events", max_events))
    return solver.result(t_eval, dense_output)
