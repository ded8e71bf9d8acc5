"""Recording and differentiating: Tensors, Variables, the gradient tape, traced functions."""
