"""Fits of many groups on the engines that hold the data: Spark, Dask and Ray.

Each engine has a module with ``fit_groups`` and ``predict``. They collect the rows of each group on one worker and pass record
batches to the functions in ``core.py``, which can also be used with any other engine.
"""
