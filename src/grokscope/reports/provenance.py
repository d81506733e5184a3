"""How a run was made: status, time, command, versions, machine, hashes."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from grokscope import formatting
from grokscope.run import Run

Facts = tuple[tuple[str, str], ...]
"""Names and values, in order."""


def how_it_was_made(run: Run) -> Facts:
    """Return what the run's record says; where sessions differ, each in turn."""
    record, steps = run.record, run.checkpoints
    sessions: list[dict[str, Any]] = record["sessions"]
    execution = record["execution"]
    threads, compiled = execution["threads"], ", torch.compile" if execution["compile"] else ""
    kept = f"{len(steps):,}, steps {steps[0]:,} to {steps[-1]:,}" if steps else "none"
    return (
        ("Status", f"{run.status}: {record['reason']}" if record["reason"] else run.status),
        ("Steps", f"{record['step']:,}"),
        ("Training time", formatting.duration(record["training_seconds"])),
        ("Started", record["started"]),
        ("Last written", record["updated"]),
        ("Checkpoints", kept),
        ("Command", _in_turn(_command(session) for session in sessions)),
        ("Versions", _in_turn(_named(session["versions"]) for session in sessions)),
        *_plugins(sessions),
        ("Machine", _in_turn(_machine(session["machine"]) for session in sessions)),
        ("Device", f"{execution['device']}, {threads} CPU thread{'s' if threads != 1 else ''}{compiled}"),
        *_hashes(run),
    )


def _plugins(sessions: list[dict[str, Any]]) -> Facts:
    """Return the plugins that were loaded, with the hashes of their files; nothing where there was none."""
    texts = [", ".join(f"{name} (SHA-256 {sha})" for name, sha in each.get("plugins", {}).items()) for each in sessions]
    return (("Plugins", _in_turn(text or "none" for text in texts)),) if any(texts) else ()


def _hashes(run: Run) -> Facts:
    """Return the SHA-256 of what says whether another run is the same: settings, metrics, the last network."""
    folder, steps = run.folder, run.checkpoints
    files = [folder.experiment, folder.metrics, *([folder.checkpoint(steps[-1])] if steps else [])]
    return tuple((f"SHA-256 of {path.relative_to(run.path)}", _sha256(path)) for path in files if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def interruption(run: Run) -> str | None:
    """Return what a reader must know before anything else of a run that did not finish; None of one that did."""
    status, reason = run.status, run.record["reason"]
    because = f": {reason}" if reason else ""
    match status:
        case "finished":
            return None
        case "running":
            return "This run is still being trained; the page shows it as far as it has come."
        case "diverged":
            return f"This run did not finish{because}"
        case "failed":
            return f"This run failed{because}"
        case _:
            return f"This run was interrupted{because or ': its process ended without a word'}"


def _command(session: Mapping[str, Any]) -> str:
    resumed = f" (resumed at step {session['from_step']:,})" if session["from_step"] else ""
    return " ".join(session["command"]) + resumed


def _named(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())


def _machine(machine: Mapping[str, Any]) -> str:
    parts = [
        machine["system"],
        machine["processor"],
        f"{machine['cores']} cores",
        machine["gpu"] or "no GPU",
        machine["cpu_capability"],
    ]
    return ", ".join(part for part in parts if part)


def _in_turn(texts: Iterable[str]) -> str:
    return "; then ".join(dict.fromkeys(texts))
