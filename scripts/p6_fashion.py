"""P6: classification of images of the size of Fashion-MNIST.

Run: python scripts/p6_fashion.py [FOLDER] [--plot PREFIX]

FOLDER contains the four files of Fashion-MNIST as distributed (train-images-idx3-ubyte and so on, compressed or not). Without
it, the program makes as many images of the same size from ten overlapping patterns, and fits them for three epochs. --plot
writes PREFIX-model.png, PREFIX-curves.png and PREFIX-predictions.png.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from expected import Report

import jitgrad
from jitgrad import layers

NAMES = ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot"]


def read(folder: Path, name: str) -> np.ndarray:
    """Read an IDX file: two zeros, 8 for bytes, the number of axes, their sizes as big-endian words, the bytes."""
    found = [p for p in (folder / name, folder / f"{name}.gz") if p.exists()]
    if not found:
        sys.exit(f"There is no {name} or {name}.gz in {folder}. Name the folder with the four files.")
    content = gzip.decompress(found[0].read_bytes()) if found[0].suffix == ".gz" else found[0].read_bytes()
    sizes = np.frombuffer(content, ">u4", content[3], 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(sizes)


def made(rows: int, draw: np.random.Generator, patterns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Make images: one of ten patterns, overlaid by a fainter one of another class, with noise."""
    labels, others = draw.integers(0, 10, (2, rows))
    pale = draw.uniform(0, 1.1, (rows, 1, 1)).astype(np.float32)
    noise = draw.normal(0, 0.2, (rows, 28, 28)).astype(np.float32)
    return np.clip((patterns[labels] + pale * patterns[others]) / 2 + noise, 0, 1), labels


def data(folder: Path | None) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return 60,000 training images and 10,000 test images, with values from 0 to 1, and their classes."""
    if folder is not None:
        parts = [
            (read(folder, f"{part}-images-idx3-ubyte") / np.float32(255), read(folder, f"{part}-labels-idx1-ubyte"))
            for part in ("train", "t10k")
        ]
        return parts[0], parts[1]
    print("No folder with Fashion-MNIST was given. Making images of the same size.")
    draw = np.random.default_rng(0)
    rows, columns = np.mgrid[0:28, 0:28]
    centers, sizes = draw.uniform(7, 21, (10, 3, 2)), draw.uniform(3, 6, (10, 3))
    distances = ((np.stack([rows, columns], -1) - centers[:, :, None, None]) ** 2).sum(-1)
    patterns = np.exp(-distances / sizes[:, :, None, None] ** 2).max(1).astype(np.float32)
    return made(60_000, draw, patterns), made(10_000, draw, patterns)


def main() -> None:
    arguments = [a for a in sys.argv[1:] if a != "--plot"]
    prefix = arguments.pop() if "--plot" in sys.argv else None
    folder = Path(arguments[0]) if arguments else None
    (images, labels), (test_images, test_labels) = data(folder)
    jitgrad.random.seed(0)
    model = jitgrad.Sequential(
        [jitgrad.Input((28, 28)), layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(10, "softmax")]
    )
    model.summary()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(images, labels, epochs=5 if folder else 3, validation_data=(test_images, test_labels))
    for epoch, (loss, accuracy) in enumerate(zip(history.loss, history.metrics["accuracy"], strict=True)):
        print(f"epoch {epoch + 1}  loss {loss:.4f}  accuracy {accuracy:.4f}")
    loss, accuracy = model.evaluate(test_images, test_labels)
    print(f"test loss {loss:.4f}, test accuracy {accuracy:.4f}; {history.seconds / history.epochs:.2f} s per epoch")
    chances = model.predict(test_images)

    report = Report("P6")
    report.check("parameters", "[0, 100480, 1290] 101770", f"{[x.count_params() for x in model.layers]} {model.count_params()}")
    report.check("predictions are rows of probabilities", True, bool(np.allclose(chances.sum(1), 1, atol=1e-5)))
    report.close("accuracy of the most probable class", accuracy, float((chances.argmax(1) == test_labels).mean()), 1e-12)
    report.close("test loss agrees with fit's last validation", float(history.metrics["val_loss"][-1]), loss, 1e-12)
    if folder:
        report.close("loss of the first epoch", 0.64, float(history.loss[0]), 0.2)
        report.close("accuracy after five epochs", 0.89, float(history.metrics["accuracy"][-1]), 0.02)
    report.check("test accuracy is at least 0.85", True, accuracy >= 0.85)
    if prefix is not None:
        jitgrad.plot_model(model, f"{prefix}-model.png")
        jitgrad.pictures.curves(history, f"{prefix}-curves.png")
        jitgrad.pictures.images(
            test_images[:15], chances[:15], test_labels[:15], NAMES if folder else None, path=f"{prefix}-predictions.png"
        )
    report.finish()


if __name__ == "__main__":
    main()
