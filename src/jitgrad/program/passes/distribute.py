"""Loop distribution: the steps of a loop that need not run one trip after the other are computed for all trips at once.

The steps of a body depend on one another within a trip, and through carries from trip to trip. Steps that depend on themselves
form groups, the strongly connected components of this graph; all other steps are vectorized over the trips (Allen and Kennedy,
"Optimizing compilers for modern architectures", 2001). A group that is affine in its carry becomes a linear recurrence or, if
only its last value is needed, a sum. The other groups remain in the loop, with everything that lies between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from jitgrad.program.expression import Builder, Expression, Step, input_step, renamed
from jitgrad.program.loop import Loop, inputs_of, loop_of, loop_step
from jitgrad.program.passes.affine import Forms, coefficients_move, full, is_affine
from jitgrad.program.passes.vectorise import Value, elementwise, repeated, vectorised, vectorises

LEAST_SLICE = 256
"""Number of elements that a vectorized value may have per trip. Larger ones may have as many as an operand or a result."""
LEAST_ELEMENTS = 2**20
"""Number of elements that a vectorized value may have in all trips. Larger ones may have as many as an operand or a result."""

MOST_CARRIES = 16
"""Number of carries of a linear recurrence, whose time grows with the square."""
MOST_MOVING = 4
"""Number of carries of a linear recurrence whose coefficients differ from trip to trip. They are stored for all trips."""


def distribute_loops(tidy: Callable[[Expression], Expression]) -> Callable[[Expression], Expression]:
    """Return the pass that distributes sequential loops. ``tidy`` simplifies bodies, and the steps outside afterwards."""

    def distribute(expression: Expression) -> Expression:
        wanted = _wanted(expression)
        if not wanted:
            return expression
        builder, place = Builder([]), list[int]()
        results: dict[int, dict[int, int]] = {}
        for i, step in enumerate(expression.steps):
            if step.op == "get" and step.args[0] in results:
                place.append(results[step.args[0]][step.attr("index")])
                continue
            step = step.at(place)
            made = None
            if i in wanted:
                loop = loop_of(step)
                made = _Distribution(builder, loop._replace(body=tidy(loop.body)), step.args, wanted[i]).results()
            if made is not None:
                results[i] = made
            place.append(builder.add(step) if made is None else -1)
        return tidy(renamed(expression, builder.steps, place)) if results else expression

    return distribute


def _wanted(expression: Expression) -> dict[int, set[int]]:
    """Return the used results of each loop that may be distributed."""
    whole = {*expression.outputs, *(i for update in expression.updates for i in update.args)}
    wanted: dict[int, set[int]] = {}
    for i, step in enumerate(expression.steps):
        if step.op == "get":
            if step.args[0] in wanted:
                wanted[step.args[0]].add(step.attr("index"))
            continue
        whole.update(step.args)
        if step.op == "loop" and _distributes(loop_of(step)):
            wanted[i] = set()
    return {i: found for i, found in wanted.items() if i not in whole and found}


def _distributes(loop: Loop) -> bool:
    """Return whether a loop may be distributed: one that is sequential, or a parallel one, of which integrations remain."""
    wanted = not loop.parallel or any(step.op == "integrate" for step in loop.body.steps)
    return wanted and loop.trips > 1 and not (loop.body.updates or loop.changes) and loop.tail is None


def components(needs: Callable[[int], Sequence[int]], roots: Iterable[int]) -> list[list[int]]:
    """Return the strongly connected components of what ``roots`` need, each after what it needs (Tarjan, 1972)."""
    found: dict[int, int] = {}  # order of discovery
    low: dict[int, int] = {}
    open_: dict[int, None] = {}
    groups: list[list[int]] = []
    for root in roots:
        path = [] if root in found else [(root, iter(needs(root)))]
        while path:
            i, rest = path[-1]
            if i not in found:
                found[i] = low[i] = len(found)
                open_[i] = None
            j = next(rest, None)
            if j is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[i])
                if low[i] == found[i]:
                    groups.append([])
                    while not groups[-1] or groups[-1][-1] != i:
                        groups[-1].append(open_.popitem()[0])
            elif j not in found:
                path.append((j, iter(needs(j))))
            elif j in open_:
                low[i] = min(low[i], found[j])
    return groups


class _Distribution:
    """The distribution of one loop.

    Parameters
    ----------
    builder : Builder
        Collects the steps outside.
    loop, operands : Loop and tuple of int
        The loop and the steps outside that are its operands.
    wanted : set of int
        The used results.
    """

    def __init__(self, builder: Builder, loop: Loop, operands: tuple[int, ...], wanted: set[int]) -> None:
        self.builder, self.loop, self.operands, self.wanted = builder, loop, operands, wanted
        self.body, self.trips, n = loop.body, loop.trips, loop.n_carries
        inputs = inputs_of(self.body)
        self.number = {i: number for number, i in enumerate(inputs)}
        self.following = dict(zip(inputs[:n], self.body.outputs, strict=False))
        roots = [self.body.outputs[k] for k in sorted(wanted)]
        self.groups = components(self._needs, roots)
        self.values: dict[int, Value] = {}
        self.last: dict[int, int] = {}  # last values of carries outside
        existing = inputs[n : n + loop.n_moving] + [self.body.outputs[k] for k in wanted if k >= n]
        sizes = [self.body.steps[i].size for i in existing]
        self.most = max([LEAST_SLICE, *sizes])
        self.most_in_all = max([LEAST_ELEMENTS, *(self.trips * size for size in sizes)])

    def _needs(self, i: int) -> Sequence[int]:
        return (self.following[i],) if i in self.following else self.body.steps[i].args

    def results(self) -> dict[int, int] | None:
        """Return the step of each used result, or None if everything must remain in the loop."""
        inside = self._inside()
        if all(i in inside or self.body.steps[i].op in ("input", "literal") for group in self.groups for i in group):
            return None
        after = self._depending(inside) - inside
        self.used = self._used()
        for group in self.groups:
            if not (inside | after).intersection(group):
                self._add(group)
        if inside:
            self._add_loop(sorted(inside))
        for group in self.groups:
            if after.intersection(group):
                self._add(group)
        n = self.loop.n_carries
        outputs = {k: self.body.outputs[k] for k in self.wanted}
        return {k: self._final(k) if k < n else repeated(self.builder, self.trips, self.values[i]) for k, i in outputs.items()}

    # What remains in the loop.

    def _inside(self) -> set[int]:
        """Return the steps that remain in the loop: groups that are not affine, large values, and everything in between."""
        hard, moves = set[int](), set[int]()
        for group in self.groups:
            if any(self._moves(i, moves) for i in group) or len(group) > 1:
                moves.update(group)
            if not self._leaves(group, moves):
                hard.update(group)
        before = {i for group in components(self._needs, sorted(hard)) for i in group}
        inside, steps = hard | (before & self._depending(hard)), self.body.steps
        return inside | {i for (i, *_) in self.groups if steps[i].op == "get" and steps[i].args[0] in inside}

    def _moves(self, i: int, moves: set[int]) -> bool:
        """Return whether a value differs from trip to trip, or may do so."""
        if self.body.steps[i].op == "input":
            return self.number[i] < self.loop.n_carries + self.loop.n_moving and self.following.get(i) != i
        return any(j in moves for j in self.body.steps[i].args)

    def _leaves(self, group: Sequence[int], moves: set[int]) -> bool:
        """Return whether a group can be computed outside of the loop."""
        if len(group) == 1:
            (i,) = group
            step = self.body.steps[i]
            if step.op == "input":
                return i not in self.following or self.following[i] == i or self._fits(step)
            return i not in moves or (self._fits(step) and vectorises(step, [j in moves for j in step.args]))
        most = MOST_MOVING if coefficients_move(self.body, group, moves) else MOST_CARRIES
        few = sum(i in self.following for i in group) <= most
        return few and all(self._fits(self.body.steps[i]) for i in group) and is_affine(self.body, group)

    def _fits(self, step: Step) -> bool:
        return step.size <= self.most and self.trips * step.size <= self.most_in_all

    def _depending(self, roots: set[int]) -> set[int]:
        """Return the needed steps that depend on ``roots``, and these."""
        found = set(roots)
        for group in self.groups:
            if any(j in found for i in group for j in self._needs(i)):
                found.update(group)
        return found

    def _used(self) -> set[int]:
        """Return the steps that another group or a result uses, except for last values of carries in their group."""
        n, outputs, needed = self.loop.n_carries, self.body.outputs, {i for group in self.groups for i in group}
        following = {j for i, j in self.following.items() if i in needed}
        used = {outputs[k] for k in self.wanted if k >= n or outputs[k] not in following}
        for group in self.groups:
            members = set(group)
            for i in group:
                used.update(j for j in self._needs(i) if j not in members)
        return used

    # What leaves it.

    def _add(self, group: Sequence[int]) -> None:
        """Add a group outside of the loop."""
        i = group[0]
        step, n = self.body.steps[i], self.loop.n_carries
        if len(group) > 1:
            self._add_recurrence(group)
        elif i in self.following:
            self._add_delay(i)
        elif step.op == "input":
            self.values[i] = Value(self.operands[self.number[i]], self.number[i] < n + self.loop.n_moving)
        else:
            self.values[i] = vectorised(self.builder, self.trips, step, [self.values[j] for j in step.args])

    def _add_delay(self, carry: int) -> None:
        """Add a carry that is a value of the previous trip."""
        first, following = self.operands[self.number[carry]], self.following[carry]
        if following == carry:
            self.values[carry] = Value(first, False)
            return
        every = repeated(self.builder, self.trips, self.values[following])
        rest = self._rows(every, int(self.loop.reverse), self.trips - 1)
        one = self.builder.op("reshape", first, shape=(1, *self.builder.steps[first].shape))
        parts = (rest, one) if self.loop.reverse else (one, rest)
        self.values[carry] = Value(self.builder.op("concatenate", *parts, axis=0), True)

    def _add_recurrence(self, group: Sequence[int]) -> None:
        """Add a group that is affine in its carries: as a sum if only the last value is used, else as linear recurrences."""
        builder, trips, reverse = self.builder, self.trips, self.loop.reverse
        carries = sorted(i for i in group if i in self.following)
        shape, k = self.body.steps[group[0]].shape, len(carries)
        forms = Forms(builder, self._op)
        made = forms.of(self.body, group, self.values)
        following = [self.following[i] for i in carries]
        first = [self.operands[self.number[i]] for i in carries]
        zero, rows = forms.value(0.0), [made[i].coefficients for i in following]
        terms = [full(builder, trips, shape, made[i].constant or zero, True) for i in following]
        if rows == [{carries[0]: 1.0}] and not self.used.intersection(group):
            self.last[following[0]] = builder.op("add", first[0], builder.op("sum", terms[0], axes=(0,)))
            return
        numbers = [forms.value(row.get(i, 0.0)) for row in rows for i in carries]
        moves = any(x.moves for x in numbers)
        factors = self._stacked([full(builder, trips, shape, x, moves) for x in numbers], (k, k))
        operands = factors, self._stacked(terms, (k,)), self._stacked(first, (k,))
        shapes = k, trips + 1, *shape
        links = tuple([tuple([j for j, i in enumerate(carries) if i in row]) for row in rows])
        every = builder.add(Step("linear_recurrence", operands, (("reverse", reverse), ("links", links)), shapes))
        for number, (carry, after) in enumerate(zip(carries, following, strict=True)):
            values = builder.op("reshape", self._rows(every, number, 1), shape=shapes[1:])
            self.last[after] = self._slice(values, 0 if reverse else trips)
            self.values[carry] = Value(self._rows(values, int(reverse), trips), True)
            self.values[after] = Value(self._rows(values, int(not reverse), trips), True)
        for i in sorted(group):
            if i in self.used and i not in self.values:
                self._add_with_operands(i)

    def _stacked(self, parts: Sequence[int], axes: tuple[int, ...]) -> int:
        """Stack values of equal shapes along new first axes."""
        shape = self.builder.steps[parts[0]].shape
        rows = [self.builder.op("reshape", x, shape=(1, *shape)) for x in parts]
        return self.builder.op("reshape", self.builder.op("concatenate", *rows, axis=0), shape=(*axes, *shape))

    def _add_with_operands(self, i: int) -> None:
        """Add a step of a group, whose carry is known, and its operands in the group."""
        for j in self.body.steps[i].args:
            if j not in self.values:
                self._add_with_operands(j)
        self._add((i,))

    def _op(self, op: str, *operands: Value) -> Value:
        return elementwise(self.builder, op, operands)

    def _rows(self, x: int, start: int, count: int) -> int:
        _, *shape = self.builder.steps[x].shape
        starts, steps = (start, *(0 for _ in shape)), (1,) * (len(shape) + 1)
        return self.builder.op("slice", x, starts=starts, steps=steps, shape=(count, *shape))

    def _slice(self, x: int, trip: int) -> int:
        """Return one slice."""
        return self.builder.op("reshape", self._rows(x, trip, 1), shape=self.builder.steps[x].shape[1:])

    def _final(self, k: int) -> int:
        """Return the last value of a carry."""
        i = self.body.outputs[k]
        if i in self.last:
            return self.last[i]
        value = self.values[i]
        return self._slice(value.place, 0 if self.loop.reverse else self.trips - 1) if value.moves else value.place

    # The remaining loop.

    def _add_loop(self, inside: Sequence[int]) -> None:
        """Add the loop of the steps ``inside``. Its stacks are results and what later steps use."""
        carries = [i for i in inside if i in self.following]
        members = set(inside)
        others = {j: None for i in inside for j in self._needs(i) if j not in members}
        outside = [j for j in others if self.body.steps[j].op != "literal"]
        moving = [j for j in outside if self.values[j].moves]
        fixed = [j for j in outside if not self.values[j].moves]
        steps: list[Step] = []
        place: dict[int, int] = {}
        for number, i in enumerate((*carries, *moving, *fixed)):
            place[i] = len(steps)
            steps.append(input_step(number, self.body.steps[i].shape))
        for i in (*(j for j in others if j not in place), *(i for i in inside if i not in place)):
            step = self.body.steps[i]
            place[i] = len(steps)
            steps.append(step._replace(args=tuple(place[j] for j in step.args)))
        needed = self._needed_outside(members)
        stacked = [i for i in inside if i in needed]
        outputs = [place[self.following[i]] for i in carries] + [place[i] for i in stacked]
        body = Expression(tuple(steps), ((self.body.entries[0][0], tuple(outputs)),))
        loop = Loop(body, self.trips, len(carries), len(moving), self.loop.reverse, self.loop.parallel)
        first = [self.operands[self.number[i]] for i in carries]
        made = self.builder.add(loop_step((*first, *(self.values[j].place for j in (*moving, *fixed))), loop))
        results = [self.builder.op("get", made, index=k) for k in range(len(loop.results))]
        for i, result in zip(carries, results, strict=False):
            self.last[self.following[i]] = result
        for i, result in zip(stacked, results[len(carries) :], strict=True):
            self.values[i] = Value(result, True)

    def _needed_outside(self, inside: set[int]) -> set[int]:
        """Return the steps that are stacked, or that steps outside of ``inside`` use."""
        n, outputs = self.loop.n_carries, self.body.outputs
        kept = {number for i, number in self.number.items() if i in inside}
        results = {outputs[k] for k in self.wanted if k >= n or k not in kept}
        return results | {j for group in self.groups for i in group if i not in inside for j in self._needs(i)}
