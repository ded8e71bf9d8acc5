"""The public functions that take attributes or are composed of others. Elementwise ones are rows of the op table.

Their names are NumPy's where NumPy has the function, and NumPy's own functions come to them on Tensors.
"""
