"""The command ``jitgrad`` and its exit codes: 0 fine, 1 the fit failed, 2 bad usage or input."""

from __future__ import annotations

import sys

import click

from jitgrad.cli.fit import fit
from jitgrad.cli.warmup import warmup
from jitgrad.errors import FitError, JitgradError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="jitgrad")
def commands() -> None:
    """Fit models with gradients, fast, on the CPU."""


commands.add_command(fit)
commands.add_command(warmup)


def main() -> None:
    """Run the command line; errors are one line on stderr."""
    try:
        status = commands.main(standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        _stop("interrupted", 1)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except FitError as error:
        _stop(str(error), 1)
    except JitgradError as error:
        _stop(str(error), 2)
    sys.exit(status or 0)


def _stop(message: str, status: int) -> None:
    click.echo(f"jitgrad: {message}", err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
