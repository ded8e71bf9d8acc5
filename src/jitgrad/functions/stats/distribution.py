"""The base of univariate distributions, and their docstrings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from jitgrad.errors import ArgumentError, OptionError
from jitgrad.functions.logic import isfinite
from jitgrad.ops.documentation import OfInstance
from jitgrad.ops.elementwise import equal, exp, floor, greater, greater_equal, less_equal, log, where
from jitgrad.tape.protocol import public
from jitgrad.tape.tensor import Tensor, as_tensor
from jitgrad.typing import ArrayLike

LOG_ROOT = math.log(2 * math.pi) / 2


@dataclass(frozen=True)
class Doc:
    """Texts for the docstring of a distribution.

    Attributes
    ----------
    summary : str
        The first sentence, with its period.
    formula : str
        The density or probability for ``loc=0`` and ``scale=1``, as Python in terms of x or k and the shapes.
    support : str
        The interval of values.
    parameters : dict of str to str
        The meaning of each shape parameter, by name. They precede ``loc`` and ``scale``.
    example : dict of str to float
        A value of each shape parameter for the example.
    notes : str
        A further paragraph.
    """

    summary: str
    formula: str
    support: str
    parameters: dict[str, str] = field(default_factory=dict)
    example: dict[str, float] = field(default_factory=dict)
    notes: str = ""


def positive(*shapes: Tensor) -> Any:
    """Return whether all parameters are positive."""
    found: Any = True
    for x in shapes:
        found = greater(x, 0) * found
    return found


def unit(p: Tensor) -> Tensor:
    """Return whether a parameter is a probability."""
    return greater_equal(p, 0) * less_equal(p, 1)


class Distribution:
    """A univariate distribution.

    Parameters
    ----------
    name : str
        Its name in SciPy.
    doc : Doc
        Texts for its docstring; the shape parameters are the keys of ``doc.parameters``.
    standard : callable
        ``standard(z, *shapes)``, the logarithm of the density for ``loc=0`` and ``scale=1`` within the support.
    low, high : float or callable
        The ends of the support, or functions of the shapes.
    inside : float
        A number within the support. It replaces values outside, so their derivatives are finite.
    valid : callable
        ``valid(*shapes)``, whether the shapes are valid.
    """

    _own: tuple[str, ...] = ("loc", "scale")
    _variable, _density = "x", "pdf"

    def __init__(
        self, name: str, doc: Doc, standard: Callable[..., Any], low: Any = -math.inf, high: Any = math.inf,
        inside: float = 0.5, valid: Callable[..., Any] = positive,
    ) -> None:  # fmt: skip
        self.name, self.doc, self.parameters = name, doc, (*doc.parameters, *self._own)
        self._standard, self._low, self._high, self._inside, self._valid = standard, low, high, inside, valid

    def __repr__(self) -> str:
        return f"<distribution {self.name}>"

    def _log_density(self, x: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
        *shapes, loc, scale = self._given(args, kwargs)
        z = (as_tensor(x) - loc) / scale
        ends = [end(*shapes) if callable(end) else end for end in (self._low, self._high)]
        within = greater_equal(z, ends[0]) * less_equal(z, ends[1]) * isfinite(z)
        made = self._standard(where(within, z, self._inside), *shapes) - log(scale)
        return self._checked(z, within, made, greater(scale, 0) * self._valid(*shapes))

    def _checked(self, z: Tensor, within: Tensor, made: Any, valid: Any) -> Tensor:
        """Return -inf outside of the support, and nan for nan and invalid parameters."""
        return where(valid * equal(z, z), where(within, made, -math.inf), math.nan)

    def _given(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Tensor]:
        """Return the parameters, in order."""
        names = self.parameters
        unknown = kwargs.keys() - set(names)
        if unknown:
            raise OptionError(f"{self.name} has no parameter {min(unknown)!r}. Its parameters are {', '.join(names)}.")
        if len(args) > len(names):
            raise OptionError(f"{self.name} got {len(args)} parameters. It has at most {len(names)}: {', '.join(names)}.")
        twice = kwargs.keys() & set(names[: len(args)])
        if twice:
            raise OptionError(f"{self.name} got {min(twice)!r} by position and by name. Pass it once.")
        given: dict[str, Any] = {"loc": 0.0, "scale": 1.0} | dict(zip(names, args, strict=False)) | kwargs
        missing = [name for name in names if name not in given]
        if missing:
            raise ArgumentError(f"{self.name}: {missing[0]} is missing. Its parameters are {', '.join(names)}.")
        return [as_tensor(given[name]) * 1.0 for name in names]

    def _docstring(self) -> str:
        doc, x, of = self.doc, self._variable, {"loc": "loc=0.0", "scale": "scale=1.0"}
        signature = ", ".join([x, *(of.get(name, name) for name in self.parameters)])
        kind = "density" if self._density == "pdf" else "probability"
        standard = " and ".join(f"``{text[:-2]}``" for name, text in of.items() if name in self.parameters)
        parameters = [f"{name} : array_like\n    {text}" for name, text in doc.parameters.items()]
        parameters.append(f"loc : array_like, default 0\n    Location. It is subtracted from {x}.")
        if "scale" in self.parameters:
            parameters.append(f"scale : array_like, default 1\n    Scale, positive. {x} is divided by it.")
        of_density = f"{self._density}({signature})"
        named = [f"``{name}`` is the {name} function" for name in ("gamma", "beta") if f"{name}(" in doc.formula]
        elsewhere = "" if doc.support.startswith("all") else f" Elsewhere the {kind} is 0 and its logarithm -inf."
        notes = [
            f"The methods are::\n\n    {self.name}.log{of_density}\n    {self.name}.{of_density}",
            f"For {standard}, the {kind} is::\n\n    {doc.formula}",
            f"for {doc.support}{', where ' + named[0] if named else ''}.{elsewhere}",
            f"Invalid parameters give nan. Gradients flow to {'x and ' if x == 'x' else ''}all parameters.",
        ]
        arguments = ", ".join([str(list(self._points())), *(f"{name}={value}" for name, value in doc.example.items())])
        example = f">>> jg.stats.{self.name}.log{self._density}({arguments})"
        made = getattr(self, f"log{self._density}")(list(self._points()), **doc.example)
        sections = {
            "Parameters": "\n".join(parameters),
            "See Also": f"scipy.stats.{self.name} : The same distribution in SciPy.",
            "Notes": "\n\n".join([*notes, *([doc.notes] if doc.notes else [])]),
            "Examples": f"{example}\n{made!r}",
        }
        return "\n\n".join([doc.summary, *(f"{title}\n{'-' * len(title)}\n{text}" for title, text in sections.items())]) + "\n"

    def _points(self) -> tuple[float, ...]:
        return (0.25, 0.75)

    __doc__ = OfInstance(_docstring, __doc__)


class Continuous(Distribution):
    """A distribution with a density."""

    @public()
    def logpdf(self, x: ArrayLike, *args: ArrayLike, **kwargs: ArrayLike) -> Tensor:
        """Logarithm of the probability density.

        Parameters
        ----------
        x : array_like
            Values.
        *args, **kwargs : array_like
            Parameters, by position or by name: the shapes, ``loc`` and ``scale``. They broadcast with ``x``.

        Returns
        -------
        Tensor
            The logarithms.
        """
        return self._log_density(x, args, kwargs)

    @public()
    def pdf(self, x: ArrayLike, *args: ArrayLike, **kwargs: ArrayLike) -> Tensor:
        """Probability density.

        Parameters
        ----------
        x : array_like
            Values.
        *args, **kwargs : array_like
            Parameters, by position or by name: the shapes, ``loc`` and ``scale``. They broadcast with ``x``.

        Returns
        -------
        Tensor
            The densities.
        """
        made: Tensor = exp(self._log_density(x, args, kwargs))
        return made

    def _points(self) -> tuple[float, ...]:
        return (1.5, 3.0) if isinstance(self._low, int) and self._low == 1 else (0.25, 0.75)

    __doc__ = OfInstance(Distribution._docstring, __doc__)


class Discrete(Distribution):
    """A distribution on integers."""

    _own = ("loc",)
    _variable, _density = "k", "pmf"

    @public()
    def logpmf(self, k: ArrayLike, *args: ArrayLike, **kwargs: ArrayLike) -> Tensor:
        """Logarithm of the probability mass function.

        Parameters
        ----------
        k : array_like
            Values; the probability of a number that is not an integer is 0.
        *args, **kwargs : array_like
            Parameters, by position or by name: the shapes and ``loc``. They broadcast with ``k``.

        Returns
        -------
        Tensor
            The logarithms.
        """
        return self._log_density(k, args, kwargs)

    @public()
    def pmf(self, k: ArrayLike, *args: ArrayLike, **kwargs: ArrayLike) -> Tensor:
        """Probability mass function.

        Parameters
        ----------
        k : array_like
            Values; the probability of a number that is not an integer is 0.
        *args, **kwargs : array_like
            Parameters, by position or by name: the shapes and ``loc``. They broadcast with ``k``.

        Returns
        -------
        Tensor
            The probabilities.
        """
        made: Tensor = exp(self._log_density(k, args, kwargs))
        return made

    def _log_density(self, x: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
        *shapes, loc = self._given(args, kwargs)
        k = as_tensor(x) - loc
        ends = [end(*shapes) if callable(end) else end for end in (self._low, self._high)]
        within = greater_equal(k, ends[0]) * less_equal(k, ends[1]) * equal(k, floor(k)) * isfinite(k)
        return self._checked(
            k, within, self._standard(where(within, k, self._inside), *shapes), as_tensor(True) * self._valid(*shapes)
        )

    def _points(self) -> tuple[float, ...]:
        return (0, 1) if self._low == 0 else (1, 2)

    __doc__ = OfInstance(Distribution._docstring, __doc__)
