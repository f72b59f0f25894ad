"""The command ``graticule``: finds the verb, and turns errors into sentences and exit statuses.

Exit status: 0 done, 1 the work failed, 2 the words were wrong, 3 done but some inputs were refused.
"""

from __future__ import annotations

import errno
import importlib
import json
import os
import sys
from typing import Any, Final

import click

from graticule._version import __version__
from graticule.config import nearest
from graticule.errors import GraticuleError

VERBS: Final = (
    "audit",
    "calibrate",
    "collect",
    "compare",
    "datasheet",
    "demo",
    "evaluate",
    "experiment",
    "explain",
    "export",
    "ingest",
    "models",
    "partition",
    "predict",
    "pretrain",
    "privacy",
    "recipes",
    "sample",
    "serve",
    "split",
    "train",
    "tune",
)
"""Each verb is ``command`` in the module of its name; loaded only when it is used."""


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's signature
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"graticule.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        verb = args[0] if args else ""
        if verb not in VERBS and not verb.startswith("-"):
            close = nearest(verb, VERBS)
            advice = f"Did you mean:  graticule {close}" if close else "List the verbs:  graticule --help"
            raise click.UsageError(f"There is no verb '{verb}'.\n{advice}", ctx=ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="graticule")
def command() -> None:
    """Where on Earth was this photo taken, how sure can one be, and why?

    \b
    Try:  graticule predict photo.jpg --map map.html
    """


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit.

    Convention:
        - ``argv``: the words after the program's name; ``sys.argv[1:]`` when left out
        - a ``GraticuleError`` is printed as its sentence, without a traceback; with ``--json`` the
          document on stdout is ``{"error": {"type": ..., "message": ...}}``

    Raises:
        SystemExit: always, with the exit status.
    """
    words = sys.argv[1:] if argv is None else argv
    try:
        result = command.main(args=words, standalone_mode=False)
        sys.exit(result if isinstance(result, int) else 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        _as_json(words, "UsageError", error.format_message())
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:  # `graticule ... | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except GraticuleError as error:
        click.echo(f"Error: {error}", err=True)
        _as_json(words, type(error).__name__, str(error))
        sys.exit(error.exit_status)
    except OSError as error:  # a folder that cannot be written, a full disk
        message = _of_system(error)
        click.echo(f"Error: {message}", err=True)
        _as_json(words, type(error).__name__, message)
        sys.exit(1)


def _of_system(error: OSError) -> str:
    where = f": '{error.filename}'" if error.filename else ""
    advice = "Make room" if error.errno == errno.ENOSPC else "Check that path and its permissions"
    return f"{error.strerror or error}{where}.\n{advice}, or name another place."


def _as_json(words: list[str], kind: str, message: str) -> None:
    if "--json" in words:
        document: dict[str, Any] = {"error": {"type": kind, "message": message}}
        click.echo(json.dumps(document, ensure_ascii=False))
