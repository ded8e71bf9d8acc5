"""Write a table model to a file, and read it; see ``saving.archive``."""

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
from jitgrad.tabular import targets
from jitgrad.tabular.inference import ESTIMATES, Inference
from jitgrad.tabular.predictors import Predictors
from jitgrad.tabular.scale import Scale
from jitgrad.tabular.settings import MODELS, Settings

TABLE_VERSION = 2


def write(path: str | os.PathLike[str], model: Any) -> None:
    """Write a TableModel. Raises OSError if the file cannot be written."""
    archive.write(path, {"kind": "table", "version": TABLE_VERSION, "model": asdict(model)})


def read(path: str | os.PathLike[str], types: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the TableModel in a file, checked against their types.

    Raises DataError if the file does not exist, is damaged, is not a table model, or has an incompatible version.
    """
    model = archive.read_kind(path, "table", TABLE_VERSION)
    if "predictors" not in model:
        raise DataError(
            f"{path} was written by an earlier version of jitgrad, whose files can no longer be read. Fit the model again."
        )
    try:
        arguments = _made(model)
        for name, value in arguments.items():
            check_types(value, types[name], name)
        _check(arguments)
    except UNFIT as error:
        said = str(error).removesuffix(".")
        raise DataError(f"{path} cannot be loaded: {said}. Save the model again.") from error
    return arguments


def _made(given: dict[str, Any]) -> dict[str, Any]:
    """Convert nested dicts and lists to objects."""
    inference = given["inference"]
    return {
        "target": targets.made(given["target"]),
        "predictors": Predictors.made(given["predictors"]),
        "scale": Scale(**given["scale"]),
        "layers": tuple((kernel, bias) for kernel, bias in given["layers"]),
        "settings": Settings(**_with_tuples(given["settings"], "hidden")),
        "epochs": int(given["epochs"]),
        "inference": None if inference is None else Inference(**_with_tuples(inference, "names", "outputs")),
        "scores": dict(given["scores"]),
        "validation": given["validation"],
        "notes": tuple(given["notes"]),
    }


def _with_tuples(given: dict[str, Any], *names: str) -> dict[str, Any]:
    return given | {name: tuple(given[name]) for name in names}


def _check(made: dict[str, Any]) -> None:
    """Raise DataError if the parts are inconsistent."""
    settings, target, predictors, scale = (made[name] for name in ("settings", "target", "predictors", "scale"))
    settings.check()
    settings.for_model(settings.model)
    labels = predictors.names
    widths = [scale.width, *(len(bias) for _, bias in made["layers"])]
    fits = {
        "settings": settings.model in MODELS
        and list(settings.hidden) == widths[1:-1]
        and bool(settings.hidden) == (settings.model == "mlp"),
        "classes": not target.values or settings.model in ("logistic", "mlp"),
        "numbers": all(np.isfinite(a).all() for a in (scale.mean, scale.std, *itertools.chain(*made["layers"])))
        and (scale.std > 0).all(),
        "scale": scale.mean.shape == scale.std.shape == (len(labels),)
        and (scale.rotation is None or (settings.model != "mlp" and len(scale.rotation) == len(labels))),
        "layers": len(widths) > 1
        and [kernel.shape for kernel, _ in made["layers"]] == list(itertools.pairwise(widths))
        and widths[-1] == (len(target.values) or 1),
        "inference": made["inference"] is None or _fits(made["inference"], labels, len(target.values)),
        "scores": "train" in made["scores"]
        and all(set(part) == set(made["scores"]["train"]) for part in made["scores"].values()),
    }
    for name, fit in fits.items():
        if not fit:
            raise DataError(f"the values of {name!r} are inconsistent with the rest")
    for part in made["scores"].values():
        check_types({k: v for k, v in part.items() if k != "confusion"}, dict[str, float | None], "scores")


def _fits(inference: Inference, labels: list[str], classes: int) -> bool:
    """Return whether estimates and covariance match the features."""
    first = inference.names[:1] == ("intercept",)
    shape, known = (len(labels) + first, max(classes - 1, 1)), np.isfinite(inference.estimate).sum()
    return (
        inference.names[first:] == tuple(labels)
        and len(inference.outputs) == shape[1]
        and all(getattr(inference, name).shape == shape for name in ESTIMATES)
        and inference.covariance.shape == (known, known)
    )
