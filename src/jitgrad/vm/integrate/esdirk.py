"""The numbers of ESDIRK5(4)7L[2]SA2, rows of stages by number: L-stable, stiffly accurate, of stage order 2.

Source: Kennedy and Carpenter, "Diagonally implicit Runge-Kutta methods for stiff ODEs", Appl. Numer. Math. 146, 2019. The first
weight of each stage makes the sum of its weights its node. The continuous extension satisfies the conditions of order 4 with
the smallest weights.
"""

from __future__ import annotations

Row = dict[int, float]

GAMMA = 23 / 125

NODES = [
    0.0, 46 / 125, 7121331996143 / 11335814405378, 49 / 353, 3706679970760 / 5295570149437, 347 / 382, 1.0,
]  # fmt: skip

WEIGHTS: list[Row] = [
    {},
    {0: GAMMA, 1: GAMMA},
    {0: 0.2221076477383247, 1: 791020047304 / 3561426431547, 2: GAMMA},
    {0: -0.014049475381926274, 1: -158159076358 / 11257294102345, 2: -85517644447 / 5003708988389, 3: GAMMA},
    {
        0: -0.4083885925493148,
        1: -1653327111580 / 4048416487981,
        2: 1514767744496 / 9099671765375,
        3: 14283835447591 / 12247432691556,
        4: GAMMA,
    },
    {
        0: -0.5392907235588112,
        1: -4540011970825 / 8418487046959,
        2: -1790937573418 / 7393406387169,
        3: 10819093665085 / 7266595846747,
        4: 4109463131231 / 7386972500302,
        5: GAMMA,
    },
    {
        0: -0.039466069109740154,
        1: -188593204321 / 4778616380481,
        2: 2809310203510 / 10304234040467,
        3: 1021729336898 / 2364210264653,
        4: 870612361811 / 2470410392208,
        5: -1307970675534 / 8059683598661,
        6: GAMMA,
    },
]

ESTIMATE: list[float] = [
    0.041223397456907396,
    0.04122339745690718,
    0.08973680563680714,
    -0.08484870124594279,
    -0.07418364506956521,
    -0.05795875281680454,
    0.04480749858169103,
]

EXTENSION: list[float] = [
    -1.681711057314283,
    2.3292644139818712,
    -0.8989318317517168,
    1.5109687669744747,
    -2.808229307153761,
    0.9296696746696842,
    0.6189693405937315,
]
"""The further term of the continuous extension, see ``tableaux.extended``."""
