"""The server: photos in over HTTP, answers out, nothing kept. Needs the extra ``web``."""

from graticule.web.settings import ServerSettings

__all__ = ["ServerSettings"]
