"""Fitting a table: columns to numbers, a linear model or a multilayer perceptron, and how well it fits."""

from jitgrad.tabular.fit import TableFit, fit_table

__all__ = ["TableFit", "fit_table"]
