"""Models of one series in which each row depends on the rows before it: smoothing, autoregression and changing variance.

Each function fits its model by maximum likelihood, with exact first and second derivatives through the recurrence, and returns
a `TimeSeriesFit` with estimates, standard errors, one-step predictions and forecasts.
"""

from jitgrad.timeseries.autoregression import ar, arma
from jitgrad.timeseries.garch import garch
from jitgrad.timeseries.result import Forecast, TimeSeriesFit
from jitgrad.timeseries.smoothing import exponential_smoothing

__all__ = ["Forecast", "TimeSeriesFit", "ar", "arma", "exponential_smoothing", "garch"]
