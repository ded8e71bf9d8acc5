"""Layers that map strings or integers to indices. They prepare data for a model, because jitgrad only computes with numbers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from jitgrad.compat.keras.border import values_of
from jitgrad.compat.keras.layers.layer import Layer
from jitgrad.compat.keras.models.data import is_batches
from jitgrad.compat.keras.symbol import symbols_in
from jitgrad.compat.tensorflow.tensor import wrap_array
from jitgrad.errors import ArgumentError, DataError, UnsupportedError

_MODES = ("int", "one_hot", "multi_hot", "count")


class _Lookup(Layer):
    """Replace values by their indices in a vocabulary, which is given or learned by ``adapt``.

    Unknown values get index 0, or the index after the mask's if there is one."""

    def __init__(
        self, max_tokens: int | None, num_oov_indices: int, mask_token: Any, oov_token: Any, vocabulary: Any, invert: bool,
        output_mode: str, options: dict[str, Any],
    ) -> None:  # fmt: skip
        super().__init__(**options)
        if num_oov_indices not in (0, 1) or output_mode not in _MODES or (invert and output_mode != "int"):
            raise ArgumentError(
                f"{type(self).__name__}: num_oov_indices is {num_oov_indices} and output_mode {output_mode!r}. Use 0 or 1, and "
                f"one of {', '.join(_MODES)}."
            )
        self.max_tokens, self.num_oov_indices, self.mask_token = max_tokens, num_oov_indices, mask_token
        self.oov_token, self.invert, self.output_mode = oov_token, invert, output_mode
        self._known: list[Any] = []
        if vocabulary is not None:
            self.set_vocabulary(vocabulary)

    @property
    def _special(self) -> list[Any]:
        """Return the special entries that precede the vocabulary."""
        masks = [] if self.mask_token is None or self.output_mode != "int" else [self.mask_token]
        return [*masks, *[self.oov_token] * self.num_oov_indices]

    def set_vocabulary(self, vocabulary: Any) -> None:
        """Use the given values as the vocabulary, in their order."""
        found = [self._plain(token) for token in np.asarray(values_of(vocabulary)).ravel().tolist()]
        self._known = [token for token in found if token not in self._special]
        if len(set(self._known)) < len(self._known):
            raise ArgumentError(f"The vocabulary of {self.name!r} has a duplicate value. Give each value once.")
        self.arguments["vocabulary"] = list(self._known)
        self.built = True

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Use the distinct values of the data as the vocabulary, ordered by decreasing frequency."""
        batches = list(data)[:steps] if is_batches(data) else [data]
        counted: Counter[Any] = Counter()
        for batch in batches:
            counted.update(self._plain(token) for token in np.asarray(values_of(batch)).ravel().tolist())
        order = sorted(counted, key=lambda token: (counted[token], token), reverse=True)
        special = self._special
        most = None if self.max_tokens is None else self.max_tokens - len(special)
        self.set_vocabulary([token for token in order if token not in special][:most])

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """Return the values in the order of their indices."""
        return [*self._special, *self._known] if include_special_tokens else list(self._known)

    def vocabulary_size(self) -> int:
        """Return the number of entries."""
        return len(self.get_vocabulary())

    def __call__(self, x: Any, *more: Any, training: bool | None = None, **options: Any) -> Any:
        if symbols_in(x):
            raise UnsupportedError(
                f"{type(self).__name__} {self.name!r} processes data before a model. Call it on arrays, or in dataset.map."
            )
        if not self._known:
            raise ArgumentError(f"Layer {self.name!r} has no vocabulary. Call adapt(data), or give a vocabulary.")
        values = np.asarray(values_of(x))
        if self.invert:
            tokens = self.get_vocabulary()
            return wrap_array(np.array([tokens[int(n)] for n in values.ravel()]).reshape(values.shape))
        numbers = {token: number for number, token in enumerate(self.get_vocabulary())}
        unknown = numbers.get(self.oov_token) if self.num_oov_indices else None
        found = [numbers.get(self._plain(token), unknown) for token in values.ravel().tolist()]
        if None in found:
            token = self._plain(values.ravel()[found.index(None)])
            raise DataError(
                f"Layer {self.name!r} has a vocabulary without {token!r}. Give num_oov_indices=1, or a larger vocabulary."
            )
        return wrap_array(self._encoded(np.array(found, np.int64).reshape(values.shape)))

    def _encoded(self, places: np.ndarray) -> np.ndarray:
        if self.output_mode == "int":
            return places
        hot = np.eye(self.vocabulary_size(), dtype=np.int64)[places]
        if self.output_mode == "one_hot":
            return hot[..., 0, :] if places.ndim > 1 and places.shape[-1] == 1 else hot
        summed: np.ndarray = hot if places.ndim < 1 else hot.sum(-2)
        return summed if self.output_mode == "count" else np.minimum(summed, 1)

    def _plain(self, token: Any) -> Any:
        raise NotImplementedError


class StringLookup(_Lookup):
    """Replace strings by their indices in a vocabulary."""

    def __init__(
        self, max_tokens: int | None = None, num_oov_indices: int = 1, mask_token: str | None = None, oov_token: str = "[UNK]",
        vocabulary: Any = None, idf_weights: Any = None, invert: bool = False, output_mode: str = "int", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, invert, output_mode, kwargs)

    def _plain(self, token: Any) -> str:
        return token.decode() if isinstance(token, bytes) else str(token)


class IntegerLookup(_Lookup):
    """Replace integers by their indices in a vocabulary."""

    def __init__(
        self, max_tokens: int | None = None, num_oov_indices: int = 1, mask_token: int | None = None, oov_token: int = -1,
        vocabulary: Any = None, vocabulary_dtype: str = "int64", idf_weights: Any = None, invert: bool = False,
        output_mode: str = "int", **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(max_tokens, num_oov_indices, mask_token, oov_token, vocabulary, invert, output_mode, kwargs)

    def _plain(self, token: Any) -> int:
        return int(token)
