"""What an operator decides: which models, how fine, who may ask, how much."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from graticule.errors import UsageError

Finest = Literal["country", "region", "cell"]
"""The finest answer that anyone gets: a country, an S2 cell of about 300 km, or the model's own cells."""


class ServerSettings(BaseModel):
    """All that a server is started with. Written as JSON, it starts another worker of the same server.

    Convention:
        - ``models``: names or paths; the first one answers when a client names none
        - ``finest``: caps every answer, whatever a client asks
        - ``token``: what clients must send; None lets anyone in who reaches the port
        - ``photos``: a photo table or folder that a random test photo is drawn from, or None
        - ``reports``: folders that ``graticule evaluate -o`` wrote of these models, shown with them
        - ``body_bytes``, ``files``, ``pixels``: the most that one request, and one photo, may bring
        - ``rate_per_minute``, ``burst``: requests per client and worker; a rate of 0 turns the limit off
        - ``queue``: photos that may wait; more are refused with 429. ``chores``: the same for explanations
          and privacy checks, each of which takes as long as many photos
        - ``body_s``, ``answer_s``: seconds for a request to arrive, and to be answered
        - ``threads``: cores that each model decodes and runs on; all when left out
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: tuple[str, ...] = ("default",)
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    finest: Finest = "cell"
    token: str | None = None
    allow_anonymous: bool = False
    photos: Path | None = None
    reports: tuple[Path, ...] = ()
    workers: int = Field(default=1, ge=1)
    body_bytes: int = Field(default=25_000_000, gt=0)
    files: int = Field(default=20, gt=0)
    pixels: int = Field(default=60_000_000, gt=0)
    rate_per_minute: float = Field(default=300.0, ge=0.0)
    burst: int = Field(default=60, ge=1)
    queue: int = Field(default=256, ge=1)
    chores: int = Field(default=8, ge=1)
    body_s: float = Field(default=30.0, gt=0.0)
    answer_s: float = Field(default=30.0, gt=0.0)
    threads: int | None = Field(default=None, ge=1)

    def check_reachable(self) -> None:
        """Refuse to be open to others by accident.

        Raises:
            UsageError: the host is another than this machine, and there is neither a token nor the word
                that anyone may ask.
        """
        if is_local(self.host) or self.token or self.allow_anonymous:
            return
        raise UsageError(
            f"Bound to '{self.host}', the server answers other machines, and nothing says who may ask.\n"
            "Give a secret:  --token SECRET     or let anyone in:  --allow-anonymous"
        )


def is_local(host: str) -> bool:
    """Whether a host name or address is reached from this machine only.

    Example:
        >>> is_local("127.0.0.1"), is_local("localhost"), is_local("0.0.0.0")
        (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
