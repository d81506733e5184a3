"""Reading and replacing activations: TransformerLens's names and meanings, and nothing left behind."""

import pytest
import torch

from grokscope.errors import ConfigError, HookError
from grokscope.models import Transformer, TransformerConfig
from grokscope.models.hooks import HookPoint, Recorder, Tap
from grokscope.randomness import init_generator

D, H, E, M, B, N = 12, 3, 4, 20, 6, 4


def network(**options) -> Transformer:
    config = TransformerConfig(**{"d_model": D, "n_heads": H, "d_head": E, "d_mlp": M, **options})
    model = Transformer(config, d_vocab=8, d_vocab_out=8, n_ctx=N, generator=init_generator(0), dtype=torch.float64)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weights in model.parameters():
            weights.copy_(torch.randn(weights.shape, generator=generator, dtype=torch.float64) / 3)
    return model


@pytest.fixture
def tokens():
    return torch.randint(8, (B, N), generator=torch.Generator().manual_seed(2))


def names_of(n_layers: int, *, layer_norm: bool, attention_only: bool) -> dict[str, tuple[int, ...]]:
    """What TransformerLens's HookedTransformer calls them, and their shapes."""
    block = {
        "hook_resid_pre": (B, N, D),
        **{f"attn.hook_{letter}": (B, N, H, E) for letter in "qkvz"},
        "attn.hook_attn_scores": (B, H, N, N),
        "attn.hook_pattern": (B, H, N, N),
        "hook_attn_out": (B, N, D),
        "hook_resid_post": (B, N, D),
    }
    norms = ["ln1"]
    if not attention_only:
        block |= {
            "hook_resid_mid": (B, N, D),
            "mlp.hook_pre": (B, N, M),
            "mlp.hook_post": (B, N, M),
            "hook_mlp_out": (B, N, D),
        }
        norms.append("ln2")
    if layer_norm:
        for ln in norms:
            block |= {f"{ln}.hook_scale": (B, N, 1), f"{ln}.hook_normalized": (B, N, D)}
    names = {"hook_embed": (B, N, D), "hook_pos_embed": (B, N, D)}
    names |= {f"blocks.{layer}.{name}": shape for layer in range(n_layers) for name, shape in block.items()}
    return names | ({"ln_final.hook_scale": (B, N, 1), "ln_final.hook_normalized": (B, N, D)} if layer_norm else {})


class TestCache:
    @pytest.mark.parametrize("n_layers", [1, 2])
    @pytest.mark.parametrize("layer_norm", [False, True])
    @pytest.mark.parametrize("attention_only", [False, True])
    def test_names_and_shapes(self, tokens, n_layers, layer_norm, attention_only):
        options = {"layer_norm": layer_norm, "attention_only": attention_only}
        model = network(n_layers=n_layers, **options)
        logits, cache = model.run_with_cache(tokens)
        assert {name: tuple(value.shape) for name, value in cache.items()} == names_of(n_layers, **options)
        assert torch.equal(logits, model(tokens))
        torch.testing.assert_close(logits, model.forward_fast(model.plan(tokens, range(N))))

    @pytest.mark.parametrize("n_layers", [1, 2])
    @pytest.mark.parametrize("options", [{}, {"layer_norm": True}, {"causal": False}, {"attention_only": True}])
    @pytest.mark.parametrize("positions", [[3], [1, 2]])
    def test_chosen_positions_have_the_values_that_all_positions_have_there(self, tokens, n_layers, options, positions):
        model = network(n_layers=n_layers, **options)
        everywhere, whole = model.run_with_cache(tokens)
        there, cache = model.run_with_cache(tokens, positions=positions)
        torch.testing.assert_close(there, everywhere[:, positions])
        assert list(cache) == list(whole)
        last = f"blocks.{n_layers - 1}."
        before = ("hook_resid_pre", "hook_k", "hook_v", "ln1.hook_scale", "ln1.hook_normalized")
        for name, value in whole.items():
            if name.startswith((last, "ln_final")) and not name.endswith(before):
                value = value[:, :, positions] if name.endswith(("pattern", "scores")) else value[:, positions]
            torch.testing.assert_close(cache[name], value)

    @pytest.mark.parametrize("position", [-1, N])
    def test_a_position_that_does_not_exist_is_refused(self, tokens, position):
        with pytest.raises(ConfigError, match=f"no position {position}"):
            network().run_with_cache(tokens, positions=[position])

    def test_values_fit_together(self, tokens):
        model = network(n_layers=2, biases="all", residual_scale=2.0)
        logits, cache = model.run_with_cache(tokens)
        torch.testing.assert_close(cache["hook_embed"], model.embed.W_E[tokens])
        torch.testing.assert_close(cache["hook_pos_embed"][3], model.pos_embed.W_pos)
        torch.testing.assert_close(cache["blocks.0.hook_resid_pre"], cache["hook_embed"] + cache["hook_pos_embed"])
        for layer, block in enumerate(model.blocks):
            c = {name.removeprefix(f"blocks.{layer}."): value for name, value in cache.items()}
            q = torch.einsum("bnd,hde->bnhe", c["hook_resid_pre"], block.attn.W_Q) + block.attn.b_Q
            torch.testing.assert_close(c["attn.hook_q"], q)
            scores = torch.einsum("bqhe,bkhe->bhqk", c["attn.hook_q"], c["attn.hook_k"]) / E**0.5
            future = torch.ones(N, N).triu(1).bool()
            assert (c["attn.hook_attn_scores"][:, :, future] == -torch.inf).all()
            torch.testing.assert_close(c["attn.hook_attn_scores"][:, :, ~future], scores[:, :, ~future])
            pattern = c["attn.hook_pattern"]
            torch.testing.assert_close(pattern.sum(-1), torch.ones_like(pattern.sum(-1)))
            assert (pattern[:, :, future] == 0).all()
            torch.testing.assert_close(c["attn.hook_z"], torch.einsum("bhqk,bkhe->bqhe", pattern, c["attn.hook_v"]))
            out = torch.einsum("bqhe,hed->bqd", c["attn.hook_z"], block.attn.W_O) + block.attn.b_O
            torch.testing.assert_close(c["hook_attn_out"], out)
            torch.testing.assert_close(c["hook_resid_mid"], 2 * c["hook_resid_pre"] + c["hook_attn_out"])
            torch.testing.assert_close(c["mlp.hook_pre"], c["hook_resid_mid"] @ block.mlp.W_in + block.mlp.b_in)
            torch.testing.assert_close(c["mlp.hook_post"], c["mlp.hook_pre"].clamp(min=0))
            torch.testing.assert_close(c["hook_mlp_out"], c["mlp.hook_post"] @ block.mlp.W_out + block.mlp.b_out)
            torch.testing.assert_close(c["hook_resid_post"], c["hook_resid_mid"] + c["hook_mlp_out"])
        torch.testing.assert_close(cache["blocks.1.hook_resid_pre"], cache["blocks.0.hook_resid_post"])
        torch.testing.assert_close(logits, cache["blocks.1.hook_resid_post"] @ model.W_U + model.unembed.b_U)

    def test_layer_norm_is_shown_as_transformerlens_shows_it(self, tokens):
        """hook_scale before, hook_normalized after gain and bias: it is what the next layer reads."""
        model = network(layer_norm=True)
        _, cache = model.run_with_cache(tokens)
        x = cache["blocks.0.hook_resid_pre"]
        torch.testing.assert_close(
            cache["blocks.0.ln1.hook_scale"], (x.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
        )
        norm = model.blocks[0].ln1
        expected = torch.nn.functional.layer_norm(x, (D,), norm.w, norm.b)
        torch.testing.assert_close(cache["blocks.0.ln1.hook_normalized"], expected)

    @pytest.mark.parametrize("causal", [True, False])
    def test_pattern_is_the_mixed_one(self, tokens, causal):
        """c·softmax + (1 − c) where a key is seen, 0 where it is not; a query's entries do not sum to one."""
        model = network(attention_coefficient=0.25, causal=causal)
        _, cache = model.run_with_cache(tokens)
        c = {name.removeprefix("blocks.0.attn."): value for name, value in cache.items()}
        seen = torch.ones(N, N).tril().bool() if causal else torch.ones(N, N).bool()
        expected = torch.where(seen, 0.25 * c["hook_attn_scores"].softmax(-1) + 0.75, 0)
        torch.testing.assert_close(c["hook_pattern"], expected)
        torch.testing.assert_close(c["hook_pattern"].sum(-1), (0.25 + 0.75 * seen.sum(-1)).expand(B, H, N).double())
        torch.testing.assert_close(c["hook_z"], torch.einsum("bhqk,bkhe->bqhe", expected, c["hook_v"]))
        assert torch.isfinite(c["hook_attn_scores"]).all() == (not causal)

    def test_only_what_was_asked_for(self, tokens):
        _, cache = network().run_with_cache(tokens, {"blocks.0.mlp.hook_post"})
        assert cache.keys() == {"blocks.0.mlp.hook_post"}

    def test_unknown_name(self, tokens):
        with pytest.raises(HookError, match=r"'blocks\.0\.mlp\.hook_pots'; did you mean blocks\.0\.mlp\.hook_post\?"):
            network().run_with_cache(tokens, {"blocks.0.mlp.hook_post", "blocks.0.mlp.hook_pots"})
        with pytest.raises(HookError, match=r"'zzz'; known: hook_embed, hook_pos_embed, "):
            network().run_with_cache(tokens, ["zzz"])

    def test_does_not_alias_the_weights(self, tokens):
        """What was seen stays what was seen when the network is trained on."""
        model = network().requires_grad_(False)
        for rows in (tokens, tokens[:1]):
            _, cache = model.run_with_cache(rows)
            kept = {name: value.clone() for name, value in cache.items()}
            for weights in model.parameters():
                weights.add_(1)
            for name, value in cache.items():
                assert torch.equal(value, kept[name]), name


def every_name(**options) -> list[str]:
    return list(names_of(2, layer_norm=options.get("layer_norm", False), attention_only=False))


class TestReplacing:
    @pytest.mark.parametrize("layer_norm", [False, True])
    def test_identity_changes_nothing(self, tokens, layer_norm):
        model = network(n_layers=2, layer_norm=layer_norm)
        expected, _ = model.run_with_cache(tokens)
        names = every_name(layer_norm=layer_norm)
        assert torch.equal(model.run_with_hooks(tokens, {name: lambda value: value for name in names}), expected)
        for name in names:
            assert torch.equal(model.run_with_hooks(tokens, {name: torch.clone}), expected), name

    @pytest.mark.parametrize("name", every_name(layer_norm=True))
    def test_every_activation_matters_when_replaced(self, tokens, name):
        model = network(n_layers=2, layer_norm=True)
        changed = model.run_with_hooks(tokens, {name: lambda value: value * 0.9 + 0.03 * value.flip(0)})
        assert not torch.allclose(changed, model(tokens))

    def test_pasting_what_was_cached_elsewhere(self, tokens):
        """With another input's residual stream put in, the output is the other input's."""
        model = network(n_layers=2)
        other = tokens.flip(0)
        logits, cache = model.run_with_cache(other)
        patched = model.run_with_hooks(tokens, {"blocks.1.hook_resid_pre": lambda _: cache["blocks.1.hook_resid_pre"]})
        assert torch.equal(patched, logits)

    def test_zero_ablated_mlp(self, tokens):
        model = network(biases="none")
        w = {name: value.detach() for name, value in model.named_parameters()}
        x = w["embed.W_E"][tokens] + w["pos_embed.W_pos"]
        attended = torch.zeros_like(x)
        for b in range(B):
            for h in range(H):
                q, k, v = (x[b] @ w[f"blocks.0.attn.W_{letter}"][h] for letter in "QKV")
                for i in range(N):
                    weights = torch.softmax(k[: i + 1] @ q[i] / E**0.5, dim=0)
                    attended[b, i] += weights @ v[: i + 1] @ w["blocks.0.attn.W_O"][h]
        expected = (x + attended) @ w["unembed.W_U"]
        for name in ("blocks.0.hook_mlp_out", "blocks.0.mlp.hook_post"):
            torch.testing.assert_close(model.run_with_hooks(tokens, {name: torch.zeros_like}), expected)

    def test_zero_ablated_head_adds_nothing(self, tokens):
        model = network(attention_only=True)
        logits, cache = model.run_with_cache(tokens)

        def without_head_1(z):
            z = z.clone()
            z[:, :, 1] = 0
            return z

        ablated = model.run_with_hooks(tokens, {"blocks.0.attn.hook_z": without_head_1})
        share = cache["blocks.0.attn.hook_z"][:, :, 1] @ model.blocks[0].attn.W_O[1] @ model.W_U
        torch.testing.assert_close(logits - ablated, share)

    def test_several_at_once(self, tokens):
        model = network()
        zero = {"blocks.0.hook_mlp_out": torch.zeros_like, "blocks.0.hook_attn_out": torch.zeros_like}
        bare = (model.embed.W_E[tokens] + model.pos_embed.W_pos) @ model.W_U
        torch.testing.assert_close(model.run_with_hooks(tokens, zero), bare)

    def test_gradients_flow_through(self, tokens):
        model = network()
        model.run_with_hooks(tokens, {"blocks.0.mlp.hook_post": lambda post: post * 2}).sum().backward()
        assert model.embed.W_E.grad.abs().sum() > 0


class TestNothingIsLeftBehind:
    @pytest.mark.parametrize("n_examples", [B, 1])
    @pytest.mark.parametrize("name", every_name(layer_norm=True))
    def test_a_hook_that_writes_in_place_cannot_reach_the_weights(self, tokens, name, n_examples):
        model = network(n_layers=2, layer_norm=True).requires_grad_(False)
        tokens = tokens[:n_examples]
        weights = {key: value.clone() for key, value in model.state_dict().items()}
        before = model(tokens)
        model.run_with_hooks(tokens, {name: lambda value: value.mul_(0)})
        for key, value in model.state_dict().items():
            assert torch.equal(value, weights[key]), key
        assert torch.equal(model(tokens), before)

    def test_after_a_hook_that_raises(self, tokens):
        model = network()
        before = model(tokens)

        def fails(value):
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            model.run_with_hooks(tokens, {"blocks.0.hook_mlp_out": fails})
        assert torch.equal(model(tokens), before)
        assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


class TestErrors:
    def test_unknown_name(self, tokens):
        with pytest.raises(
            HookError,
            match=r"no activation is called 'blocks\.0\.hook_mlp_uot'; did you mean blocks\.0\.hook_mlp_out\?",
        ):
            network().run_with_hooks(tokens, {"blocks.0.hook_mlp_uot": torch.zeros_like})

    def test_layer_that_does_not_exist(self, tokens):
        with pytest.raises(HookError, match=r"blocks\.1\.hook_mlp_out"):
            network(n_layers=1).run_with_hooks(tokens, {"blocks.1.hook_mlp_out": torch.zeros_like})

    def test_wrong_shape(self, tokens):
        with pytest.raises(HookError, match=r"returned shape \(6, 4\), expected \(6, 4, 12\)"):
            network().run_with_hooks(tokens, {"blocks.0.hook_mlp_out": lambda value: value[..., 0]})

    def test_a_hook_that_forgets_to_return(self, tokens):
        with pytest.raises(HookError, match=r"returned NoneType; return the activation to use instead"):
            network().run_with_hooks(tokens, {"blocks.0.hook_mlp_out": lambda value: None})

    def test_no_hooks(self, tokens):
        with pytest.raises(HookError, match="there are no hooks"):
            network().run_with_hooks(tokens, {})


def test_anything_callable_is_a_tap():
    assert isinstance(Recorder(), Tap)
    assert not isinstance(3, Tap)


class TestShortNames:
    @pytest.mark.parametrize("layer_norm", [False, True])
    def test_every_activation_has_one(self, tokens, layer_norm):
        model = network(n_layers=2, layer_norm=layer_norm)
        _, cache = model.run_with_cache(tokens)
        assert cache["embed"] is cache["hook_embed"]
        assert cache["pos_embed"] is cache["hook_pos_embed"]
        for layer in range(2):
            for name in ("q", "k", "v", "z", "attn_scores", "pattern"):
                assert cache[name, layer] is cache[f"blocks.{layer}.attn.hook_{name}"]
            for name in ("pre", "post"):
                assert cache[name, layer] is cache[f"blocks.{layer}.mlp.hook_{name}"]
            for name in ("resid_pre", "attn_out", "resid_mid", "mlp_out", "resid_post"):
                assert cache[name, layer - 2] is cache[f"blocks.{layer}.hook_{name}"]
        if layer_norm:
            assert cache["normalized"] is cache["ln_final.hook_normalized"]
            assert cache["scale", 1, "ln2"] is cache["blocks.1.ln2.hook_scale"]
            with pytest.raises(KeyError, match=r"is one of blocks\.0\.ln1\.hook_scale, blocks\.0\.ln2\.hook_scale"):
                cache["scale", 0]

    def test_the_last_layer_is_the_networks_whatever_was_kept(self, tokens):
        _, cache = network(n_layers=2).run_with_cache(tokens, {"blocks.0.hook_resid_post"})
        with pytest.raises(KeyError, match="'resid_post', -1"):
            cache["resid_post", -1]
        assert cache["resid_post", -2] is cache["blocks.0.hook_resid_post"]

    @pytest.mark.parametrize(
        ("key", "meant"),
        [
            (("pattrn", 0), r"did you mean \('pattern', 0\)\?"),
            (("pattern", 1), r"did you mean \('pattern', 0\)\?"),
            ("embd", r"did you mean \w*embed\?"),
            ("blocks.0.attn.hook_patern", r"did you mean blocks\.0\.attn\.hook_pattern\?"),
            ("pattern", "is not in the cache"),
        ],
    )
    def test_a_name_that_does_not_exist_names_the_nearest(self, tokens, key, meant):
        _, cache = network().run_with_cache(tokens)
        with pytest.raises(KeyError, match=meant):
            cache[key]
        assert cache.get(key) is None

    def test_shown_by_shapes(self, tokens):
        _, cache = network().run_with_cache(tokens, ["hook_embed"])
        assert repr(cache) == f"ActivationCache({{'hook_embed': float64[{B}, {N}, {D}]}})"


class TestBlocks:
    """``with model.hooks(...)``: in force inside, gone outside."""

    HALF = {"blocks.0.hook_mlp_out": lambda value: 0.5 * value}  # noqa: RUF012

    def test_inside_and_outside(self, tokens):
        model = network(n_layers=2)
        before, expected = model(tokens), model.run_with_hooks(tokens, self.HALF)
        with model.hooks(self.HALF) as inside:
            assert inside is model
            assert torch.equal(model(tokens), expected)
            logits, cache = model.run_with_cache(tokens)
        assert torch.equal(logits, expected)
        _, untouched = model.run_with_cache(tokens)
        torch.testing.assert_close(cache["mlp_out", 0], 0.5 * untouched["mlp_out", 0])
        assert torch.equal(model(tokens), before)

    def test_at_chosen_positions(self, tokens):
        model = network()
        everywhere = model.run_with_hooks(tokens, self.HALF)
        torch.testing.assert_close(model.run_with_hooks(tokens, self.HALF, [2]), everywhere[:, 2:3])

    def test_inside_each_other_the_outer_first(self, tokens):
        model, seen = network(), []
        with model.hooks({"hook_embed": lambda value: seen.append("outer") or value + 1}):
            with model.hooks({"hook_embed": lambda value: seen.append("inner") or value * 2}):
                _, cache = model.run_with_cache(tokens)
            model(tokens)
        assert seen == ["outer", "inner", "outer"]
        torch.testing.assert_close(cache["embed"], (model.embed.W_E[tokens] + 1) * 2)

    def test_undone_after_an_error(self, tokens):
        model = network()
        before = model(tokens)
        with pytest.raises(ZeroDivisionError), model.hooks(self.HALF):
            raise ZeroDivisionError
        assert torch.equal(model(tokens), before)

    def test_that_touched_nothing(self):
        with pytest.raises(HookError, match="never used: call the network inside"), network().hooks(self.HALF):
            pass

    def test_unknown_name_at_once(self):
        with pytest.raises(HookError, match="did you mean hook_embed"), network().hooks({"hook_embd": torch.clone}):
            pytest.fail("the block was entered")

    def test_the_fast_pass_does_not_ignore_them(self, tokens):
        model = network()
        plan = model.plan(tokens, [3])
        with pytest.raises(HookError, match="forward_fast leaves most activations out"), model.hooks(self.HALF):
            model.forward_fast(plan)
        model.forward_fast(plan)

    def test_a_gradient_goes_through(self, tokens):
        model = network()
        with model.hooks(self.HALF):
            model(tokens).sum().backward()
        assert model.embed.W_E.grad is not None


class TestArguments:
    """A hook takes the value, or the value and where it is, as TransformerLens's do."""

    def test_of_every_form(self, tokens):
        model, points = network(n_layers=2), []

        def named(value, hook):
            points.append(hook)
            return value

        def only_by_name(value, *, hook):
            points.append(hook)
            return value

        def second(value, point):
            points.append(point)
            return value

        def with_a_default(value, factor=1.0):
            return value * factor

        model.run_with_hooks(
            tokens,
            {
                "blocks.1.hook_resid_pre": named,
                "blocks.1.attn.hook_z": only_by_name,
                "blocks.1.hook_resid_post": second,
                "hook_embed": with_a_default,
                "hook_pos_embed": torch.clone,
            },
        )
        names = ["blocks.1.hook_resid_pre", "blocks.1.attn.hook_z", "blocks.1.hook_resid_post"]
        assert points == [HookPoint(name) for name in names]
        assert {point.layer() for point in points} == {1}

    def test_of_no_layer(self):
        with pytest.raises(HookError, match="'hook_embed' is of no layer"):
            HookPoint("hook_embed").layer()
