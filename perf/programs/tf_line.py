"""A line fitted with a gradient tape and assignments, written for TensorFlow; prints what perf/compat.py reads."""

import time

START = time.perf_counter()
import json

import numpy as np
import tensorflow as tf

IMPORTED = time.perf_counter()
rng = np.random.default_rng(0)
inputs = rng.uniform(0.0, 1.0, 200)
targets = 0.3 + 0.5 * inputs + rng.normal(0.0, 0.3, 200)
a = tf.Variable(initial_value=0, dtype=tf.float32)
b = tf.Variable(initial_value=0, dtype=tf.float32)


def epoch():
    x = tf.convert_to_tensor(inputs, dtype=tf.float32)
    y = tf.convert_to_tensor(targets, dtype=tf.float32)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.square(tf.subtract(y, tf.add(a, tf.multiply(b, x)))))
    da, db = tape.gradient(loss, [a, b])
    a.assign_sub(da * 0.001)
    b.assign_sub(db * 0.001)
    return float(loss)


epoch()
first = time.perf_counter()
times = []
for _ in range(2000):
    begin = time.perf_counter()
    epoch()
    times.append(time.perf_counter() - begin)
print(json.dumps({"import": IMPORTED - START, "first": first - START, "step": min(times)}))
