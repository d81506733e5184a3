"""A program computes its formula, and the file that it exports gives the same answers."""

import json
import math
import runpy
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.analysis.modular.logit_fits import align, clock_fit, free_phase_fit, pizza_fit
from grokscope.errors import ConfigError, RunError
from grokscope.explanation.modular.program import Program
from grokscope.tasks.modular.operations import operation_table


def table_of(operation, p):
    return operation_table(operation, p, 0)


def coordinates_of(operation, p):
    coordinates = find_coordinates(table_of(operation, p))
    assert coordinates is not None
    return coordinates


LINEAR = ["add", "subtract", "a + b + 3", "2*a + b"]


PRODUCTS = ["multiply", "3*a*b"]


@st.composite
def programs(draw, *, right=False):
    """An operation with coordinates and what makes a program of it; ``right`` ones tell all answers apart."""
    operation = draw(st.sampled_from(LINEAR + PRODUCTS))
    p = draw(st.sampled_from([5, 7, 13, 17] if operation in PRODUCTS else [5, 9, 15, 23]))
    n = p - (operation in PRODUCTS)
    frequencies = draw(st.lists(st.integers(1, n // 2), min_size=1, max_size=3, unique=True))
    if right and math.gcd(n, *frequencies) > 1:
        frequencies.append(1)
    amplitudes = tuple(draw(st.floats(1, 50)) for _ in frequencies)
    phases = tuple(0.0 if right else draw(st.floats(-3, 3)) for _ in frequencies)
    algorithm = "clock" if right else draw(st.sampled_from(["clock", "pizza"]))
    return operation, p, algorithm, tuple(frequencies), amplitudes, phases


def build(case):
    operation, p, *parts = case  # not in the strategy: checking shapes uses chance, which is Hypothesis's there
    return operation, Program(*parts, coordinates_of(operation, p))


@given(programs())
@settings(max_examples=25)
def test_the_logits_are_the_formula(case):
    _, program = build(case)
    n = program.coordinates.n
    i, j, answer = torch.meshgrid(*[torch.arange(n).double()] * 3, indexing="ij")
    expected = torch.zeros(n, n, n, dtype=torch.float64)
    for k, amplitude, phase in zip(program.frequencies, program.amplitudes, program.phases, strict=True):
        w = 2 * math.pi * k / n
        envelope = torch.cos(w * (i - j) / 2).abs() if program.algorithm == "pizza" else 1.0
        expected += amplitude * envelope * torch.cos(w * (i + j - answer) + phase)
    torch.testing.assert_close(program.logits(), expected, rtol=1e-9, atol=1e-9)


@given(programs(right=True))
def test_a_clock_without_phases_answers_every_pair(case):
    operation, program = build(case)
    assert torch.equal(program.answers(), table_of(operation, program.p))


@pytest.mark.parametrize("operation", LINEAR)
@pytest.mark.parametrize("k", [1, 2, 8])
def test_a_pizza_answers_every_pair_of_an_odd_modulus(operation, k):
    program = Program("pizza", (k,), (9.0,), (0.0,), coordinates_of(operation, 17))
    assert torch.equal(program.answers(), table_of(operation, 17))


def test_a_pizza_has_a_hole_where_the_order_is_even():
    """|cos(w_k n/4)| is 0 for odd k, and even k alone cannot tell an answer from its antipode: i − j = n/2 is lost."""
    coordinates = coordinates_of("multiply", 13)
    program = Program("pizza", tuple(range(1, 7)), (5.0,) * 6, (0.0,) * 6, coordinates)
    right = coordinates.of_inputs((program.answers() == table_of("multiply", 13))[..., None])[..., 0]
    i, j = right.logical_not().nonzero(as_tuple=True)
    assert len(i) > 0
    assert ((i - j) % 12 == 6).all()


def test_pairs_without_coordinates_are_answered_zero():
    program = Program("clock", (1,), (1.0,), (2.0,), coordinates_of("multiply", 7))
    answers = program.answers()
    assert not answers[0].any()
    assert not answers[:, 0].any()
    assert answers[1:, 1:].all()


def test_a_tie_goes_to_the_smallest_answer():
    program = Program("clock", (5,), (1.0,), (0.0,), coordinates_of("add", 15))
    assert torch.equal(program.answers(), table_of("add", 15) % 3)


@given(programs())
@settings(max_examples=25)
def test_a_fit_finds_the_program_in_its_logits(case):
    _, program = build(case)
    alignment = align(program.logits(), program.frequencies)
    if program.algorithm == "clock":
        fit = free_phase_fit(alignment)
        again = Program.from_fit(fit, program.coordinates, "clock")
        torch.testing.assert_close(again.logits(), program.logits(), rtol=1e-5, atol=1e-4)
        assert fit.fve == pytest.approx(1)
    else:
        fit = pizza_fit(alignment)
        expected = [a * math.cos(turn) for a, turn in zip(program.amplitudes, program.phases, strict=True)]
        assert fit.amplitudes == pytest.approx(expected, rel=1e-6, abs=1e-5)


@given(programs())
@settings(max_examples=40)
def test_the_exported_file_answers_as_the_program_does(tmp_path_factory, case):
    operation, program = build(case)
    path = tmp_path_factory.mktemp("export") / "program.py"
    program.write(path)
    exported = runpy.run_path(str(path))
    a, b = np.meshgrid(np.arange(program.p), np.arange(program.p), indexing="ij")
    np.testing.assert_array_equal(exported["predict"](a, b), program.answers().numpy())
    np.testing.assert_array_equal(exported["operation"](a, b), table_of(operation, program.p).numpy())
    logits = program.coordinates.of_logits(torch.from_numpy(exported["logits"](a, b)))
    torch.testing.assert_close(logits, program.logits(), rtol=1e-9, atol=1e-9)
    assert exported["predict"](1, 2) == program.answers()[1, 2]


@pytest.mark.parametrize(
    ("operation", "p", "algorithm", "says"),
    [
        ("add", 113, "clock", "12769 of 12769 answers are right"),
        ("multiply", 13, "clock", "169 of 169 answers are right"),
        ("subtract", 15, "pizza", "225 of 225 answers are right"),
    ],
)
def test_the_exported_file_runs_on_its_own(tmp_path, operation, p, algorithm, says):
    program = Program(algorithm, (1, 2), (123.456789012345, 7.0), (0.0, 0.0), coordinates_of(operation, p))
    path = tmp_path / "program.py"
    program.write(path)
    ran = subprocess.run([sys.executable, "-I", str(path)], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ran.stdout.strip() == says
    source = path.read_text()
    assert "grokscope" not in source
    assert "torch" not in source
    assert max(map(len, source.splitlines())) <= 99


@pytest.mark.parametrize("operation", ["add", "multiply", "3*a + 5*b + 2", "3*a*b"])
@pytest.mark.parametrize("algorithm", ["clock", "pizza"])
@pytest.mark.parametrize("frequencies", [(1,), tuple(range(1, 8))])
def test_the_exported_file_is_tidy(tmp_path, operation, algorithm, frequencies):
    amplitudes = tuple(123.456789012345 + k for k in frequencies)
    program = Program(algorithm, frequencies, amplitudes, (0.0,) * len(frequencies), coordinates_of(operation, 17))
    path = tmp_path / "program.py"
    program.write(path)
    ruff = [sys.executable, "-m", "ruff"]
    # the file is for Python 3.8 as well, whose zip knows no strict
    checks = [
        [*ruff, "check", "--isolated", "--select", "E,F,I,B,UP,SIM", "--ignore", "B905", "--line-length", "99"],
        [*ruff, "format", "--isolated", "--check", "--diff"],
    ]
    for check in checks:
        done = subprocess.run([*check, str(path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_an_unwritable_place_is_named(tmp_path):
    program = Program("clock", (1,), (1.0,), (0.0,), coordinates_of("add", 5))
    with pytest.raises(RunError, match="nowhere"):
        program.write(tmp_path / "nowhere" / "program.py")


def test_to_dict_is_json():
    program = Program("pizza", (1, 3), (2.0, 4.0), (0.0, 0.5), coordinates_of("3*a*b", 17))
    assert json.loads(json.dumps(program.to_dict())) == {
        **{"algorithm": "pizza", "operation": "3·a·b mod 17", "p": 17, "order": 16},
        **{"frequencies": [1, 3], "amplitudes": [2.0, 4.0], "phases": [0.0, 0.5]},
    }


@pytest.mark.parametrize(
    ("frequencies", "amplitudes", "text"),
    [
        ((), (), "at least one frequency"),
        ((1, 2), (1.0,), "each of its 2 frequencies, got 1 amplitudes and 2 phases"),
        ((7,), (1.0,), "frequency 7 does not exist among 13; use 1 to 6"),
        ((0,), (1.0,), "frequency 0 does not exist"),
        ((2, 2), (1.0, 1.0), "frequency 2 is named twice"),
    ],
)
def test_impossible_programs_are_refused(frequencies, amplitudes, text):
    with pytest.raises(ConfigError, match=text):
        Program("clock", frequencies, amplitudes, (0.0,) * len(frequencies), coordinates_of("add", 13))


def test_a_clock_fitted_as_a_clock_keeps_no_phase():
    program = Program("clock", (2,), (5.0,), (0.0,), coordinates_of("add", 13))
    fit = clock_fit(align(program.logits(), (2,)))
    assert Program.from_fit(fit, program.coordinates, "clock").phases == (0.0,)
