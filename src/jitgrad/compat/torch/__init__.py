"""PyTorch's names: ``import jitgrad.compat.torch as torch``."""
