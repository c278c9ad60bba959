#!/usr/bin/env python3
"""Instructions per pair of each hot operation: a count that does not depend on the machine.

    bench/instructions.py build/cpu-only/bench --out bench/results/instructions

One call of B = 20 orientations with N = 200 reflections, on arrays that an earlier call has used. AVX-512 is
single-stepped (count_steps.cpp; the machine must have it), and its instructions are told by the units that they occupy;
the other levels are counted by callgrind, which does not know AVX-512, as the difference of one call and six.
"""

import argparse
import collections
import json
import os
import re
import subprocess
from pathlib import Path

import measure

OPERATIONS = (
    *("predict", "predict_friedel", "predict_vjp", "predict_jvp", "predict_spots", "diffracted_beam"),
    *("solve", "solve_vjp", "solve_jvp", "rotate", "rotate_vjp", "rotate_jvp"),
    *("loss_angle", "loss_angle_friedel", "loss_angle_rotation", "loss_angle_all", "loss_angle_per_pair"),
    *("loss_angle_csr", "loss_angle_csr_nearer"),
    *("loss_chord", "loss_chord_friedel", "loss_chord_rotation", "loss_chord_all", "loss_chord_per_pair"),
    *("loss_chord_csr", "loss_chord_csr_nearer"),
)
STEPPED, LEVELS = "avx512", ("avx2", "sse4", "scalar")
ORIENTATIONS, REFLECTIONS = 20, 200
PAIRS = ORIENTATIONS * REFLECTIONS

# What an instruction of AVX-512 code occupies: the first that matches its name.
UNITS = {
    "multiply": r"vf?n?m(add|sub|ul)\w*|vcmp\w*|vu?comis\w*|vr(cp|sqrt)14\w*",
    "add": r"v(add|sub|min|max|rndscale|cvt)\w*",
    "divide": r"vdiv\w*",
    "root": r"vsqrt\w*",
    "vector": r"[vk](?!zeroupper)\w*",
    "scalar": r".*",
}


def class_of(mnemonic: str, operands: str) -> tuple[str, ...]:
    """The units of one instruction, as objdump writes it."""
    stores = operands.endswith(")") and not mnemonic.startswith(("cmp", "test", "lea", "nop", "prefetch"))
    loads = "(" in operands and not stores and not mnemonic.startswith(("lea", "nop"))
    memory = ("load",) * loads + ("store",) * (stores or mnemonic == "push")
    if mnemonic.startswith(("vmov", "vbroadcast", "vpbroadcast", "kmov", "mov")) and memory:
        return memory
    if re.fullmatch(r"vmov\w*", mnemonic) and "{" not in operands:
        return ("move",)  # renamed, not executed
    unit = next(unit for unit, name in UNITS.items() if re.fullmatch(name, mnemonic))
    return (unit, *memory)


def disassembly(library: Path) -> dict[int, tuple[str, str]]:
    """Mnemonic and operands by offset."""
    command = ["objdump", "-d", "--no-show-raw-insn", str(library)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    found = (re.match(r"\s*([0-9a-f]+):\t(\S+)\s*([^<#]*)", line) for line in lines)
    return {int(m[1], 16): (m[2], m[3].strip()) for m in found if m}


def stepped(folder: Path, code: dict[int, tuple[str, str]], operation: str, precision: str) -> dict[str, float]:
    """Instructions per pair of AVX-512 code, in all and by unit; `wide` are those on whole vectors."""
    command = [str(folder / "count_steps"), operation, precision, str(ORIENTATIONS), str(REFLECTIONS)]
    environment = {**os.environ, "BRAGGRAD_SIMD": STEPPED}
    lines = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.splitlines()
    counts = collections.Counter()
    for key, number in (line.split() for line in lines):
        if key == "pairs":
            continue
        counts["all"] += int(number)
        if key == "other":
            counts["outside"] += int(number)
            continue
        mnemonic, operands = code[int(key, 16)]
        for unit in class_of(mnemonic, operands):
            counts[unit] += int(number)
        counts["wide"] += int(number) * ("%zmm" in operands)
    return {unit: round(number / PAIRS, 3) for unit, number in sorted(counts.items())}


def under_callgrind(folder: Path, level: str, operation: str, precision: str, repeat: int) -> int:
    """Instructions of the whole process."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(folder / "one_call")]
    command += [operation, precision, str(ORIENTATIONS), str(REFLECTIONS), str(repeat)]
    environment = {**os.environ, "BRAGGRAD_SIMD": level}
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return int(re.search(r"Collected : (\d+)", answer.stderr).group(1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where one_call and count_steps are")
    parser.add_argument("--out", type=Path, required=True, help="OUT.txt and OUT.json are written")
    parser.add_argument("--only", default=".", help="operations: a regular expression; the others are not written")
    arguments = parser.parse_args()
    code = disassembly(arguments.folder.parent / "libbraggrad.so")
    columns = [(level, precision) for level in (STEPPED, *LEVELS) for precision in ("f64", "f32")]
    table, units = {}, {}
    heading = measure.heading(arguments.folder / "cpu_bench", "bench/instructions.py")
    lines = [
        *heading,
        "",
        f"{'instructions per pair':24s}" + "".join(f"{level + ' ' + p:>12s}" for level, p in columns),
    ]
    for operation in filter(re.compile(arguments.only).search, OPERATIONS):
        line = f"{operation:24s}"
        for level, precision in columns:
            if level == STEPPED:
                units[f"{operation}/{precision}"] = stepped(arguments.folder, code, operation, precision)
                per_pair = units[f"{operation}/{precision}"]["all"]
            else:
                few, many = (under_callgrind(arguments.folder, level, operation, precision, n) for n in (1, 6))
                per_pair = (many - few) / (5 * PAIRS)
            table[f"{operation}/{precision}/{level}"] = round(per_pair, 2)
            line += f"{per_pair:12.1f}"
        lines.append(line)
        print(line, flush=True)
    arguments.out.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    record = {"heading": heading, "instructions": table, "units_avx512": units}
    arguments.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
