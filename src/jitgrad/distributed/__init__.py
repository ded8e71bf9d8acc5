"""Many small fits on the engines that have the data: Spark, Dask, Ray.

Each engine has a module with ``fit_groups`` and ``predict``. They put the rows of a group together and hand all the work
to one function from record batches to record batches (``core.py``), which may be handed to any other engine as well.
"""
