"""Fit the groups of a file in constant memory, and resume interrupted runs."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import astuple, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
import polars as pl

import jitgrad
from jitgrad.curvefit import CurveFit
from jitgrad.curvefit.ode import OdeModel
from jitgrad.errors import DataError, FitError, FitWarning
from jitgrad.files import unwritable
from jitgrad.groupfit import parts as kept
from jitgrad.groupfit.job import Job, make_job
from jitgrad.groupfit.parts import Parts
from jitgrad.groupfit.status import BY_CODE, Status
from jitgrad.groupfit.summary import Summary, summary_of
from jitgrad.groupfit.tables import grouping
from jitgrad.groupfit.whole import GroupReturnsError, whole_groups
from jitgrad.io.batches import names_of_columns, read_batches
from jitgrad.io.options import FOUND_OUT, ReadOptions
from jitgrad.io.scatter import scattered
from jitgrad.io.source import name_of
from jitgrad.io.write import TableWriter

ROWS = 1 << 19
"""The number of rows that are read and fitted at once."""
GROUPS = 1 << 16
"""The number of groups that are sorted at once."""
SCATTERED_BYTES, MOST_FILES = 1 << 21, 256
"""The size of a scattered piece of a file, and the largest number of pieces."""
FEW, SHOWN = 12, 20
"""The largest number of groups that are all examples, and the number of groups that are shown."""
ENDING = ".parts"
"""The ending of the folder with finished fits, after the name of the output."""


@dataclass(frozen=True)
class FileFits:
    """The result for the groups of a file.

    Attributes
    ----------
    job : Job
        The model and the options.
    summary : Summary
        The summary.
    resumed : int
        The number of groups fitted by an earlier run.
    scattered : bool
        Whether the rows of groups were not consecutive in the file.
    estimates : dict of str to ndarray
        With `examples`, the parameters of the groups that converged, by name.
    examples : list of (str, CurveFit)
        Some of these fits, with titles: all of a few groups, else the best, the median and the worst by R².
    first : polars.DataFrame
        The first rows of the table of fits.
    """

    job: Job
    output: str | None
    summary: Summary
    resumed: int
    scattered: bool
    estimates: dict[str, np.ndarray]
    examples: list[tuple[str, CurveFit]]
    first: pl.DataFrame


def fit_file(
    path: str,
    output: str | None,
    model: str | OdeModel,
    *,
    by: str | Sequence[str],
    y: str,
    reading: ReadOptions = FOUND_OUT,
    threads: int | None = None,
    told: Callable[[float, int], object] = lambda part, groups: None,
    examples: bool = False,
    **options: Any,
) -> FileFits:
    """Fit a model to each group of rows of a file, and write a table with one row per group, sorted by key.

    Rows are read and fitted in blocks. If the rows of a group are not consecutive in the file, all rows are first scattered
    by key into temporary files, which need as much disk space as the rows. Finished fits are kept in a folder beside the
    output, ``<output>.parts``, until all are done. The same call resumes from there if the file and the arguments are
    unchanged.

    Parameters
    ----------
    path : str
        A CSV file, which may be compressed, or a Parquet file; ``-`` for standard input, which cannot be resumed.
    output : str or None
        The table of fits: a .csv, .tsv, .gz or .parquet file; ``-`` for standard output; None to write none.
    model : str or OdeModel
        A formula, the name of a curve, or differential equations.
    by : str or sequence of str
        The key columns.
    y : str
        The response.
    reading : ReadOptions, optional
        How to read the file, as for ``io.table.read_table``.
    threads : int, optional
        The number of threads, by default the number of cores.
    told : callable
        Called regularly with the fraction of the file that is done and the number of fitted groups.
    examples : bool, default False
        Whether to return some fits for a picture. Their rows are read a second time.
    **options : object
        Options of ``fit_groups``; numbers are given by name.

    Returns
    -------
    FileFits
        The result.

    Raises
    ------
    DataError
        If the file or a column is invalid, or the output cannot be written.
    FitError
        On Ctrl-C. Finished fits are kept.
    """
    by = [by] if isinstance(by, str) else list(by)
    source = _Source(path, reading, by)
    if examples and source.identity is None:
        raise DataError(
            f"A picture needs to read some groups a second time, but {name_of(path)} can be read only once. Give a file."
        )
    job = make_job(model, source.names, by=by, y=y, **options)
    given = {"model": str(job.curve.model.key), "by": by, "y": y, "reading": astuple(reading)} | options
    resumable = (
        source.identity is not None and output not in (None, "-") and (Path(output).is_file() or not Path(output).exists())
    )
    with ExitStack() as stack:
        folder = Path(f"{output}{ENDING}") if resumable else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        versions = [jitgrad.__version__, pl.__version__]
        parts = stack.enter_context(kept.opened(folder, {"file": source.identity, "given": given, "versions": versions}))
        resumed = parts.groups
        try:
            _fit_all(job, source, parts, threads, told)
        except KeyboardInterrupt:
            parts.save()
            kept_here = resumable and parts.groups > 0
            done = f"{parts.groups} groups are saved in {folder}: run the same command to resume"
            raise FitError(f"Interrupted. {done if kept_here else 'Nothing was saved'}.") from None
        if not parts.groups:
            raise DataError(f"No row of {name_of(path)} has a key: {', '.join(job.by)} are missing. Check the columns.")
        first = next(_in_order(parts, job.by))[:SHOWN]
        if output is not None:
            with TableWriter(output) as writer:
                for frame in _in_order(parts, job.by):
                    writer.add(frame)
        estimates = _estimates(job, parts) if examples else {}
        some = _examples(job, source, parts) if examples else []
        made = FileFits(job, output, _summary(job, parts), resumed, parts.state["scattered"], estimates, some, first)
        if resumable:
            kept.remove(folder)
    return made


class _Source:
    """The file, which is read one or more times."""

    def __init__(self, path: str, reading: ReadOptions, keys: Sequence[str]) -> None:
        self.path, self._reading, self._keys = path, reading, keys
        self._begun: Iterator[pl.DataFrame] | None = None
        self.part = 0.0
        if path == "-" or Path(path).is_fifo():  # readable once: the columns follow from the first rows
            frames = self._read(None, 0)
            first = next(frames)
            self.names, self._begun = first.columns, chain([first], frames)
        else:
            self.names = names_of_columns(path, reading)

    @property
    def identity(self) -> list[Any] | None:
        """Return values that identify a file and its version; None for standard input and pipes."""
        file = Path(self.path)
        if self.path == "-" or not file.is_file():
            return None
        found = file.stat()
        return [str(file.resolve()), found.st_size, found.st_mtime_ns]

    @property
    def size(self) -> int:
        """The size in bytes."""
        return Path(self.path).stat().st_size

    def _read(self, columns: Sequence[str] | None, start: int) -> Iterator[pl.DataFrame]:
        def told(part: float) -> None:
            self.part = part

        return read_batches(self.path, ROWS, self._reading, columns, self._keys, start, told)

    def frames(self, columns: Sequence[str], start: int = 0) -> Iterator[pl.DataFrame]:
        """Yield the rows, beginning with row ``start``."""
        if self._begun is not None:
            return (frame.select(columns) for frame in self._begun)
        return self._read(columns, start)


def _fit_all(job: Job, source: _Source, parts: Parts, threads: int | None, told: Callable[[float, int], object]) -> None:
    """Fit the groups that are not fitted yet."""
    if not parts.state["scattered"]:
        frames = whole_groups(source.frames(job.columns, parts.rows), job.by, ROWS, parts.frames(job.by))
        try:
            _fit(job, frames, source, parts, threads, told)
            return
        except GroupReturnsError as error:
            if source.identity is None:
                raise DataError(f"{name_of(source.path)}: {error}") from None
        parts.begin_anew(scattered=True)
    count = min(max(source.size // SCATTERED_BYTES, 1), MOST_FILES)
    try:
        pieces = _without_first(scattered(source.frames(job.columns), job.by, count, parts.folder), parts.rows)
        _fit(job, pieces, source, parts, threads, told)
    except OSError as error:
        raise unwritable(str(parts.folder), error) from None


def _without_first(frames: Iterator[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """Yield frames without the first ``rows`` rows."""
    for frame in frames:
        if rows <= 0:
            yield frame
        rows -= frame.height


def _fit(
    job: Job,
    frames: Iterator[pl.DataFrame],
    source: _Source,
    parts: Parts,
    threads: int | None,
    told: Callable[[float, int], object],
) -> None:
    """Fit frames of whole groups, and save the results."""
    interrupted = Status.INTERRUPTED.word
    for frame in frames:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FitWarning)  # about Ctrl-C, which is reported below
            fits = job.fit(frame, threads=threads)
        if (fits.status == interrupted).any():
            raise KeyboardInterrupt
        parts.add(fits.frame(), frame.height, frame.height - int(fits.n_rows.sum()))
        told(source.part, parts.groups)
    parts.save()


def _in_order(parts: Parts, by: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Yield the results sorted by key, part by part if they were written in this order."""
    last = None
    for keys in parts.frames(by):
        if grouping(nw.from_native(keys if last is None else pl.concat([last, keys]), eager_only=True), by).order is not None:
            break
        last = keys[-1:]
    else:
        yield from parts.frames()
        return
    order = grouping(nw.from_native(pl.concat(parts.frames(by)), eager_only=True), by).order
    assert order is not None
    whole = pl.concat(parts.frames(), rechunk=True)
    for first in range(0, len(order), GROUPS):
        yield whole[order[first : first + GROUPS]]


def _summary(job: Job, parts: Parts) -> Summary:
    """Return the summary of the written results, one parameter at a time."""
    words = [status.word for status in BY_CODE]
    codes = np.concatenate(
        [
            frame["status"].replace_strict(words, range(len(words)), return_dtype=pl.UInt8).to_numpy()
            for frame in parts.frames(["status"])
        ]
    )
    rows = sum(int(frame["rows"].sum()) for frame in parts.frames(["rows"]))
    left_out = (
        [f"{parts.left_out} {'row was' if parts.left_out == 1 else 'rows were'} dropped because a key or a value is missing"]
        if parts.left_out
        else []
    )
    quartiles: dict[str, tuple[float, float, float]] = {}
    for name in job.names:
        values = np.concatenate([frame[name].to_numpy() for frame in parts.frames([name])])[:, None]
        quartiles |= summary_of("", [name], values, codes, rows).quartiles
    title = f"{job.curve.model._equation(job.y)} by {', '.join(job.by)}"
    return summary_of(title, [], np.empty((len(codes), 0)), codes, rows, [*job.curve.remarks, *left_out])._replace(
        quartiles=quartiles
    )


def _estimates(job: Job, parts: Parts) -> dict[str, np.ndarray]:
    """Return the parameters of the groups that converged."""
    good = pl.col("status") == Status.CONVERGED.word
    return {
        name: np.concatenate([frame.filter(good)[name].to_numpy() for frame in parts.frames([name, "status"])])
        for name in job.names
    }


def _examples(job: Job, source: _Source, parts: Parts) -> list[tuple[str, CurveFit]]:
    """Return all fits of a few groups, or the best, the median and the worst by R²."""
    if parts.groups <= FEW:
        fits = job.fit(pl.concat(source.frames(job.columns)))
        return [(fits.label(k), fits[k]) for k in np.flatnonzero(fits.converged).tolist()]
    columns = [*job.by, "r2", "status"]
    chosen = pl.concat(frame.filter(pl.col("r2").is_finite()) for frame in parts.frames(columns))
    chosen = chosen.filter(pl.col("status") == Status.CONVERGED.word).sort("r2", descending=True)
    places = {chosen.height - 1: "worst", chosen.height // 2: "median", 0: "best"}
    made = []
    for place, word in reversed(places.items() if chosen.height else ()):
        keys = chosen[place : place + 1].select(job.by)
        rows = pl.concat(frame.join(keys, on=job.by, how="semi") for frame in source.frames(job.columns))
        fits = job.fit(rows)
        made.append((f"{word}: {fits.label(0)}", fits[0]))
    return made
