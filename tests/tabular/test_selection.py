"""Which columns are features, how dates and texts of many values become numbers, and what is said of it."""

from __future__ import annotations

import datetime
import json
from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl
import pytest

from jitgrad.errors import ArgumentError, DataError, FormulaError
from jitgrad.tabular import targets
from jitgrad.tabular.columns import Roles, design_like, encoded, make_design
from jitgrad.tabular.frames import as_polars
from jitgrad.tabular.predictors import Predictors, unseen_notes
from jitgrad.tabular.unseen import Unseen

ROWS = 24
Y = [float(k % 7) for k in range(ROWS)]
X = [float(k * k % 11) for k in range(ROWS)]
DATE = datetime.date(2024, 1, 1)
DAYS = [DATE + datetime.timedelta(9 * k) for k in range(ROWS)]
CITIES = [f"town {k}" for k in range(14)] + ["Rome"] * 5 + ["Bonn"] * 5


def days(pattern: str) -> list[str]:
    return [day.strftime(pattern) for day in DAYS]


LEFT_OUT: list[tuple[str, list[Any], str]] = [
    ("id", [*range(10, 10 + ROWS)], "'id' has a different integer in every row and looks like an identifier"),
    (
        "customerID",
        [*range(ROWS, 0, -1)],
        "looks like an identifier, so it was left out. To use it, include it in the features.",
    ),
    ("order key", [*range(100, 100 + ROWS)], "looks like an identifier"),
    ("c1", [*range(ROWS)], "'c1' only numbers the rows, so it was left out. To use it"),
    ("Unnamed: 0", [*range(ROWS)], "only numbers the rows"),
    (
        "c1",
        [85 + k + k // 5 for k in range(ROWS)],
        "'c1' has a different integer in every row and looks like a saved index, so",
    ),
    ("", [ROWS - k for k in range(ROWS)], "looks like a saved index, so it was left out"),
    ("index", [*range(1, ROWS + 1)], "only numbers the rows"),
    ("rownames", [*range(1, ROWS + 1)], "only numbers the rows"),
    ("name", [f"n{k}" for k in range(ROWS)], "'name' has a different text in nearly every row and looks like an identifier"),
    (
        "city",
        CITIES,
        "'city' has 16 categories in 24 rows, so it was left out. To use it, set texts to 'group' or 'hash'.",
    ),
    ("unit", ["mg"] * ROWS, "Column 'unit' has the same value in every row, so it was left out."),
    ("one", [1.5] * ROWS, "the same value in every row"),
    ("empty", [None] * ROWS, "Column 'empty' has no values, so it was left out."),
    ("nan", [float("nan")] * ROWS, "has no values"),
    ("lists", [[1, 2]] * ROWS, "'lists' has type List(Int64), which is not numeric"),
    (
        "when",
        ["01/02/2024", "03/04/2024"] * (ROWS // 2),
        "either the day or the month may come first, so it was left out",
    ),
    ("price", ["$1", "€2", "€3"] * (ROWS // 3), "looks like numbers, but it mixes amounts in $ with others, such as '€2', so"),
    ("rate", ["1%", "2"] * (ROWS // 2), "only some of its numbers have a percent sign, unlike '2'"),
    ("comma", ["3,5", "4,25"] * (ROWS // 2), "the meaning of point and comma is ambiguous in '3,5'"),
    (
        "points",
        [f"{k * k / 8}" for k in range(ROWS)],
        "'points' has numbers stored as text, perhaps because of mixed decimal",
    ),
    (
        "typo",
        [*map(str, range(ROWS - 1)), "oops"],
        "has numbers, but also the text 'oops', so it was left out. To use it, correct that",
    ),
]


@pytest.mark.parametrize(("name", "values", "note"), LEFT_OUT, ids=[case[0] for case in LEFT_OUT])
def test_columns_that_are_left_out(name: str, values: list[Any], note: str) -> None:
    frame = pl.DataFrame({name: values, "x": X, "y": Y}, strict=False)
    got = make_design(frame, "y")
    assert got.names == ["x"] and got.dropped == 0
    assert len(got.notes) == 1 and note in got.notes[0]
    assert make_design(frame, "y", exclude=[name]).notes == ()
    with pytest.raises(DataError, match="No column can be used as a feature"):
        make_design(frame.drop("x"), "y")


@pytest.mark.parametrize("name", ["id", "customerID", "c1", "index", "unit", "one"])
def test_what_is_named_is_used(name: str) -> None:
    values = next(case[1] for case in LEFT_OUT if case[0] == name)
    assert len(make_design(pl.DataFrame({name: values, "y": Y}), "y", [name]).names) == 1


KEPT: list[tuple[str, list[Any]]] = [
    ("x", [*range(ROWS)]), ("paid", [*range(ROWS)]), ("humid", [*range(5, 5 + ROWS)]), ("id", [1, 2] * (ROWS // 2)),
    ("index", [2 * k for k in range(ROWS)]), ("year", [*range(2000, 2000 + ROWS)]), ("id", [float(k) for k in range(ROWS)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values"), KEPT)
def test_columns_that_are_kept(name: str, values: list[Any]) -> None:
    got = make_design(pl.DataFrame({name: values, "y": Y}), "y")
    assert (got.names, got.notes) == ([name], ())


def test_a_table_without_names_may_count() -> None:
    assert make_design(pl.DataFrame({"c1": range(ROWS), "c2": Y}), "c2").names == ["c1"]
    assert make_design(pl.DataFrame({"x": X, "c1": range(7, 7 + ROWS), "y": Y}), "y").names == ["x", "c1"]


def test_notes_of_one_reason_are_one() -> None:
    got = make_design(pl.DataFrame({"a": [1] * ROWS, "b": ["u"] * ROWS, "x": X, "y": Y}), "y")
    assert got.notes == ("Columns 'a', 'b' have the same value in every row, so they were left out.",)


DATES: list[tuple[str, list[Any]]] = [
    ("dates", DAYS), ("ISO", days("%Y-%m-%d")), ("dots", days("%d.%m.%Y")), ("America", days("%m/%d/%Y")),
    ("Britain", days("%d/%m/%Y")), ("two digits", days("%d.%m.%y")), ("names", days("%d %b %Y")), ("words", days("%B %d, %Y")),
    ("times", days("%Y-%m-%d 00:00:00")), ("UTC", days("%Y-%m-%dT00:00:00Z")),
    ("datetimes", [datetime.datetime(day.year, day.month, day.day) for day in DAYS]),
    ("zone", [datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC) for day in DAYS]),
]  # fmt: skip


@pytest.mark.parametrize("values", [case[1] for case in DATES], ids=[case[0] for case in DATES])
def test_dates_become_days(values: list[Any]) -> None:
    frame = pl.DataFrame({"when": values, "y": Y})
    got = make_design(frame, "y")
    assert got.names == ["when"]
    np.testing.assert_array_equal(got.x[:, 0], 9.0 * np.arange(ROWS))
    assert "Column 'when' has dates, which were encoded as days since 2024-01-01, the earliest date." in got.notes[0]
    later = encoded(frame[3:5], kept(got.predictors))
    np.testing.assert_array_equal(later.x[:, 0], [27, 36])


@pytest.mark.parametrize("values", [DAYS, days("%d.%m.%Y")], ids=["dates", "texts"])
def test_parts_of_dates(values: list[Any]) -> None:
    got = make_design(pl.DataFrame({"when": values, "y": Y}), "y", dates="parts")
    months = ["Feb", "Mar", "Apr", "May", "Jun", "Jul"]
    week = ["Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    assert got.names == [*(f"when:month={month}" for month in months), *(f"when:weekday={day}" for day in week)]
    assert got.x[4].tolist() == [1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]  # the 6th of February, a Tuesday
    assert "Column 'when' has dates, which were encoded as month and weekday." in got.notes[0]
    new = pl.DataFrame({"when": ["2025-12-24" if values is DAYS else "24.12.2025"]})
    unseen = Unseen()
    made = encoded(new, kept(got.predictors), unseen)
    assert made.x[0].tolist() == [0] * 6 + [0, 1, 0, 0, 0, 0]
    assert unseen.counts == {"when:month": {"Dec": 1}}
    assert "It was treated as the reference, 'Jan'" in unseen_notes(unseen, got.predictors)[0]


def test_hours_and_years_of_dates() -> None:
    times = [datetime.datetime(2020 + k % 2, 5, 4, k % 3) for k in range(ROWS)]
    got = make_design(pl.DataFrame({"when": times, "y": Y}), "y", dates="parts")
    assert got.names == ["when:year", "when:weekday=Tue", "when:hour=01", "when:hour=02"]
    assert got.x[1].tolist() == [2021, 1, 1, 0]


def test_a_text_that_is_no_date() -> None:
    got = make_design(pl.DataFrame({"when": days("%Y-%m-%d"), "y": Y}), "y")
    with pytest.raises(DataError, match="'when' has 'soon' in row 2, which is not a date"):
        encoded(pl.DataFrame({"when": ["2024-01-02", "soon"]}), got.predictors)


def test_rare_texts_are_grouped() -> None:
    got = make_design(pl.DataFrame({"city": CITIES, "y": Y}), "y", texts="group")
    assert got.names == ["city=Rome", "city=other"]
    assert got.x.sum(0).tolist() == [5, 14]
    assert got.notes == (
        "14 rare categories of column 'city' (14 rows) were merged into 'other'. "
        "Set texts to 'hash' to hash all categories instead.",
    )
    made = encoded(pl.DataFrame({"city": ["Rome", "Oslo", None]}), kept(got.predictors))
    np.testing.assert_array_equal(made.x, [[1, 0], [0, 1], [np.nan, np.nan]])


def test_texts_are_hashed() -> None:
    got = make_design(pl.DataFrame({"city": CITIES, "y": Y}), "y", texts="hash")
    assert got.names == [f"city#{k}" for k in range(4)]
    assert (np.abs(got.x).sum(1) == 1).all()
    np.testing.assert_array_equal(got.x[14], got.x[18])
    assert got.x[14].tolist() == [-1, 0, 0, 0]  # on every machine
    np.testing.assert_array_equal(encoded(pl.DataFrame({"city": ["Rome", None]}), kept(got.predictors)).x[0], got.x[14])


def test_texts_of_many_values_that_are_named() -> None:
    frame = pl.DataFrame({"city": CITIES, "name": [f"n{k}" for k in range(ROWS)], "y": Y})
    with pytest.raises(
        DataError, match=r"'city' has 16 categories in 24 rows\. Leave it out, or set texts to 'group' or 'hash'"
    ):
        make_design(frame, "y", ["city"])
    with pytest.raises(DataError, match=r"24 categories in 24 rows, all of them rare\. Leave it out, or set texts to 'hash'"):
        make_design(frame, "y", ["name"], texts="group")
    assert len(make_design(frame, "y", ["name"], texts="hash").names) == 4


def test_codes_are_categories() -> None:
    got = make_design(pl.DataFrame({"zip": ["00501", "10001", "K1A"] * (ROWS // 3), "y": Y}), "y")
    assert got.names == ["zip=10001", "zip=K1A"]
    assert got.notes == (
        "Column 'zip' mixes numbers with text such as 'K1A', so it was treated as categorical. "
        "Declare 'K1A' as a missing value to treat it as numeric.",
    )


def test_numbers_with_marks_in_a_frame() -> None:
    got = make_design(pl.DataFrame({"price": ["$1,000", "$2.50"] * (ROWS // 2), "y": [f"{y} %" for y in Y]}), "y")
    assert got.x[:2, 0].tolist() == [1000, 2.5] and got.y.tolist() == Y
    assert got.notes[0].startswith("Column 'price' contains the currency sign $ and thousands separators")
    assert encoded(pl.DataFrame({"price": ["7", "$8", None]}), kept(got.predictors)).x[:2, 0].tolist() == [7, 8]


def test_missing_values_are_counted() -> None:
    frame = pl.DataFrame({"a": [None, None, *X[2:]], "b": [None, *X[1:]], "y": [*Y[:-1], None], "z": [None] * ROWS})
    got = make_design(frame, "y")
    assert (got.dropped, got.missing) == (3, {"a": 2, "b": 1, "y": 1})
    assert got.rows.tolist() == list(range(2, ROWS - 1))
    assert got.notes[-1] == "3 of 24 rows were dropped because of missing values: 2 in 'a', 1 in 'y', 1 in 'b'."
    frame = pl.DataFrame({"x": X, "y": [None] * 8 + Y[8:]})
    assert make_design(frame, "y").notes == ("8 of 24 rows were dropped because of missing values: 8 in 'y'.",)
    with pytest.raises(DataError, match=r"'y' has no values\. Choose another target"):
        make_design(frame.with_columns(y=None), "y")
    frame = pl.DataFrame({"a": [None] * 8 + X[8:], "b": X, "y": Y})
    assert (
        make_design(frame, "y")
        .notes[0]
        .endswith("To keep more rows, exclude the columns with the most missing values, such as 'a'.")
    )


TEXTS = pl.DataFrame({"kind": ["u", "v", "w"] * (ROWS // 3), "on": [True, False] * (ROWS // 2), "y": Y})


@pytest.mark.parametrize("formula", [None, "y ~ kind + on", "y ~ C(kind, Treatment('u')) + on"])
def test_texts_that_were_not_there(formula: str | None) -> None:
    got = make_design(TEXTS, None if formula else "y", formula=formula)
    new = pl.DataFrame({"on": [True, False, True, True], "more": [1] * 4, "kind": ["x", "v", None, "x"]})
    unseen = Unseen()
    made = encoded(new, kept(got.predictors), unseen)
    np.testing.assert_array_equal(made.x, [[0, 0, 1], [1, 0, 0], [np.nan, np.nan, np.nan if formula else 1], [0, 0, 1]])
    name = "kind" if formula is None or "C" not in formula else "C(kind, Treatment('u'))"
    assert unseen.counts == {name: {"x": 2}}
    encoded(new[:1], got.predictors, unseen)
    note = unseen_notes(unseen, got.predictors)[0]
    assert note == (
        f"3 rows have categories of {name!r} that the model has not seen ('x'). They were treated as the reference, 'u'. "
        f"Set unseen to 'missing' to leave these rows unpredicted."
    )
    missing = Unseen(missing=True)
    x = encoded(new, got.predictors, missing).x
    assert np.isnan(x[[0, 3]]).any(1).all() and not np.isnan(x[1]).any()
    assert unseen_notes(missing, got.predictors)[0].endswith("('x'). They were treated as missing.")
    with pytest.raises(DataError, match="has 'x' in row 1, which was not seen in training"):
        encoded(new, got.predictors)
    table = new.with_columns(y=1.0)
    assert design_like(table, got.predictors, got.target, unseen=Unseen()).rows.tolist() == [0, 1, 3]
    assert design_like(table, got.predictors, got.target, unseen=Unseen(True)).rows.tolist() == [1]


def test_offset_weights_trials_and_groups() -> None:
    frame = pl.DataFrame({"t": [2.0] * ROWS, "w": X, "g": ["b", "a"] * (ROWS // 2), "n": [10] * ROWS, "x": X, "y": range(ROWS)})
    frame = frame.with_columns(y=pl.col("y") % 7)
    got = make_design(frame, "y", roles=Roles("log(t)", "w", "w + 1", "n", "g"))
    assert got.names == ["x"] and got.offset is not None
    np.testing.assert_allclose(got.offset, np.log(2))
    assert got.weights is not None and got.weights.tolist() == X
    assert got.freq_weights is not None and got.freq_weights[0] == 1
    assert got.groups is not None and got.groups[:2].tolist() == [1, 0]
    assert got.trials is not None and got.trials[0] == 10 and got.y[3] == 0.3  # of ten trials
    made = encoded(frame[:2].with_columns(t=pl.Series([3.0, None])), kept(got.predictors))
    np.testing.assert_allclose(made.offset, [np.log(3), np.nan])
    np.testing.assert_array_equal(design_like(frame, kept(got.predictors), got.target).y, got.y)
    assert got.part(np.array([1, 3])).rows.tolist() == [1, 3]
    with pytest.raises(DataError, match="Column 'tt' does not exist"):
        make_design(frame, "y", roles=Roles("tt"))
    with pytest.raises(DataError, match=r"offset 'log.t - 2.' has -inf in row 1"):
        make_design(frame, "y", roles=Roles("log(t - 2)"))
    with pytest.raises(DataError, match="more than the number of trials, in row 4"):
        make_design(frame.with_columns(n=2), "y", roles=Roles(trials="n"))


def test_frames_of_other_libraries() -> None:
    pandas = pytest.importorskip("pandas", reason="a frame of pandas")
    kinds = pandas.Categorical(["b", "a", None], categories=["b", "c", "a"])
    frame = as_polars(pandas.DataFrame({"kind": kinds, "x": [1, 2, 3], "flag": [True, False, True], 5: ["u", "v", None]}))
    assert frame.columns == ["kind", "x", "flag", "5"]
    assert frame["kind"].to_list() == ["b", "a", None] and frame["5"].to_list() == ["u", "v", None]
    assert make_design(frame.with_columns(y=pl.col("x"))[:2], "y", ["kind"]).names == ["kind=a"]
    assert as_polars({"x": np.arange(2)})["x"].to_list() == [0, 1]
    for wrong, message in (
        ([1, 2], "type list, which is not a supported table. Give a pandas"),
        (frame.lazy(), "type LazyFrame, which is not a supported table. Call collect"),
        (pandas.DataFrame([[1, 2]], columns=["a", "a"]), "More than one column is named 'a'"),
        ({"a": [1], "b": [1, 2]}, "have different lengths"),
    ):
        with pytest.raises(DataError, match=message):
            as_polars(wrong)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"dates": "days"}, ArgumentError, "dates"),
        ({"texts": "groups"}, ArgumentError, "Did you mean 'group'"),
        ({"exclude": ["knd"]}, DataError, "Column 'knd' does not exist. Did you mean 'kind'"),
        ({"features": ["kind"], "exclude": ["kind"]}, DataError, "'kind' is both a feature and excluded"),
        ({"formula": "y ~ kind"}, ArgumentError, "target"),
        ({"roles": Roles(weights="exp(kind")}, FormulaError, "cannot be read"),
    ],
)
def test_what_cannot_be_asked(given: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make_design(TEXTS, "y", **given)


def kept(predictors: Predictors) -> Predictors:
    """From a file: JSON, and arrays."""
    document = asdict(predictors)

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return {"array": value.tolist(), "shape": value.shape} if isinstance(value, np.ndarray) else value

    def restored(value: dict[str, Any]) -> Any:
        return np.array(value["array"], np.float64).reshape(value["shape"]) if set(value) == {"array", "shape"} else value

    return Predictors.made(json.loads(json.dumps(plain(document)), object_hook=restored))


def test_a_kept_target() -> None:
    got = make_design(TEXTS.with_columns(s=pl.lit(2), f=pl.lit(3)), formula="cbind(s, f) ~ kind").target
    assert targets.made(json.loads(json.dumps(asdict(got)))) == got
    for change in ({"value": "open('x')"}, {"needs": []}, {"values": [1, "a"]}, {"value": "q / 2"}, {"low": "x"}):
        with pytest.raises((DataError, FormulaError)):
            targets.made(asdict(got) | change)
