"""Named results: ``torch.max(x, dim=1)`` has ``values`` and ``indices``."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from jitgrad.compat.modules import missing


class _Named(tuple[Any, ...]):
    """A tuple of results with names."""

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
    """The result of ``torch.max``."""


class min(_Named):
    """The result of ``torch.min``."""


class sort(_Named):
    """The result of ``torch.sort``."""


class topk(_Named):
    """The result of ``torch.topk``."""


class median(_Named):
    """The result of ``torch.median``."""


class mode(_Named):
    """The result of ``torch.mode``."""


class kthvalue(_Named):
    """The result of ``torch.kthvalue``."""


class cummax(_Named):
    """The result of ``torch.cummax``."""


class cummin(_Named):
    """The result of ``torch.cummin``."""


class aminmax(_Named):
    """The result of ``torch.aminmax``."""

    names = ("min", "max")


class linalg_eigh(_Named):
    """The result of ``torch.linalg.eigh``."""

    names = ("eigenvalues", "eigenvectors")


class linalg_svd(_Named):
    """The result of ``torch.linalg.svd``."""

    names = ("U", "S", "Vh")


class svd(_Named):
    """The result of ``torch.svd``."""

    names = ("U", "S", "V")


class linalg_qr(_Named):
    """The result of ``torch.linalg.qr``."""

    names = ("Q", "R")


class linalg_slogdet(_Named):
    """The result of ``torch.linalg.slogdet``."""

    names = ("sign", "logabsdet")


class linalg_lstsq(_Named):
    """The result of ``torch.linalg.lstsq``."""

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
