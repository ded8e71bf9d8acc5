"""Reports: a fit as one page of HTML that needs nothing else, with its tables, its pictures and how it was made.

The pictures are drawn with matplotlib (``pip install 'jitgrad[plot]'``). The page has no scripts and loads nothing, reads on
small screens and in dark ones, and is the same for the same fit. It is whole or as it was before.
"""

from jitgrad.reports.curve import curve_report
from jitgrad.reports.table import table_report

__all__ = ["curve_report", "table_report"]
