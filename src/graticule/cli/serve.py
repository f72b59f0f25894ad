"""``graticule serve``: the web page and the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from graticule.cli.output import emit, json_option, stderr
from graticule.errors import UsageError


@click.command("serve")
@click.option(
    "--model", "models", multiple=True, help="A name or a bundle's path; may be given several times."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--finest",
    type=click.Choice(["country", "region", "cell"]),
    default="cell",
    show_default=True,
    help="The finest answer that anyone gets, whatever they ask.",
)
@click.option("--token", envvar="GRATICULE_TOKEN", help="Clients must send it. Better: $GRATICULE_TOKEN.")
@click.option("--allow-anonymous", is_flag=True, help="Answer other machines without a token.")
@click.option(
    "--photos", type=click.Path(path_type=Path), help="Test photos to draw from: a table or folder."
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A folder of evaluate -o, shown on the page Model; may be given several times.",
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1), help="Server processes.")
@click.option("--threads", type=click.IntRange(1), help="Cores per process for the network.  [default: all]")
@click.option(
    "--rate",
    default=300.0,
    show_default=True,
    type=click.FloatRange(0),
    help="Requests a minute per client; 0: no limit.",
)
@click.option("--queue", default=256, show_default=True, type=click.IntRange(1), help="Photos that may wait.")
@click.option("--demo", is_flag=True, help="The default model on this machine, nothing else to decide.")
@json_option
def command(models: tuple[str, ...], demo: bool, rate: float, as_json: bool, **words: Any) -> int:
    """Answer over HTTP: a web page, and an API described at /openapi.json.

    Photos are read in memory and forgotten. Only this machine is answered, unless --host says otherwise;
    then a --token is needed, or the word --allow-anonymous.

    \b
    Examples:
      graticule serve                                    # then open http://127.0.0.1:8000
      graticule serve --host 0.0.0.0 --token SECRET --finest region
      curl -F files=@photo.jpg http://127.0.0.1:8000/v1/predict
    """
    from graticule.web import ServerSettings
    from graticule.web.serving import serve

    if demo and models:
        raise UsageError("--demo serves the default model.\nLeave out --demo, or --model.")
    settings = ServerSettings(models=models or ("default",), rate_per_minute=rate, **words)
    settings.check_reachable()
    if settings.token is None and settings.allow_anonymous:
        stderr().print("Open to anyone who reaches this port: no token is asked for.")

    def tell(url: str) -> None:
        stderr().print(f"{url}   (Ctrl-C stops)")
        if as_json:
            emit({"url": url, "models": list(settings.models), "finest": settings.finest})

    serve(settings, on_ready=tell)
    return 0
