"""The declarations of the public headers, for what is made from them or compared with them.

The headers keep to a few forms, so a few expressions read them; what these do not understand is an error.
"""

import pathlib
import re
import sys
from dataclasses import dataclass


@dataclass
class Declaration:
    """`base` with `stars`, an array of `extent` unless None: a member, or an argument."""

    name: str
    base: str
    const: bool
    stars: int
    extent: str | None


@dataclass
class Header:
    kinds: list  # typedefs of int32_t
    constants: list  # (name, value)
    structs: list  # (name, members)
    functions: list  # (name, result Declaration, arguments)


def parse_declarators(text):
    """`const double *a, *b` or `double a[3]` as declarations."""
    match = re.fullmatch(r"\s*(const\s+)?(\w+)\s*(.*)", text, flags=re.S)
    if not match:
        raise SystemExit(f"not understood: {text}")
    for declarator in match[3].split(","):
        parts = re.fullmatch(r"\s*(\**)\s*(\w+)(?:\[(\w+)\])?\s*", declarator)
        if not parts:
            raise SystemExit(f"not understood: {text}")
        yield Declaration(parts[2], match[2], bool(match[1]), len(parts[1]), parts[3])


def parse(paths):
    code = "".join(re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S) for path in paths)
    macros = re.findall(r"^#define (BRG_\w+) (\d+)$", code, flags=re.M)
    enums = re.findall(r"(BRG_\w+) = (\d+)u?", code)
    structs = [
        (name, [member for part in body.split(";")[:-1] for member in parse_declarators(part)])
        for body, name in re.findall(r"typedef struct \w+ \{(.*?)\} (\w+);", code, flags=re.S)
    ]
    functions = []
    for head, name, arguments in re.findall(r"BRG_API ([^;]*?)(brg_\w+)\(([^)]*)\);", code, flags=re.S):
        result = next(parse_declarators(head + " result"))
        listed = [] if arguments.strip() == "void" else [next(parse_declarators(a)) for a in arguments.split(",")]
        functions.append((name, result, listed))
    kinds = re.findall(r"typedef int32_t (\w+);", code)
    return Header(kinds, macros + enums, structs, functions)


def layout_program(header):
    """A C program that prints the size of every struct, offset and size of every member, value of every constant."""
    lines = ["#include <braggrad/braggrad.h>", "#include <stdio.h>", "int main(void) {"]
    for name, members in header.structs:
        lines.append(f'  printf("{name} %d\\n", (int)sizeof({name}));')
        lines += [
            f'  printf("{name}.{m.name} %d %d\\n", (int)offsetof({name}, {m.name}), '
            f"(int)sizeof((({name} *)0)->{m.name}));"
            for m in members
        ]
    lines += [f'  printf("{name} %d\\n", (int){name});' for name, _ in header.constants]
    return "\n".join([*lines, "  return 0;", "}"]) + "\n"


if __name__ == "__main__":  # c_headers.py FILE: writes the layout program of the public headers
    folder = pathlib.Path(__file__).resolve().parent.parent / "include" / "braggrad"
    pathlib.Path(sys.argv[1]).write_text(layout_program(parse(sorted(folder.glob("*.h")))))
