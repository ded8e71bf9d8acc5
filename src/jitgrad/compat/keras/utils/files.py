"""Downloads, stored where Keras stores them. Incomplete files, or files with a wrong digest, are not stored."""

from __future__ import annotations

import hashlib
import os
import sys
import tarfile
import time
import zipfile
from pathlib import Path
from typing import IO, Any

from jitgrad.compat.keras.models.progress import WIDTH, duration
from jitgrad.errors import ArgumentError, DataError
from jitgrad.files import written_aside

_BLOCK = 1 << 18
_SECONDS = 20


def home() -> Path:
    """Return Keras's folder: $KERAS_HOME, or ~/.keras."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def get_file(
    fname: str | None = None, origin: str | None = None, untar: bool = False, md5_hash: str | None = None,
    file_hash: str | None = None, cache_subdir: str = "datasets", hash_algorithm: str = "auto", extract: bool = False,
    archive_format: str = "auto", cache_dir: Any = None, force_download: bool = False,
) -> str:  # fmt: skip
    """Return the path of a file, which is downloaded unless it already exists.

    A downloaded file is checked against ``file_hash``: SHA-256, or MD5 if it has 32 digits. With ``extract`` it
    is unpacked next to the file, and the folder is returned.
    """
    if origin is None:
        raise ArgumentError("get_file: origin is missing. Give the address of the file.")
    name = fname or origin.rpartition("/")[2]
    folder = (Path(cache_dir) if cache_dir is not None else home()) / cache_subdir
    path = folder / name
    if not path.exists() or force_download:
        download(origin, path, file_hash or md5_hash)
    if not (extract or untar):
        return str(path)
    into = folder / f"{name}_extracted" if not untar else folder
    _unpack(path, into)
    return str(into)


def download(origin: str, path: Path, digest: str | None = None) -> None:
    """Download a file with a line of progress. Raises DataError, and leaves nothing, if it fails or the digest differs."""
    from urllib.error import URLError
    from urllib.request import Request, urlopen

    print(f"Downloading data from {origin}", flush=True)
    try:
        with (
            urlopen(Request(origin, headers={"User-Agent": "jitgrad"}), timeout=_SECONDS) as answer,
            written_aside(path) as file,
        ):
            found = _copied(answer, file, int(answer.headers.get("Content-Length") or 0), digest)
            if digest is not None and found != digest:
                raise DataError(f"{origin} has the digest {found}, but {digest} is expected. Try again later.")
    except (URLError, OSError, ValueError) as error:
        raise DataError(
            f"{origin} cannot be downloaded: {getattr(error, 'reason', error)}. Save the file yourself as {path}."
        ) from None


def _copied(answer: IO[bytes], file: Any, total: int, digest: str | None) -> str:
    """Copy a stream with a line of progress, and return the digest."""
    checked = hashlib.md5(usedforsecurity=False) if digest is not None and len(digest) == 32 else hashlib.sha256()
    done, began, live = 0, time.perf_counter(), sys.stdout.isatty()
    while block := answer.read(_BLOCK):
        file.write(block)
        checked.update(block)
        done += len(block)
        if live and total:
            filled = WIDTH * done // total
            print(f"\r{done}/{total} {'━' * filled}{'─' * (WIDTH - filled)}", end="", flush=True)
    if total and done != total:
        raise DataError(f"The download ended after {done} of {total} bytes. Try again.")
    print(f"{chr(13) if live else ''}{done}/{total or done} {'━' * WIDTH} {duration(time.perf_counter() - began)}", flush=True)
    return checked.hexdigest()


def _unpack(path: Path, into: Path) -> None:
    """Extract an archive into a folder. Raises DataError for other files, and for members outside of the folder."""
    into.mkdir(parents=True, exist_ok=True)
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            archive.extractall(into, filter="data")
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                if not (into / member).resolve().is_relative_to(into.resolve()):
                    raise DataError(
                        f"{path} has {member!r}, which would be outside of the folder. Unpack the archive yourself."
                    )
            archive.extractall(into)
    else:
        raise DataError(f"{path} is neither a tar nor a zip archive. Omit extract.")
