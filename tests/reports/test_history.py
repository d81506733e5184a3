import pandas as pd
import pytest

from grokscope.analysis import Phases
from grokscope.reports import read_content
from grokscope.reports.run.history import History, phases_by_measures, verdicts_over_training, what_is_missing

NONE = Phases(None, None, None, None)
NOTHING = History(None, None, None)


def plain(texts) -> str:
    return " ".join(texts).replace("\N{NO-BREAK SPACE}", " ")


def claims(verdicts: dict[int, str], **holds: tuple[bool | None, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        {"step": step, "verdict": verdict, "claim": name, "holds": held[at], "value": 0.0, "threshold": 1.0}
        for at, (step, verdict) in enumerate(verdicts.items())
        for name, held in holds.items()
        if held[at] is not None
    )


def measures(n: int) -> pd.DataFrame:
    return pd.DataFrame({"step": range(0, 1000 * n, 1000)})


def test_phases_are_told_with_their_resolution():
    history = History(measures(15), None, Phases(1000, 9000, 12000, None))
    assert plain(phases_by_measures(history)) == (
        "Phases, read off the progress measures at 15 checkpoints: memorisation from step 0 to 1,000, circuit "
        "formation from step 1,000 to 9,000 and cleanup from step 9,000 to 12,000."
    )
    assert "at 1 checkpoint: the excluded loss did not rise" in plain(
        phases_by_measures(History(measures(1), None, NONE))
    )
    assert phases_by_measures(NOTHING) == ()


def test_verdicts_and_claims_are_told_from_when_they_hold():
    table = claims(
        {0: "not explained", 1000: "partly explained", 2000: "explained"},
        task=(False, True, True),
        sparse=(False, True, True),
        formula=(True, False, True),
        program=(True, True, False),
        gone=(True, True, None),
    )
    assert plain(verdicts_over_training(History(None, table, None))) == (
        "Tested at 3 steps of training, the network is not explained from step 0, partly explained from step 1,000 and "
        "explained from step 2,000 on. True for good: “task” and “sparse” from step 1,000; “formula” from step 2,000. "
        "Not at the end: “program”."
    )
    assert verdicts_over_training(NOTHING) == ()


def test_a_history_in_which_nothing_holds():
    table = claims({0: "not explained"}, task=(False,), sparse=(False,))
    assert plain(verdicts_over_training(History(None, table, None))) == (
        "Tested at 1 step of training, the network is not explained from step 0 on. No claim holds at the end."
    )


def test_the_commands_that_add_what_is_missing_are_named(planted, explanation):
    assert plain(what_is_missing(planted, explanation, NOTHING)) == (
        "Not in this page: progress measures over training are added by “grokscope measure RUN”, and when each claim "
        "became true by “grokscope explain RUN --every 10”; then make the report again."
    )
    measured = History(measures(1), None, NONE)
    assert "grokscope measure" not in plain(what_is_missing(planted, explanation, measured))
    assert "grokscope explain" in plain(what_is_missing(planted, explanation, measured))
    assert what_is_missing(planted, explanation, History(measures(1), claims({}), NONE)) == ()


@pytest.mark.slow
def test_no_command_is_named_that_would_add_nothing(run_of):
    for kind in ("plain", "memorises", "attention-only"):  # no key frequencies
        content = read_content(run_of(kind))
        assert content.evidence is not None
        assert content.evidence.history == ()


def test_a_history_is_told_and_drawn(with_history):
    content = read_content(with_history)
    assert "read off the progress measures at 3 checkpoints" in plain(content.outcome)
    assert content.evidence is not None
    told = plain(content.evidence.history)
    assert "not explained from step 0 and explained from step 20 on" in told
    assert "Not in this page" not in told
    assert [picture.name for picture in content.pictures][:3] == ["curves", "measures", "claims"]


@pytest.mark.slow
@pytest.mark.parametrize("step", [0, 10])
def test_at_an_earlier_step_the_history_is_the_whole_one(with_history, step):
    content = read_content(with_history, step)
    assert content.evidence is not None
    assert "explained from step 20 on" in plain(content.evidence.history)
    assert content.evidence.verdict.startswith("Not explained")
