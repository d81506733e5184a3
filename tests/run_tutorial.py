"""Run the tutorial from its source in a kernel of its own; as a program, write its outputs into the notebook."""

import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tutorial.ipynb"
LARGEST_PAGE = 1_000_000
"""Characters of HTML beyond which an output keeps its text alone: a replay brings a chart library of 5 MB."""


def run_tutorial(folder: Path) -> NotebookNode:
    """Return the notebook, executed in ``folder`` on one thread.

    Raises:
        CellExecutionError: a cell failed.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count, cell.metadata = [], None, NotebookNode()
    where = {"metadata": {"path": str(folder)}}
    # no times in the file: the same run gives the same bytes
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources=where, record_timing=False)
    # nothing is written into the home of whoever runs this
    client.execute(env={**os.environ, "OMP_NUM_THREADS": "1", "IPYTHONDIR": str(folder / "ipython")})
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        if len(output.get("data", {}).get("text/html", "")) > LARGEST_PAGE:
            del output.data["text/html"]
    return notebook


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        nbformat.write(run_tutorial(Path(temporary)), NOTEBOOK)
