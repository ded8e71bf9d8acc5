"""``jitgrad predict``: a kept model, a table, predictions."""

from __future__ import annotations

from typing import Any

import click

from jitgrad.cli import options
from jitgrad.errors import ArgumentError, DataError
from jitgrad.io.options import ReadOptions

BATCH_ROWS = 50_000


@click.command(no_args_is_help=True)
@click.argument("model", type=click.Path())
@click.argument("data", type=click.Path(allow_dash=True))
@click.option("-o", "--output", type=click.Path(allow_dash=True), default="-", help="A .csv, .tsv, .gz or .parquet file.")
@click.option("--only", is_flag=True, help="Write the predictions alone, without the columns of DATA.")
@click.option("--interval", "level", type=float, metavar="LEVEL", help="Also the limits of a new measurement, as in 0.95.")
@click.option(
    "--confidence",
    type=float,
    metavar="LEVEL",
    help="Also the limits of the mean, as in 0.95; of classes, of the second's probability.",
)
@click.option("--inverse", is_flag=True, help="Of a curve: find x, with limits, for the values of the target in DATA.")
@click.option(
    "--replicates", type=float, metavar="M", help="With --inverse: these are means of M measurements, inf for exact ones."
)
@options.of_unseen
@options.of_tables
def predict(
    model: str, data: str, output: str, only: bool, level: float | None, confidence: float | None, inverse: bool,
    replicates: float | None, unseen: str | None, reading: ReadOptions,
) -> None:  # fmt: skip
    """Predict the rows of a table with a kept model.

    DATA is read and written some rows at a time, so that it may be larger than memory. The columns of DATA are written with the
    predictions after them: `prediction`, and of classes `probability_…` for each. A row that misses a value gets none. With
    --inverse, DATA has measured values of the target, and gets the x at which the curve has them, its limits (95 %, or those of
    --interval), and the number of solutions within the range that was fitted; several, or none, leave x empty.

    \b
    Examples:
      jitgrad predict iris.jitgrad new.csv -o predicted.csv
      jitgrad predict decay.jitgrad times.csv --interval 0.95
      jitgrad predict cars.jitgrad new.csv --confidence 0.95
      jitgrad predict standards.jitgrad samples.csv --inverse --replicates 3
      zcat big.csv.gz | jitgrad predict iris.jitgrad - -o predicted.parquet
    """
    import polars as pl

    from jitgrad.cli import kept
    from jitgrad.io.batches import read_pairs
    from jitgrad.io.write import TableWriter
    from jitgrad.tabular import CurveModel

    options.check_output(output, data, model)
    loaded = kept.load(model)
    if inverse and not isinstance(loaded, CurveModel):
        raise ArgumentError("--inverse is of curves, and the model is none. Leave it out.")
    if replicates is not None and not inverse:
        raise ArgumentError("--replicates is of an inverse. Give --inverse, too.")
    more = _limits(loaded, level, confidence)
    more |= {} if replicates is None else {"replicates": replicates}
    more |= kept.unseen_for(loaded, unseen)
    notes: list[str] = []
    with TableWriter(output) as writer:
        first = 0
        for written, frame in read_pairs(data, BATCH_ROWS, kept.reading_for(loaded, reading), notes.append):
            try:
                made = loaded.inverse_frame(frame, **more) if inverse else loaded.predict_frame(frame, **more)
            except DataError as error:
                after = f" (rows are counted from row {first + 1} on)" if first else ""
                raise DataError(f"{data}: {error}{after}") from None
            taken = [name for name in made.columns if name in frame.columns]
            if taken and not only:
                raise DataError(f"{data} has a column {taken[0]!r} already. Rename it, or give --only.")
            writer.add(made if only else pl.concat([written, made], how="horizontal"))
            first += frame.height
    options.say([*notes, *kept.notes_on_unseen(loaded, more)])


def _limits(loaded: Any, level: float | None, confidence: float | None) -> dict[str, Any]:
    """What limits the predictions get. Raises ArgumentError where the model has none."""
    from jitgrad.tabular import CurveModel, TableModel

    if level is not None and confidence is not None:
        raise ArgumentError("--interval and --confidence ask for different limits. Give one of them.")
    if isinstance(loaded, TableModel) and (level is not None or confidence is not None):
        return {"interval": "confidence" if level is None else "prediction", "level": confidence if level is None else level}
    if confidence is not None:
        raise ArgumentError("--confidence is of tables, and the model is none of one. Give --interval for a new measurement.")
    if level is not None and not isinstance(loaded, CurveModel):
        raise ArgumentError("--interval is of curves and tables, and the model is made in Python. Leave it out.")
    return {} if level is None else {"level": level}
