"""Layers that normalize with the statistics of a batch or of each row."""

from __future__ import annotations

from typing import Any, Unpack

from jitgrad.arguments import in_unit_interval
from jitgrad.errors import ShapeError
from jitgrad.functions import networks
from jitgrad.functions.reductions import mean, sum
from jitgrad.functions.shapes import moveaxis, reshape
from jitgrad.layers.layer import Layer
from jitgrad.layers.options import InitializerLike, LayerOptions, NormalizationOptions
from jitgrad.layers.scaled import Axes, Scaled
from jitgrad.ops import Shape
from jitgrad.ops.elementwise import maximum, sqrt, square
from jitgrad.tape.tensor import Tensor
from jitgrad.tape.variable import assign_together


class BatchNormalization(Scaled):
    """Normalize each feature by its mean and variance over the batch, then scale and shift it.

    In training, the mean and variance of the batch are used, and their moving averages are updated. In
    prediction, and in training while the layer is frozen, the moving averages are used.

    Parameters
    ----------
    momentum : float, default 0.99
        Momentum m of the moving averages, in [0, 1): ``average ← m·average + (1 - m)·new``.
    epsilon : float, default 1e-3
        Small number that is added to the variance.
    unbiased : bool, default False
        Whether the moving variance uses the divisor n - 1, as in PyTorch, instead of n, as in Keras.
    axis : int, default -1
        Axis of the features; axis 0 indexes the rows.
    center : bool, default True
        Whether to add beta.
    scale : bool, default True
        Whether to multiply by gamma.
    moving_mean_initializer : str or callable, default "zeros"
        Initializer of the moving mean.
    moving_variance_initializer : str or callable, default "ones"
        Initializer of the moving variance.
    **options : NormalizationOptions, optional
        ``beta_initializer``, ``beta_regularizer``, ``beta_constraint``, and the corresponding options for ``gamma``; and
        ``name``, ``dtype``, ``trainable`` and ``input_shape``, see `Layer`.

    Attributes
    ----------
    gamma, beta : Variable, shape (features,)
        Scale and shift, once the layer is built.
    moving_mean, moving_variance : Variable, shape (features,)
        Moving averages, which are not trainable.

    See Also
    --------
    LayerNormalization : Normalizes each row.

    Notes
    -----
    ``gamma·(x - mean) / √(variance + epsilon) + beta``. The result has the shape of the input.

    Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift", 2015.

    Examples
    --------
    >>> layer = jg.layers.BatchNormalization()
    >>> np.round(layer([[1.0, 0.0], [3.0, 0.0]], training=True), 2)
    <Tensor shape=(2, 2) dtype=float32
    [[-1.  0.]
     [ 1.  0.]]>
    >>> np.round(layer.moving_mean.numpy(), 3)
    array([0.02, 0.  ], dtype=float32)
    """

    def __init__(
        self,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        unbiased: bool = False,
        axis: int = -1,
        center: bool = True,
        scale: bool = True,
        moving_mean_initializer: InitializerLike = "zeros",
        moving_variance_initializer: InitializerLike = "ones",
        **options: Unpack[NormalizationOptions],
    ) -> None:
        super().__init__(axis, epsilon, center, scale, options)
        self.momentum = in_unit_interval("momentum", momentum)
        self.unbiased = unbiased
        self._moving = (moving_mean_initializer, moving_variance_initializer)

    def build(self, input_shape: Shape) -> None:
        """Create the weights and the moving averages.

        Parameters
        ----------
        input_shape : tuple
            Shape of the inputs with the rows first.
        """
        super().build(input_shape)
        features = (input_shape[self.axes(len(input_shape))[0]],)
        self.moving_mean = self.add_weight("moving_mean", features, self._moving[0], trainable=False)
        self.moving_variance = self.add_weight("moving_variance", features, self._moving[1], trainable=False)

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """Apply the layer.

        Parameters
        ----------
        x : Tensor
            Inputs.
        training : bool, default False
            Whether the layer behaves as in training.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        if self.axes(x.ndim) == (x.ndim - 1,) and self.gamma is not None and self.beta is not None:
            return self._usual(x, training)
        if not (training and self.trainable):
            return self.scaled(x - self.along(self.moving_mean, x), self.along(self.moving_variance, x))
        (feature,) = self.axes(x.ndim)
        axes = tuple(axis for axis in range(x.ndim) if axis != feature)
        center = mean(x, axes)
        centered = x - self.along(center, x)
        variance = mean(square(centered), axes)
        n = x.size // x.shape[feature]
        spread = variance * (n / (n - 1)) if self.unbiased and n > 1 else variance
        for kept, new in ((self.moving_mean, center), (self.moving_variance, spread)):
            kept.assign(self.momentum * kept + (1 - self.momentum) * new.detach())
        return self.scaled(centered, self.along(variance, x))

    def _usual(self, x: Tensor, training: bool) -> Tensor:
        """Apply the layer along the last axis with gamma and beta, recorded as one op."""
        center, variance = self.moving_mean, self.moving_variance
        y: Tensor
        if not (training and self.trainable):
            y = networks.fixed_norm(x, self.gamma, self.beta, center, variance, epsilon=self.epsilon)
            return y
        y, new_center, new_variance = networks.batch_norm(
            x, self.gamma, self.beta, center, variance, momentum=self.momentum, epsilon=self.epsilon, unbiased=self.unbiased
        )
        assign_together((center, new_center), (variance, new_variance))
        return y


class LayerNormalization(Scaled):
    """Normalize each row by its mean and variance, then scale and shift it.

    Parameters
    ----------
    epsilon : float, default 1e-3
        Small number that is added to the variance.
    axis : int or sequence of int, default -1
        Axes over which the mean and variance are computed; axis 0 indexes the rows.
    center : bool, default True
        Whether to add beta.
    scale : bool, default True
        Whether to multiply by gamma.
    **options : NormalizationOptions, optional
        ``beta_initializer``, ``beta_regularizer``, ``beta_constraint``, and the corresponding options for ``gamma``; and
        ``name``, ``dtype``, ``trainable`` and ``input_shape``, see `Layer`.

    See Also
    --------
    BatchNormalization : Normalizes by the statistics of the batch.
    RMSNormalization : Normalization without centering.

    Notes
    -----
    ``gamma·(x - mean) / √(variance + epsilon) + beta``. The result has the shape of the input. Training and
    prediction do not differ.

    Ba, Kiros and Hinton, "Layer normalization", 2016.

    Examples
    --------
    >>> layer = jg.layers.LayerNormalization()
    >>> np.round(layer([[1.0, 2.0, 3.0]]), 2)
    <Tensor shape=(1, 3) dtype=float32 [[-1.22  0.    1.22]]>
    """

    def __init__(
        self,
        epsilon: float = 1e-3,
        axis: Axes = -1,
        center: bool = True,
        scale: bool = True,
        **options: Unpack[NormalizationOptions],
    ) -> None:
        super().__init__(axis, epsilon, center, scale, options)

    def call(self, x: Tensor) -> Tensor:
        """Apply the layer.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        axes = self.axes(x.ndim)
        if axes == (x.ndim - 1,) and self.gamma is not None and self.beta is not None:
            y: Tensor = networks.layer_norm(x, self.gamma, self.beta, epsilon=self.epsilon)
            return y
        centered = x - mean(x, axes, keepdims=True)
        return self.scaled(centered, mean(square(centered), axes, keepdims=True))

    def scaled(self, centered: Any, variance: Any) -> Any:
        """Return the result for centered inputs and their variance.

        Parameters
        ----------
        centered : Tensor
            Inputs minus their mean.
        variance : Tensor
            Their variance.

        Returns
        -------
        Tensor
            Result.
        """
        y = centered / sqrt(variance + self.epsilon)
        y = y if self.gamma is None else y * self.along(self.gamma, y)
        return y if self.beta is None else y + self.along(self.beta, y)


class GroupNormalization(LayerNormalization):
    """Normalize groups of features of each row by their mean and variance, then scale and shift each feature.

    Parameters
    ----------
    groups : int, default 32
        Number of groups, a divisor of the number of features; -1 for one feature per group.
    axis : int, default -1
        Axis of the features; axis 0 indexes the rows.
    epsilon : float, default 1e-3
        Small number that is added to the variance.
    center : bool, default True
        Whether to add beta.
    scale : bool, default True
        Whether to multiply by gamma.
    **options : NormalizationOptions, optional
        ``beta_initializer``, ``beta_regularizer``, ``beta_constraint``, and the corresponding options for ``gamma``; and
        ``name``, ``dtype``, ``trainable`` and ``input_shape``, see `Layer`.

    See Also
    --------
    LayerNormalization : Normalization of all features as one group.

    Notes
    -----
    The mean and variance of a group are computed over its features and all other axes of the row.

    Wu and He, "Group normalization", 2018.

    Examples
    --------
    >>> layer = jg.layers.GroupNormalization(groups=2)
    >>> np.round(layer([[1.0, 3.0, 10.0, 30.0]]), 2)
    <Tensor shape=(1, 4) dtype=float32 [[-1.  1. -1.  1.]]>
    """

    def __init__(
        self, groups: int = 32, axis: int = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
        **options: Unpack[NormalizationOptions],
    ) -> None:  # fmt: skip
        super().__init__(epsilon, axis, center, scale, **options)
        self.groups = groups

    def build(self, input_shape: Shape) -> None:
        """Create gamma and beta.

        Parameters
        ----------
        input_shape : tuple
            Shape of the inputs with the rows first.

        Raises
        ------
        ShapeError
            If the number of groups does not divide the number of features.
        """
        (axis,) = self.axes(len(input_shape))
        features = input_shape[axis]
        if self.groups != -1 and (self.groups < 1 or features % self.groups):
            raise ShapeError(
                f"Layer {self.name!r} has {self.groups} groups for {features} features. "
                "Give a divisor of the number of features."
            )
        super().build(input_shape)

    def call(self, x: Tensor) -> Tensor:
        """Apply the layer.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        (axis,) = self.axes(x.ndim)
        last = moveaxis(x, axis, -1)
        features = x.shape[axis]
        groups = features if self.groups == -1 else self.groups
        grouped = reshape(last, (x.shape[0], -1, groups, features // groups))
        centered = grouped - mean(grouped, (1, 3), keepdims=True)
        normalised = centered / sqrt(mean(square(centered), (1, 3), keepdims=True) + self.epsilon)
        y = moveaxis(reshape(normalised, last.shape), -1, axis)
        y = y if self.gamma is None else y * self.along(self.gamma, y)
        return y if self.beta is None else y + self.along(self.beta, y)


class RMSNormalization(Scaled):
    """Divide each row by its root mean square, then scale it.

    Parameters
    ----------
    epsilon : float, default 1e-6
        Small number that is added to the mean square.
    axis : int or sequence of int, default -1
        Axes over which the mean is computed; axis 0 indexes the rows.
    scale : bool, default True
        Whether to multiply by gamma.
    **options : NormalizationOptions, optional
        ``beta_initializer``, ``beta_regularizer``, ``beta_constraint``, and the corresponding options for ``gamma``; and
        ``name``, ``dtype``, ``trainable`` and ``input_shape``, see `Layer`.

    See Also
    --------
    LayerNormalization : Normalization with centering.

    Notes
    -----
    Zhang and Sennrich, "Root mean square layer normalization", 2019.

    Examples
    --------
    >>> layer = jg.layers.RMSNormalization()
    >>> np.round(layer([[3.0, 4.0]]), 3)
    <Tensor shape=(1, 2) dtype=float32 [[0.849 1.131]]>
    """

    def __init__(
        self, epsilon: float = 1e-6, axis: Axes = -1, scale: bool = True, **options: Unpack[NormalizationOptions]
    ) -> None:
        super().__init__(axis, epsilon, False, scale, options)

    def call(self, x: Tensor) -> Tensor:
        """Apply the layer.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        y = x / sqrt(mean(square(x), self.axes(x.ndim), keepdims=True) + self.epsilon)
        return y if self.gamma is None else y * self.along(self.gamma, y)


class UnitNormalization(Layer):
    """Divide each row by its Euclidean norm. Rows of zeros stay zero.

    Parameters
    ----------
    axis : int or sequence of int, default -1
        Axes over which the norm is computed; axis 0 indexes the rows.
    **common : LayerOptions, optional
        ``name``, ``dtype``, ``trainable`` and ``input_shape``; see `Layer`.

    Examples
    --------
    >>> jg.layers.UnitNormalization()([[3.0, 4.0]])
    <Tensor shape=(1, 2) dtype=float64 [[0.6 0.8]]>
    """

    def __init__(self, axis: Axes = -1, **common: Unpack[LayerOptions]) -> None:
        super().__init__(**common)
        self.axis = axis if isinstance(axis, int) else tuple(axis)

    def call(self, x: Tensor) -> Tensor:
        """Apply the layer.

        Parameters
        ----------
        x : Tensor
            Inputs.

        Returns
        -------
        Tensor
            Result, of the shape of `x`.
        """
        made: Tensor = x / sqrt(maximum(sum(square(x), self.axis, keepdims=True), 1e-24))
        return made
