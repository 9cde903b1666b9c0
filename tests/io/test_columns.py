"""Columns of numbers: what is one, and how a line that is wrong is refused."""

import pytest

import brackish as bk
from brackish.columns import number, read_rows


@pytest.mark.parametrize(
    ("word", "value"),
    [("1", 1.0), ("-.5", -0.5), ("2.", 2.0), ("1.0d-3", 1e-3), ("+3E+2", 300.0), ("007", 7.0)],
)
def test_numbers(word, value):
    assert number(word) == value


@pytest.mark.parametrize(
    "word", ["", ".", "1_000", "1,5", "nan", "inf", "1e999", "0x10", "١", "1e", "--1", "1.0.0", "d3", "1 2"]
)
def test_what_is_no_number(word):
    assert number(word) is None


def test_lines_and_their_places(tmp_path):
    path = tmp_path / "columns"
    path.write_text("# head\n\n1 2.50 ! a remark\n  3 4.d-1\n")
    rows = read_rows(path, (2,))
    assert [row.numbers for row in rows] == [(1.0, 2.5), (3.0, 0.4)]
    assert [row.where for row in rows] == [f"{path}, line 3", f"{path}, line 4"]
    assert [row.last_digit(1) for row in rows] == pytest.approx([0.01, 0.1])
    assert rows[0].whole(0) == 1
    with pytest.raises(bk.InvalidInput, match=r"line 3: column 2 must be a whole number, got 2.5"):
        rows[0].whole(1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"1 2\n1 2 3\n", r"line 2: expected 2 numbers, got 3: '1 2 3'"),
        (b"1\n", "line 1: expected 2 numbers, got 1"),
        (b"1 two\n", "line 1: expected numbers, got '1 two'"),
        (b"# 1 2\n", "holds no numbers"),
        (b"1 2\n\xff 3\n", "byte 5 belongs to no text"),
        (b"1 " + b"9" * 5000 + b"\n", "line 1: expected numbers, got '1 9{58}'"),
    ],
)
def test_wrong_lines(tmp_path, content, message):
    path = tmp_path / "columns"
    path.write_bytes(content)
    with pytest.raises(bk.InvalidInput, match=message):
        read_rows(path, (2,))
