"""The examples of the documents run as they are printed, each document's in one program, and so does the tutorial."""

import inspect
import json
import pydoc
import re
import typing

import braggrad
import pytest
from conftest import ROOT


@pytest.mark.parametrize("name", ["README.md", "docs/python.md"])
def test_examples_run(name, capsys):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), flags=re.S)
    assert blocks
    for package in ("torch", "jax", "dask", "distributed"):
        if any(re.search(rf"(import|from) {package}\b", block) for block in blocks):
            pytest.importorskip(package, reason=f"{package} is not installed")
    space = {}
    for block in blocks:
        exec(compile(block, name, "exec"), space)
    if name == "README.md":
        assert re.match(r"gold 111 diffracts at \[?0\.84\d* and \[?-2\.42\d* rad", capsys.readouterr().out)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")
def test_the_tutorial_runs(capsys):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    torch.set_num_threads(1)  # its tensors are small: threads that wait for each other take longer than one alone
    notebook = json.loads((ROOT / "docs" / "tutorial.ipynb").read_text())
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert len(cells) >= 5
    space = {}
    for cell in cells:
        exec(compile(cell, "tutorial.ipynb", "exec"), space)
    assert "grains that it never saw" in capsys.readouterr().out


def test_help_names_types_as_they_are_written():
    public = [value for value in (getattr(braggrad, name) for name in braggrad.__all__) if callable(value)]
    assert len(public) > 20
    for value in public:
        assert len(str(inspect.signature(value))) < 1000, value
        shown = pydoc.plaintext.document(value)
        assert "_SupportsArray" not in shown and "_NestedSequence" not in shown, value
        typing.get_type_hints(value)  # each name is there
    assert "orientations: 'ArrayLike'" in pydoc.plaintext.document(braggrad.predict)
