"""``grokscope figure`` end to end."""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

import grokscope as gs
from grokscope.cli.main import main
from grokscope.figures.catalogue import first_of_each_name

TINY: dict[str, object] = {
    "task.p": 7,
    "stop.steps": 20,
    "evaluate_every": 5,
    "checkpoint_every": 10,
    "model.d_model": 8,
    "model.d_mlp": 8,
    "model.n_heads": 1,
    "model.d_head": 4,
}


@dataclass(frozen=True)
class Done:
    """What a command printed, and how it ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with a run, in a folder with an odd name."""
    path = tmp_path_factory.mktemp("figure")
    experiment = gs.Experiment(name="tiny").override(TINY)
    gs.train(experiment, out=path / "[red]run", progress=False, execution=gs.Execution(device="cpu", threads=1))
    return path


@pytest.fixture
def call(folder, monkeypatch, capsys) -> Callable[..., Done]:
    """Run ``grokscope figure`` in this process, in the folder of the run: a process of its own takes four seconds."""

    def run(*arguments: str) -> Done:
        monkeypatch.chdir(folder)
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["grokscope", "figure", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return Done(int(ended.value.code or 0), printed.out, printed.err)

    return run


def test_without_a_name_the_pictures_are_listed(call):
    done = call()
    assert done.returncode == 0
    listed = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert listed == [*first_of_each_name()]
    for words in (*(spec.summary for spec in first_of_each_name().values()), "modular", "every task", "sequence"):
        assert words in done.stdout


def test_a_picture_of_a_sweep_needs_one(call):
    done = call("survival", "[red]run", "-o", "survival.pdf")
    assert done.returncode == 2
    assert "'survival' is a figure of a sweep, and there is none in [red]run" in " ".join(done.stderr.split())


@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
def test_a_picture_has_its_size(call, tmp_path, suffix):
    out = tmp_path / f"[b]curves.{suffix}"
    done = call("curves", "[red]run", "-o", str(out), "--width-mm", "85", "--height-mm", "60", "--dpi", "254")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Written: {out}, 85 × 60 mm\n"
    content = out.read_bytes()
    if suffix == "png":
        assert [int.from_bytes(content[at : at + 4], "big") for at in (16, 20)] == [850, 600]
    elif suffix == "pdf":
        [(width, height)] = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", content)
        assert (float(width), float(height)) == pytest.approx((85 / 25.4 * 72, 60 / 25.4 * 72), abs=1e-3)
    else:
        attributes = ElementTree.fromstring(content).attrib
        assert float(attributes["width"].removesuffix("pt")) == pytest.approx(85 / 25.4 * 72, abs=1e-3)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


@pytest.mark.slow
def test_options_reach_the_picture(call, tmp_path):
    def drawn(*options: str) -> bytes:
        out = tmp_path / "a.svg"
        done = call(*options, "-o", str(out))
        assert done.returncode == 0, done.stderr
        return out.read_bytes()

    plain = drawn("curves", "[red]run")
    others = [
        drawn("curves", "[red]run", *option)
        for option in (["--linear-loss"], ["--log-steps"], ["--font-pt", "9"], ["--width-mm", "90"])
    ]
    assert len({plain, *others}) == 5
    assert drawn("weights", "[red]run", "--step", "10") != drawn("weights", "[red]run")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["curves"], "name a run to draw 'curves' of: grokscope figure curves runs/mainline -o curves.pdf"),
        (["curves", "[red]run"], "name the file to write, for example: --out curves.pdf"),
        (["curves", "[red]run", "-o", "a.jpg"], "the name must end in .png, .svg or .pdf, got '.jpg'"),
        (["curves", "[red]run", "-o", "no/a.pdf"], "there is no folder no; make it first"),
        (["cuvres", "[red]run", "-o", "a.pdf"], "there is no figure 'cuvres'; did you mean curves?"),
        (["curves", "nowhere", "-o", "a.pdf"], "nowhere"),
        (["patterns", "[red]run", "-o", "a.pdf"], "there is no figure 'patterns' of add mod 7"),
        (["curves", "[red]run", "-o", "a.pdf", "--step", "10"], "step = 10 does not change the figure 'curves'"),
        (["weights", "[red]run", "-o", "a.pdf", "--step", "11"], "11"),
        (["curves", "[red]run", "-o", "a.pdf", "--width-mm", "10"], "width_mm = 10 is not possible"),
        (
            ["curves", "[red]run", "-o", "a.pdf", "--dpi", "5"],
            "Invalid value for '--dpi': Input should be greater than or equal to 30",
        ),
        (["measures", "[red]run", "-o", "a.pdf"], "'grokscope measure [red]run' writes it"),
    ],
)
def test_what_cannot_be_drawn_is_said_and_nothing_is_written(call, folder, arguments, said):
    before = sorted(folder.rglob("*"))
    done = call(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(folder.rglob("*")) == before
