#!/usr/bin/env python3
"""Instructions per pair of each hot operation by callgrind: a count that does not depend on the machine.

    bench/instructions.py build/cpu-only/bench/one_call --out bench/results/instructions

The difference of one call and six on the same arrays (B = 20, N = 200), so that start and set-up cancel. valgrind does
not know AVX-512: avx2, sse4 and scalar.
"""

import argparse
import json
import os
import re
import subprocess
from pathlib import Path

OPERATIONS = ("predict", "predict_friedel", "predict_vjp", "predict_jvp", "solve", "rotate", "loss_angle", "loss_chord")
FITS = ("loss_angle_friedel", "loss_angle_rotation", "loss_angle_all", "loss_angle_csr")
LEVELS = ("avx2", "sse4", "scalar")
REFLECTIONS = 200


def count(program, level, operation, precision, orientations, repeat):
    """Instructions of the whole process."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(program)]
    command += [operation, precision, str(orientations), str(REFLECTIONS), str(repeat)]
    environment = {**os.environ, "BRAGGRAD_SIMD": level}
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return int(re.search(r"Collected : (\d+)", answer.stderr).group(1))


def main():
    """Counts everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="OUT.txt and OUT.json are written")
    arguments = parser.parse_args()
    table, lines = (
        {},
        [f"{'instructions per pair':24s}" + "".join(f"{lv + ' ' + p:>12s}" for lv in LEVELS for p in ("f64", "f32"))],
    )
    for operation in OPERATIONS + FITS:
        line = f"{operation:24s}"
        for level in LEVELS:
            for precision in ("f64", "f32"):
                few = count(arguments.program, level, operation, precision, 20, 1)
                many = count(arguments.program, level, operation, precision, 20, 6)
                per_pair = (many - few) / (5 * 20 * REFLECTIONS)
                table[f"{operation}/{precision}/{level}"] = round(per_pair, 2)
                line += f"{per_pair:12.1f}"
        lines.append(line)
        print(lines[-1], flush=True)
    arguments.out.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    arguments.out.with_suffix(".json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
