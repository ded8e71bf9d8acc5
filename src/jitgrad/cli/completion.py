"""``jitgrad completion``: generate shell completion scripts."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Generate a shell completion script.

    \b
    Examples:
      eval "$(jitgrad completion bash)"           # in ~/.bashrc
      eval "$(jitgrad completion zsh)"            # in ~/.zshrc
      jitgrad completion fish > ~/.config/fish/completions/jitgrad.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "jitgrad", "_JITGRAD_COMPLETE").source())
