"""Where heads look in examples, and the names of what they look at."""

from itertools import pairwise

import pytest
import torch

from grokscope.analysis.fresh_examples import fresh_examples
from grokscope.analysis.sequences.attention_examples import example_attention
from grokscope.analysis.sequences.skip_trigrams import readout
from grokscope.analysis.sequences.token_labels import token_labels
from grokscope.errors import ConfigError
from grokscope.models import MLP, MLPConfig, Transformer, TransformerConfig
from grokscope.models.transformer import Block
from grokscope.randomness import init_generator
from grokscope.reports.replay.camera import replay_camera
from grokscope.reports.replay.sequences import MOST_TRIGGERS
from grokscope.tasks import (
    DigitAdditionConfig,
    DigitAdditionTask,
    RepeatedSubsequencesConfig,
    RepeatedSubsequencesTask,
    SequenceTask,
    SkipTrigramsConfig,
    SkipTrigramsTask,
)
from grokscope.tasks.sequences.skip_trigrams import QUERY


def sums() -> DigitAdditionTask:
    task = DigitAdditionConfig(n_digits=2).build()
    assert isinstance(task, DigitAdditionTask)
    return task


def repeats() -> RepeatedSubsequencesTask:
    task = RepeatedSubsequencesConfig().build()
    assert isinstance(task, RepeatedSubsequencesTask)
    return task


def trigrams(n_triggers: int = 5) -> SkipTrigramsTask:
    task = SkipTrigramsConfig(length=8, n_background=4, n_triggers=n_triggers).build()
    assert isinstance(task, SkipTrigramsTask)
    return task


def network(task: SequenceTask, **options) -> Transformer:
    config = TransformerConfig(**{"d_model": 24, "n_heads": 2, "d_head": 6, "n_layers": 2, **options})
    sizes = {"d_vocab": task.d_vocab, "d_vocab_out": task.d_vocab_out, "n_ctx": task.n_ctx}
    return Transformer(config, **sizes, generator=init_generator(0)).requires_grad_(False)


def looking_at_triggers(task: SkipTrigramsTask) -> Transformer:
    """A head whose query looks for triggers alone."""
    model = network(task, n_layers=1, n_heads=1, attention_only=True, biases="none")
    for weight in model.parameters():
        weight.zero_()
    block = model.blocks[0]
    assert isinstance(block, Block)
    model.embed.W_E[QUERY, 0] = 1
    model.embed.W_E[list(task.triggers), 1] = 1
    block.attn.W_Q[0, 0, 0], block.attn.W_K[0, 1, 0] = 60, 1
    return model


@pytest.mark.parametrize("task", [sums(), repeats()], ids=["sums", "repeats"])
def test_on_one_example_it_is_the_pattern_of_the_forward_pass(task):
    model, examples = network(task), fresh_examples(task, 5, seed=0)
    found = example_attention(model, task, examples)
    assert found.heads == ("0.0", "0.1", "1.0", "1.1")
    names = {f"blocks.{layer}.attn.hook_pattern" for layer in range(2)}
    _, cache = model.run_with_cache(examples.tokens[:1], names)
    torch.testing.assert_close(found.patterns, torch.cat([cache[name][0] for name in sorted(names)]))
    assert found.rows == found.columns == token_labels(task, examples.tokens[0])
    assert not found.wanted.any()


def test_of_sums_every_answer_is_marked():
    task = sums()
    found = example_attention(network(task), task, fresh_examples(task, 1, seed=0))
    assert found.answered.nonzero().flatten().tolist() == list(task.target_positions)


def test_of_repeats_only_what_can_be_predicted_is_marked():
    task = repeats()
    examples = fresh_examples(task, 1, seed=0)
    marked = example_attention(network(task), task, examples).answered.nonzero().flatten().tolist()
    tokens = examples.tokens[0].tolist()
    assert 0 < len(marked) < task.n_ctx - 1
    for position in marked:  # what comes next has come after the same token before
        pairs = pairwise(tokens[: position + 1])
        assert (tokens[position], tokens[position + 1]) in pairs


def test_of_trigrams_every_trigger_has_a_row_and_is_looked_at():
    task = trigrams()
    examples = fresh_examples(task, 300, seed=0)
    found = example_attention(looking_at_triggers(task), task, examples)
    assert found.rows == ("t0", "t1", "t2", "t3", "t4")
    assert found.columns == tuple(map(str, range(task.n_ctx)))
    assert found.answered.all()
    assert (found.wanted.sum(1) >= 1).all()
    on_triggers = (found.patterns[0] * found.wanted).sum(1)
    torch.testing.assert_close(on_triggers, torch.ones(5))
    untrained = example_attention(network(task), task, examples)
    assert float((untrained.patterns * untrained.wanted).sum(2).max()) < 0.9


def test_a_replay_shows_the_same():
    task = trigrams(n_triggers=MOST_TRIGGERS + 3)
    model = looking_at_triggers(task)
    *_, picture = replay_camera(task, model, n_frames=2).frame(model)
    whole = example_attention(model, task, fresh_examples(task, 300, seed=0))
    assert picture.rows == whole.rows[:MOST_TRIGGERS]
    torch.testing.assert_close(torch.tensor(picture.values[0, 0]).float(), whole.patterns[0, :MOST_TRIGGERS])


def test_a_network_without_attention_is_refused():
    task = sums()
    sizes = {"d_vocab": task.d_vocab, "d_vocab_out": task.d_vocab_out, "n_ctx": task.n_ctx}
    mlp = MLP(MLPConfig(), **sizes, generator=init_generator(0))
    with pytest.raises(ConfigError, match="no attention"):
        example_attention(mlp, task, fresh_examples(task, 1, seed=0))


class TestNames:
    def test_a_sum_reads_as_it_is_written(self):
        task = sums()
        written = "".join(token_labels(task, fresh_examples(task, 1, seed=0).tokens[0]))
        left, right = written.split("+")
        right, total = right.split("=")
        assert str(int(left) + int(right)).zfill(3).startswith(total)

    def test_triggers_have_the_numbers_of_their_answers(self):
        task = trigrams()
        names = token_labels(task, torch.arange(task.d_vocab))
        assert len(set(names)) == task.d_vocab
        assert [names[token] for token in task.triggers] == ["t0", "t1", "t2", "t3", "t4"]
        assert [names[token] for token in task.background] == ["n0", "n1", "n2", "n3"]
        assert {"BOS", "?"} <= set(names)

    def test_other_tokens_are_their_numbers(self):
        assert token_labels(repeats(), torch.tensor([0, 1, 17]))[1:] == ("1", "17")


def test_tables_above_noise_predict_the_same():
    task = trigrams()
    tables = readout(network(task, n_layers=1, attention_only=True), task)
    above = tables.above_noise(task.background)
    tokens = fresh_examples(task, 50, seed=1).tokens
    torch.testing.assert_close(above.logits(tokens).softmax(1), tables.logits(tokens).softmax(1))
    torch.testing.assert_close(above.scores[:, list(task.background)].mean(1), torch.zeros(2))
    torch.testing.assert_close(above.outputs.mean(2), torch.zeros(2, task.d_vocab))
    assert not torch.allclose(above.outputs, tables.outputs)
