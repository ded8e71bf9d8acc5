"""Public functions that take attributes or are composed of ops. Elementwise functions are rows of the op table.

They have NumPy's names if NumPy has the function, and NumPy's own functions dispatch to them for Tensors.
"""
