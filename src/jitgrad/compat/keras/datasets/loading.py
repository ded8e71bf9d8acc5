"""Keras's data sets, which are read from Keras's folder or downloaded once."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np

from jitgrad.compat.keras.utils.files import get_file, home
from jitgrad.errors import ArgumentError, DataError

_FROM = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
Arrays = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

_FASHION = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}


def fashion_mnist() -> Arrays:
    """Load 60,000 training and 10,000 test images of clothing, 28 by 28 pixels, with their labels from ten classes."""
    paths = [
        get_file(name, _FROM + name, file_hash=digest, cache_subdir="datasets/fashion-mnist")
        for name, digest in _FASHION.items()
    ]
    images, labels, test_images, test_labels = map(read_idx, paths)
    return (images, labels), (test_images, test_labels)


def read_idx(path: Any) -> np.ndarray:
    """Read an array of bytes from an IDX file. Raises DataError for other files."""
    try:
        with gzip.open(path, "rb") as file:
            content = file.read()
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}. Delete the file to download it again.") from error
    axes = content[3] if len(content) > 4 and content[:3] == b"\0\0\x08" else 0
    shape = tuple(int.from_bytes(content[4 * i + 4 : 4 * i + 8], "big") for i in range(axes))
    start = 4 + 4 * axes
    if not axes or len(content) - start != int(np.prod(shape)):
        raise DataError(f"{path} is not a complete IDX file of bytes. Delete the file to download it again.")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def mnist(path: str = "mnist.npz") -> Arrays:
    """Load 60,000 training and 10,000 test images of handwritten digits, 28 by 28 pixels, with their labels."""
    found = _read_npz(path, "mnist.npz", "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1")
    names = ("x_train", "y_train", "x_test", "y_test")
    x_train, y_train, x_test, y_test = (_array(found, name, path) for name in names)
    return (x_train, y_train), (x_test, y_test)


def boston_housing(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Arrays:
    """Load 13 features of 506 areas of Boston, with their house prices."""
    digest = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"
    return _split(_read_npz(path, "boston_housing.npz", digest), path, test_split, seed, None)


def california_housing(
    version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int = 113
) -> Arrays:
    """Load 8 features of 20,640 areas of California, or 600 if ``version`` is "small", with their house prices."""
    if version not in ("large", "small"):
        raise ArgumentError(f"version is {version!r}. Use 'small' or 'large'.")
    digest = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"
    found = _read_npz(path, "california_housing.npz", digest)
    return _split(found, path, test_split, seed, 600 if version == "small" else None)


def _read_npz(path: Any, name: str, digest: str) -> dict[str, np.ndarray]:
    """Return the arrays in a file, which is downloaded unless it exists."""
    beside = home() / "datasets" / Path(path).name
    place = str(path) if Path(path).is_absolute() else get_file(beside.name, _FROM + name, file_hash=digest)
    try:
        with np.load(place, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{place} cannot be read: {error}. Delete the file to download it again.") from error


def _array(found: dict[str, np.ndarray], name: str, path: Any) -> np.ndarray:
    if name not in found:
        raise DataError(f"{path} has no array {name!r}. Delete the file to download it again.")
    return found[name]


def _split(found: dict[str, np.ndarray], path: Any, test_split: float, seed: int, most: int | None) -> Arrays:
    """Shuffle the rows as Keras does, and split off the last part."""
    if not 0 <= test_split < 1:
        raise ArgumentError(f"test_split is {test_split}. Give a number of at least 0 and less than 1.")
    x, y = _array(found, "x", path)[:most], _array(found, "y", path)[:most]
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y, at = x[order], y[order], int(len(x) * (1 - test_split))
    return (x[:at], y[:at]), (x[at:], y[at:])
