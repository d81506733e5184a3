"""Run the tutorial from its source in a kernel of its own; as a program, write its outputs into the notebook."""

import os
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tutorial.ipynb"


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
    return notebook


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        nbformat.write(run_tutorial(Path(temporary)), NOTEBOOK)
