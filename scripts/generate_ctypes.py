#!/usr/bin/env python3
"""Writes the Python package's declarations of the C interface, bindings/python/braggrad/_abi.py, from the headers.

The headers are regular: structs, anonymous enums, integer typedefs, integer macros and BRG_API functions. Whatever is
none of these stops the generator, so nothing is passed over in silence.

    scripts/generate_ctypes.py            rewrites the file
    scripts/generate_ctypes.py --check    exits 1 if it is not up to date
"""

import pathlib
import re
import sys
from dataclasses import dataclass, field

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADERS = ROOT / "include" / "braggrad"
OUTPUT = ROOT / "bindings" / "python" / "braggrad" / "_abi.py"

# C type: ctypes' type, and the Python type of a member.
SCALARS = {
    "char": ("c.c_char", "bytes"),
    "int32_t": ("c.c_int32", "int"),
    "int64_t": ("c.c_int64", "int"),
    "uint8_t": ("c.c_uint8", "int"),
    "uint32_t": ("c.c_uint32", "int"),
    "size_t": ("c.c_size_t", "int"),
    "float": ("c.c_float", "float"),
    "double": ("c.c_double", "float"),
}
HEAD = '''"""The C interface as ctypes sees it. Made by scripts/generate_ctypes.py from the headers: do not edit.

Names are those of the headers, which describe them. Pointers to structs are typed, all others (arrays, handles) are
addresses.
"""

import ctypes as c


class Struct(c.Structure):
    """A struct that begins with its size and flags, as all of the interface do."""

    struct_size: int
    flags: int

    def __init__(self, **members: object) -> None:
        self.struct_size = c.sizeof(self)
        for name, value in members.items():  # in half of the time of the base class
            setattr(self, name, value)

'''
TAIL = '''

def declare(library: c.CDLL) -> None:
    """Gives every function of the loaded library its result and argument types."""
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
'''


@dataclass
class Interface:
    """What the headers declare, in their order."""

    constants: dict[str, str] = field(default_factory=dict)
    structs: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)  # member, ctypes' type, Python type
    functions: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    handles: set[str] = field(default_factory=set)
    scalars: dict[str, tuple[str, str]] = field(default_factory=lambda: dict(SCALARS))

    def value_type(self, base: str, stars: int, lengths: list[str]) -> tuple[str, str]:
        """ctypes' and Python's type of a member."""
        if stars:
            return "c.c_void_p", "int | None"
        ctype, python = self.scalars[base]
        for length in lengths:
            ctype, python = f"{ctype} * {length}", f"c.Array[{ctype}]" if base != "char" else "bytes"
        return ctype, python

    def pointer_type(self, base: str, stars: int) -> str:
        """ctypes' type of an argument that is a pointer."""
        if stars == 2 and base in self.handles:
            return "c.POINTER(c.c_void_p)"
        if stars == 1 and base in self.structs:
            return f"c.POINTER({base})"
        if stars == 1 and (base in self.scalars or base in self.handles or base == "void"):
            return "c.c_void_p"
        raise SystemExit(f"no rule for the argument type {base}{'*' * stars}")

    def read(self, text: str, name: str) -> None:
        """Takes in one header."""
        text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
        text = re.sub(r"#ifdef __cplusplus\n.*?#endif", " ", text, flags=re.S)
        text = re.sub(r"^#define (BRG_\w+) (\d+)$", self._macro, text, flags=re.M)
        text = re.sub(r"^#.*$", " ", text, flags=re.M)
        rules = (
            (r"typedef struct (\w+) \1;", self._handle),
            (r"typedef (\w+) (\w+);", self._alias),
            (r"enum \{(.*?)\};", self._enum),
            (r"typedef struct (\w+) \{(.*?)\} \1;", self._struct),
            (r"BRG_API ([\w ]*?\w)\s*(\**)(\w+)\(([^()]*)\);", self._function),
        )
        for pattern, take in rules:
            text = re.sub(pattern, take, text, flags=re.S)
        if text.strip():
            raise SystemExit(f"{name}: not understood: {text.strip().splitlines()[0]}")

    def _macro(self, match: re.Match[str]) -> str:
        self.constants[match[1]] = match[2]
        return ""

    def _handle(self, match: re.Match[str]) -> str:
        self.handles.add(match[1])
        return ""

    def _alias(self, match: re.Match[str]) -> str:
        self.scalars[match[2]] = self.scalars[match[1]]
        return ""

    def _enum(self, match: re.Match[str]) -> str:
        for item in match[1].split(","):
            name, value = re.fullmatch(r"\s*(BRG_\w+) = (\d+)u?\s*", item).groups()
            self.constants[name] = value
        return ""

    def _struct(self, match: re.Match[str]) -> str:
        members = []
        for declaration in filter(str.strip, match[2].split(";")):
            base, declarators = re.fullmatch(r"\s*(?:const )?(\w+) (.*?)\s*", declaration, flags=re.S).groups()
            for declarator in declarators.split(","):
                stars, member, lengths = re.fullmatch(r"\s*(\**)(\w+)((?:\[\d+\])*)", declarator).groups()
                types = self.value_type(base, len(stars), re.findall(r"\d+", lengths))
                members.append((member, *types))
        if [member for member, *_ in members[:2]] != ["struct_size", "flags"]:
            raise SystemExit(f"{match[1]} does not begin with its size and flags")
        self.structs[match[1]] = members
        return ""

    def _function(self, match: re.Match[str]) -> str:
        base, stars, name, parameters = match.groups()
        base = base.removeprefix("const ")
        pointer = "c.c_char_p" if base == "char" else "c.c_void_p"
        result = pointer if stars else self.scalars[base][0]
        arguments = []
        for parameter in [] if parameters.strip() == "void" else parameters.split(","):
            base, stars, brackets = re.fullmatch(
                r"\s*(?:const )?(\w+) (\**)\w+(\[\d+\])?\s*", parameter, flags=re.S
            ).groups()
            pointers = len(stars) + bool(brackets)
            arguments.append(self.pointer_type(base, pointers) if pointers else self.scalars[base][0])
        self.functions[name] = (result, arguments)
        return ""

    def python(self) -> str:
        """The module's text, laid out as ruff does."""
        lines = [HEAD]
        lines += [f"{name} = {value}" for name, value in self.constants.items()]
        for name, members in self.structs.items():
            lines += ["", "", f"class {name}(Struct):"]
            lines += [f"    {member}: {python}" for member, _, python in members[2:]]
            lines += ["    _fields_ = ("]
            lines += [f'        ("{member}", {ctype}),' for member, ctype, _ in members]
            lines += ["    )"]
        lines += ["", "", "FUNCTIONS = {"]
        for name, (result, arguments) in self.functions.items():
            line = f'    "{name}": ({result}, [{", ".join(arguments)}]),'
            if len(line) <= 120:
                lines += [line]
                continue
            lines += [f'    "{name}": (', f"        {result},"]
            line = f"        [{', '.join(arguments)}],"
            if len(line) <= 120:
                lines += [line]
            else:
                lines += ["        [", *(f"            {argument}," for argument in arguments), "        ],"]
            lines += ["    ),"]
        lines += ["}", TAIL]
        return "\n".join(lines)


def headers() -> list[pathlib.Path]:
    """The headers in the order in which they include each other."""
    found: list[pathlib.Path] = []

    def visit(path: pathlib.Path) -> None:
        for name in re.findall(r'^#include "(\w+\.h)"$', path.read_text(), flags=re.M):
            visit(HEADERS / name)
        if path not in found:
            found.append(path)

    visit(HEADERS / "braggrad.h")
    return found


def main() -> int:
    interface = Interface()
    for path in headers():
        interface.read(path.read_text(), path.name)
    text = interface.python()
    if OUTPUT.exists() and OUTPUT.read_text() == text:
        return 0
    if "--check" in sys.argv:
        print(f"not up to date, run scripts/generate_ctypes.py: {OUTPUT.relative_to(ROOT)}")
        return 1
    OUTPUT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
