"""Ordinary differential equations: initial value problems with dense output, events and jumps, and their derivatives."""

from jitgrad.integrate.ivp import solve_ivp
from jitgrad.integrate.result import OdeResult, OdeSolution

__all__ = ["OdeResult", "OdeSolution", "solve_ivp"]
