"""Rules by which measured values agree with published ones."""

import pytest

from grokscope.reproduction.agreement import AtMost, Between, Factor, Same, Within, extents, numbers


def test_numbers_within_a_difference_of_the_seeds_agree():
    rule = Within("why", 0.05)
    assert rule.agrees(0.95, [0.91, 0.97])
    assert rule.agrees(0.95, [0.901])
    assert not rule.agrees(0.95, [0.7, 0.89])
    assert rule.agrees((0.93, 0.98), [(0.9, 0.95)])
    assert not rule.agrees((0.93, 0.98), [(0.9, 0.92)])


def test_numbers_within_a_factor_of_the_seeds_agree():
    rule = Factor("why", 2.0)
    assert rule.agrees(100, [210, 190])
    assert not rule.agrees(100, [201])
    assert not rule.agrees(100, [49])
    assert rule.agrees({200: 2.0, 300: (0.1, None)}, [(1.1, 0.19)])
    assert not rule.agrees({200: 2.0, 300: (0.1, None)}, [(1.1, 0.21)])


def test_what_could_not_be_measured_never_agrees():
    assert not Factor("why", 1e9).agrees((1, 2), [(1, None)])
    assert not Within("why", 1e9).agrees((1, 2), [(1, 2), (1, None)])


@pytest.mark.parametrize(
    ("published", "found", "same"),
    [
        ((14, 35), [[35, 14]], True),
        ((14, 35), [[35, 14], [14]], False),
        ("grokked", ["grokked", "grokked"], True),
        ("grokked", ["grokked", "memorised"], False),
    ],
)
def test_the_same_in_every_seed(published, found, same):
    assert Same("why").agrees(published, found) is same


def test_ranges_and_bounds():
    assert Between("why").agrees((600, 1000), [590, 800, 900])
    assert not Between("why").agrees((600, 1000), [590, 599, 900])
    assert AtMost("why").agrees(0.0055, [0.002, 0.0055])
    assert not AtMost("why").agrees(0.0055, [0.002, 0.0056])


def test_values_of_any_form_are_numbers():
    assert numbers({14: 2.0, 35: (None, 3.0)}) == [2.0, 3.0]
    assert numbers(3) == [3.0]
    assert extents([(1, 5), (2, 4)]) == [(1.0, 2.0), (4.0, 5.0)]
