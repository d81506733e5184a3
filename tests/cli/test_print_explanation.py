"""What the terminal says of an explanation: the words of notebooks and pages, and no number that belies its mark."""

import io
import re

import pytest
from rich.console import Console

from grokscope.cli.render.explanation import print_explanation
from grokscope.explanation import CircuitExplanation, ClaimSpec, Control
from grokscope.reports.run.evidence import evidence

SPEC = ClaimSpec("task", "task", "The network adds", "share of digits right", 0.99, required=True)


def explanation(value: float, *controls: float) -> CircuitExplanation:
    made = [Control(f"control {at}", control) for at, control in enumerate(controls)]
    return CircuitExplanation(
        subject="model.pt",
        step=None,
        accuracy=value,
        loss=0.25,
        claims=(SPEC.tested(value, made, "loss 0.25"),),
        required=frozenset({"task"}),
        task="2-digit addition",
        circuit="columns and carries",
        circuit_facts=(("whole sums right", "97.10%"),),
    )


def printed(of: CircuitExplanation) -> str:
    file = io.StringIO()
    print_explanation(of, Console(file=file, width=240))
    return file.getvalue()


@pytest.mark.parametrize(
    ("value", "shown"), [(0.98999, "0.98999"), (0.9899999, "0.9899999"), (0.99, "0.990"), (0.99992, "0.9999")]
)
def test_a_value_is_shown_on_its_side_of_the_threshold(value, shown):
    [line] = [line for line in printed(explanation(value, 0.1)).splitlines() if "The network adds" in line]
    words = re.split(r"\s{2,}", line.strip())
    assert words[0] == ("pass" if value >= 0.99 else "FAIL")
    assert words[3:5] == [shown, "≥ 0.99"]


def test_a_control_that_reaches_the_threshold_is_named():
    assert "control 0 0.100; control 1 (reaches it) 0.990" in printed(explanation(1.0, 0.1, 0.99))
    assert "none could be made" in printed(explanation(1.0))


def test_terminal_notebook_and_page_have_the_same_words():
    of = explanation(0.98999, 0.1, 0.995)
    terminal, notebook, page = printed(of), of._repr_html_(), repr(evidence(of))
    for name, text in of.facts():
        for where in (terminal, notebook, page):
            assert text.replace("\N{NO-BREAK SPACE}", " ") in plain(where), name
    [row] = of.claim_rows()
    for text in (row.statement, row.measured, row.value, row.controls[1].what, row.controls[1].value):
        for where in (terminal, notebook, page):
            assert text in plain(where)


def plain(text: str) -> str:
    return text.replace("\\xa0", " ").replace("\N{NO-BREAK SPACE}", " ")
