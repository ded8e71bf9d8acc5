"""What separates fields, and whether the first row is a header."""

from __future__ import annotations

import csv

import pytest

from jitgrad.errors import ArgumentError
from jitgrad.io.dialect import SEPARATORS, check_separator, find_separator, has_header


def by_separator(text: str) -> dict[str, list[list[str]]]:
    return {mark: list(csv.reader(text.splitlines(), delimiter=mark)) for mark in SEPARATORS.values()}


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1;2\n", ";"),
        ("a\tb\n1\t2\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ("a b\n1 2\n", " "),
        ("1,5;2,7\n2,5;3,7\n", ";"),
        ("1,5\t2,7\n2,5\t3,7\n", "\t"),
        ("a,b\n1;2,x\n3;4,y\n", ","),
        ("1;2,3\n4;5,6\n", ";"),
        ("name, first;age\nDoe, Jane;45\nRoe, Rick;51\n", ";"),
        ("at,x\n2020-01-01 10:00,5\n2020-01-02 11:00,6\n", ","),
        ("weight,height\n10 kg,5 m\n12 kg,6 m\n", ","),
        ("a b,c d\n1 2,3 4\n", ","),
        ("at\n2020-01-01 10:00\n2020-01-02 11:00\n", ","),
        ("full name\nJane Doe\nRick Roe\n", ","),
        ("a;b;y\n1;2\n3;4\n", ";"),
        ("a b c\n1 2 3\n4 5\n7 8 9\n", " "),
        ("a\n1\n2\n", ","),
        ("x\n", ","),
        ("a,b\n", ","),
        ("a;b\n", ";"),
    ],
)
def test_the_separator_is_found(text: str, separator: str) -> None:
    assert find_separator(by_separator(text)) == separator


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("a,b\n1,2\n", True),
        ("1,2\n3,4\n", False),
        ("1,NA\n3,4\n", False),
        ("-1.5e-3,inf\n3,4\n", False),
        ("2020,2021\n3,4\n", False),
        ("id,2020,2021\n1,3,4\n", True),
        ("name,2020\nx,3\ny,4\n", False),
        ("x,3\ny,4\n", False),
        ("?,x\n5,y\n", False),
        (",a,b\n0,x,y\n", True),
        (",1,2\n0,3,4\n", False),
        ("a,b,\n1,2,\n", True),
        ("NA,K,CA\n1,2,3\n", True),
        ("a,b\n", True),
        ("1,b\n", False),
        ("red,apple\ngreen,pear\n", True),
        ("2020-01-01,5\n2020-01-02,6\n", False),
        ("a,2\n3\n4,5\n", True),
    ],
)
def test_a_header_is_found(text: str, header: bool) -> None:
    assert has_header(list(csv.reader(text.splitlines()))) == header


@pytest.mark.parametrize(
    ("given", "separator"), [("comma", ","), ("tab", "\t"), ("space", " "), (";", ";"), ("\t", "\t"), ("~", "~")]
)
def test_separators_by_name_and_as_they_are(given: str, separator: str) -> None:
    assert check_separator(given) == separator


@pytest.mark.parametrize(
    ("given", "message"), [("tabs", "Did you mean 'tab'"), ("", "Use one of"), ('"', "Use"), ("a", "Use"), ("–", "Use")]
)
def test_what_is_no_separator(given: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        check_separator(given)
