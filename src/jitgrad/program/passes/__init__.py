"""The passes of lowering, each from Expression to Expression. ``lowering.py`` has the pipeline."""
