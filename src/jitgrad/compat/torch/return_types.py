"""Pairs of results by name: ``torch.max(x, dim=1)`` has ``values`` and ``indices``."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from jitgrad.compat.modules import missing


class _Named(tuple[Any, ...]):
    """Results in a tuple, with names."""

    __slots__ = ()
    names: tuple[str, ...] = ("values", "indices")

    def __new__(cls, *results: Any) -> Any:
        return super().__new__(cls, results)

    def __init_subclass__(cls) -> None:
        for number, name in enumerate(cls.names):
            setattr(cls, name, property(itemgetter(number)))

    def __repr__(self) -> str:
        parts = ",\n".join(f"{name}={value!r}" for name, value in zip(self.names, self, strict=True))
        return f"torch.return_types.{type(self).__name__}(\n{parts})"


class max(_Named):
    """Of ``torch.max``."""


class min(_Named):
    """Of ``torch.min``."""


class sort(_Named):
    """Of ``torch.sort``."""


class topk(_Named):
    """Of ``torch.topk``."""


class median(_Named):
    """Of ``torch.median``."""


class mode(_Named):
    """Of ``torch.mode``."""


class kthvalue(_Named):
    """Of ``torch.kthvalue``."""


class cummax(_Named):
    """Of ``torch.cummax``."""


class cummin(_Named):
    """Of ``torch.cummin``."""


class aminmax(_Named):
    """Of ``torch.aminmax``."""

    names = ("min", "max")


class linalg_eigh(_Named):
    """Of ``torch.linalg.eigh``."""

    names = ("eigenvalues", "eigenvectors")


class linalg_svd(_Named):
    """Of ``torch.linalg.svd``."""

    names = ("U", "S", "Vh")


class svd(_Named):
    """Of ``torch.svd``."""

    names = ("U", "S", "V")


class linalg_qr(_Named):
    """Of ``torch.linalg.qr``."""

    names = ("Q", "R")


class linalg_slogdet(_Named):
    """Of ``torch.linalg.slogdet``."""

    names = ("sign", "logabsdet")


class linalg_lstsq(_Named):
    """Of ``torch.linalg.lstsq``."""

    names = ("solution", "residuals", "rank", "singular_values")


__all__ = [
    "aminmax",
    "cummax",
    "cummin",
    "kthvalue",
    "linalg_eigh",
    "linalg_lstsq",
    "linalg_qr",
    "linalg_slogdet",
    "linalg_svd",
    "max",
    "median",
    "min",
    "mode",
    "sort",
    "svd",
    "topk",
]
__getattr__ = missing("torch.return_types", __all__)
