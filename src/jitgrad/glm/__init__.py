"""Generalised linear models: arrays in, estimates and what statistics says of them out."""

from jitgrad.glm.covariance import covariance
from jitgrad.glm.families import FAMILIES
from jitgrad.glm.fit import fit
from jitgrad.glm.influence import influence
from jitgrad.glm.links import LINKS
from jitgrad.glm.result import Fit

__all__ = ["FAMILIES", "LINKS", "Fit", "covariance", "fit", "influence"]
