import torch

from grokscope.randomness import init_generator, stream


def drawn(generator: torch.Generator) -> list[float]:
    return torch.rand(4, generator=generator).tolist()


def test_initial_weights_draw_what_the_global_generator_would():
    torch.manual_seed(598)
    assert torch.equal(torch.randn(5), torch.randn(5, generator=init_generator(598)))


def test_a_stream_is_a_function_of_name_seed_and_step():
    assert drawn(stream("batches", 3, 7)) == drawn(stream("batches", 3, 7))


def test_streams_are_all_different():
    """Among them seed 1 at step 0 and seed 0 at step 1, and neighbours whose digits run together."""
    streams = [
        (name, seed, step) for name in ("batches", "dropout", "labels") for seed in range(12) for step in range(12)
    ]
    seen = {tuple(drawn(stream(*arguments))) for arguments in streams}
    seen |= {tuple(drawn(init_generator(seed))) for seed in range(12)}
    assert len(seen) == len(streams) + 12


def test_the_global_generator_is_left_alone():
    before = torch.random.get_rng_state()
    drawn(stream("batches", 0))
    drawn(init_generator(0))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_any_seed_of_an_experiment_will_do():
    for seed in (0, 2**31, 2**63 - 1):
        assert drawn(stream("batches", seed)) != drawn(init_generator(seed))
