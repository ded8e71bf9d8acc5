"""A fitted model as a file, and back: see ``saving.archive``."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from jitgrad.errors import DataError
from jitgrad.saving import archive
from jitgrad.saving.model import UNFIT
from jitgrad.saving.typed import check_types
from jitgrad.tabular.encoding import Target, columns_from
from jitgrad.tabular.inference import Inference
from jitgrad.tabular.scale import Scale
from jitgrad.tabular.settings import MODELS, Settings

TABLE_VERSION = 1


def write(path: str | os.PathLike[str], model: Any) -> None:
    """Write a TableModel. Raises OSError where the file cannot be written."""
    archive.write(path, {"kind": "table", "version": TABLE_VERSION, "model": asdict(model)})


def read(path: str | os.PathLike[str], types: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the TableModel that was written, of these types.

    Raises DataError for a file that is not there, damaged, of something else, or of a newer version of jitgrad.
    """
    model = archive.read_kind(path, "table", TABLE_VERSION)
    try:
        arguments = _made(model)
        for name, value in arguments.items():
            check_types(value, types[name], name)
        _check(arguments)
    except UNFIT as error:
        said = str(error).removesuffix(".")
        raise DataError(f"{path} cannot be made a model again: {said}. Save it again.") from error
    return arguments


def _made(given: dict[str, Any]) -> dict[str, Any]:
    """The parts as objects, from nested dicts and lists."""
    inference = given["inference"]
    return {
        "target": Target(**_with_tuples(given["target"], "values", "needs")),
        "columns": columns_from(given["columns"]),
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


_ESTIMATES = ("estimate", "standard_error", "statistic", "p_value", "low", "high")


def _check(made: dict[str, Any]) -> None:
    """Raise DataError where the parts do not fit together."""
    settings, target, columns, scale, inference = (
        made[name] for name in ("settings", "target", "columns", "scale", "inference")
    )
    settings.check()
    labels = [label for column in columns for label in column.labels]
    widths = [scale.width, *(len(bias) for _, bias in made["layers"])]
    kinds = {type(value) for value in target.values}
    fits = {
        "settings": settings.model in MODELS
        and list(settings.hidden) == widths[1:-1]
        and bool(settings.hidden) == (settings.model == "mlp"),
        "target": kinds <= {str} or kinds <= {bool} or kinds <= {int, float},
        "classes": settings.model == "mlp" or bool(target.values) == (settings.model == "logistic"),
        "columns": all((column.kind == "text") == bool(column.categories) for column in columns),
        "numbers": all(np.isfinite(a).all() for a in (scale.mean, scale.std, *itertools.chain(*made["layers"])))
        and (scale.std > 0).all(),
        "scale": scale.mean.shape == scale.std.shape == (len(labels),)
        and (scale.rotation is None) == (settings.model == "mlp")
        and (scale.rotation is None or len(scale.rotation) == len(labels)),
        "layers": len(widths) > 1
        and [kernel.shape for kernel, _ in made["layers"]] == list(itertools.pairwise(widths))
        and widths[-1] == (len(target.values) or 1),
        "inference": inference is None
        or all(
            getattr(inference, name).shape
            == (1 + len(labels), len(inference.outputs))
            == (len(inference.names), widths[-1] - bool(kinds))
            for name in _ESTIMATES
        ),
        "scores": "train" in made["scores"]
        and all(set(part) == set(made["scores"]["train"]) for part in made["scores"].values()),
    }
    for name, fit in fits.items():
        if not fit:
            raise DataError(f"its {name} do not fit to the rest")
    for part in made["scores"].values():
        check_types({k: v for k, v in part.items() if k != "confusion"}, dict[str, float | None], "scores")
