"""The replay of a run: the numbers that a page's script gets are those of the network at each step."""

import base64
import json
import zlib

import numpy as np
import pytest
import torch

from grokscope.analysis import fourier_summary
from grokscope.analysis.fourier import fourier_basis
from grokscope.analysis.modular.embedding_planes import embedding_planes, project_tokens
from grokscope.errors import ConfigError
from grokscope.reports.replay.collect import collect_frames
from grokscope.reports.replay.frames import Bars, Maps, evenly_chosen
from grokscope.reports.replay.pack import pack_picture, quantised
from grokscope.reports.replay.player import make_player


def unpacked(packed: dict) -> np.ndarray:
    """What the page's script reads."""
    codes = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"])), f"<u{packed['bytes']}")
    none = 256 ** packed["bytes"] - 1
    values = packed["lowest"] + codes / (none - 1) * (packed["highest"] - packed["lowest"])
    return np.where(codes == none, np.nan, values).reshape(packed["shape"])


class TestPacking:
    def test_numbers_come_back_to_within_half_a_step(self):
        values = np.random.default_rng(0).normal(size=(4, 2, 30))
        values[1, 0, 3] = np.nan
        picture = Bars("b", "", "", "", tuple(map(str, range(30))), ("x", "y"), values)
        packed = pack_picture(picture)
        step = (packed["highest"] - packed["lowest"]) / 65534
        np.testing.assert_allclose(unpacked(packed), values, rtol=0, atol=0.51 * step)

    @pytest.mark.parametrize(
        ("palette", "values", "limits"),
        [
            ("sequential", [0.2, 0.7], (0.0, 1.0)),
            ("diverging", [-1.0, 3.0], (-3.0, 3.0)),
            ("sparse", [2.0, 5.0], (0.0, 5.0)),
        ],
    )
    def test_colours_have_the_limits_of_their_kind(self, palette, values, limits):
        table = np.array(values).reshape(1, 1, 1, 2)
        packed = pack_picture(Maps("m", "", "", "", "", ("",), palette, table))
        assert (packed["lowest"], packed["highest"]) == limits
        np.testing.assert_allclose(unpacked(packed), table, rtol=0, atol=0.51 * (limits[1] - limits[0]) / 254)

    def test_colours_are_those_of_the_last_step(self):
        values = np.array([9.0, 1.0, 2.0, np.nan]).reshape(2, 1, 1, 2)
        packed = pack_picture(Maps("m", "", "", "", "", ("",), "sparse", values))
        assert (packed["lowest"], packed["highest"]) == (0.0, 2.0)
        assert unpacked(packed).flatten()[:2] == pytest.approx([2.0, 1.0], abs=0.01)  # darker there is not
        dead = np.array([3.0, 4.0, 0.0, 0.0]).reshape(2, 1, 1, 2)
        assert pack_picture(Maps("m", "", "", "", "", ("",), "sparse", dead))["highest"] == 4.0

    def test_what_is_infinite_stays_at_the_end_and_what_is_no_number_is_none(self):
        assert quantised(np.array([np.inf, -np.inf, np.nan, 1.0]), 0.0, 1.0, 1).tolist() == [254, 0, 255, 254]


class TestPlanes:
    @pytest.mark.parametrize("k", range(1, 7))
    def test_a_planted_circle_is_found_as_a_circle(self, k):
        p, d = 13, 20
        generator = torch.Generator().manual_seed(k)
        directions = torch.linalg.qr(torch.randn(d, 2, generator=generator, dtype=torch.float64)).Q.T
        embedding = 3 * fourier_basis(p)[2 * k - 1 : 2 * k + 1].T @ directions
        [points] = project_tokens(embedding, embedding_planes(embedding, [k]))
        radius = points.norm(dim=1)
        torch.testing.assert_close(radius, torch.full_like(radius, 3 * (2 / p) ** 0.5))
        turn = torch.atan2(points[:, 1], points[:, 0])
        expected = 2 * torch.pi * k * torch.arange(p) / p
        torch.testing.assert_close(torch.cos(turn - expected), torch.ones(p, dtype=torch.float64))

    def test_another_embedding_is_a_cloud_there(self):
        p, d = 59, 64
        noise = torch.randn(2, p, d, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        planes = embedding_planes(noise[0], [7])

        def agreement(points: torch.Tensor) -> float:
            turn = torch.atan2(points[:, 1], points[:, 0])
            return float(torch.cos(turn - 2 * torch.pi * 7 * torch.arange(p) / p).mean())

        assert agreement(project_tokens(noise[0], planes)[0]) > 0.5  # chosen on it: even noise looks ordered
        assert abs(agreement(project_tokens(noise[1], planes)[0])) < 0.3

    @pytest.mark.parametrize("k", [0, 5, 6])
    def test_a_frequency_without_a_plane_is_refused(self, k):
        with pytest.raises(ConfigError, match=f"frequency {k} modulo 10; use 1 to 4"):
            embedding_planes(torch.eye(10), [k])


@pytest.fixture(scope="module")
def replay(planted):
    return collect_frames(planted)


class TestModularReplay:
    def test_has_every_checkpoint_and_the_circuits_pictures(self, replay, planted):
        assert list(replay.steps) == planted.checkpoints
        names = [picture.name for picture in replay.pictures]
        assert names == [
            "embedding", "logit_map", "shares", "clusters", "circles", "attention", "neurons", "logits"
        ]  # fmt: skip

    def test_every_frame_is_of_its_own_step(self, replay, planted):
        pictures = {picture.name: picture for picture in replay.pictures}
        for place in (0, len(replay.steps) - 1):
            circuit = fourier_summary(planted.model(replay.steps[place]), planted.task)
            np.testing.assert_allclose(pictures["embedding"].values[place, 0], circuit.embedding_norms.numpy())
            np.testing.assert_allclose(
                pictures["attention"].values[place], circuit.pattern[..., 0].permute(2, 0, 1).numpy(), rtol=1e-6
            )
            assert pictures["shares"].values[place].sum() == len(circuit.neurons.share)
            norms = pictures["logits"].values[place, 0]
            assert (norms**2).sum() == pytest.approx(float(circuit.logit_components.square().sum()))

    def test_the_planted_frequencies_stand_out_at_the_end_alone(self, replay):
        pictures = {picture.name: picture for picture in replay.pictures}
        first, last = pictures["clusters"].values[[0, -1], 0]
        assert set(np.flatnonzero(last) + 1) == {2, 5}
        assert first.sum() == 0
        assert pictures["circles"].tiles == ("k = 2", "k = 5")

    def test_goes_into_a_page_whole(self, replay, planted):
        player = make_player(replay, planted.metrics)
        data = json.loads(json.dumps(player.data, allow_nan=False))
        assert [panel.name for panel in player.panels] == [picture["name"] for picture in data["pictures"]]
        assert len(data["told"]) == len(data["steps"]) == len(replay.steps)
        assert data["told"][0].startswith("step 0 · train loss ")
        for packed, picture in zip(data["pictures"][1:], replay.pictures, strict=True):
            assert unpacked(packed).shape == picture.values.shape


def test_a_replay_of_trigrams_shows_that_the_last_network_answers(trigrams):
    replay = collect_frames(trigrams)
    pictures = {picture.name: picture for picture in replay.pictures}
    assert list(pictures) == ["parts", "qk", "ov", "patterns"]
    triggers = list(trigrams.task.triggers)
    says = pictures["ov"].values[-1].sum(0)[triggers]
    assert (says.argmax(1) == np.arange(len(triggers))).all()
    assert pictures["patterns"].values.max() <= 1
    assert make_player(replay, trigrams.metrics).panels[0].name == "curves"


def test_a_replay_of_sums_shows_each_digit(sums):
    pictures = {picture.name: picture for picture in collect_frames(sums).pictures}
    assert list(pictures) == ["parts", "carries", "patterns"]
    assert pictures["parts"].labels == tuple(part.replace("_", " ") for part in sums.task.subtasks)
    assert {"+", "="} <= set(pictures["patterns"].rows)


def test_frames_are_chosen_evenly_with_the_first_and_the_last(run_of):
    assert evenly_chosen(list(range(0, 1000, 10)), 4) == [0, 330, 660, 990]
    assert evenly_chosen([0, 5], 4) == [0, 5]
    with pytest.raises(ConfigError, match="at least 2 frames, got 1"):
        collect_frames(run_of("plain"), most=1)


def test_weights_that_are_not_finite_are_left_out(run_of):
    run = run_of("diverged")
    replay = collect_frames(run)
    assert replay is None or all(np.isfinite(picture.values).all() for picture in replay.pictures)


def test_progress_is_shown(planted, progress):
    collect_frames(planted, progress=progress)
    assert progress.totals == [len(planted.checkpoints)]
    assert progress.details == [f"step {step:,}" for step in planted.checkpoints]
