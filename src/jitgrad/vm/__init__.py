"""The virtual machine: kernels and an interpreter, compiled once per machine."""
