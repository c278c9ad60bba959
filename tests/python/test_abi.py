"""The declarations agree with the headers, as the C compiler reads them."""

import ctypes
import subprocess
import sys

import pytest
from braggrad import _abi as abi
from braggrad._library import library
from conftest import ROOT

STRUCTS = {
    name: struct
    for name, struct in vars(abi).items()
    if isinstance(struct, type) and issubclass(struct, abi.Struct) and struct is not abi.Struct
}


def test_every_exported_function_has_its_types():
    symbols = (ROOT / "tests" / "abi" / "symbols.txt").read_text().split()
    assert set(symbols) == set(abi.FUNCTIONS)
    for name in symbols:
        function = getattr(library, name)
        assert function.argtypes is not None, name
        assert (function.restype, list(function.argtypes)) == abi.FUNCTIONS[name]


def test_the_generated_file_is_up_to_date():
    subprocess.run([sys.executable, str(ROOT / "scripts" / "generate_ctypes.py"), "--check"], check=True)


def test_sizes_offsets_and_constants_are_those_of_c(tmp_path):
    constants = {name: value for name, value in vars(abi).items() if name.startswith("BRG_")}
    members = [(name, field[0]) for name, struct in STRUCTS.items() for field in struct._fields_]
    expressions = [f"sizeof({name})" for name in STRUCTS]
    expressions += [f"offsetof({name}, {member})" for name, member in members]
    expressions += [f"sizeof((({name} *)0)->{member})" for name, member in members]
    expressions += list(constants)
    lines = "\n".join(f'  printf("%lld\\n", (long long){expression});' for expression in expressions)
    source = tmp_path / "layout.c"
    source.write_text(f"#include <braggrad/braggrad.h>\n#include <stdio.h>\nint main(void) {{\n{lines}\n}}\n")
    program = tmp_path / "layout"
    subprocess.run(["cc", "-std=c99", f"-I{ROOT / 'include'}", str(source), "-o", str(program)], check=True)
    answer = [int(line) for line in subprocess.run([program], check=True, capture_output=True).stdout.split()]
    fields = [getattr(STRUCTS[name], member) for name, member in members]
    ours = [ctypes.sizeof(struct) for struct in STRUCTS.values()]
    ours += [field.offset for field in fields] + [field.size for field in fields] + list(constants.values())
    assert dict(zip(expressions, ours, strict=True)) == dict(zip(expressions, answer, strict=True))


def test_every_struct_of_the_headers_is_there():
    text = "".join(path.read_text() for path in (ROOT / "include" / "braggrad").glob("*.h"))
    assert set(STRUCTS) == {
        line.split()[2] for line in text.splitlines() if line.startswith("typedef struct") and "{" in line
    }


@pytest.mark.parametrize("variable, message", [("/nowhere/libbraggrad.so", "BRAGGRAD_LIBRARY names no file")])
def test_a_library_that_is_not_there_is_said(variable, message):
    run = subprocess.run(
        [sys.executable, "-c", "import braggrad"],
        env={"BRAGGRAD_LIBRARY": variable, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode and message in run.stderr


def test_another_library_is_refused(tmp_path):
    source = tmp_path / "other.c"
    source.write_text("unsigned brg_abi_version(void) { return 77; }\n")
    other = tmp_path / "libother.so"
    subprocess.run(["cc", "-shared", "-fPIC", str(source), "-o", str(other)], check=True)
    run = subprocess.run(
        [sys.executable, "-c", "import braggrad"],
        env={"BRAGGRAD_LIBRARY": str(other), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert run.returncode and "has ABI 77, this package is for ABI 0" in run.stderr
