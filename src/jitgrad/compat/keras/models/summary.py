"""The table that ``summary`` prints, in Keras's format."""

from __future__ import annotations

from typing import Any

from jitgrad.compat.keras.layers.core import InputLayer
from jitgrad.compat.keras.symbol import is_layer, symbols_in
from jitgrad.tape.tree import tree_leaves


def summary(model: Any, line_length: int | None = None, show_trainable: bool = False, expand_nested: bool = False) -> str:
    """Return the table of a model's layers, with the numbers of weights."""
    graph = model._graph
    linear = graph is None or _is_linear(graph)
    titles = ["Layer (type)", "Output Shape", "Param #"]
    found = _rows(model) if linear or graph is None else _graph_rows(graph)
    titles += [] if linear else ["Connected to"]
    rows = [row for row, _ in found]
    if show_trainable:
        titles.append("Trai…")
        rows = [[*row, "-" if trainable is None else "Y" if trainable else "N"] for row, trainable in found]
    widths = _widths(len(titles), line_length, linear, show_trainable)
    right = {2}
    lines = [f'Model: "{model.name}"', _rule("┏━┳┓", widths), *_row(titles, widths, "┃", right), _rule("┡━╇┩", widths)]
    for number, row in enumerate(rows):
        lines += [_rule("├─┼┤", widths)] if number else []
        lines += _row(row, widths, "│", right)
    lines += [_rule("└─┴┘", widths), *_totals(model)]
    return "\n".join(lines)


def _rows(model: Any) -> list[tuple[list[str], bool | None]]:
    if model._graph is not None:
        return [_layer_row(layer) for layer in model._graph_layers]
    return [_layer_row(layer) for layer in model.layers]


def _layer_row(layer: Any, name: str | None = None) -> tuple[list[str], bool | None]:
    shape = _shape_of(layer)
    built = layer.built or layer.variables or isinstance(layer, InputLayer)
    count = f"{sum(v.size for v in layer.variables):,}" if built else "0 (unbuilt)"
    trainable = layer.trainable if layer.variables else None
    return [f"{name or layer.name} ({type(layer).__name__})", shape, count], trainable


def _shape_of(layer: Any) -> str:
    """Return the output shape of a layer with None for the rows, or a question mark if it is unknown."""
    if isinstance(layer, InputLayer) and layer.output is not None:
        return str(layer.output.shape)
    calls = getattr(layer, "_calls", None)
    if calls:
        shapes = [symbol.shape for symbol in symbols_in(calls[0].results)]
        return str(shapes[0]) if len(shapes) == 1 else ", ".join(map(str, shapes))
    if layer.output_shape is not None:
        return f"(None, {', '.join(map(str, layer.output_shape))})" if layer.output_shape else "(None)"
    return "?"


def _is_linear(graph: Any) -> bool:
    """Return whether each call is the call of a layer on the result of the previous one."""
    known = tree_leaves(graph.inputs)
    if len(known) != 1:
        return False
    last = known[0]
    for call in graph.calls:
        if call.inputs != [last] and [id(x) for x in call.inputs] != [id(last)]:
            return False
        results = symbols_in(call.results)
        if len(results) != 1 or not is_layer(call.operation):
            return False
        last = results[0]
    return True


def _graph_rows(graph: Any) -> list[tuple[list[str], bool | None]]:
    rows: list[tuple[list[str], bool | None]] = []
    names: dict[int, str] = {}
    seen: set[int] = set()
    for symbol, layer in zip(symbols_in(graph.inputs), graph.input_layers, strict=True):
        names[id(symbol)] = symbol.name
        row, trainable = _layer_row(layer)
        rows.append(([*row, "-"], trainable))
    for call in graph.calls:
        for number, symbol in enumerate(symbols_in(call.results)):
            names[id(symbol)] = f"{call.name}[0][{number}]"
        if id(call.operation) in seen and is_layer(call.operation):
            continue
        seen.add(id(call.operation))
        sources = [names[id(x)] if "[" in names[id(x)] else f"{names[id(x)]}[0][0]" for x in call.inputs]
        if is_layer(call.operation):
            row, trainable = _layer_row(call.operation)
        else:
            title = "".join(part.capitalize() for part in call.name.rstrip("0123456789").strip("_").split("_"))
            shapes = ", ".join(str(x.shape) for x in symbols_in(call.results))
            row, trainable = [f"{call.name} ({title})", shapes, "0"], None
        rows.append(([*row, ", ".join(sources)], trainable))
    return rows


def _widths(columns: int, line_length: int | None, linear: bool, show_trainable: bool) -> list[int]:
    """Return the widths of the columns without borders, as Keras computes them for 80 characters."""
    known = [31, 22, 13] if linear else [19, 17, 10, 17]
    if show_trainable:
        known = [31, 18, 12, 5] if linear else [19, 15, 10, 12, 5]
    if line_length is None or line_length == 80:
        return known
    room = line_length - 3 * columns - 1
    return [max(5, width * room // sum(known)) for width in known]


def _rule(parts: str, widths: list[int]) -> str:
    left, line, cross, right = list(parts)
    return left + cross.join(line * (width + 2) for width in widths) + right


def _row(cells: list[str], widths: list[int], border: str, right: set[int]) -> list[str]:
    """Return a row, with several lines if a cell is too long."""
    wrapped = [_wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    lines = []
    for number in range(max(map(len, wrapped))):
        texts = [part[number] if number < len(part) else "" for part in wrapped]
        shown = [
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(texts, widths, strict=True))
        ]
        lines.append(f"{border} " + f" {border} ".join(shown) + f" {border}")
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split(" "):
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word if len(word) <= width else word[: width - 1] + "…")
    return lines


def _totals(model: Any) -> list[str]:
    trainable, all_of_it = _size(model.trainable_variables), _size(model.variables)
    state = _optimizer_size(model)
    lines = [
        f" Total params: {all_of_it[0] + state[0]:,} ({_memory(all_of_it[1] + state[1])})",
        f" Trainable params: {trainable[0]:,} ({_memory(trainable[1])})",
        f" Non-trainable params: {all_of_it[0] - trainable[0]:,} ({_memory(all_of_it[1] - trainable[1])})",
    ]
    return [*lines, f" Optimizer params: {state[0]:,} ({_memory(state[1])})"] if state[0] else lines


def _optimizer_size(model: Any) -> tuple[int, int]:
    """Return the size of the optimizer's state after a fit, including the learning rate and the number of steps."""
    if model.keras_compiled is None or not model.optimizer.variables:
        return 0, 0
    kept = [v for slots in model.optimizer._slots.values() for v in slots]
    count, size = _size(kept)
    return count + 2, size + 12


def _size(variables: Any) -> tuple[int, int]:
    return sum(v.size for v in variables), sum(v.size * v.dtype.itemsize for v in variables)


def _memory(size: int) -> str:
    for unit, step in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if size >= step:
            return f"{size / step:.2f} {unit}"
    return f"{size:.2f} B"
