"""The reference programs print their expected figures and agree with them."""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.mark.parametrize("script", sorted(p.name for p in SCRIPTS.glob("p*.py")))
def test_script(script: str) -> None:
    done = subprocess.run([sys.executable, SCRIPTS / script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all figures agree" in done.stdout
    assert done.stderr == ""


def test_p6_reads_a_folder(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for part, rows in (("train", 320), ("t10k", 64)):
        labels = draw.integers(0, 10, rows).astype(np.uint8)
        images = np.repeat(labels * 25, 784).astype(np.uint8)
        head = struct.pack(">BBBBIII", 0, 0, 8, 3, rows, 28, 28)
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + images.tobytes()))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">BBBBI", 0, 0, 8, 1, rows) + labels.tobytes())
    done = subprocess.run([sys.executable, SCRIPTS / "p6_fashion.py", tmp_path], capture_output=True, text=True, check=False)
    assert "epoch 5" in done.stdout, done.stderr  # its figures are those of other pictures
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    done = subprocess.run([sys.executable, SCRIPTS / "p6_fashion.py", tmp_path], capture_output=True, text=True, check=False)
    assert "There is no t10k-labels-idx1-ubyte" in done.stderr
