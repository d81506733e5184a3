"""Where and with what a run was made."""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from grokscope.plugins import load_plugins


def provenance() -> dict[str, Any]:
    """Return versions, plugins with the hashes of their files, machine and command as plain values."""
    return {
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("grokscope", "numpy", "safetensors")},
            "torch": str(torch.__version__),  # says which build, too: 2.13.0+cu130
        },
        "plugins": {plugin.name: plugin.sha256 for plugin in load_plugins()},
        "machine": {
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "processor": _processor(),
            "cores": os.cpu_count(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        },
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()
