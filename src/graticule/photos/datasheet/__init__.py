"""A datasheet for a photo table: what a reader should know before using it, from facts alone.

What the table does not tell is "Not stated." - to be filled in by whoever made the data set.
"""

from graticule.photos.datasheet.facts import dataset_facts
from graticule.photos.datasheet.form import headline
from graticule.photos.datasheet.pages import colophon, markdown, sections

__all__ = ["colophon", "dataset_facts", "headline", "markdown", "sections"]
