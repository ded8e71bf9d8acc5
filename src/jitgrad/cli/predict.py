"""``jitgrad predict``: predict the rows of a table with a saved model."""

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
@click.option(
    "-o",
    "--output",
    type=click.Path(allow_dash=True),
    default="-",
    help="Output file: .csv, .tsv or .parquet; .csv.gz and .tsv.gz are compressed.  [default: standard output]",
)
@click.option("--only", is_flag=True, help="Write only the predictions, without the columns of DATA.")
@click.option(
    "--interval",
    "level",
    type=float,
    metavar="LEVEL",
    help="Add prediction intervals for new observations at this level, such as 0.95.",
)
@click.option(
    "--confidence",
    type=float,
    metavar="LEVEL",
    help="Add confidence intervals for the mean, or for the probability of the second of two classes.",
)
@click.option("--inverse", is_flag=True, help="Curves: estimate x, with limits, from the target values in DATA.")
@click.option(
    "--replicates",
    type=float,
    metavar="M",
    help="With --inverse: each target value is the mean of M measurements; inf if exact.",
)
@options.of_unseen
@options.of_tables
def predict(
    model: str, data: str, output: str, only: bool, level: float | None, confidence: float | None, inverse: bool,
    replicates: float | None, unseen: str | None, reading: ReadOptions,
) -> None:  # fmt: skip
    """Predict the rows of a table with a saved model.

    DATA is processed in batches, so it may be larger than memory. The output has the columns of DATA, followed by
    `prediction` and, for classification, `probability_…` for each class. Rows with missing values have no prediction.

    With --inverse, DATA holds measured values of the target. The output has the x at which the curve takes each value, its
    limits (95%, or the level of --interval), and the number of solutions within the fitted range. x is empty unless there
    is exactly one solution.

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
        raise ArgumentError("--inverse requires a curve, but this model is not one. Leave it out.")
    if replicates is not None and not inverse:
        raise ArgumentError("--replicates requires --inverse. Add --inverse, or leave it out.")
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
                after = f" (row numbers start at row {first + 1} of the file)" if first else ""
                raise DataError(f"{data}: {error}{after}") from None
            taken = [name for name in made.columns if name in frame.columns]
            if taken and not only:
                raise DataError(f"{data} already has a column {taken[0]!r}. Rename it, or use --only.")
            writer.add(made if only else pl.concat([written, made], how="horizontal"))
            first += frame.height
    options.say([*notes, *kept.notes_on_unseen(loaded, more)])


def _limits(loaded: Any, level: float | None, confidence: float | None) -> dict[str, Any]:
    """Return the arguments for interval limits. Raises ArgumentError if the model does not provide them."""
    from jitgrad.tabular import CurveModel, TableModel

    if level is not None and confidence is not None:
        raise ArgumentError("--interval and --confidence cannot be combined. Give only one of them.")
    if isinstance(loaded, TableModel) and (level is not None or confidence is not None):
        return {"interval": "confidence" if level is None else "prediction", "level": confidence if level is None else level}
    if confidence is not None:
        raise ArgumentError(
            "--confidence requires a table model, but this model is not one. Use --interval for limits of new observations."
        )
    if level is not None and not isinstance(loaded, CurveModel):
        raise ArgumentError("--interval requires a curve or a table model, but this model was built in Python. Leave it out.")
    return {} if level is None else {"level": level}
