"""Nonlinear least squares in native code."""
