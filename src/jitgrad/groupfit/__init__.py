"""One model fitted to each of very many small data sets."""

from jitgrad.groupfit.fit import fit_groups
from jitgrad.groupfit.job import Job, make_job
from jitgrad.groupfit.result import GroupFits

__all__ = ["GroupFits", "Job", "fit_groups", "make_job"]
