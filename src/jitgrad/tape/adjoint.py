"""Reverse mode of an integration: cotangents from step to step, for any number of constants.

Sensitivities cost an equation for each constant; this costs a few integrations for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from jitgrad.ops import OPS
from jitgrad.program.adjoint import Adjoint, checkpoints_for
from jitgrad.program.integrate import Detection, Integration
from jitgrad.program.passes.cse import dce
from jitgrad.tape.region import Region, Tensors, inlined, input_like
from jitgrad.tape.reverse_mode import constant, differentiate
from jitgrad.tape.tensor import Tensor, identity, retyped


def adjoint(
    integration: Integration, given: Sequence[Tensor], first: Sequence[Tensor], g: Sequence[Tensor], fixed: Sequence[Tensor],
    wanted: Sequence[int],
) -> tuple[Tensors, Tensors]:  # fmt: skip
    """Return the cotangents of the initial states, and of the ``wanted`` constants."""
    with Region("integrate") as region:
        time, inside = input_like(given[0]), [input_like(x) for x in first]
        weights, constants = [input_like(x) for x in first], [input_like(x) for x in fixed]
        states, asked = [identity(x) for x in inside], [identity(x) for x in constants]
        values = [time, *states, *asked]
        slopes = inlined(integration.body, values)
        matrix = [] if integration.jacobian is None else inlined(integration.jacobian, values)
        sources = [*states, *(asked[k] for k in wanted)]
        keys = [id(x) for x in sources]
        found = differentiate(slopes, keys, lambda t: id(t) in keys, region.has, weights)
        pulled = [constant(0.0, x) if t is None else t for t, x in zip(found, sources, strict=True)]
    inputs = [time, *inside, *weights, *constants]
    whole, _ = region.expression(inputs, [*slopes, *pulled, *matrix], lifted=False)
    n, end, (name, outputs) = len(first), len(slopes) + len(pulled), whole.entries[0]
    parts = [part for part in (outputs[:n], outputs[n:end], outputs[end:]) if part]
    body, pull, *jacobian = (dce(whole._replace(entries=((name, part),))) for part in parts)
    most, plain = checkpoints_for(integration.n_elements), integration._replace(detection=Detection())  # no ends of steps
    op = Adjoint(plain, body, jacobian[0] if jacobian else None, pull, tuple(wanted), most)
    made = OPS["adjoint"](*given, *first, *g, *fixed, region=op)[n + 1 :]
    return [retyped(t, x.level) for t, x in zip(made, first, strict=False)], [
        retyped(t, fixed[k].level) for t, k in zip(made[n:], wanted, strict=True)
    ]
