"""The native integrator of ordinary differential equations: the kernels of the instruction ``integrate``."""
