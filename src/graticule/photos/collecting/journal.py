"""The journal of a collection: what was searched, found, fetched and refused; safe against a kill.

One SQLite file, ``collect.sqlite``, beside the photo table. Each page of results and each photo is one
transaction, so that the next run goes on exactly there.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from graticule.errors import CollectionError, MissingFileError
from graticule.photos.collecting.candidates import Candidate

JOURNAL_NAME: Final = "collect.sqlite"

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS searches (
    key TEXT PRIMARY KEY, words TEXT NOT NULL, lot TEXT NOT NULL, page INTEGER NOT NULL, state TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS next_search ON searches (state, page, lot);
CREATE TABLE IF NOT EXISTS photos (
    photo_id TEXT PRIMARY KEY, state TEXT NOT NULL, reason TEXT, facts TEXT NOT NULL, tries INTEGER NOT NULL,
    run INTEGER NOT NULL, path TEXT, width INTEGER, height INTEGER, sha256 TEXT, phash TEXT
);
CREATE INDEX IF NOT EXISTS photo_states ON photos (state);
CREATE INDEX IF NOT EXISTS photo_sums ON photos (sha256);
CREATE TABLE IF NOT EXISTS matches (
    key TEXT PRIMARY KEY, latitude REAL NOT NULL, longitude REAL NOT NULL, photo_id TEXT, km REAL
);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, number INTEGER NOT NULL);
"""

MOST_TRIES: Final = 3
"""A photo whose server fails in so many runs is not tried again."""


@dataclass(frozen=True)
class Search:
    """Something to ask a service for: its words, and the page to go on from (counted from 1)."""

    key: str
    words: dict[str, Any]
    page: int

    @staticmethod
    def key_of(words: Mapping[str, Any]) -> str:
        """What tells searches apart: the same words, the same key."""
        return json.dumps(words, sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True)
class Fetched:
    """A photo's file: ``path`` relative to the folder, pixels, and both fingerprints."""

    path: str
    width: int
    height: int
    sha256: str
    phash: int | None


class Journal:
    """The journal in a folder; use it as a context manager, which closes it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / JOURNAL_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.file, timeout=0.5, isolation_level=None)
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.executescript(_SCHEMA)
            self._run = int(self.fact("runs", "0")) + 1
            self._db.execute("UPDATE facts SET value = ? WHERE name = 'runs'", (str(self._run),))
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise CollectionError(
                    f"Another run is collecting into '{folder}'.\nLet it end, or name another after -o."
                ) from error
            raise MissingFileError(
                f"The journal '{self.file}' cannot be written: {error}.\nName another folder after -o."
            ) from error
        except sqlite3.DatabaseError as error:
            raise MissingFileError(
                f"'{self.file}' is no journal of a collection: {error}.\nName another folder after -o."
            ) from error
        except OSError as error:
            raise MissingFileError(
                f"Folder '{folder}' cannot be written to: {error.strerror or error}.\nName another after -o."
            ) from error

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        """What is written inside is written whole or not at all."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def fact(self, name: str, value: str) -> str:
        """The value noted first under a name; notes this one where there is none."""
        self._db.execute("INSERT OR IGNORE INTO facts VALUES (?, ?)", (name, value))
        return str(self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()[0])

    def add_searches(self, many: Iterable[Mapping[str, Any]]) -> None:
        """Note searches to do; those noted before stay as they are."""
        with self._at_once():
            self._insert(many)

    def _insert(self, many: Iterable[Mapping[str, Any]]) -> None:
        keys = (Search.key_of(words) for words in many)
        # drawn by lot, so that a collection that is cut short is no list of the alphabet's beginning
        rows = [(key, key, hashlib.sha256(key.encode()).hexdigest()) for key in keys]
        self._db.executemany("INSERT OR IGNORE INTO searches VALUES (?, ?, ?, 1, 'open')", rows)

    def next_search(self) -> Search | None:
        """An open search with the fewest pages read, so that each has its turn; None when all are done."""
        line = "SELECT key, words, page FROM searches WHERE state = 'open' ORDER BY page, lot LIMIT 1"
        row = self._db.execute(line).fetchone()
        return None if row is None else Search(row[0], json.loads(row[1]), row[2])

    def split(self, search: Search, parts: Iterable[Mapping[str, Any]]) -> None:
        """Note smaller searches in the place of a large one."""
        with self._at_once():
            self._insert(parts)
            self._db.execute("UPDATE searches SET state = 'split' WHERE key = ?", (search.key,))

    def page_done(
        self, search: Search, photos: Iterable[tuple[Candidate, str | None]], *, last: bool
    ) -> None:
        """Note the photos of a page, each with why it is not wanted or None, and that the page is done."""
        with self._at_once():
            for photo, reason in photos:
                self._note(photo, reason)
            state = "done" if last else "open"
            self._db.execute(
                "UPDATE searches SET page = ?, state = ? WHERE key = ?", (search.page + 1, state, search.key)
            )

    def place_done(
        self, search: Search, latlon: tuple[float, float], photo: Candidate | None, km: float | None
    ) -> None:
        """Note the photo nearest to a place, or that there is none, and that the place is done."""
        with self._at_once():
            if photo is not None:
                self._note(photo, None, count_again=False)
            match = (search.key, *latlon, photo and photo.photo_id, km)
            self._db.execute("INSERT OR REPLACE INTO matches VALUES (?, ?, ?, ?, ?)", match)
            self._db.execute("UPDATE searches SET state = 'done' WHERE key = ?", (search.key,))

    def _note(self, photo: Candidate, reason: str | None, *, count_again: bool = True) -> None:
        """A photo not met before, or one that was not wanted before and is now."""
        facts = json.dumps({name: value for name, value in asdict(photo).items() if value is not None})
        row = self._db.execute("SELECT state FROM photos WHERE photo_id = ?", (photo.photo_id,)).fetchone()
        state = "waiting" if reason is None else "unwanted"
        if row is None:
            line = "INSERT INTO photos (photo_id, state, reason, facts, tries, run) VALUES (?, ?, ?, ?, 0, 0)"
            self._db.execute(line, (photo.photo_id, state, reason, facts))
        elif row[0] == "unwanted":
            line = "UPDATE photos SET state = ?, reason = ?, facts = ? WHERE photo_id = ?"
            self._db.execute(line, (state, reason, facts, photo.photo_id))
        if row is not None and count_again:
            again = (
                "INSERT INTO counts VALUES ('found-again', 1) ON CONFLICT DO UPDATE SET number = number + 1"
            )
            self._db.execute(again)

    def waiting(self) -> Iterator[Candidate]:
        """Photos to fetch, in the order in which they were found; none that failed in this run."""
        last = 0
        while True:
            line = (
                "SELECT rowid, facts FROM photos WHERE state = 'waiting' AND tries < ? AND run < ? "
                "AND rowid > ? ORDER BY rowid LIMIT 1"
            )
            row = self._db.execute(line, (MOST_TRIES, self._run, last)).fetchone()
            if row is None:
                return
            last = row[0]
            yield Candidate(**json.loads(row[1]))

    def with_sum(self, sha256: str) -> str | None:
        """The photo whose file has this sum, or None."""
        line = "SELECT photo_id FROM photos WHERE sha256 = ? AND state = 'kept'"
        row = self._db.execute(line, (sha256,)).fetchone()
        return None if row is None else str(row[0])

    def keep(self, photo_id: str, file: Fetched) -> None:
        """Note that a photo's file is there."""
        phash = None if file.phash is None else str(file.phash)
        self._db.execute(
            "UPDATE photos SET state = 'kept', reason = NULL, path = ?, width = ?, height = ?, sha256 = ?, "
            "phash = ? WHERE photo_id = ?",
            (file.path, file.width, file.height, file.sha256, phash, photo_id),
        )

    def refuse(self, photo_id: str, reason: str) -> None:
        """Note that a photo is of no use."""
        self._db.execute(
            "UPDATE photos SET state = 'refused', reason = ? WHERE photo_id = ?", (reason, photo_id)
        )

    def failed(self, photo_id: str) -> None:
        """Note that a photo's server failed; another run tries again."""
        self._db.execute(
            "UPDATE photos SET tries = tries + 1, reason = 'server-failed', run = ? WHERE photo_id = ?",
            (self._run, photo_id),
        )

    def number(self, state: str) -> int:
        """Photos in a state: ``waiting``, ``kept``, ``refused`` or ``unwanted``."""
        row = self._db.execute("SELECT count(*) FROM photos WHERE state = ?", (state,)).fetchone()
        return int(row[0])

    def reasons(self, state: str) -> dict[str, int]:
        """Photos in a state by reason, the most frequent first."""
        line = "SELECT reason, count(*) FROM photos WHERE state = ? GROUP BY reason ORDER BY 2 DESC, 1"
        return {reason or "not-yet": count for reason, count in self._db.execute(line, (state,))}

    def searches(self) -> dict[str, int]:
        """Searches by state: ``open``, ``done``, ``split``."""
        return dict(self._db.execute("SELECT state, count(*) FROM searches GROUP BY state ORDER BY state"))

    def found_again(self) -> int:
        """How often a page held a photo that an earlier one had."""
        row = self._db.execute("SELECT number FROM counts WHERE name = 'found-again'").fetchone()
        return 0 if row is None else int(row[0])

    def kept(self) -> Iterator[tuple[str, dict[str, Any], Fetched]]:
        """Photos whose file is there: id, what the service said, and the file."""
        line = (
            "SELECT photo_id, facts, path, width, height, sha256, phash FROM photos WHERE state = 'kept' "
            "ORDER BY rowid"
        )
        for photo_id, facts, path, width, height, sha256, phash in self._db.execute(line):
            file = Fetched(path, width, height, sha256, None if phash is None else int(phash))
            yield photo_id, json.loads(facts), file

    def fingerprints(self) -> Iterator[tuple[str, int | None, int]]:
        """Id, perceptual hash and number of pixels of the photos whose file is there."""
        line = "SELECT photo_id, phash, width * height FROM photos WHERE state = 'kept' ORDER BY rowid"
        for photo_id, phash, pixels in self._db.execute(line):
            yield photo_id, None if phash is None else int(phash), pixels

    def dropped_files(self) -> list[str]:
        """Paths of photos that were kept once and are refused now."""
        line = "SELECT path FROM photos WHERE state = 'refused' AND path IS NOT NULL"
        return [row[0] for row in self._db.execute(line)]

    def matches(self) -> list[tuple[float, float, str | None, float | None]]:
        """Latitude and longitude of each place done, its nearest photo, and the km between them."""
        return list(self._db.execute("SELECT latitude, longitude, photo_id, km FROM matches ORDER BY rowid"))
