"""P7: a static graph with placeholders and a session.

Run: python scripts/p7_graph.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from expected import Report

import jitgrad
from jitgrad import graph

# Epoch: the loss before the update, W and b after it.
TABLE = {
    0: (41.0, 4.5, 2.2),
    1: (18.415, 2.15, 1.41),
    2: (8.274352, 3.72, 1.9530001),
    9: (0.038325354, 3.0336602, 1.7755046),
    97: (3.7696707e-05, 3.004957, 1.985426),
    999: (7.9580786e-13, 3.000001, 1.9999975),
}
PREDICTIONS = {99: (17.00961, 20.014275), 999: (17.000002, 20.000004)}


def main() -> None:
    x = graph.placeholder("float32", (None,), name="x")
    y = graph.placeholder("float32", (None,), name="y")
    w, b = graph.Variable(np.float32(1), name="W"), graph.Variable(np.float32(1), name="b")
    hypothesis = w * x + b
    cost = jitgrad.mean(jitgrad.square(hypothesis - y))
    train = jitgrad.optimizers.SGD(0.1).minimize(cost)

    report = Report("P7")
    with graph.Session() as session:
        session.run(graph.global_variables_initializer())
        for epoch in range(1000):
            _, loss = session.run([train, cost], feed_dict={x: [1, 2, 3, 4], y: [5, 8, 11, 14]})
            if epoch in TABLE:
                loss_expected, *parameters = TABLE[epoch]
                # A rounding error of W, 2·10⁻⁷ of 3, changes a loss of 0.04 by 10⁻⁵; the final loss is rounding squared.
                report.close(f"epoch {epoch}, loss", loss_expected, float(loss), 1e-5 if epoch < 999 else 0.1, relative=True)
                for v, expected in zip((w, b), parameters, strict=True):
                    report.close(f"epoch {epoch}, {v.name}", expected, float(session.run(v)), 1e-6)
            if epoch in PREDICTIONS:
                predicted = session.run(hypothesis, feed_dict={x: [5, 6]})
                for expected, got in zip(PREDICTIONS[epoch], predicted, strict=True):
                    report.close(f"prediction after {epoch + 1} epochs", expected, float(got), 1e-6)
    report.finish()


if __name__ == "__main__":
    main()
