"""Split a text file into blocks of complete records with line numbers."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from jitgrad.errors import DataError
from jitgrad.io.dialect import MISSING, SEPARATORS, Dialect, check_separator, find_separator, has_header
from jitgrad.io.encoding import Bytes, opened, windows_as_utf8
from jitgrad.io.options import Note, ReadOptions
from jitgrad.io.source import Stream

_SAMPLE = 200  # lines from which the separator and the header are detected
_SAMPLE_BYTES = 1 << 20  # size limit in bytes of these lines
_LONGEST = 10_000  # lines in a quoted field, so that an unclosed quote does not consume the whole stream
_LARGEST = 1 << 24  # bytes in a row, because a file without line ends may be larger than memory
_CHUNK = 1 << 17  # bytes to read at once

csv.field_size_limit(max(csv.field_size_limit(), _LARGEST))  # a process-wide limit, by default 128 KiB

_SPACES = re.compile(rb'("[^"]*")|(^[ \t]+|[ \t]+\r?$)|[ \t]+', re.MULTILINE)
_QUOTED = rb'(?m)(^|%b)[ ]*("[^"]*+(?:""[^"]*+)*+")[ ]*(?=%b|\r?$)'  # a quoted field, perhaps surrounded by spaces


@dataclass(frozen=True)
class Block:
    """A block of records of a file.

    Attributes
    ----------
    dialect : Dialect
        The dialect of the file.
    content : bytes
        The records, with runs of separating spaces collapsed and spaces around quotes removed.
    before : int
        The number of lines in the file before the block.
    blank : list of int
        The numbers of the blank lines that were skipped.
    """

    dialect: Dialect
    content: bytes
    before: int = 0
    blank: list[int] = field(default_factory=list)

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the line number of the end of each record within the content, and its fields.

        Raises DataError for invalid CSV or UTF-8.
        """
        mark = self.dialect.separator
        lines = io.TextIOWrapper(io.BytesIO(self.content), "utf-8", newline="")
        reader = csv.reader(lines, delimiter=mark, skipinitialspace=mark != " ")
        try:
            for record in filter(None, reader):
                yield reader.line_num, record
        except UnicodeDecodeError:
            parts = enumerate(self.content.split(b"\n"), 1)
            number = next(number for number, part in parts if part.decode(errors="replace").encode() != part)
            raise DataError(
                f"{self.dialect.name} is not valid UTF-8 in line {self.line(number)}. Save it as UTF-8, or give its encoding."
            ) from None
        except csv.Error as error:
            raise DataError(
                f"{self.dialect.name} cannot be read as CSV in line {self.line(reader.line_num)}: {error}. "
                f"Check the quotes and line endings."
            ) from None

    def line(self, number: int) -> int:
        """Convert a line number within the content to one within the file, both starting at 1."""
        number += self.before
        for blank in self.blank:
            number += blank <= number
        return number

    def line_of(self, row: int) -> int:
        """Return the line number in the file at which a row ends. Rows are numbered from 0."""
        number, _ = next(islice(self.records(), row, None))
        return self.line(number)

    def check_lengths(self) -> None:
        """Raise DataError for the first row whose number of fields differs from the number of columns."""
        width = len(self.dialect.names)
        for number, record in self.records():
            if len(record) != width:
                model = "the header" if self.dialect.header else "the first row"
                raise DataError(
                    f"{self.dialect.name} has {len(record)} field{'s' * (len(record) != 1)} in line {self.line(number)}, but "
                    f"{width} in {model}. Give every row the same number of fields."
                )


def joined(first: Block, others: Iterable[Block]) -> Block:
    """Join consecutive blocks."""
    content, blank = io.BytesIO(), list(first.blank)
    content.write(first.content)
    for block in others:
        content.write(block.content)
        blank += block.blank
    return replace(first, content=content.getvalue(), blank=blank)


class Text:
    """A table in a text file: optional comment lines, which start with ``#``, an optional header, and rows.

    Attributes
    ----------
    dialect : Dialect
        The dialect of the file.
    """

    def __init__(self, name: str, stream: Stream, options: ReadOptions, note: Note) -> None:
        """Read the first lines and detect the dialect.

        Parameters
        ----------
        name : str
            The file name, for messages.
        stream : Stream
            The bytes of the file.
        options : ReadOptions
            Known properties of the file.
        note : callable
            Called with a note about a detected encoding.

        Raises
        ------
        ArgumentError
            For an invalid separator or an unknown encoding.
        DataError
            If the file is empty, is not text, or has a repeated column name.
        """
        marks = SEPARATORS.values() if options.separator is None else [check_separator(options.separator)]
        source, doubtful = opened(name, stream, options.encoding, note)
        lists = _lists_of_lines(name, source)
        self._lines: Iterator[bytes] = chain.from_iterable(windows_as_utf8(name, lists, note) if doubtful else lists)
        self._number = 0  # number of lines consumed
        head, cut = self._head(name)
        nul = next((number for number, line in enumerate(head, self._number + 1) if b"\0" in line), None)
        if nul is not None:
            raise DataError(
                f"{name} is not a text file: line {nul} contains a null byte. Save it as text, or give its encoding."
            )
        self._lines = chain(head, self._lines)
        missing = (*MISSING, *options.missing)
        rows_by = {mark: _sample(Block(Dialect(name, mark), b"".join(head), self._number), cut) for mark in marks}
        mark = find_separator(rows_by)
        rows = rows_by[mark]
        header = has_header(rows) if options.header is None else options.header
        self.dialect = Dialect(name, mark, header, missing=missing)
        names = self._header() if self.dialect.header else [f"c{number + 1}" for number in range(len(rows[0]))]
        self.dialect = replace(self.dialect, names=tuple(names))

    def blocks(self, rows: int) -> Iterator[Block]:
        """Yield blocks of ``rows`` rows. The last block may be smaller. Blank lines are skipped.

        Raises DataError if there are no rows, or if a quote is not closed or is inside a field.
        """
        block = self._take(rows)
        if block is None:
            raise DataError(f"{self.dialect.name} has a header but no rows. Give a table with data.")
        while block is not None:
            yield block
            block = self._take(rows)

    def _head(self, name: str) -> tuple[list[bytes], bool]:
        """Return the first lines after comments, and whether there may be more."""
        for line in self._lines:
            text = line if self._number else line.removeprefix(b"\xef\xbb\xbf")
            if b"\r" in text.rstrip(b"\r\n") and b'"' not in text:
                raise DataError(f"{name} uses carriage returns as line endings. Save it with Unix or Windows line endings.")
            if text.strip() and not text.startswith(b"#"):
                return _first(chain([text], self._lines))
            self._number += 1
        raise DataError(f"{name} is empty. Give a table with data.")

    def _header(self) -> list[str]:
        block = self._take(1)
        assert block is not None
        _, fields = next(block.records())
        names = [name.strip() or f"c{number + 1}" for number, name in enumerate(fields)]
        name, times = Counter(names).most_common(1)[0]
        if times > 1:
            raise DataError(f"{self.dialect.name} has more than one column {name!r}. Give each column a unique name.")
        return names

    def _take(self, rows: int) -> Block | None:
        before, content, blank, count, opened, size = self._number, io.BytesIO(), [], 0, 0, 0
        nothing = b" \r\n" if self.dialect.separator == "\t" else None
        while count < rows and (line := next(self._lines, b"")):
            self._number += 1
            if not opened and not line.strip(nothing):
                blank.append(self._number)
                continue
            content.write(line)
            if line.count(b'"') % 2:
                opened = 0 if opened else self._number
            count += not opened
            if opened:
                size += len(line)
                if self._number - opened > _LONGEST or size > _LARGEST:
                    break
            else:
                size = 0
        if opened:
            raise DataError(f"{self.dialect.name} has an unclosed quote in line {opened}. Close it.")
        return _normal(Block(self.dialect, content.getvalue(), before, blank)) if count else None


def _lists_of_lines(name: str, stream: Bytes) -> Iterator[list[bytes]]:
    """Yield the lines of a stream in lists. Raises DataError for a line that is too long."""
    number, rest = 1, b""
    while chunk := stream.read1(_CHUNK):
        lines = io.BytesIO(chunk).readlines()
        lines[0] = rest + lines[0]
        if len(lines[0]) > _LARGEST:
            raise DataError(
                f"{name} has more than {_LARGEST >> 20} MiB in line {number}, which is too long for a row. "
                f"Check the line endings."
            )
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        yield lines
        number += len(lines)
    if rest:
        yield [rest]


def _first(lines: Iterator[bytes]) -> tuple[list[bytes], bool]:
    """Return the first lines, and whether there may be more."""
    head, size = [], 0
    for line in lines:
        head.append(line)
        size += len(line)
        if len(head) == _SAMPLE or (size > _SAMPLE_BYTES and len(head) > 1):
            return head, True
    return head, False


def _sample(head: Block, cut: bool) -> list[list[str]]:
    """Return the rows of the first lines, without the last row if it may be incomplete."""
    if head.dialect.separator == " ":
        head = replace(head, content=_single_spaces(head.content))
    rows = [record for _, record in head.records() if len(record) > 1 or record[0].strip()] or [[""]]
    return rows[:-1] if cut and len(rows) > 1 else rows


def _normal(block: Block) -> Block:
    """Normalize spaces and quotes for polars. Raises DataError for a quote inside a field, which readers treat differently."""
    mark = re.escape(block.dialect.separator.encode())
    content = _single_spaces(block.content) if block.dialect.separator == " " else block.content
    if b'"' in content:
        parts = re.split(_QUOTED % (mark, mark), content)
        for place in range(0, len(parts), 3):  # the other parts are the preceding separators and the quoted fields
            if b'"' in parts[place]:
                number = b"".join(parts[:place]).count(b"\n") + parts[place].partition(b'"')[0].count(b"\n") + 1
                raise DataError(
                    f"{block.dialect.name} has a quote inside a field in line {block.line(number)}. "
                    f"Quote the whole field, and double the quotes inside it."
                )
        content = b"".join(parts)
    return replace(block, content=content)


def _single_spaces(content: bytes) -> bytes:
    """Collapse runs of spaces and tabs outside quotes, and strip them from both ends of lines."""
    return _SPACES.sub(lambda found: found[1] or (b"" if found[2] else b" "), content)
