"""``jitgrad run``: run an unmodified TensorFlow, Keras or PyTorch program."""

from __future__ import annotations

import click


@click.command(no_args_is_help=True, context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("-m", "module", is_flag=True, help="Run PROGRAM as a module, like python -m.")
@click.option("--v1", is_flag=True, help="Provide the TensorFlow 1 API, with tf.placeholder and tf.Session.")
@click.argument("program", type=click.Path())
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(module: bool, v1: bool, program: str, arguments: tuple[str, ...]) -> None:
    """Run a TensorFlow, Keras or PyTorch program on jitgrad.

    Imports of tensorflow, keras and torch load jitgrad's implementations instead. ARGUMENTS are passed to the program.
    Output, exit code and tracebacks are the same as with `python PROGRAM`.

    \b
    Examples:
      jitgrad run train.py --epochs 10
      jitgrad run -m experiments.iris
      jitgrad run --v1 session.py
    """
    from jitgrad.compat import run as runner

    runner.run((runner.module if module else runner.program)(program), arguments, v1)
