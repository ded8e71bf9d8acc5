"""The virtual machine: kernels and an interpreter, compiled by Numba once per machine."""
