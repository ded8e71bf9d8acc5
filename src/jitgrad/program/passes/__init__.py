"""The passes of lowering, each from expression to expression. ``lowering.py`` is the recipe that orders them."""
