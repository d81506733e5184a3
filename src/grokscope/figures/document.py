"""The list of figures in the documentation, written from the catalogue.

Example: ``python -m grokscope.figures.document docs/figures.md``
"""

import sys
from pathlib import Path

from grokscope.figures.catalogue import first_of_each_name, tasks_in_words

BEGIN, END = "<!-- figures: written by python -m grokscope.figures.document -->", "<!-- end of figures -->"


def with_table(text: str) -> str:
    """Return a document with the list of figures between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}"


def table() -> str:
    """Return the list of figures as a Markdown table."""
    rows = ["| name | what it shows | of | options | after |", "| --- | --- | --- | --- | --- |"]
    for name, spec in first_of_each_name().items():
        tasks = "a sweep" if spec.scope == "sweep" else tasks_in_words(name)
        options = (
            ["`--step`"] if spec.scope == "network" else [f"`--{each.replace('_', '-')}`" for each in spec.options]
        )
        rows.append(f"| `{name}` | {spec.summary} | {tasks} | {', '.join(options)} | {spec.after} |")
    return "\n".join(rows)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_table(path.read_text(encoding="utf-8")), encoding="utf-8")
