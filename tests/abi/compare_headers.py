#!/usr/bin/env python3
"""compare_headers.py BASELINE CURRENT: what docs/abi.md allows between two folders of headers, and nothing else.

Allowed: new functions, structs and constants; members appended to a struct; names of arguments. Everything else
that differs is listed, and the exit status is 1.

compare_headers.py --test CURRENT: proves that the comparison finds each kind of change, by making it.
"""

import pathlib
import re
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
import c_headers


def headers_of(folder):
    return c_headers.parse(sorted(pathlib.Path(folder).glob("*.h")))


def type_of(declaration):
    extent = f"[{declaration.extent}]" if declaration.extent else ""
    return f"{'const ' if declaration.const else ''}{declaration.base}{'*' * declaration.stars}{extent}"


def signature(result, arguments):
    return f"{type_of(result)} ({', '.join(type_of(a) for a in arguments) or 'void'})"


def differences(baseline, current):
    """Sentences, one for each thing that a program built with the baseline could trip over."""
    found = []
    constants = dict(current.constants)
    for name, value in baseline.constants:
        if name in ("BRG_VERSION_MAJOR", "BRG_VERSION_MINOR", "BRG_VERSION_PATCH"):
            continue  # these say which release it is
        if constants.get(name) != value:
            found.append(f"{name} was {value} and is {constants.get(name, 'gone')}")
    for kind in baseline.kinds:
        if kind not in current.kinds:
            found.append(f"{kind} is no int32_t any more")
    structs = dict(current.structs)
    for name, members in baseline.structs:
        now = [f"{type_of(m)} {m.name}" for m in structs.get(name, [])]
        for place, member in enumerate(f"{type_of(m)} {m.name}" for m in members):
            if now[place : place + 1] != [member]:
                found.append(
                    f"{name}: member {place} was '{member}' and is '{(now[place : place + 1] or ['gone'])[0]}'"
                )
                break
    functions = {name: signature(result, arguments) for name, result, arguments in current.functions}
    for name, result, arguments in baseline.functions:
        was = signature(result, arguments)
        if functions.get(name) != was:
            found.append(f"{name} was {was} and is {functions.get(name, 'gone')}")
    return found


# Each edit of a header, and what the comparison must say of it; None: it is allowed.
EDITS = [
    (r"(?s)(BRG_API brg_status brg_context_synchronize)[^;]*;", "", "brg_context_synchronize was .* and is gone"),
    (r"(brg_buffer_create\(brg_context \*context, )size_t bytes", r"\1int32_t bytes", "brg_buffer_create was"),
    (r"BRG_API uint32_t brg_abi_version", "BRG_API int32_t brg_abi_version", "brg_abi_version was"),
    (r"BRG_ERROR_CUDA = 8", "BRG_ERROR_CUDA = 18", "BRG_ERROR_CUDA was 8 and is 18"),
    (r"#define BRG_ABI_VERSION \d+", "#define BRG_ABI_VERSION 99", "BRG_ABI_VERSION was"),
    (r"typedef int32_t brg_loss;", "typedef int64_t brg_loss;", "brg_loss is no int32_t"),
    (r"double beam\[3\];", "double beam[4];", "brg_geometry: member 3 was 'double.3. beam'"),
    (r"double chi; ", "float chi; ", "brg_geometry: member 5"),
    (r"double grazing_cut;[^}]*", "", "brg_geometry: member 6 .* 'gone'"),
    (r"int32_t reserved; ", "int32_t reserve; ", "reserve"),
    (r"(typedef struct brg_items_f64 \{)", r"\1 double first;", "brg_items_f64: member 0"),
    (r"\} brg_geometry;", "double added; } brg_geometry;", None),
    (r"(brg_status brg_context_destroy\(brg_context \*)context", r"\1ctx", None),
    (r"#define BRG_VERSION_MINOR \d+", "#define BRG_VERSION_MINOR 77", None),
    (r"(?s)$", "BRG_API brg_status brg_added(int32_t one);", None),
]


def self_test(folder):
    texts = {path.name: path.read_text() for path in pathlib.Path(folder).glob("*.h")}
    for pattern, replacement, expected in EDITS:
        if not any(re.search(pattern, text) for text in texts.values()):
            raise SystemExit(f"no header has {pattern}")
        with tempfile.TemporaryDirectory() as edited:
            for name, text in texts.items():
                (pathlib.Path(edited) / name).write_text(re.sub(pattern, replacement, text, count=1))
            said = "\n".join(differences(headers_of(folder), headers_of(edited)))
        if bool(said) != bool(expected) or (expected and not re.search(expected, said)):
            raise SystemExit(f"{pattern} -> {replacement}: expected {expected}, got '{said}'")
    print(f"{len(EDITS)} kinds of edits recognised")


def main():
    if sys.argv[1] == "--test":
        return self_test(sys.argv[2])
    found = differences(headers_of(sys.argv[1]), headers_of(sys.argv[2]))
    if found:
        raise SystemExit("\n".join(["not compatible with the baseline:", *found]))
    print("compatible with the baseline")
    return None


if __name__ == "__main__":
    main()
