"""Files and what they become; what is wrong with others."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from jitgrad.errors import ArgumentError, DataError
from jitgrad.io.batches import read_batches
from jitgrad.io.options import ReadOptions
from jitgrad.io.source import open_source
from jitgrad.io.table import read_table
from tests.io.files import parquet, standard_input, written

AB = {"a": [1, 2], "b": [3.5, 4.0]}
TEXTS: list[tuple[str, str, dict[str, Any]]] = [
    ("commas", "a,b\n1,3.5\n2,4\n", AB),
    ("semicolons", "a;b\n1;3.5\n2;4\n", AB),
    ("tabs", "a\tb\n1\t3.5\n2\t4\n", AB),
    ("bars", "a|b\n1|3.5\n2|4\n", AB),
    ("spaces", "  a    b\n  1    3.5\n 2\t 4  \n", AB),
    ("spaces and CRLF", " a b \r\n 1 3.5 \r\n 2 4\r\n", AB),
    ("quotes between spaces", 'a "the text"\n1   "x  y"\n2 z\n', {"a": [1, 2], "the text": ["x  y", "z"]}),
    ("CRLF", "a,b\r\n1,3.5\r\n2,4\r\n", AB),
    ("no last line end", "a,b\n1,3.5\n2,4", AB),
    ("byte-order mark", "\ufeffa,b\n1,3.5\n2,4\n", AB),
    ("quoted name after a byte-order mark", '\ufeff"a",b\n1,3.5\n2,4\n', AB),
    ("comments", "# by hand\n#\n\na,b\n1,3.5\n2,4\n", AB),
    ("a comment after a byte-order mark", "\ufeff# by hand\na,b\n1,3.5\n2,4\n", AB),
    ("no comment below", "a,b\n#1,3.5\n2,4\n", {"a": ["#1", "2"], "b": [3.5, 4.0]}),
    ("blank lines", "a,b\n\n1,3.5\n  \n2,4\n\n\n", AB),
    ("blank lines between spaces", "a b\n\t\n1 3.5\n\n2 4\n", AB),
    ("a row of tabs is no blank line", "a\tb\n\t\n1\t2\n", {"a": [None, 1], "b": [None, 2]}),
    ("no header", "1,3.5\n2,4\n", {"c1": [1, 2], "c2": [3.5, 4.0]}),
    ("no header between spaces", "  10.07E0      77.6E0\n  14.73E0     114.9E0\n", {"c1": [10.07, 14.73], "c2": [77.6, 114.9]}),
    ("one row", "1,x,2.5\n", {"c1": [1], "c2": ["x"], "c3": [2.5]}),
    ("one column", "a\n1\n2\n", {"a": [1, 2]}),
    ("one column without header", "1\n2\n", {"c1": [1, 2]}),
    ("decimal commas", "a;b\n1;3,5\n2;4\n", AB),
    ("decimal commas without header", "1,5;2,7\n1,25;-3e1\n", {"c1": [1.5, 1.25], "c2": [2.7, -30.0]}),
    ("decimal commas between tabs", "a\tb\n1\t3,5\n2\t4,0\n", AB),
    ("decimal commas that could be thousands", "a;b\n1;1,234\n2;5,678\n", {"a": [1, 2], "b": [1.234, 5.678]}),
    ("thousands beside decimal commas", "a\tb\n0,5\t1,234\n2\t5,678\n", {"a": [0.5, 2.0], "b": [1.234, 5.678]}),
    ("texts with commas", "a;b\n1;x, y\n2;3,5\n", {"a": [1, 2], "b": ["x, y", "3,5"]}),
    ("pairs", "a;b\n1;52.5,13.4\n2;48.1,11.6\n", {"a": [1, 2], "b": ["52.5,13.4", "48.1,11.6"]}),
    ("decimal commas between commas", 'a,b\n1,"3,5"\n2,"4,0"\n', {"a": [1, 2], "b": ["3,5", "4,0"]}),
    ("quotes", '"a","b, c"\n"1","x ""y"""\n"2","z, z"\n', {"a": [1, 2], "b, c": ['x "y"', "z, z"]}),
    ("spaces around quotes", '"a", "b" \n1, "x, y"\n2 ,"z" \n', {"a": [1, 2], "b": ["x, y", "z"]}),
    ("a line end in quotes", 'a,b\n1,"x\ny"\n2,"\n\nz"\n', {"a": [1, 2], "b": ["x\ny", "z"]}),
    ("a carriage return in quotes", 'a,b\n1,"x\ry"\n2,"z\r"\n', {"a": [1, 2], "b": ["x\ry", "z"]}),
    ("a line end in a name", '"a\nb",c\n1,2\n', {"a\nb": [1], "c": [2]}),
    ("spaces around values", " a , b \n 1 , 3.5\n2, 4 \n", AB),
    (
        "missing",
        "a,b,c\n,NA,x\n 1 , ? ,null\nN/A,2.5,\n",
        {"a": [None, 1, None], "b": [None, None, 2.5], "c": ["x", None, None]},
    ),
    ("only missing", "a,b\n1,\n2,NA\n", {"a": [1, 2], "b": pl.Series([None, None], dtype=pl.String)}),
    ("truths", "a,b\ntrue,TRUE\nFalse,\n", {"a": [True, False], "b": [True, None]}),
    (
        "numbers of all kinds",
        "a,b,c\n+1,.5,inf\n007,5.,-Infinity\n",
        {"a": [1, 7], "b": [0.5, 5.0], "c": [float("inf"), float("-inf")]},
    ),
    ("whole numbers beyond int64", "a,b\n1,99999999999999999999\n2,1\n", {"a": [1, 2], "b": [1e20, 1.0]}),
    ("an index without a name", ",a,b\n0,x,3.5\n1,y,4\n", {"c1": [0, 1], "a": ["x", "y"], "b": [3.5, 4.0]}),
    ("a last column without a name", "a,b,\n1,3.5,\n2,4,\n", AB | {"c3": pl.Series([None, None], dtype=pl.String)}),
    ("letters", "größe,b\n1,ü\n2,\ufffd\n", {"größe": [1, 2], "b": ["ü", "\ufffd"]}),
    ("nothing but separators", "||\n||\n", dict.fromkeys(("c1", "c2", "c3"), pl.Series([None, None], dtype=pl.String))),
    ("nothing", '""\n', {"c1": pl.Series([None], dtype=pl.String)}),
    ("begins like Parquet", "PAR1,b\n1,3.5\n2,4\n", {"PAR1": [1, 2], "b": [3.5, 4.0]}),
]


@pytest.mark.parametrize(("text", "columns"), [case[1:] for case in TEXTS], ids=[case[0] for case in TEXTS])
def test_texts(text: str, columns: dict[str, Any], tmp_path: Path) -> None:
    assert_frame_equal(read_table(written(tmp_path, text)), pl.DataFrame(columns), check_exact=True)


PRICES = "column 'b' contains {} and was read as numbers"
MARKED: list[tuple[str, list[Any], str]] = [
    ('a,b\n1,"$1,234.50"\n2,$5\n', [1234.5, 5.0], PRICES.format("the currency sign $ and thousands separators")),
    ("a,b\n1,€5\n2,\n3,-€6.5\n", [5.0, None, -6.5], PRICES.format("the currency sign €")),
    ("a,b\n1,5 EUR\n2,6EUR\n", [5.0, 6.0], PRICES.format("the currency sign EUR")),
    ("a,b\n1,5%\n2,7.5 %\n", [5.0, 7.5], PRICES.format("percent signs") + ". Percentages keep their number: 5% is read as 5"),
    ('a,b\n1,"1,234,567"\n2,"(5)"\n', [1234567.0, -5.0], "thousands separators and parentheses for negative numbers"),
    ("a,b\n1,1'234\n2,5\n", [1234.0, 5.0], PRICES.format("thousands separators")),
    ("a;b\n1;1 234,5\n2;3,25\n", [1234.5, 3.25], PRICES.format("thousands separators")),
    ("a;b\n1;1.234,50 €\n2;3,5 €\n", [1234.5, 3.5], "the currency sign € and thousands separators"),
    ("a;b\n1;2\n2;1,234,567\n", [2.0, 1234567.0], PRICES.format("thousands separators")),
    ("a,b\n1,5%\n2,7\n", ["5%", "7"], ""),
    ("a,b\n1,$5\n2,€7\n", ["$5", "€7"], ""),
    ("a,b\n1,$5\n2,much\n", ["$5", "much"], ""),
    ("a\tb\n1\t2\n2\t1,234\n", ["2", "1,234"], ""),
    ("a\tb\n1\t$2\n2\t$1,234\n", ["$2", "$1,234"], ""),
    ("a;b\n1,5;2\n2,5;3.5\n", ["2", "3.5"], ""),
    ('a,b\n1,"3,5"\n2,"4,0"\n', ["3,5", "4,0"], ""),
    ("a,b\n1,030 123 456\n2,5\n", ["030 123 456", "5"], ""),
]


@pytest.mark.parametrize(("text", "values", "note"), MARKED)
def test_numbers_with_marks(text: str, values: list[Any], note: str, tmp_path: Path) -> None:
    """What is not clear stays text; who needs numbers there says why there are none."""
    notes: list[str] = []
    assert read_table(written(tmp_path, text), note=notes.append)["b"].to_list() == values
    assert len(notes) == bool(note)
    assert note.lower() in "".join(notes).lower()


@pytest.mark.parametrize("rows", [1, 12_000])
def test_marks_after_the_first_rows(rows: int, tmp_path: Path) -> None:
    text = "a,b\n" + "$1,2\n" * rows + '"$1,234",$5\n'
    with pytest.raises(DataError, match="line"):
        read_table(written(tmp_path, text.replace('"$1,234",$5', '"$1,234",$5,6')))
    got = read_table(written(tmp_path, text))
    assert got.row(rows) == (1234.0, 5.0)


ENCODED = "größe,b\n1,naïve — “x”\n2,€\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("rows", [0, 15_000])
def test_encodings_are_found_out(encoding: str, rows: int, tmp_path: Path) -> None:
    text = ENCODED.replace("2,€", "2,x\n" * rows + "2,€")
    notes: list[str] = []
    file = written(tmp_path, text.encode(encoding))
    got = read_table(file, note=notes.append)
    assert got.columns == ["größe", "b"] and got["b"][[0, -1]].to_list() == ["naïve — “x”", "€"]
    assert len(notes) == (not encoding.startswith("utf-8"))
    whole = pl.concat(read_batches(file, 1000))
    assert_frame_equal(whole.with_columns(pl.col("größe").cast(pl.Int64)), got)


def test_an_encoding_that_is_given(tmp_path: Path) -> None:
    text = "a,b\n1,да\n"
    for encoding in ("cp1251", "koi8-r", "utf-8", "UTF-8", "utf-16-le", "iso-8859-5"):
        got = read_table(written(tmp_path, text.encode(encoding)), ReadOptions(encoding=encoding))
        assert got["b"].to_list() == ["да"]
    with pytest.raises(DataError, match="is not valid UTF-8 in line 2"):
        read_table(written(tmp_path, text.encode("cp1251")), ReadOptions(encoding="utf-8"))
    with pytest.raises(DataError, match=r"is not valid cp932 near line 2\. Give"):
        read_table(written(tmp_path, b"a,b\n1,\x81\n"), ReadOptions(encoding="cp932"))
    with pytest.raises(ArgumentError, match="encoding is 'latin-15', which is not a known encoding"):
        read_table(written(tmp_path, text), ReadOptions(encoding="latin-15"))


def test_texts_that_stand_for_missing(tmp_path: Path) -> None:
    text = "a,b,c\n1,-999,x\n-999, unknown ,unknown\n3,2.5,y\n"
    got = read_table(written(tmp_path, text), ReadOptions(missing=("-999", "unknown")))
    assert_frame_equal(got, pl.DataFrame({"a": [1, None, 3], "b": [None, None, 2.5], "c": ["x", None, "y"]}))


def test_columns_that_stay_as_they_are_written(tmp_path: Path) -> None:
    file = written(tmp_path, "a,b,c\n007,$5,2\n08,$6,3\n")
    expected = pl.DataFrame({"a": ["007", "08"], "b": [5.0, 6.0], "c": ["2", "3"]})
    options = ReadOptions(texts=("a", "c", "none"))
    assert_frame_equal(read_table(file, options), expected)
    assert_frame_equal(pl.concat(read_batches(file, 1, options)), expected)


@pytest.mark.parametrize(
    ("text", "options", "columns"),
    [
        ("a,b\n1,2\n", {"header": False}, {"c1": ["a", "1"], "c2": ["b", "2"]}),
        ("2020,2021\n1,2\n", {"header": True}, {"2020": [1], "2021": [2]}),
        ("a;b,c\n1;2,d\n", {"separator": ";"}, {"a": [1], "b,c": ["2,d"]}),
        ("a;b,c\n1;2,d\n", {"separator": "comma"}, {"a;b": ["1;2"], "c": ["d"]}),
        ("a~b\n1~2\n", {"separator": "~"}, {"a": [1], "b": [2]}),
        ("a b,c\n1 2\n", {"separator": "space"}, {"a": [1], "b,c": [2]}),
        ("a\tb\n1 x\t2\n", {"separator": "tab"}, {"a": ["1 x"], "b": [2]}),
        ("y\n1,5\n2,5\n", {"separator": "semicolon"}, {"y": [1.5, 2.5]}),
    ],
)
def test_what_is_given_is_not_found_out(text: str, options: dict[str, Any], columns: dict[str, Any], tmp_path: Path) -> None:
    assert_frame_equal(read_table(written(tmp_path, text), ReadOptions(**options)), pl.DataFrame(columns))


CONTENTS: list[tuple[str, bytes]] = [
    ("t.csv", b"a,b\n1,3.5\n2,4\n"),
    ("t.csv.gz", gzip.compress(b"a,b\n1,3.5\n2,4\n", mtime=0)),
    ("t.csv", gzip.compress(b"a,b\n1,3.5\n", mtime=0) + gzip.compress(b"2,4\n", mtime=0)),
    ("t.gz", b"a;b\n1;3.5\n2;4\n"),
    ("t.parquet", parquet(pl.DataFrame(AB))),
    ("t.PQ", parquet(pl.DataFrame(AB))),
    ("t.csv", parquet(pl.DataFrame(AB))),
    ("t.parquet.gz", gzip.compress(parquet(pl.DataFrame(AB)), mtime=0)),
    ("[t]*.parquet", parquet(pl.DataFrame(AB))),
]


@pytest.mark.parametrize(("name", "content"), CONTENTS)
def test_files_of_all_kinds(name: str, content: bytes, tmp_path: Path) -> None:
    file = written(tmp_path, content, name)
    assert_frame_equal(read_table(file), pl.DataFrame(AB))
    assert_frame_equal(read_table(str(file)), pl.DataFrame(AB))
    with standard_input(content):
        assert_frame_equal(read_table("-"), pl.DataFrame(AB))


def test_parquet_keeps_its_types(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": ["NA", " x ", None]}, schema={"a": pl.Categorical}).with_columns(b=pl.lit(1, pl.Int8))
    assert_frame_equal(read_table(written(tmp_path, parquet(frame), "t.parquet")), frame, categorical_as_str=True)


@pytest.mark.parametrize("text", ["x", "1.5", "7777777777777777777777", " 1", '"1"', "true", ""])
def test_what_comes_after_the_first_rows_counts(text: str, tmp_path: Path) -> None:
    head = [f"{i},{i}" for i in range(12_000)]
    got = read_table(written(tmp_path, "\n".join(["a,b", *head, f"3,{text}"])))
    expected = read_table(written(tmp_path, "\n".join(["a,b", f"3,{text}", *head])))
    assert_frame_equal(got.slice(12_000), expected.slice(0, 1))
    assert_frame_equal(got.slice(0, 12_000), expected.slice(1))


@pytest.mark.parametrize(("text", "value"), [("5", 5), ("1.5", 1.5), ("x", "x")])
def test_a_value_after_many_missing_ones(text: str, value: Any, tmp_path: Path) -> None:
    got = read_table(written(tmp_path, "a,b\n" + "1,\n" * 12_000 + f"2,{text}\n"))
    assert got["b"].to_list() == [None] * 12_000 + [value]


BAD: list[tuple[str | bytes, str]] = [
    ("", "t.csv is empty. Give a table"),
    ("\ufeff", "is empty"),
    ("# nothing\n\n", "is empty"),
    (gzip.compress(b"", mtime=0), "is empty"),
    ("a,b\n", "has a header but no rows. Give"),
    ("a,b\n\n\n", "no rows"),
    ("a,b\n1,2\n3\n", "has 1 field in line 3, but 2 in the header. Give"),
    ("# x\n\na,b\n\n1,2\n\n3\n", "1 field in line 7, but 2"),
    ("a,b\n1,2\n3,4,5\n", "3 fields in line 3, but 2 in the header"),
    ("a,b\n1,2,3\n3,4,5\n", "3 fields in line 2, but 2 in the header"),
    ("a,b,c\n1,2\n3,4\n", "2 fields in line 2, but 3 in the header"),
    ('a,b\n1,"x\n\ny"\n3\n', "1 field in line 5, but 2"),
    ("1,2\n3,4\n5\n", "1 field in line 3, but 2 in the first row. Give every row the same number of fields"),
    ("a  b\n1 2\n\n 3 \n4 5\n", "1 field in line 4, but 2 in the header"),
    ("a,b\n" + "1,2\n" * 12_000 + "3\n", "1 field in line 12002, but 2"),
    ("a,b\n" + "1,2\n" * 12_000 + "3,4,5\n", "3 fields in line 12002, but 2"),
    ("a,a\n1,2\n", "more than one column 'a'"),
    ('a," a"\n1,2\n', "more than one column 'a'"),
    ("c2,\n1,2\n", "more than one column 'c2'"),
    ('a,b\n1,"2\n3,4\n', "an unclosed quote in line 2"),
    ('a,"b\n1,2\n', "an unclosed quote in line 1"),
    ('a,b\n1,"' + "2\n" * 30_000, "an unclosed quote in line 2"),
    ('a,b\n\n1,"x"\n5,6" pipe\n7,8" pipe\n', "a quote inside a field in line 4. Quote"),
    ('a,b\n1,"x\n"\n5,"6"x\n', "a quote inside a field in line 4"),
    (b"# x\n\na,b\n1,\x81\n", "is neither UTF-8 nor cp1252: line 4 contains the byte 0x81. Give"),
    (b"a,\xc3\xbc\n1,2\n3,\xfc\n", "is not valid UTF-8 in line 3. Save it as UTF-8, or give its encoding"),
    (b"a,\xfc\n1,2\n3,\xc3\xbc\n", "mixes encodings: line 1 is cp1252 and line 3 is UTF-8. Give"),
    (b"\xef\xbb\xbfa,b\n1,\xfc\n", "is not valid UTF-8 in line 2"),
    (b"a,b\n1,\0\n", "is not a text file: line 2 contains a null byte"),
    ("a,b\n1,2\n".encode("utf-16")[:-1], "is not valid utf-16 near line"),
    ("#\n" + "a" * (2**24 + 1) + ",b\n1,2\n", "has more than 16 MiB in line 2, which is too long for a row"),
    ("a,b\n1,2\n" * 90_000 + "a" * (2**24 + 1), "has more than 16 MiB in line 180001"),
    ('a,b\n1,"' + ("x" * 2**20 + "\n") * 17 + '"\n', "has an unclosed quote in line 2"),
    ("a,b\r1,2\r3,4\r", "uses carriage returns as line endings"),
    (gzip.compress(b"a,b\n1,2\n" * 1000, mtime=0)[:-20], "t.csv is damaged: Compressed file ended"),
    (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-8] + b"12345678", "is damaged: CRC check failed"),
    (gzip.compress(b"a,b\n1,2\n", mtime=0) + b"rubbish", "is damaged: Not a gzipped file"),
    (gzip.compress(b"a,b\n1,2\n", mtime=0)[:10] + b"\xff" * 40, "is damaged: Error -3"),
    (parquet(pl.DataFrame(AB))[:-9], "is damaged or not a Parquet file"),
    (parquet(pl.DataFrame(AB).clear()), "has no rows"),
]


@pytest.mark.parametrize(("content", "message"), BAD, ids=[f"{i} {case[1]}" for i, case in enumerate(BAD)])
def test_what_is_wrong_with_a_file_is_said(content: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_table(written(tmp_path, content))
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "t.csv"))


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"PAR1", b"PAR1\x15 and more that is not"])
def test_what_is_parquet_by_name_alone(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is damaged or not a Parquet file"):
        read_table(written(tmp_path, content, "t.parquet"))


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.csv", "There is no file"),
        (tmp_path, "is a directory. Give"),
        (tmp_path / "none.parquet", "There is no file"),
    ):
        with pytest.raises(DataError, match=message):
            read_table(path)
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(DataError, match=r"loop cannot be read: Too many levels of symbolic links. Check"):
        read_table(loop)


def test_faults_of_standard_input_name_it() -> None:
    with standard_input(b""), pytest.raises(DataError, match="standard input is empty"):
        read_table("-")
    with standard_input(b"PAR1\x15"), pytest.raises(DataError, match="standard input is damaged or not a Parquet file"):
        read_table("-")


def test_standard_input_that_is_closed() -> None:
    kept = os.dup(0)
    os.close(0)
    try:
        with pytest.raises(DataError, match="standard input cannot be read: Bad file descriptor"):
            read_table("-")
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def test_files_are_closed(tmp_path: Path) -> None:
    for content in (b"a\n1\n", gzip.compress(b"a\n1\n", mtime=0)):
        with open_source(written(tmp_path, content)) as stream:
            pass
        assert stream.closed
