"""Reports: a fit as a single HTML page, with tables, pictures and instructions to reproduce it.

Pictures are drawn with matplotlib (``pip install 'jitgrad[plot]'``). The page contains no scripts and loads no other files. It
adapts to small screens and to dark mode. Equal fits give identical pages.
"""

from jitgrad.reports.curve import curve_report
from jitgrad.reports.table import table_report

__all__ = ["curve_report", "table_report"]
