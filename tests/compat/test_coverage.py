"""The page about covered names says what the code has."""

from __future__ import annotations

from pathlib import Path

import pytest

from jitgrad.compat.coverage import BEGIN, PACKAGES, covered, page

PAGE = Path(__file__).parents[2] / "docs" / "compat.md"


def test_the_page_has_the_table_that_the_code_makes() -> None:
    assert PAGE.read_text() == page(PAGE.read_text()), "run python -m jitgrad.compat.coverage"


def test_a_page_without_its_mark_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no line <!--.*Put it"):
        page("text")
    assert page(f"text\n{BEGIN}\nold").startswith(f"text\n{BEGIN}\n\n## TensorFlow")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_is_there_and_others_are_refused_by_name(package: str) -> None:
    for library, module, names in covered(package):
        assert len(set(names)) == len(names)
        with pytest.raises(AttributeError, match=rf"does not have {library}\.no_such_name\. "):
            module.no_such_name  # noqa: B018
