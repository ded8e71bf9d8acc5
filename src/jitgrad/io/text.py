"""A text as blocks of whole records, each of which knows its place in the file."""

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

_SAMPLE = 200  # lines that the separator and the header are found from
_SAMPLE_BYTES = 1 << 20  # after which no further line is taken for that
_LONGEST = 10_000  # lines of a quoted field: an open quote does not swallow a stream
_LARGEST = 1 << 24  # bytes of a row: a file without line ends, decompressed, may be larger than memory
_CHUNK = 1 << 17  # bytes that are read at once

csv.field_size_limit(max(csv.field_size_limit(), _LARGEST))  # the least is 128 KiB, and a limit of the whole process

_SPACES = re.compile(rb'("[^"]*")|(^[ \t]+|[ \t]+\r?$)|[ \t]+', re.MULTILINE)
_QUOTED = rb'(?m)(^|%b)[ ]*("[^"]*+(?:""[^"]*+)*+")[ ]*(?=%b|\r?$)'  # a field in quotes, with spaces around it


@dataclass(frozen=True)
class Block:
    """Some records of a file.

    Attributes:
        dialect: of the file.
        content: the records, with one space for each run of them where they separate, and none around quotes.
        before: the number of lines of the file before them.
        blank: the numbers of the lines left out, because there is nothing in them.
    """

    dialect: Dialect
    content: bytes
    before: int = 0
    blank: list[int] = field(default_factory=list)

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """The number of the last line of each record, in the content, and its fields.

        Raises:
            DataError: for what is not CSV in UTF-8.
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
                f"{self.dialect.name} is not a text in UTF-8 in line {self.line(number)}. Save it as one, or give its encoding."
            ) from None
        except csv.Error as error:
            raise DataError(
                f"{self.dialect.name} cannot be read as CSV in line {self.line(reader.line_num)}: {error}. "
                f"Check its quotes and line ends."
            ) from None

    def line(self, number: int) -> int:
        """The number in the file of a line of the content, both counted from 1."""
        number += self.before
        for blank in self.blank:
            number += blank <= number
        return number

    def line_of(self, row: int) -> int:
        """The number in the file of the last line of a row, which is counted from 0."""
        number, _ = next(islice(self.records(), row, None))
        return self.line(number)

    def check_lengths(self) -> None:
        """Raise DataError for the first row that has not as many fields as there are columns."""
        width = len(self.dialect.names)
        for number, record in self.records():
            if len(record) != width:
                model = "its header" if self.dialect.header else "its first row"
                raise DataError(
                    f"{self.dialect.name} has {len(record)} fields in line {self.line(number)} and {width} in {model}. "
                    f"Give every row as many fields as {model}."
                )


def joined(first: Block, others: Iterable[Block]) -> Block:
    """Blocks that follow each other as one."""
    content, blank = io.BytesIO(), list(first.blank)
    content.write(first.content)
    for block in others:
        content.write(block.content)
        blank += block.blank
    return replace(first, content=content.getvalue(), blank=blank)


class Text:
    """A table as text: perhaps comments, which begin with ``#``, perhaps a header, then rows.

    Attributes:
        dialect: how it is a table.
    """

    def __init__(self, name: str, stream: Stream, options: ReadOptions, note: Note) -> None:
        """Read as much as shows the dialect.

        Args:
            name: of the file, for messages.
            stream: its bytes.
            options: what is known of it.
            note: told of an encoding that was found out.

        Raises:
            ArgumentError: for a separator that can be none, and an encoding that is not known.
            DataError: for a file that is empty or no text, or has two columns of one name.
        """
        marks = SEPARATORS.values() if options.separator is None else [check_separator(options.separator)]
        source, doubtful = opened(name, stream, options.encoding, note)
        lists = _lists_of_lines(name, source)
        self._lines: Iterator[bytes] = chain.from_iterable(windows_as_utf8(name, lists, note) if doubtful else lists)
        self._number = 0  # of lines taken
        head, cut = self._head(name)
        nul = next((number for number, line in enumerate(head, self._number + 1) if b"\0" in line), None)
        if nul is not None:
            raise DataError(f"{name} is not a text: in line {nul} a byte is 0. Save it as one, or give its encoding.")
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
        """The rows, in blocks of ``rows`` and a smaller last one; a blank line is no row.

        Raises:
            DataError: where there are no rows, and for a quote that is open, or within a field.
        """
        block = self._take(rows)
        if block is None:
            raise DataError(f"{self.dialect.name} has a header and no rows. Give at least a few rows.")
        while block is not None:
            yield block
            block = self._take(rows)

    def _head(self, name: str) -> tuple[list[bytes], bool]:
        """The first lines after comments, and whether there may be more."""
        for line in self._lines:
            text = line if self._number else line.removeprefix(b"\xef\xbb\xbf")
            if b"\r" in text.rstrip(b"\r\n") and b'"' not in text:
                raise DataError(f"{name} ends lines by carriage returns alone. Save it with the line ends of Unix or Windows.")
            if text.strip() and not text.startswith(b"#"):
                return _first(chain([text], self._lines))
            self._number += 1
        raise DataError(f"{name} is empty. Give a table with rows.")

    def _header(self) -> list[str]:
        block = self._take(1)
        assert block is not None
        _, fields = next(block.records())
        names = [name.strip() or f"c{number + 1}" for number, name in enumerate(fields)]
        name, times = Counter(names).most_common(1)[0]
        if times > 1:
            raise DataError(f"{self.dialect.name} has more than one column {name!r}. Give each column a name of its own.")
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
            raise DataError(f"{self.dialect.name} has a quote in line {opened} that is not closed. Close it.")
        return _normal(Block(self.dialect, content.getvalue(), before, blank)) if count else None


def _lists_of_lines(name: str, stream: Bytes) -> Iterator[list[bytes]]:
    """The lines of a stream as it comes. Raises DataError for one that is too long."""
    number, rest = 1, b""
    while chunk := stream.read1(_CHUNK):
        lines = io.BytesIO(chunk).readlines()
        lines[0] = rest + lines[0]
        if len(lines[0]) > _LARGEST:
            raise DataError(
                f"{name} has more than {_LARGEST >> 20} MiB in line {number}, too much for a row. Check its line ends."
            )
        rest = b"" if lines[-1].endswith(b"\n") else lines.pop()
        yield lines
        number += len(lines)
    if rest:
        yield [rest]


def _first(lines: Iterator[bytes]) -> tuple[list[bytes], bool]:
    """The first lines, and whether there may be more."""
    head, size = [], 0
    for line in lines:
        head.append(line)
        size += len(line)
        if len(head) == _SAMPLE or (size > _SAMPLE_BYTES and len(head) > 1):
            return head, True
    return head, False


def _sample(head: Block, cut: bool) -> list[list[str]]:
    """The rows of the first lines. Where these are cut from more, the last row may be, too, and is left out."""
    if head.dialect.separator == " ":
        head = replace(head, content=_single_spaces(head.content))
    rows = [record for _, record in head.records() if len(record) > 1 or record[0].strip()] or [[""]]
    return rows[:-1] if cut and len(rows) > 1 else rows


def _normal(block: Block) -> Block:
    """With what polars takes for separators and quotes. Raises DataError for a quote within a field: readers differ on it."""
    mark = re.escape(block.dialect.separator.encode())
    content = _single_spaces(block.content) if block.dialect.separator == " " else block.content
    if b'"' in content:
        parts = re.split(_QUOTED % (mark, mark), content)
        for place in range(0, len(parts), 3):  # then come the mark before the quotes, and what is in them
            if b'"' in parts[place]:
                number = b"".join(parts[:place]).count(b"\n") + parts[place].partition(b'"')[0].count(b"\n") + 1
                raise DataError(
                    f"{block.dialect.name} has a quote within a field in line {block.line(number)}. "
                    f"Put the whole field in quotes, and double the quotes in it."
                )
        content = b"".join(parts)
    return replace(block, content=content)


def _single_spaces(content: bytes) -> bytes:
    """With one space for a run of spaces and tabs outside quotes, and none at the ends of lines."""
    return _SPACES.sub(lambda found: found[1] or (b"" if found[2] else b" "), content)
