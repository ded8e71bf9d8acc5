"""Convert frames of other libraries to Polars, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import polars as pl

from jitgrad.errors import DataError

if TYPE_CHECKING:
    from narwhals.stable.v1.typing import IntoDataFrame

    from jitgrad.typing import ArrayLike

Table: TypeAlias = "IntoDataFrame | Mapping[str, ArrayLike]"
"""A table as users pass it: a frame of a library that narwhals supports, or a mapping of columns."""


def as_polars(data: Any) -> pl.DataFrame:
    """Convert a frame of any library that narwhals supports, or a mapping of columns, to Polars.

    The categories of categorical columns of pandas and Arrow keep their order. Raises DataError for other data, and for columns
    of different lengths or with equal names.
    """
    if isinstance(data, pl.DataFrame):
        return data
    if isinstance(data, Mapping):
        try:
            return pl.DataFrame(
                {str(name): column if isinstance(column, list) else np.asarray(column) for name, column in data.items()}
            )
        except pl.exceptions.ShapeError as error:
            raise DataError(
                f"The columns have different lengths: {error}. Give every column the same number of rows."
            ) from None
    import narwhals.stable.v1 as nw

    names = [] if hasattr(data, "collect") else [str(name) for name in getattr(data, "columns", ())]
    twice = next((name for number, name in enumerate(names) if name in names[:number]), None)
    if twice is not None:
        raise DataError(f"More than one column is named {twice!r}. Rename them.")
    try:
        frame = nw.from_native(data, eager_only=True)
    except TypeError:
        advice = (
            "Call collect() first"
            if hasattr(data, "collect")
            else "Give a pandas, Polars or PyArrow table, or a dict of columns"
        )
        raise DataError(f"The data have type {type(data).__name__}, which is not a supported table. {advice}.") from None
    return pl.DataFrame([_series(frame.get_column(name)).rename(str(name)) for name in frame.columns])


def _series(column: Any) -> pl.Series:
    import narwhals.stable.v1 as nw

    if column.dtype in (nw.Categorical, nw.Enum):
        categories = column.cat.get_categories().to_list()
        if categories and all(isinstance(text, str) for text in categories):
            texts = [text if isinstance(text, str) else None for text in column.to_list()]
            return pl.Series(texts, dtype=pl.Enum(categories))
        return pl.Series(column.to_list())
    if column.dtype == nw.String:
        return pl.Series([text if isinstance(text, str) else None for text in column.to_list()], dtype=pl.String)
    try:
        made: pl.Series = column.to_polars()
    except ImportError:  # a pandas column that needs PyArrow
        made = pl.Series(column.to_list(), strict=False)
    return made


def library_of(data: Any) -> Any:
    """Return the library of a frame as a module; Polars for a mapping of columns."""
    if isinstance(data, (pl.DataFrame, Mapping)):
        return pl
    import narwhals.stable.v1 as nw

    return nw.get_native_namespace(nw.from_native(data, eager_only=True))


def like(library: Any, frame: pl.DataFrame) -> Any:
    """Convert a Polars frame to another library."""
    if library is pl:
        return frame
    import narwhals.stable.v1 as nw

    return nw.from_dict({name: _plain(frame[name]) for name in frame.columns}, native_namespace=library).to_native()


def _plain(column: pl.Series) -> Any:
    """Convert a column for other libraries: numbers become an array with nan for missing values."""
    return column.cast(pl.Float64).to_numpy() if column.dtype.is_float() else column.to_list()
