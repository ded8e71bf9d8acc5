"""Pictures of fits and models, drawn with matplotlib (``pip install 'jitgrad[plot]'``).

Each function returns a matplotlib Figure and, if ``path`` is given, writes it to a file, in the format given by the extension
(.png, .svg, .pdf). No window is opened. Every function raises MissingError if matplotlib is not installed, and DataError if the
file cannot be written; files are written completely or not at all.
"""

from jitgrad.pictures.curve import curve_fit
from jitgrad.pictures.distributions import distributions
from jitgrad.pictures.forecast import forecast
from jitgrad.pictures.gallery import images
from jitgrad.pictures.groups import group_fits, group_summary
from jitgrad.pictures.history import curves
from jitgrad.pictures.maps import parameter_maps
from jitgrad.pictures.network import plot_model
from jitgrad.pictures.predictions import confusion, predicted
from jitgrad.pictures.table import table_fit

__all__ = [
    "confusion", "curve_fit", "curves", "distributions", "forecast", "group_fits", "group_summary",
    "images", "parameter_maps", "plot_model", "predicted", "table_fit",
]  # fmt: skip
