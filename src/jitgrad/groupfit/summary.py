"""The summary of many fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from jitgrad import html
from jitgrad.groupfit.status import BY_CODE, Status, reason_of
from jitgrad.summary import number


def counted(count: int, what: str) -> str:
    """``"1 group"``, ``"2 groups"``."""
    return f"{count} {what}{'' if count == 1 else 's'}"


class Summary(NamedTuple):
    """The summary of many fits.

    Attributes
    ----------
    title : str
        The model and the keys.
    groups, rows : int
        The numbers of groups and rows.
    failures : dict of str to int
        The number of failures by status, the most frequent first.
    quartiles : dict of str to tuple of float
        The quartiles of each parameter over the groups that converged; nan if none did.
    remarks : list of str
        Remarks, a clause each.
    """

    title: str
    groups: int
    rows: int
    failures: dict[str, int]
    quartiles: dict[str, tuple[float, float, float]]
    remarks: list[str]

    @property
    def converged(self) -> int:
        """The number of fits that converged."""
        return self.groups - sum(self.failures.values())

    def __str__(self) -> str:
        failed = ", ".join(f"{count} {word}" for word, count in self.failures.items())
        ended = f"{self.converged} converged" + (f"; {self.groups - self.converged} failed: {failed}" if failed else "")
        width = max(9, *map(len, self.quartiles))
        lines = [f"{self.title}: {counted(self.groups, 'group')}, {counted(self.rows, 'row')}", ended]
        if self.converged:
            lines.append(f"{'parameter':{width}} {'25%':>12} {'median':>12} {'75%':>12}")
            lines += [f"{name:{width}} " + " ".join(f"{q:12.6g}" for q in three) for name, three in self.quartiles.items()]
        return "\n".join([*lines, *self.remarks])

    def _repr_html_(self) -> str:
        parts = [html.heading(self.title)]
        failed = self.groups - self.converged
        parts += [
            html.sentence(
                f"{counted(self.groups, 'group')}, {counted(self.rows, 'row')}: {self.converged} converged, {failed} failed"
            )
        ]
        if self.converged:
            rows = [[name, *map(number, three)] for name, three in self.quartiles.items()]
            parts.append(html.table(["parameter", "25%", "median", "75%"], rows))
        if self.failures:
            rows = [[word, str(count), reason_of(word)] for word, count in self.failures.items()]
            parts.append(html.table(["status", "groups", "reason"], rows, texts=(2,)))
        return html.fragment(*parts, *map(html.sentence, self.remarks))


def summary_of(
    title: str, names: Sequence[str], values: np.ndarray, codes: np.ndarray, rows: int, remarks: Sequence[str] = ()
) -> Summary:
    """Return the Summary of fits with these parameters, (G, p), and codes of ``Status``, (G,)."""
    counts = np.bincount(codes, minlength=len(BY_CODE))
    order = [k for k in np.argsort(-counts, kind="stable").tolist() if counts[k] and k != Status.CONVERGED]
    good = values[codes == Status.CONVERGED]
    three = np.quantile(good, [0.25, 0.5, 0.75], axis=0) if len(good) else np.full((3, len(names)), np.nan)
    quartiles = {name: (float(a), float(b), float(c)) for name, (a, b, c) in zip(names, three.T, strict=True)}
    failures = {BY_CODE[k].word: int(counts[k]) for k in order}
    return Summary(title, len(codes), rows, failures, quartiles, list(remarks))
