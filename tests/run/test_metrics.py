import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokscope.errors import RunError
from grokscope.run.metrics import COLUMNS, MetricsFile, MetricsReader, Row, keep_rows_before, read_metrics

HEADER = "step,train_loss,train_accuracy,test_loss,test_accuracy\n"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "metrics.csv"


def write(file, *rows: Row) -> None:
    metrics = MetricsFile(file)
    for row in rows:
        metrics.append(row)
    metrics.close()


def test_columns_and_types(file):
    write(file, Row(0, 4.5, 0.25, 4.75, 0.5), Row(10, 4.0, 0.5))
    frame = read_metrics(file)
    assert list(frame.columns) == COLUMNS == HEADER.strip().split(",")
    assert [str(dtype) for dtype in frame.dtypes] == ["int64"] + ["float64"] * 4
    assert frame.iloc[0].tolist() == [0, 4.5, 0.25, 4.75, 0.5]
    assert frame["test_loss"].isna().tolist() == [False, True]
    assert file.read_text() == HEADER + "0,4.5,0.25,4.75,0.5\n10,4.0,0.5,,\n"


@given(st.lists(st.floats(allow_nan=False), min_size=4, max_size=4))
def test_numbers_come_back_to_the_last_bit(tmp_path_factory, values):
    file = tmp_path_factory.mktemp("metrics") / "metrics.csv"
    write(file, Row(7, *values))
    assert read_metrics(file).iloc[0].tolist() == [7, *values]


def test_rows_are_there_as_soon_as_they_are_appended(file):
    metrics = MetricsFile(file)
    metrics.append(Row(0, 1.0, 0.0))
    assert len(read_metrics(file)) == 1
    metrics.close()


def test_opened_again_it_goes_on(file):
    write(file, Row(0, 1.0, 0.0))
    write(file, Row(1, 0.5, 0.0))
    assert read_metrics(file)["step"].tolist() == [0, 1]


def test_no_rows_yet(file):
    write(file)
    frame = read_metrics(file)
    assert list(frame.columns) == COLUMNS
    assert len(frame) == 0


@pytest.mark.parametrize("cut", range(1, len("10,0.25,0.5,,\n")))
def test_last_line_that_was_cut_short_is_left_out(file, cut):
    write(file, Row(0, 1.0, 0.0, 2.0, 0.0), Row(10, 0.25, 0.5))
    file.write_bytes(file.read_bytes()[:-cut])
    assert read_metrics(file)["step"].tolist() == [0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "its first line should be 'step,train_loss"),
        ("step,loss\n0,1\n", "its first line should be 'step,train_loss"),
        (HEADER[:20], "its first line should be"),
        (HEADER + "0,1,1,1\n10,1,1,1,1\n", "at line 2: '0,1,1,1'"),
        (HEADER + "0,1,1,1,1\n10,1,1,1,1,1\n", "at line 3: '10,1,1,1,1,1'"),
        (HEADER + "0,1,1,1,1\nten,1,1,1,1\n", "at line 3: 'ten,1,1,1,1'"),
        (HEADER + "0,1,x,1,1\n10,1,1,1,1\n", "at line 2: '0,1,x,1,1'"),
        (HEADER + "\n10,1,1,1,1\n", "at line 2: ''"),
        (HEADER + "\0\0\0\0\n", "at line 2"),
    ],
)
def test_damage_is_named_with_its_line(file, content, message):
    file.write_text(content)
    with pytest.raises(RunError, match=rf"metrics\.csv is damaged.*{message}"):
        read_metrics(file)


def test_bytes_that_are_no_text(file):
    file.write_bytes(HEADER.encode() + b"\xff\xfe\n")
    with pytest.raises(RunError, match=r"cannot read .*metrics\.csv"):
        read_metrics(file)


def test_missing(file):
    with pytest.raises(RunError, match=r"cannot read .*metrics\.csv"):
        read_metrics(file)


class TestReadAgainAndAgain:
    def test_rows_come_as_they_are_appended(self, file):
        metrics, reader = MetricsFile(file), MetricsReader(file)
        assert reader.read().empty
        for n_rows in range(1, 5):
            metrics.append(Row(n_rows, 1 / n_rows, 0.5))
            assert reader.read().equals(read_metrics(file))
            assert len(reader.read()) == n_rows
        metrics.close()

    def test_only_what_is_new_is_parsed(self, file):
        write(file, *(Row(step, 1.0, 0.0) for step in range(3)))
        reader = MetricsReader(file)
        reader.read()
        text = file.read_text()
        with file.open("r+") as open_file:  # in place: it stays the same file
            open_file.write(text.replace("1.0", "x.0") + "3,0.5,0.0,,\n")
        assert reader.read()["train_loss"].tolist() == [1.0, 1.0, 1.0, 0.5]

    def test_half_a_line_counts_when_it_is_whole(self, file):
        write(file, Row(0, 1.0, 0.0))
        reader = MetricsReader(file)
        for text, steps in (("5,0.", [0]), ("25,0.5,", [0]), (",\n10,0", [0, 5]), (".1,0.5,,\n", [0, 5, 10])):
            with file.open("a") as open_file:
                open_file.write(text)
            assert reader.read()["step"].tolist() == steps
        assert reader.read()["train_loss"].tolist() == [1.0, 0.25, 0.1]

    def test_a_resumed_run_drops_rows(self, file):
        write(file, *(Row(step, 1.0, 0.0) for step in (0, 5, 10, 15)))
        reader = MetricsReader(file)
        assert len(reader.read()) == 4
        keep_rows_before(file, 10)
        write(file, *(Row(step, 0.5, 0.0) for step in (10, 20, 30, 40)))
        assert reader.read().equals(read_metrics(file))
        assert reader.read()["step"].tolist() == [0, 5, 10, 20, 30, 40]

    def test_damage_is_named_with_its_line(self, file):
        write(file, Row(0, 1.0, 0.0))
        reader = MetricsReader(file)
        reader.read()
        with file.open("a") as open_file:
            open_file.write("5,1.0,0.0,,\nten,1.0,0.0,,\n")
        for _ in range(2):
            with pytest.raises(RunError, match=r"metrics\.csv is damaged at line 4: 'ten,1\.0,0\.0,,'"):
                reader.read()


class TestKeepRowsBefore:
    def test_rows_from_there_on_are_dropped(self, file):
        write(file, *(Row(step, 1.0, 0.0) for step in (0, 5, 10, 15)))
        before = file.read_text().splitlines(keepends=True)
        keep_rows_before(file, 10)
        assert file.read_text() == "".join(before[:3])

    def test_half_a_line_is_dropped(self, file):
        write(file, Row(0, 1.0, 0.0))
        whole = file.read_text()
        file.write_text(whole + "5,0.2")
        keep_rows_before(file, 10)
        assert file.read_text() == whole

    def test_missing_file_is_no_matter(self, file):
        keep_rows_before(file, 10)
        assert not file.exists()

    def test_damaged_file_is_not_touched(self, file):
        file.write_text(HEADER + "damage\n5,1,1,1,1\n")
        with pytest.raises(RunError, match="line 2"):
            keep_rows_before(file, 10)
        assert file.read_text() == HEADER + "damage\n5,1,1,1,1\n"


def test_full_disk_is_an_error_that_names_the_file(tmp_path):
    """/dev/full takes nothing: every write to it finds the disk full, also the one that closing tries again."""
    file = tmp_path / "metrics.csv"
    try:
        file.symlink_to("/dev/full")
        file.write_bytes(b"x")
    except OSError as error:
        if "No space" not in str(error):
            pytest.skip(f"no /dev/full here: {error}")
    metrics = MetricsFile(file)
    with pytest.raises(
        RunError, match=r"cannot write .*metrics\.csv: No space left on device; the rows before are intact"
    ):
        metrics.append(Row(0, 1.0, 0.0))
    metrics.close()


def test_no_test_set_is_not_a_number():
    row = Row(0, 1.0, 0.0)
    assert math.isnan(row.test_loss)
    assert math.isnan(row.test_accuracy)
