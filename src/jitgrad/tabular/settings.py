"""Settings of a fit: the user's choices, and defaults."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from jitgrad import optimizers
from jitgrad.arguments import MAX_SEED, by_name, count, in_unit_interval, positive
from jitgrad.errors import ArgumentError, DataError
from jitgrad.glm.links import link_of
from jitgrad.tabular.encoding import has_classes, what_of

MODELS = {
    "linear": "numbers, by least squares",
    "logistic": "two or more classes, or proportions of trials",
    "poisson": "counts, with a log link",
    "gamma": "positive numbers with a standard deviation proportional to the mean",
    "inverse_gaussian": "positive numbers with a variance proportional to the cube of the mean",
    "negative_binomial": "counts that are overdispersed relative to a Poisson distribution",
    "quasi_poisson": "counts or rates with a variance proportional to the mean",
    "quasi_binomial": "proportions with a variance proportional to the binomial variance",
    "mlp": "numbers or classes, by a multilayer perceptron",
}
"""The models by name, with descriptions."""
FAMILIES = {"gaussian": "linear", "binomial": "logistic", "multinomial": "logistic"}
"""Names of families that users may give as models, and the corresponding models."""
DESCENT = ("linear", "logistic", "poisson", "mlp")
"""The models that gradient descent can fit."""
PENALTIES = {"ridge": "squares", "lasso": "absolute values", "elastic-net": "both, in parts of l1_ratio"}
"""The penalties by name, with the penalized quantity."""
PENALISED = ("linear", "logistic", "poisson")
COV_TYPES = {
    "model": "as the family has it", "HC0": "robust", "HC1": "by degrees of freedom", "HC2": "by leverage",
    "HC3": "by its square", "cluster": "robust to what rows of a group share",
}  # fmt: skip
"""Covariance estimators; see ``glm.covariance``."""
FULL_BATCH_ROWS = 4096
HIDDEN = (64, 32)
TEST_SPLIT = 0.2
"""Default fraction of test rows for gradient descent. Exact fits are scored by cross-validation instead."""
LEVEL = 0.95
LEARNING_RATES = {
    "sgd": (0.1, 0.01), "adam": (0.05, 0.003), "adamw": (0.05, 0.003), "amsgrad": (0.05, 0.003), "nadam": (0.01, 0.003),
    "rmsprop": (0.005, 0.001), "adagrad": (0.5, 0.05), "adadelta": (1.0, 1.0), "lbfgs": (1.0, 0.1),
    "radam": (0.05, 0.003), "adamax": (0.05, 0.003), "lion": (0.002, 0.0003), "adafactor": (0.1, 0.01), "asgd": (0.1, 0.01),
    "rprop": (0.01, 0.001),
}  # fmt: skip
"""Default learning rates of each optimizer, for steps on all rows and on batches."""
LARGEST_RATE = 1e38
"""Networks use float32."""


@dataclass(frozen=True)
class Settings:
    """Settings of a table fit. None stands for a default that depends on the model and the table.

    Parameters
    ----------
    model : str, optional
        The model. By default, chosen from the target and ``hidden``.
    link : str, optional
        The link function. By default, the default link of the model.
    cov_type : str, default "model"
        The covariance estimator.
    level : float, default 0.95
        The confidence level.
    penalty : str, optional
        The penalty. By default, none.
    alpha : float, optional
        The strength of the penalty. By default, chosen by cross-validation.
    l1_ratio : float, default 0.5
        The lasso share of the penalty "elastic-net".
    cv : int, default 10
        The number of cross-validation folds.
    hidden : tuple of int, optional
        The widths of the hidden layers of a network.
    epochs : int, optional
        The number of epochs of gradient descent.
    batch_size : int, optional
        The number of rows per gradient step.
    lr : float, optional
        The learning rate.
    optimizer : str, optional
        The name of the optimizer.
    validation_split : float, default 0.0
        The fraction of training rows to evaluate after each epoch.
    early_stopping : int, optional
        Stop after this many epochs without a lower validation loss.
    test_split : float, optional
        The fraction of rows held out for scores. By default, 0.2 for gradient descent and 0 for exact fits.
    seed : int, default 0
        Random seed.

    Examples
    --------
    >>> from jitgrad.tabular import Settings
    >>> Settings(model="logistic", penalty="lasso").l1_part
    1.0
    """

    model: str | None = None
    link: str | None = None
    cov_type: str = "model"
    level: float = LEVEL
    penalty: str | None = None
    alpha: float | None = None
    l1_ratio: float = 0.5
    cv: int = 10
    hidden: tuple[int, ...] = ()
    epochs: int | None = None
    batch_size: int | None = None
    lr: float | None = None
    optimizer: str | None = None
    validation_split: float = 0.0
    early_stopping: int | None = None
    test_split: float | None = None
    seed: int = 0

    def check(self) -> None:
        """Raise ArgumentError for a setting that is out of range or cannot be combined with another."""
        if self.model is not None:
            if self.model in FAMILIES:
                raise ArgumentError(
                    f"{{argument}} {self.model!r} is called {FAMILIES[self.model]!r} in jitgrad. Use that name.",
                    argument="model",
                )
            by_name("model", self.model, MODELS)
        if self.optimizer is not None:
            by_name("optimizer", self.optimizer, optimizers.OPTIMIZERS)
        if self.hidden and self.model not in (None, "mlp"):
            raise ArgumentError(
                f"Model {self.model!r} has no hidden layers. Leave {{argument}} out, or choose model 'mlp'.", argument="hidden"
            )
        for name, value in (("epochs", self.epochs), ("batch_size", self.batch_size), ("early_stopping", self.early_stopping)):
            if value is not None:
                count(name, value)
        if self.lr is not None and positive("lr", self.lr) > LARGEST_RATE:
            raise ArgumentError(
                f"{{argument}} is {self.lr:g}, which is outside the float32 range. The limit is {LARGEST_RATE:g}.",
                argument="lr",
            )
        for width in self.hidden:
            count("a width of hidden", width, high=100_000)
        if self.test_split is not None:
            in_unit_interval("test_split", self.test_split)
        in_unit_interval("validation_split", self.validation_split)
        if self.early_stopping is not None and not self.validation_split:
            raise ArgumentError("early_stopping needs validation rows. Also give validation_split, for example 0.1.")
        count("seed", self.seed, 0, MAX_SEED)
        self._check_exact()

    def _check_exact(self) -> None:
        """Raise ArgumentError for settings of exact fits that are invalid or cannot be combined with others."""
        if self.link is not None:
            link_of(self.link)
        by_name("cov_type", self.cov_type, COV_TYPES)
        if not 0 < self.level < 1:
            raise ArgumentError(
                f"{{argument}} is {self.level:g}. Give a number between 0 and 1, such as 0.95.", argument="level"
            )
        count("cv", self.cv, 2)
        if self.alpha is not None:
            positive("alpha", self.alpha)
        if not 0 <= self.l1_ratio <= 1:
            raise ArgumentError(f"{{argument}} is {self.l1_ratio:g}. Give a number from 0 to 1.", argument="l1_ratio")
        if self.penalty is not None:
            by_name("penalty", self.penalty, PENALTIES)
        elif self.alpha is not None:
            raise ArgumentError("{argument} requires a penalty. Also give one, such as 'lasso'.", argument="alpha")
        of_exact = {"link": self.link is not None, "cov_type": self.cov_type != "model", "penalty": self.penalty is not None}
        given = next((name for name, is_given in of_exact.items() if is_given), None)
        if given is not None and (self.by_descent or self.hidden):
            raise ArgumentError(
                "{argument} is not supported by gradient descent. Leave it out, or leave out the settings of gradient descent: "
                "hidden, epochs, batch_size, lr, optimizer, validation_split and early_stopping.",
                argument=given,
            )
        if self.penalty is not None and self.cov_type != "model":
            raise ArgumentError(
                "Penalized coefficients have no standard errors. Leave {argument} out, or the penalty.", argument="cov_type"
            )

    @property
    def by_descent(self) -> bool:
        """Whether gradient descent is requested, by a network or by one of its settings."""
        given = (self.epochs, self.batch_size, self.lr, self.optimizer, self.early_stopping)
        return self.model == "mlp" or self.validation_split > 0 or any(value is not None for value in given)

    @property
    def l1_part(self) -> float:
        """The lasso share of the penalty."""
        return {"ridge": 0.0, "lasso": 1.0}.get(self.penalty or "", self.l1_ratio)

    def for_target(self, column: pl.Series, classify: bool, trials: bool = False) -> Settings:
        """Return the settings with the model chosen for a target.

        Parameters
        ----------
        column : polars.Series
            The target.
        classify : bool
            Whether its values are classes.
        trials : bool, default False
            Whether it contains numbers or proportions of successes.

        Returns
        -------
        Settings
            The settings, with the hidden layers of a network.

        Raises
        ------
        DataError or ArgumentError
            If the model does not suit the target.
        """
        classes = classify or has_classes(column)
        model = self._model(classes or trials)
        made = self.for_model(model)
        if trials and model not in ("logistic", "quasi_binomial"):
            raise ArgumentError(
                f"Model {model!r} does not support trials. Leave {{argument}} out, or choose model 'logistic'.",
                argument="trials",
            )
        if model not in ("logistic", "mlp"):
            _check_numbers(column, model, classes, classify, trials)
        elif model == "logistic" and not classes and not trials:
            raise DataError(
                f"Column {column.name!r} has numbers, but model 'logistic' needs classes. "
                f"Give {{argument}} to treat the numbers "
                f"as classes, give trials if they are proportions, or choose model 'linear'.",
                argument="classify",
            )
        return made

    def for_numbers(self, trials: bool = False) -> Settings:
        """Return the settings with the model chosen for a target that is an expression of columns.

        Parameters
        ----------
        trials : bool, default False
            Whether it contains numbers or proportions of successes.

        Returns
        -------
        Settings
            The settings, with the hidden layers of a network.
        """
        return self.for_model(self._model(trials))

    def _model(self, classes: bool) -> str:
        return self.model or ("mlp" if self.hidden else "logistic" if classes else "linear")

    def for_model(self, model: str) -> Settings:
        """Return the settings for a model, with the hidden layers of a network.

        Parameters
        ----------
        model : str
            The model.

        Returns
        -------
        Settings
            The settings.

        Raises
        ------
        ArgumentError
            If the model does not support a setting.
        """
        if self.penalty is not None and model not in PENALISED:
            raise ArgumentError(f"Model {model!r} does not support penalties. Leave {{argument}} out.", argument="penalty")
        if self.by_descent and model not in DESCENT:
            raise ArgumentError(
                f"Model {model!r} does not support gradient descent. Leave out epochs, batch_size, lr, optimizer, "
                f"validation_split and early_stopping."
            )
        return replace(self, model=model, hidden=(self.hidden or HIDDEN) if model == "mlp" else ())

    def for_descent(self, rows: int) -> Settings:
        """Return the settings with the defaults of gradient descent.

        Linear models use full batches for small tables, and networks use batches of 32 rows.

        Parameters
        ----------
        rows : int
            The number of training rows.

        Returns
        -------
        Settings
            The settings without None.
        """
        network, optimizer = self.model == "mlp", self.optimizer or "adam"
        full = optimizer == "lbfgs" or (not network and rows <= FULL_BATCH_ROWS)
        epochs = 1000 if full else 200 if network else 50
        batch = rows if full else 32 if network else 256
        lr = LEARNING_RATES[optimizer][0 if full else 1]
        return replace(
            self,
            epochs=self.epochs or epochs,
            batch_size=min(self.batch_size or batch, rows),
            lr=self.lr or lr,
            optimizer=optimizer,
        )


def _check_numbers(column: pl.Series, model: str, classes: bool, classify: bool, trials: bool) -> None:
    """Raise an error if the target is a class, or has values that the model does not allow."""
    if classify:
        raise ArgumentError(
            f"Model {model!r} does not support classes. Leave {{argument}} out, or choose model 'logistic'.",
            argument="classify",
        )
    if classes:
        raise DataError(
            f"Column {column.name!r} has {what_of(column)}, but model {model!r} needs numbers. Choose model 'logistic'."
        )
    if not column.dtype.is_numeric() or trials:
        return
    whole = column.cast(pl.Float64).round(0)
    bad, needs = {
        "poisson": ((column < 0) | (column != whole), "counts (0, 1, 2, …)"),
        "negative_binomial": ((column < 0) | (column != whole), "counts (0, 1, 2, …)"),
        "quasi_poisson": (column < 0, "nonnegative numbers"),
        "quasi_binomial": ((column < 0) | (column > 1), "proportions from 0 to 1, or trials"),
        "gamma": (column <= 0, "positive numbers"),
        "inverse_gaussian": (column <= 0, "positive numbers"),
    }.get(model, (None, ""))
    if bad is not None and bad.fill_null(False).any():
        row = int(bad.fill_null(False).arg_max() or 0)
        raise DataError(
            f"Column {column.name!r} has {column[row]} in row {row + 1}, but model {model!r} needs {needs}. "
            f"Correct it, or choose model 'linear'."
        )
