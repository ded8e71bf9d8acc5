"""``jitgrad run``: a program of TensorFlow, Keras or PyTorch, as it is."""

from __future__ import annotations

import click


@click.command(no_args_is_help=True, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-m", "module", is_flag=True, help="PROGRAM is the name of a module, as for python -m.")
@click.option("--v1", is_flag=True, help="tensorflow is TensorFlow 1, as for programs with tf.placeholder or tf.Session.")
@click.argument("program", type=click.Path())
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(module: bool, v1: bool, program: str, arguments: tuple[str, ...]) -> None:
    """Run a Python program whose imports of tensorflow, keras and torch mean jitgrad's.

    ARGUMENTS are the program's own. Everything else is as with `python PROGRAM`: output, exit code, tracebacks.

    \b
    Examples:
      jitgrad run train.py --epochs 10
      jitgrad run -m experiments.iris
      jitgrad run --v1 session.py
    """
    from jitgrad.compat import run as runner

    runner.run((runner.module if module else runner.program)(program), arguments, v1)
