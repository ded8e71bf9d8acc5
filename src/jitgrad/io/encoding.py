"""Convert text in any encoding to UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from encodings.aliases import aliases
from typing import Protocol

from jitgrad.errors import ArgumentError, DataError, near_name
from jitgrad.io.options import Note
from jitgrad.io.source import Stream

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_PACKED = ((b"\x28\xb5\x2f\xfd", "zstd"), (b"BZh", "bzip2"), (b"\xfd7zXZ", "xz"), (b"7z\xbc\xaf", "7-Zip"))
_UTF8 = ("utf-8", "utf8", "utf_8")
_WINDOWS = "cp1252"


class Bytes(Protocol):
    """A source of bytes."""

    def read1(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, or none at the end."""


class Transcoded:
    """A stream that converts bytes from an encoding to UTF-8."""

    def __init__(self, name: str, stream: Stream, encoding: str) -> None:
        """Convert ``stream``; ``name`` is used in messages."""
        self._name, self._stream, self._encoding = name, stream, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._lines = 1
        self._ended = False

    def read1(self, size: int = -1, /) -> bytes:
        """Return some bytes, or none at the end. Raises DataError for bytes that are invalid in the encoding."""
        made = ""
        while not made and not self._ended:
            chunk = self._stream.read1(size)
            self._ended = not chunk
            try:
                made = self._decoder.decode(chunk, final=self._ended)
            except UnicodeDecodeError as error:
                line = self._lines + bytes(error.object[: error.start]).decode(self._encoding, "replace").count("\n")
                raise DataError(
                    f"{self._name} is not valid {self._encoding} near line {line}. Give the correct encoding."
                ) from None
        self._lines += made.count("\n")
        return made.encode("utf-8", "surrogatepass")


def opened(name: str, stream: Stream, encoding: str | None, note: Note) -> tuple[Bytes, bool]:
    """Return a stream in UTF-8, and whether the text may still be cp1252 because its encoding is unknown.

    Raises ArgumentError for an unknown encoding, and DataError for a compression other than gzip.
    """
    head = stream.peek(8)[:8]
    packed = next((method for mark, method in _PACKED if head.startswith(mark)), None)
    if packed is not None:
        raise DataError(f"{name} is compressed with {packed}, which is not supported. Decompress it, or use gzip.")
    if encoding is not None:
        if encoding.lower() in _UTF8:
            return stream, False
        _check(encoding)
        return Transcoded(name, stream, encoding), False
    found = next((encoding for mark, encoding in _MARKS if head.startswith(mark)), None)
    if found is None and len(head) >= 4 and head[1] == head[3] == 0 != head[0]:
        found = "utf-16-le"
    if found is None and len(head) >= 4 and head[0] == head[2] == 0 != head[1]:
        found = "utf-16-be"
    if found is not None:
        note(f"{name} was read as {found.upper()}, as detected from its first bytes.")
        return Transcoded(name, stream, found), False
    return stream, not head.startswith(codecs.BOM_UTF8)


def windows_as_utf8(name: str, lists: Iterator[list[bytes]], note: Note) -> Iterator[list[bytes]]:
    """Convert lines to UTF-8 from UTF-8 or cp1252, depending on the first line with non-ASCII characters.

    Raises DataError if a later line is in the other encoding, or if bytes are invalid in cp1252.
    """
    number, first = 1, 0
    for lines in lists:
        made = lines
        if not all(map(bytes.isascii, lines)):
            made = list(lines)
            for place, line in enumerate(lines):
                if line.isascii():
                    continue
                if _is_utf8(line):
                    if not first:
                        yield made
                        yield from lists
                        return
                    raise DataError(
                        f"{name} mixes encodings: line {first} is {_WINDOWS} and line {number + place} is UTF-8. "
                        f"Give the encoding, or correct one of the lines."
                    )
                made[place] = _from_windows(name, line, number + place)
                if not first:
                    first = number + place
                    note(
                        f"{name} was read as {_WINDOWS}, because line {first} is not valid UTF-8. "
                        f"Give the encoding if characters look wrong."
                    )
        yield made
        number += len(lines)


def _from_windows(name: str, line: bytes, number: int) -> bytes:
    try:
        return line.decode(_WINDOWS).encode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name} is neither UTF-8 nor {_WINDOWS}: line {number} contains the byte {line[error.start]:#04x}. "
            f"Give the encoding."
        ) from None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check(encoding: str) -> None:
    """Raise ArgumentError for an unknown encoding."""
    try:
        "a".encode(encoding)
    except (LookupError, ValueError):
        near = near_name(encoding.lower().replace("-", "_"), [*aliases, *aliases.values()])
        raise ArgumentError(
            f"{{argument}} is {encoding!r}, which is not a known encoding.{near} Use for example utf-8, cp1252, latin-1 or "
            f"utf-16.",
            argument="encoding",
        ) from None
