"""Subnormal numbers are zero in native training loops, and nowhere else unless the user wants it."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jitgrad
from jitgrad import Sequential, Variable, layers
from jitgrad.errors import ArgumentError, FitError

DTYPES = (np.float32, np.float64)
HAS_MXCSR = sys.platform == "linux" and platform.machine() == "x86_64" and platform.libc_ver()[0] == "glibc"
FLUSH_TO_ZERO, DENORMALS_ARE_ZERO = 1 << 15, 1 << 6
BOTH = FLUSH_TO_ZERO | DENORMALS_ARE_ZERO


class Environment:
    """The floating-point environment of this thread, by C's own functions: of 32 bytes, MXCSR is the last four."""

    def __init__(self) -> None:
        self._c = ctypes.CDLL("libm.so.6")
        self._bytes = (ctypes.c_uint32 * 8)()

    def mode(self) -> int:
        self._c.fegetenv(self._bytes)
        return self._bytes[7] & BOTH

    def set_mode(self, mode: int) -> None:
        self._c.fegetenv(self._bytes)
        self._bytes[7] = self._bytes[7] & ~BOTH | mode
        self._c.fesetenv(self._bytes)


@pytest.fixture
def environment() -> Iterator[Environment]:
    if not HAS_MXCSR:
        pytest.skip("there is no MXCSR, or it is not known where C keeps it")
    made = Environment()
    before = made.mode()
    yield made
    made.set_mode(before)


def smallest(dtype: type) -> np.floating[Any]:
    """The smallest normal number, without NumPy's look at what lies below it."""
    return dtype(2.0) ** dtype(-126 if dtype is np.float32 else -1022)


def keeps_subnormals(dtype: type) -> bool:
    """Whether NumPy's arithmetic does, in this thread."""
    return bool((np.full(64, smallest(dtype)) * dtype(0.25) != 0).all())


def minimised() -> None:
    w = Variable(1.0)
    jitgrad.optimizers.SGD(0.1).minimize(lambda: w**2, steps=50)


def fitted(**options: Any) -> None:
    x = np.linspace(0, 1, 40, dtype=np.float32)[:, None]
    model = Sequential([layers.Dense(3, activation="tanh"), layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.fit(x, 2 * x, epochs=3, batch_size=7, verbose=0, validation_split=0.25, **options)
    model.evaluate(x, 2 * x, verbose=0)


def streamed() -> None:
    x = np.linspace(0, 1, 8, dtype=np.float32)[:, None]
    model = Sequential([layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    model.fit(lambda: iter([(x, x), (x[:3], x[:3])]), epochs=2, verbose=0)


def diverged() -> None:
    w = Variable(1.0)
    with pytest.raises(FitError):
        jitgrad.optimizers.SGD(1e200).minimize(lambda: w**4, steps=500)


def failed() -> None:
    class Fails(jitgrad.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any) -> None:
            raise RuntimeError("from a callback")

    with pytest.raises(RuntimeError, match="from a callback"):
        fitted(callbacks=[Fails()])


def interrupted() -> None:
    w = Variable(1.0)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            jitgrad.optimizers.Adam(1e-9).minimize(lambda: (w - 3) ** 2, steps=10**9)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("mode", [0, FLUSH_TO_ZERO, DENORMALS_ARE_ZERO, BOTH])
@pytest.mark.parametrize("ends", [minimised, fitted, streamed, diverged, failed, interrupted])
def test_the_mode_is_put_back_however_a_loop_ends(ends: Callable[[], None], mode: int, environment: Environment) -> None:
    environment.set_mode(mode)
    ends()
    assert environment.mode() == mode


@pytest.mark.parametrize("dtype", DTYPES)
def test_training_flushes_and_values_do_not(dtype: type) -> None:
    w = Variable(smallest(dtype) * dtype(4))
    w.assign_sub(0.9 * w)  # as the loop below, in Python
    assert 0 < w.numpy() < smallest(dtype)
    w.assign(smallest(dtype) * dtype(4))
    jitgrad.optimizers.SGD(0.9).minimize(lambda: 0.5 * w * w, steps=1)
    assert w.numpy() == 0
    assert keeps_subnormals(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_stream_flushes_as_rows_in_memory_do(dtype: type) -> None:
    rows = np.full((4, 1), smallest(dtype) / dtype(4))
    weights = []
    for data in ((rows, rows), lambda: iter([(rows, rows)])):
        model = Sequential([layers.Dense(1, kernel_initializer="ones", use_bias=False, dtype=np.dtype(dtype).name)])
        model.compile(optimizer=jitgrad.optimizers.SGD(float(1 / smallest(dtype))), loss="mae")
        arguments = data if isinstance(data, tuple) else (data,)
        model.fit(*arguments, epochs=1, batch_size=4, shuffle=False, verbose=0)
        weights.append(model.get_weights()[0])
    np.testing.assert_array_equal(*weights)


def of_threads(count: int, dtype: type) -> bytes:
    """The weights and losses of a fit whose data, and some of whose moments, are subnormal, as bytes."""
    jitgrad.set_num_threads(count)
    draw = np.random.default_rng(0)
    x = draw.normal(size=(2048, 64)).astype(dtype)
    x[:, ::2] *= smallest(dtype)
    w, v = (Variable(draw.normal(size=shape).astype(dtype) * dtype(0.1)) for shape in ((64, 256), (256, 1)))
    cost = jitgrad.function(lambda rows: jitgrad.mean(jitgrad.square(jitgrad.tanh(rows @ w) @ v - 1.0)))
    history = jitgrad.fit(cost, x, jitgrad.optimizers.Adam(0.01), epochs=2, batch_size=256, seed=0)
    return bytes(w.numpy().tobytes() + v.numpy().tobytes() + history.loss.tobytes())


@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_flush_alike(dtype: type) -> None:
    before = jitgrad.get_num_threads()
    try:
        assert len({of_threads(count, dtype) for count in (1, 2, 3)}) == 1
    finally:
        jitgrad.set_num_threads(before)


@pytest.mark.parametrize("dtype", DTYPES)
def test_it_can_be_had_everywhere(dtype: type) -> None:
    def product() -> Any:
        return (jitgrad.tensor(np.full(5, smallest(dtype))) * jitgrad.tensor(dtype(0.25))).numpy()

    assert (product() != 0).all()
    if not jitgrad.set_flush_denormal(True):
        assert (product() != 0).all()
        return
    try:
        assert (product() == 0).all()
        assert not keeps_subnormals(dtype)
        minimised()
        assert (product() == 0).all()
    finally:
        assert jitgrad.set_flush_denormal(False)
    assert (product() != 0).all()
    assert keeps_subnormals(dtype)


def test_the_mode_needs_nothing_compiled(tmp_path: Path) -> None:
    code = """
import sys, numpy, jitgrad
small = numpy.full(64, 1e-300)
if jitgrad.set_flush_denormal(True):
    assert (small * 1e-20 == 0).all()
jitgrad.set_flush_denormal(False)
assert (small * 1e-20 != 0).all() and "numba" not in sys.modules
"""
    environment = os.environ | {"JITGRAD_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (0, "", [])


@pytest.mark.parametrize("mode", [1, None, "on"])
def test_a_mode_is_a_bool(mode: Any) -> None:
    with pytest.raises(ArgumentError, match="True or False"):
        jitgrad.set_flush_denormal(mode)


FUNCTIONS = (
    "exp", "expm1", "log", "log1p", "tanh", "sigmoid", "softplus", "sin", "cos", "tan", "sinh", "cosh", "sqrt", "square",
    "erf", "arctan", "cbrt", "abs", "sign", "reciprocal",
)  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_need_no_subnormal_numbers(name: str, dtype: type) -> None:
    """With the mode, what is subnormal counts as zero, as operand and as result, and nothing else changes."""
    function, tiny = getattr(jitgrad, name), smallest(dtype)
    sizes = np.concatenate([np.geomspace(1e-30, 80, 4000), np.geomspace(1e-3, 1e4, 2000), [0.0, np.inf, np.nan]])
    normal = np.concatenate([sizes, -sizes]).astype(dtype)
    subnormal = (np.array([0.3, -0.3, 1e-3, -1e-3]) * tiny).astype(dtype)
    kept = function(jitgrad.tensor(normal)).numpy()
    at_zero = function(jitgrad.tensor(np.array([0.0, -0.0, 0.0, -0.0], dtype))).numpy()
    if not jitgrad.set_flush_denormal(True):
        pytest.skip("this processor has no such mode")
    try:
        flushed = function(jitgrad.tensor(normal)).numpy()
        near_zero = function(jitgrad.tensor(subnormal)).numpy()
    finally:
        jitgrad.set_flush_denormal(False)
    is_small = np.abs(kept) < 2 * tiny
    np.testing.assert_array_equal(flushed[~is_small], kept[~is_small])
    assert (np.abs(flushed[is_small]) <= 2 * tiny).all()
    np.testing.assert_allclose(near_zero, at_zero, rtol=0, atol=tiny)


@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_subnormal_data_take_no_longer(dtype: type, optimizer: str) -> None:
    """The best of several turns: on a busy machine each is slowed down, but not all."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(512, 32)).astype(dtype)
    made = []
    for scale in (dtype(1), smallest(dtype) / dtype(4)):
        w = Variable(draw.normal(size=(32, 32)).astype(dtype) * scale)
        cost = jitgrad.function(lambda rows, w=w: jitgrad.mean(jitgrad.square(jitgrad.tanh(rows @ w))))
        chosen = jitgrad.optimizers.Adam(1e-3) if optimizer == "adam" else jitgrad.optimizers.SGD(1e-3, momentum=0.9)
        made.append((cost, x * scale, chosen))
    times: list[list[float]] = [[], []]
    for _ in range(12):
        for (cost, rows, chosen), taken in zip(made, times, strict=True):
            start = time.perf_counter()
            jitgrad.fit(cost, rows, chosen, epochs=4, batch_size=32, seed=0)
            taken.append(time.perf_counter() - start)
    assert min(times[1]) <= 1.3 * min(times[0])
