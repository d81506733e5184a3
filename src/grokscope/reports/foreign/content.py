"""Everything that the page of one network says, computed before anything is rendered."""

import shlex
from dataclasses import dataclass
from importlib.metadata import version

import torch

from grokscope.explanation import Explanation, Subject
from grokscope.figures.catalogue import Picture, pictures
from grokscope.figures.source import Source
from grokscope.interop import ImportedNetwork, UnseenSettings
from grokscope.reports.provenance import Facts
from grokscope.reports.run.evidence import Evidence, evidence

_OF_TRAINING = ("kind", "attention_init", "init_scale", "dropout")
"""Settings that a trained network has no use for, and its kind, which is told before them."""


@dataclass(frozen=True, eq=False)
class Content:
    """What the page says, in its order; texts are plain, not HTML."""

    title: str
    headline: str
    setting: Facts
    """What the network is, and how that is known."""
    evidence: Evidence
    """What it computes, and how sure that is."""
    pictures: tuple[Picture, ...]
    making: Facts
    """What the page was made from."""
    command: str | None
    """What makes the page again; None of a network without a file."""


def read_content(subject: Subject, explanation: Explanation) -> Content:
    """Return what there is to say of a network and its explanation; figures need no training history."""
    source = Source(subject.task, subject.model, explanation=explanation, name=subject.name)
    imported = subject.imported
    return Content(
        title=subject.name,
        headline=f"{explanation.verdict[:1].upper()}{explanation.verdict[1:]}: {explanation.headline}",
        setting=_setting(subject),
        evidence=evidence(explanation),
        pictures=pictures(source, "network"),
        making=_making(imported),
        command=None if imported is None else _command(imported),
    )


def _setting(subject: Subject) -> Facts:
    model, imported = subject.model, subject.imported
    settings = model.config.model_dump()
    n_weights = f"{model.n_parameters:,} weights of {_dtype(model)}"
    unseen = _unseen(settings)
    hidden = {*_OF_TRAINING, *unseen, *(("d_mlp",) if settings.get("attention_only") else ())}
    shown = ", ".join(f"{name} {_value(value)}" for name, value in settings.items() if name not in hidden)
    facts = [
        ("Task", subject.task.name if subject.recognised else f"not recognised; the nearest is {subject.task.name}"),
        ("Network", f"{model.config.kind}, {n_weights}"),
        ("Settings", shown),
        ("Not shown by weights", "; ".join(_known_how(settings, imported)) or "nothing"),
        ("Tokens", f"{model.n_ctx} of {model.d_vocab:,}, {model.d_vocab_out:,} logits"),
    ]
    return tuple(facts)


def _unseen(settings: dict[str, object]) -> list[str]:
    """Return the settings that weights do not show, of those that change what this network computes."""
    without_neurons = bool(settings.get("attention_only"))
    names = (name for name in UnseenSettings.__annotations__ if name in settings)
    return [name for name in names if not (name == "activation" and without_neurons)]


def _known_how(settings: dict[str, object], imported: ImportedNetwork | None) -> list[str]:
    """Return each setting that weights do not show, and how it is known."""
    found = []
    for name in _unseen(settings):
        if imported is None or imported.layout == "grokscope":
            how = "recorded with the network"
        elif name in imported.stated:
            how = "stated"
        elif settings[name] == type(imported.model.config).model_fields[name].default:
            how = "assumed, the usual one"
        else:
            how = "inferred"
        found.append(f"{name} {_value(settings[name])} ({how})")
    return found


def _making(imported: ImportedNetwork | None) -> Facts:
    versions = ("Versions", f"grokscope {version('grokscope')}, torch {torch.__version__}")
    if imported is None:
        return (versions,)
    stored = [f"{name} {value:.6g}" for name, value in imported.stored.items() if isinstance(value, int | float)]
    return (
        ("File", imported.source.name),
        ("SHA-256", imported.sha256),
        ("Layout", imported.layout),
        *((("Kept beside the weights", ", ".join(stored)),) if stored else ()),
        versions,
    )


def _command(imported: ImportedNetwork) -> str:
    """Return the command that makes the page of the file with every setting stated."""
    words = ["grokscope", "report", imported.source.name]
    if imported.layout != "grokscope":
        words += [] if imported.p is None else ["--p", str(imported.p)]
        words += ["--operation", imported.operation] if imported.operation else []
        settings = imported.model.config.model_dump()
        for name in _unseen(settings):
            words += ["--set", f"{name}={_value(settings[name])}"]
    return shlex.join(words)


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _dtype(model: torch.nn.Module) -> str:
    return str(next(model.parameters()).dtype).removeprefix("torch.")
