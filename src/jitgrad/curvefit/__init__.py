"""Fitting formulas and functions to data by least squares."""
