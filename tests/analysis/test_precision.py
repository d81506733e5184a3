"""Every analysis and every explanation takes networks of every floating type, and says the same of them."""

import copy
import math
from dataclasses import replace

import pytest
import torch

from grokscope.analysis import (
    all_pairs_table,
    fourier_summary,
    frequency_norms,
    network_key_frequencies,
    transform,
    transform_2d,
)
from grokscope.analysis.binary.unembedding import neuron_logit_map, token_embedding
from grokscope.analysis.fresh_examples import fresh_examples, score_fresh
from grokscope.analysis.measures import as_columns, measure_network
from grokscope.analysis.modular.attention_fits import attention_fits, linear_softmax
from grokscope.analysis.modular.attention_spectra import attention_spectra
from grokscope.analysis.modular.circle_fits import circle_fits
from grokscope.analysis.modular.clock_pizza import gradient_symmetricity
from grokscope.analysis.modular.coordinates import find_coordinates
from grokscope.analysis.modular.embedding_planes import embedding_planes, project_tokens
from grokscope.analysis.modular.frequency_ablations import frequency_ablations
from grokscope.analysis.modular.last_layer import record_last_layer
from grokscope.analysis.modular.neuron_fits import read_out_fits
from grokscope.analysis.sequences.attention_examples import example_attention
from grokscope.analysis.sequences.carries import column_attention, column_influence
from grokscope.analysis.sequences.heads import composition_scores, patterns
from grokscope.analysis.sequences.induction import Repeats, head_scores
from grokscope.analysis.sequences.skip_trigrams import is_readable, readout
from grokscope.explanation import Subject, explain
from grokscope.explanation.modular.program import Program
from grokscope.explanation.synthetic.planted import plant
from grokscope.models import MLP, MLPConfig, Transformer, TransformerConfig, build_model
from grokscope.tasks import (
    DigitAdditionConfig,
    DigitAdditionTask,
    ModularConfig,
    ModularTask,
    RepeatedSubsequencesConfig,
    RepeatedSubsequencesTask,
    SequenceTask,
    SkipTrigramsConfig,
    SkipTrigramsTask,
)

TYPES = [torch.float32, torch.float64, torch.bfloat16]
KEYS = (2, 5)
SEQUENCES = {
    "repeats": RepeatedSubsequencesConfig(d_vocab=12, interval=6, subsequence_length=3, n_repeats=2),
    "trigrams": SkipTrigramsConfig(length=6, n_background=3, n_triggers=3),
    "addition": DigitAdditionConfig(n_digits=2, base=10),
}


def modular(config: TransformerConfig | MLPConfig) -> tuple[Transformer | MLP, ModularTask]:
    equals = isinstance(config, TransformerConfig)
    task = ModularConfig(p=13, equals_token=equals).build()
    assert isinstance(task, ModularTask)
    coordinates = find_coordinates(task.table)
    assert coordinates is not None
    program = Program("clock", KEYS, (20.0, 18.0), (0.0, 0.0), coordinates)
    return plant(program, config, equals_token=equals), task


def known(values: object) -> bool:
    """Return whether all numbers in a result are there."""
    if isinstance(values, torch.Tensor):
        return bool(torch.isfinite(values).all()) if values.is_floating_point() else True
    if isinstance(values, float):
        return math.isfinite(values)
    if isinstance(values, dict):
        return all(map(known, values.values()))
    return all(map(known, values)) if isinstance(values, list | tuple) else True


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("config", [TransformerConfig(d_mlp=128), MLPConfig(d_mlp=128)], ids=["transformer", "mlp"])
def test_modular_arithmetic(config, dtype):
    planted, task = modular(config)
    model = copy.deepcopy(planted).to(dtype)
    coordinates = find_coordinates(task.table)
    assert coordinates is not None
    layer = record_last_layer(model, task, coordinates)
    found = fourier_summary(model, task)
    neurons = network_key_frequencies(model, task).neurons
    embedding, logit_map = token_embedding(model, 13), neuron_logit_map(model, 13)
    assert neurons is not None
    assert logit_map is not None
    assert layer.post is not None
    planes = embedding_planes(embedding, KEYS)
    results = [
        as_columns(measure_network(task, model, frequencies=KEYS)),
        all_pairs_table(model, task).logits,
        gradient_symmetricity(model, task),
        project_tokens(embedding, planes),
        frequency_ablations(layer, KEYS).without,
        [fit.clock_fve for fit in circle_fits(model, task, coordinates, layer.logits, KEYS)],
        [fit.fve for fit in read_out_fits(layer.post.unflatten(0, (13, 13)), logit_map, KEYS)],
        list(layer.split_by(torch.eye(128)[:, :3])),
    ]
    if layer.pattern is not None and layer.scores is not None:
        results += [
            [fit.fve for fit in attention_fits(layer.pattern.unflatten(0, (13, 13)))],
            layer.with_pattern(linear_softmax(layer.scores, layer.pattern)),
            attention_spectra(model, task).components,
        ]
    assert known(results)
    assert found.key_frequencies == list(KEYS)
    other = build_model(
        config, d_vocab=task.d_vocab, d_vocab_out=task.d_vocab_out, n_ctx=task.n_ctx, seed=0, dtype=dtype
    )
    other.requires_grad_(False)
    explanation = explain(Subject("planted", model, task, memorised=other))
    assert explanation.frequencies.keys == KEYS
    assert explanation.verdict == explain(Subject("planted", planted, task)).verdict
    assert next(model.parameters()).dtype == dtype, "the network itself stays as it is"


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("config", list(SEQUENCES.values()), ids=list(SEQUENCES))
def test_sequences(config, dtype):
    task = config.build()
    assert isinstance(task, SequenceTask)
    shape = TransformerConfig(n_layers=2 if config.kind != "skip-trigrams" else 1, d_model=16, n_heads=2, d_head=8,
                              d_mlp=16, attention_only=config.kind != "digit-addition")  # fmt: skip
    model = build_model(
        shape, d_vocab=task.d_vocab, d_vocab_out=task.d_vocab_out, n_ctx=task.n_ctx, seed=0, dtype=dtype
    )
    assert isinstance(model, Transformer)
    model.requires_grad_(False)
    examples = fresh_examples(task, 40, seed=0)
    results = [as_columns(measure_network(task, model)), score_fresh(model, task, 40, seed=0).loss]
    results += [example_attention(model, task, examples).patterns]
    if isinstance(task, DigitAdditionTask):
        results += [
            column_attention(patterns(model, examples.tokens)[0], task),
            *column_influence(model, task, examples),
        ]
    if isinstance(task, RepeatedSubsequencesTask):
        scores = head_scores(model, Repeats.of(examples, task.target_positions))
        results += [scores.prefix_matching, composition_scores(model, 0, 1)]
    if isinstance(task, SkipTrigramsTask):
        assert is_readable(model)
        results += [readout(model, task).logits(examples.tokens)]
    assert known(results)
    subject = Subject("untrained", model, task)
    assert explain(replace(subject, memorised=model)).verdict == "not explained"


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_transforms(dtype):
    values = torch.randn(6, 6, generator=torch.Generator().manual_seed(0)).to(dtype)
    for found in (transform(values), transform_2d(values), frequency_norms(values)):
        assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
