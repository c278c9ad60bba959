"""The examples of README.md and docs/python.md run as they are printed, each document's in one program."""

import re

import pytest
from conftest import ROOT


@pytest.mark.parametrize("name", ["README.md", "docs/python.md"])
def test_examples_run(name, capsys):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(), flags=re.S)
    assert blocks
    for package in ("torch", "jax"):
        if any(f"import {package}" in block for block in blocks):
            pytest.importorskip(package, reason=f"{package} is not installed")
    space = {}
    for block in blocks:
        exec(compile(block, name, "exec"), space)
    if name == "README.md":
        assert re.match(r"gold 111 diffracts at \[?0\.84\d* and \[?-2\.42\d* rad", capsys.readouterr().out)
