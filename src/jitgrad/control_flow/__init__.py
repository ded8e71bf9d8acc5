"""Loops and branches that run in the Program: recorded once, for any number of trips."""

from jitgrad.control_flow.cond import cond
from jitgrad.control_flow.fori_loop import fori_loop
from jitgrad.control_flow.scan import scan
from jitgrad.control_flow.while_loop import while_loop

__all__ = ["cond", "fori_loop", "scan", "while_loop"]
