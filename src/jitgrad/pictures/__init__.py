"""Pictures of fits and models, drawn with matplotlib (``pip install 'jitgrad[plot]'``).

Each function returns a matplotlib Figure, and writes it to ``path`` where one is given; its ending says the kind (.png, .svg,
.pdf). No window is opened. Each raises MissingError where matplotlib is not installed, and DataError where the file cannot be
written, which is whole or as it was before.
"""

from jitgrad.pictures.canvas import check_path
from jitgrad.pictures.curve import curve_fit
from jitgrad.pictures.distributions import distributions
from jitgrad.pictures.gallery import images
from jitgrad.pictures.groups import group_fits, group_summary
from jitgrad.pictures.history import curves
from jitgrad.pictures.maps import parameter_maps
from jitgrad.pictures.network import plot_model
from jitgrad.pictures.predictions import confusion, predicted
from jitgrad.pictures.table import table_fit

__all__ = [
    "check_path", "confusion", "curve_fit", "curves", "distributions", "group_fits", "group_summary", "images",
    "parameter_maps", "plot_model", "predicted", "table_fit",
]  # fmt: skip
