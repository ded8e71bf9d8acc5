"""A fitted model as a file, and back: see ``saving.archive``."""

from __future__ import annotations

import itertools
import os
from dataclasses import asdict
from typing import Any

import numpy as np

from jitgrad.errors import DataError
from jitgrad.saving import archive
from jitgrad.saving.model import UNFIT
from jitgrad.tabular.encoding import Column, Target
from jitgrad.tabular.inference import Inference
from jitgrad.tabular.scale import Scale
from jitgrad.tabular.settings import MODELS, Settings

VERSION = 1


def write(path: str | os.PathLike[str], model: Any) -> None:
    """Write a TableModel. Raises OSError where the file cannot be written."""
    archive.write(path, {"kind": "table", "version": VERSION, "model": asdict(model)})


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The arguments of the TableModel that was written.

    Raises DataError for a file that is not there, damaged, of something else, or of a newer version of jitgrad.
    """
    model = archive.read_kind(path, "table", VERSION)
    try:
        arguments = _made(model)
        _check(arguments)
    except UNFIT as error:
        said = str(error).removesuffix(".")
        raise DataError(f"{path} cannot be made a model again: {said}. Save it again.") from error
    return arguments


def _made(given: dict[str, Any]) -> dict[str, Any]:
    """The parts as objects, from nested dicts and lists."""
    inference = given["inference"]
    return {
        "target": Target(**_with_tuples(given["target"], "values")),
        "columns": tuple(Column(**_with_tuples(column, "categories")) for column in given["columns"]),
        "scale": Scale(**given["scale"]),
        "layers": tuple((kernel, bias) for kernel, bias in given["layers"]),
        "settings": Settings(**_with_tuples(given["settings"], "hidden")),
        "epochs": int(given["epochs"]),
        "inference": None if inference is None else Inference(**_with_tuples(inference, "names", "outputs")),
        "scores": dict(given["scores"]),
        "notes": tuple(given["notes"]),
    }


def _with_tuples(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return given | {name: tuple(given[name]) for name in names}


def _check(made: dict[str, Any]) -> None:
    """Raise DataError where the parts do not fit together."""
    made["settings"].check()
    scale, target = made["scale"], made["target"]
    features = sum(len(column.labels) for column in made["columns"])
    widths = [scale.width, *(len(bias) for _, bias in made["layers"])]
    fits = (
        made["settings"].model in MODELS
        and scale.mean.shape == scale.std.shape == (features,)
        and (scale.rotation is None or len(scale.rotation) == features)
        and [kernel.shape for kernel, _ in made["layers"]] == list(itertools.pairwise(widths))
        and widths[-1] == (len(target.values) or 1)
        and all(array.dtype in (np.float32, np.float64) for layer in made["layers"] for array in layer)
    )
    if not fits:
        raise DataError("its columns, scale and layers do not fit together")
