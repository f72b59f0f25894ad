"""The whole datasheet, and its form as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from graticule.photos.datasheet import answers
from graticule.photos.datasheet.facts import Facts
from graticule.photos.datasheet.form import Answer, Section, Table, headline, unanswered
from graticule.photos.datasheet.gaps import gaps


def sections(facts: Facts) -> list[Section]:
    """The datasheet of a photo table.

    Convention:
        - ``facts``: as ``dataset_facts`` gives them
    """
    return [
        Section("Known gaps", (Answer("What should a user know first?", tuple(gaps(facts))),)),
        Section(
            "Motivation",
            unanswered("For what purpose was the data set created?", "Who created it?", "Who paid for it?"),
        ),
        Section("Composition", tuple(answers.composition(facts))),
        Section("Coverage", tuple(answers.coverage(facts))),
        Section("Collection", tuple(answers.collection(facts))),
        Section("Cleaning", tuple(answers.cleaning(facts))),
        Section("Uses", tuple(answers.uses())),
        Section("Distribution", tuple(answers.distribution(facts))),
        Section(
            "Maintenance",
            unanswered("Who maintains the data set, and how can they be reached?", "Will it be updated?"),
        ),
    ]


def markdown(facts: Facts) -> str:
    """The datasheet as Markdown.

    Convention:
        - ``facts``: as ``dataset_facts`` gives them
    """
    lines = [f"# Datasheet: {_escaped(facts['name'])}", "", headline(facts), ""]
    for section in sections(facts):
        lines += [f"## {section.title}", ""]
        for answer in section.answers:
            lines += [f"**{answer.question}**", ""]
            is_list = len(answer.sentences) > 2
            for sentence in answer.sentences:
                lines += [f"- {_escaped(sentence)}"] if is_list else [_escaped(sentence), ""]
            lines += [""] if is_list else []
            lines += _markdown_table(answer.table) if answer.table else []
    lines.append(colophon(facts))
    return "\n".join(lines) + "\n"


def colophon(facts: Facts) -> str:
    """Where the datasheet comes from, in a sentence."""
    made_by = f"Made by graticule {facts['graticule']}"
    return f"{made_by} from the photo table and the reports beside it; no photo was opened."


def _escaped(text: str) -> str:
    """Text of a table as Markdown that shows it, whatever it holds."""
    for sign in "\\`*_[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())


def _markdown_table(table: Table) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(_escaped(cell) for cell in cells)} |"

    rule = ["---", *["---:"] * (len(table.headings) - 1)]
    return [line(table.headings), f"| {' | '.join(rule)} |", *(line(row) for row in table.rows), ""]
