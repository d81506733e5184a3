import shutil

import pytest

from grokscope.analysis.measure_table import pivot, read_measures
from grokscope.errors import RunError
from grokscope.reports import write_report
from grokscope.run import Run
from grokscope.run.tables import read_claims

MEASURES = "step,excluded_loss,sum_of_squares,alpha_3\n0,2.5,100.0,0.1\n10,0.30000000000000004,90.0,\n"
CLAIMS = (
    "step,verdict,claim,value,threshold,holds\n"
    "0,not explained,task,0.1,0.99,False\n"
    "0,not explained,sparse,0.2,0.9,False\n"
    "10,explained,task,1.0,0.99,True\n"
)


def test_where_there_is_no_file_there_is_no_table(tmp_path):
    assert read_measures(tmp_path / "measures.csv") is None
    assert read_claims(tmp_path / "claims.csv") is None


def test_measures_come_back(tmp_path):
    path = tmp_path / "measures.csv"
    path.write_text(MEASURES)
    table = read_measures(path)
    assert table is not None
    wide = pivot(table)
    assert wide["excluded_loss"].tolist() == pytest.approx([2.5, 0.3])
    assert wide["step"].tolist() == [0, 10]


def test_claims_come_back(tmp_path):
    path = tmp_path / "claims.csv"
    path.write_text(CLAIMS)
    table = read_claims(path)
    assert table is not None
    assert table["holds"].tolist() == [False, False, True]


def test_what_the_library_writes_can_be_read(with_history):
    measures, claims = read_measures(with_history.folder.measures), read_claims(with_history.folder.claims)
    assert measures is not None
    assert claims is not None
    assert measures["step"].unique().tolist() == [0, 10, 20] == sorted(claims["step"].unique())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "No columns to parse"),
        ("\0\xff\n", "no column step"),
        (MEASURES[: MEASURES.index("\n") + 1], "it has no rows"),
        (MEASURES[:-4], "ends within a line"),
        (MEASURES.replace("sum_of_squares", "squares"), "no measure sum_of_squares"),
        (MEASURES.replace("90.0", "ninety"), "column sum_of_squares has what is not a number"),
        (MEASURES.replace("0.1", "x"), "column alpha_3 has what is not a number"),
        (MEASURES.replace("90.0", ""), "a step has no sum_of_squares"),
        (MEASURES.replace("\n10", "\n10.5"), "steps must be whole numbers"),
        (MEASURES.replace("\n10", "\n-10"), "steps must be whole numbers"),
        (MEASURES.replace("\n10", "\n0"), "a step has two rows"),
        (MEASURES.replace("\n0", "\n20"), "steps are not in order"),
        (MEASURES + "1,2,3,4,5,6\n", "Error tokenizing data"),
    ],
)
def test_damaged_measures_are_named_with_the_remedy(tmp_path, text, reason):
    path = tmp_path / "measures.csv"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(RunError) as error:
        read_measures(path, ("excluded_loss", "sum_of_squares"))
    said = str(error.value)
    assert said.startswith(f"{path} is damaged: ")
    assert said.endswith("; delete it, or run 'grokscope measure' on the run again")
    assert reason in said or "codec can't decode" in said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (CLAIMS.replace("True", "perhaps"), "column holds must be True or False"),
        (CLAIMS.replace("True", ""), "column holds must be True or False"),
        (CLAIMS.replace(",explained", ",proved"), "'proved' is no verdict"),
        (CLAIMS.replace("sparse", ""), "a row has no claim"),
        (CLAIMS.replace("sparse", "task"), "a claim has two rows for one step"),
        (CLAIMS.replace("0.99", "high"), "column threshold has what is not a number"),
        (CLAIMS.replace("holds", "held"), "no column holds"),
        (CLAIMS.replace("10,", "1e1,"), "steps must be whole numbers"),
    ],
)
def test_damaged_claims_are_named_with_the_remedy(tmp_path, text, reason):
    path = tmp_path / "claims.csv"
    path.write_text(text)
    with pytest.raises(RunError, match=reason) as error:
        read_claims(path)
    assert str(error.value).endswith("; delete it, or run 'grokscope explain --every' on the run again")


def test_a_damaged_table_leaves_the_old_page(run_of, tmp_path):
    run = Run(shutil.copytree(run_of("plain").path, tmp_path / "run"))
    run.folder.claims.write_text(CLAIMS[:-5])
    page = tmp_path / "page.html"
    page.write_text("old")
    with pytest.raises(RunError, match=r"claims\.csv is damaged"):
        write_report(run, page)
    assert page.read_text() == "old"
