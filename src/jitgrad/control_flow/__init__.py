"""Loops and branches that run in the Program: recorded once, for any number of trips."""

from jitgrad.control_flow.fori_loop import fori_loop
from jitgrad.control_flow.scan import scan

__all__ = ["fori_loop", "scan"]
