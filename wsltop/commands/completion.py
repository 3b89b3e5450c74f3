"""``wsltop completion``: the script with which a shell completes wsltop's commands, options and values."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from wsltop.commands.common import say_text
from wsltop.errors import WsltopError

WHERE = {
    "bash": '# Add to ~/.bashrc:  eval "$(wsltop completion bash)"',
    "zsh": '# Add to ~/.zshrc:  eval "$(wsltop completion zsh)"',
    "fish": "# Save as ~/.config/fish/completions/wsltop.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(WHERE)))
@click.pass_context
def command(context: click.Context, /, shell: str) -> None:
    """Print the script that completes commands, options and values in bash, zsh or fish."""
    kind = get_completion_class(shell)
    if kind is None:
        raise WsltopError(f"this version of click cannot complete in {shell}")
    root = context.find_root()
    complete = kind(root.command, {}, "wsltop", "_WSLTOP_COMPLETE")
    # Not the method of the class for bash: it starts a bash only to warn of an old one.
    say_text(f"{WHERE[shell]}\n{ShellComplete.source(complete)}\n")
