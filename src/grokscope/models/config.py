"""The shapes of networks, as settings."""

from typing import Annotated, Literal

from pydantic import Field, StrictInt, model_validator

from grokscope.config import Config

Activation = Literal["relu", "gelu", "quadratic"]
InitScale = Annotated[
    float, Field(gt=0, description="initial weights are multiplied by this: large ones grok late (Liu et al. 2022)")
]


class TransformerConfig(Config):
    """A decoder-only transformer with learned positions; the defaults are the paper's network."""

    kind: Literal["transformer"] = "transformer"
    n_layers: StrictInt = Field(default=1, ge=1, le=16)
    d_model: StrictInt = Field(default=128, ge=1, description="width of the residual stream")
    n_heads: StrictInt = Field(default=4, ge=1, description="attention heads in a layer")
    d_head: StrictInt = Field(default=32, ge=1, description="width of one head")
    d_mlp: StrictInt = Field(default=512, ge=1, description="neurons in a layer")
    activation: Activation = "relu"
    attention_only: bool = Field(default=False, description="leave the MLPs out")
    layer_norm: bool = Field(default=False, description="pre-LayerNorm before attention, MLP and unembedding")
    biases: Literal["none", "mlp", "all"] = Field(
        default="mlp", description="mlp: b_in and b_out only, as in the paper"
    )
    tied_embeddings: bool = Field(default=False, description="W_U is the transpose of W_E")
    causal: bool = Field(default=True, description="a position does not see later ones")
    attention_coefficient: float = Field(
        default=1.0, ge=0, le=1, description="c of c·softmax(scores) + (1 − c), the constant added to every entry"
    )
    residual_scale: float = Field(default=1.0, gt=0, description="x ← scale·x + attention(x) in every layer")
    attention_init: Literal["d_model", "d_head"] = Field(
        default="d_model", description="W_Q, W_K and W_V begin as normal numbers over the square root of this"
    )
    init_scale: InitScale = 1.0
    dropout: float = Field(
        default=0.0, ge=0, lt=1, description="rate on what attention and MLP add to the residual stream"
    )


class MLPConfig(Config):
    """A multilayer perceptron on the embeddings of its input tokens."""

    kind: Literal["mlp"] = "mlp"
    n_layers: StrictInt = Field(default=1, ge=1, le=16, description="hidden layers")
    d_model: StrictInt = Field(default=128, ge=1, description="width of one token's embedding")
    d_mlp: StrictInt = Field(default=512, ge=1, description="neurons in a hidden layer")
    activation: Activation = "relu"
    combine: Literal["sum", "concat"] = Field(
        default="concat", description="how the tokens' embeddings become one vector"
    )
    shared_embedding: bool = Field(default=True, description="one embedding for all positions, or one for each")
    biases: Literal["none", "hidden", "all"] = Field(
        default="all", description="hidden: those of the hidden layers only; all: the unembedding's as well"
    )
    tied_embeddings: bool = Field(default=False, description="W_U is the transpose of W_E; needs d_mlp = d_model")
    init_scale: InitScale = 1.0
    dropout: float = Field(default=0.0, ge=0, lt=1, description="rate on the activations of every hidden layer")

    @model_validator(mode="after")
    def _tied(self) -> "MLPConfig":
        if self.tied_embeddings and not (self.shared_embedding and self.d_mlp == self.d_model):
            raise ValueError(
                f"tied_embeddings needs shared_embedding and d_mlp = d_model, which are {self.d_mlp} and {self.d_model}"
            )
        return self


ModelConfig = Annotated[TransformerConfig | MLPConfig, Field(discriminator="kind")]
