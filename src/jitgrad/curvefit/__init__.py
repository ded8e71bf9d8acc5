"""Fitting curves: named models, formulas, nonlinear least squares."""
