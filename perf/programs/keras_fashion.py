"""60,000 images, 784-128-10, batch 32, Adam, by compile and fit, written for Keras; prints what perf/compat.py reads."""

import time

START = time.perf_counter()
import json

import numpy as np
from tensorflow import keras

IMPORTED = time.perf_counter()
rng = np.random.default_rng(0)
y = rng.integers(0, 10, 60000)
x = (rng.random((10, 28, 28))[y] * 0.5 + 0.2 * rng.random((60000, 28, 28))).astype("float32")
model = keras.Sequential(
    [
        keras.Input((28, 28)),
        keras.layers.Flatten(),
        keras.layers.Dense(128, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x[:320], y[:320], epochs=1, verbose=0)
first = time.perf_counter()
times = []
for _ in range(3):
    begin = time.perf_counter()
    model.fit(x, y, epochs=1, verbose=0)
    times.append(time.perf_counter() - begin)
print(json.dumps({"import": IMPORTED - START, "first": first - START, "step": min(times)}))
