#!/usr/bin/env python3
"""What binds each AVX-512 loop on this machine: the cycles that its instructions need of each unit, and those it took.

    bench/ports.py build/cpu-only/bench --counts bench/results/instructions.json --out bench/results/ports.txt

Measures the clock (a chain of integer additions), the cycles that one instruction of 512 bits takes of its unit
(independent instructions in a row), and the time of the operations of the counts, as far as cpu_bench has them, with
B = 1000 and B = 20000 orientations of N = 200. All in cycles per vector of 8 (float64) or 16 pairs (float32).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import measure

# Unit of the counts -> one instruction that keeps it busy, in float64 and float32. {d}: another register each time.
INSTRUCTIONS = {
    "multiply": ("vfmadd231pd %%zmm30,%%zmm31,%%zmm{d}", "vfmadd231ps %%zmm30,%%zmm31,%%zmm{d}"),
    "add": ("vaddpd %%zmm30,%%zmm31,%%zmm{d}", "vaddps %%zmm30,%%zmm31,%%zmm{d}"),
    "divide": ("vdivpd %%zmm30,%%zmm31,%%zmm{d}", "vdivps %%zmm30,%%zmm31,%%zmm{d}"),
    "root": ("vsqrtpd %%zmm30,%%zmm{d}", "vsqrtps %%zmm30,%%zmm{d}"),
    "vector": ("vandpd %%zmm30,%%zmm31,%%zmm{d}",) * 2,
    "load": ("vmovupd (%0),%%zmm{d}",) * 2,
    "store": ("vmovupd %%zmm{d},(%0)",) * 2,
}
COPIES, ROUNDS, TRIES = 16, 20000, 15
PROGRAM = """
#include <algorithm>
#include <chrono>
#include <cstdio>
alignas(64) static double memory[8] = {{1, 1, 1, 1, 1, 1, 1, 1}};
template <class Run> double nanoseconds(Run run) {{
  double best = 1e9;
  for (int i = 0; i < {tries}; ++i) {{
    const auto start = std::chrono::steady_clock::now();
    for (int j = 0; j < {rounds}; ++j) run();
    best = std::min(best, std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count());
  }}
  return best / ({rounds} * {copies}.0);
}}
int main() {{
  asm volatile("vmovapd (%0),%%zmm30; vmovapd (%0),%%zmm31" : : "r"(memory) : "xmm30", "xmm31");
{lines}}}
"""


def measured_units(folder: Path) -> dict[str, float]:
    """Nanoseconds per instruction, and of one cycle."""
    texts = {"cycle": "add $1,%%rax"}
    for unit, pair in INSTRUCTIONS.items():
        texts |= {f"{unit}/{precision}": text for precision, text in zip(("f64", "f32"), pair, strict=True)}
    clobbered = ", ".join(f'"xmm{i}"' for i in range(COPIES)) + ', "rax", "memory"'
    lines = ""
    for key, text in texts.items():
        body = "; ".join(text.format(d=i) for i in range(COPIES))
        run = f'[] {{ asm volatile("{body}" : : "r"(memory) : {clobbered}); }}'
        lines += f'  std::printf("{key} %.5f\\n", nanoseconds({run}));\n'
    source, program = folder / "units.cpp", folder / "units"
    source.write_text(PROGRAM.format(tries=TRIES, rounds=ROUNDS, copies=COPIES, lines=lines))
    subprocess.run(["g++", "-O1", "-march=x86-64-v4", "-std=c++20", source, "-o", program], check=True)
    answer = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return {key: float(value) for key, value in map(str.split, answer.splitlines())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where cpu_bench is")
    parser.add_argument("--counts", type=Path, required=True, help="what bench/instructions.py has written")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    counts = json.loads(arguments.counts.read_text())["units_avx512"]
    if measure.best_level(arguments.folder / "cpu_bench") != "avx512":
        sys.exit("this machine has no AVX-512")
    shapes = ("1000x200", "20000x200")
    names = [measure.name(*key.split("/"), shape=shape) for key in counts for shape in shapes]
    _, rates = measure.run(arguments.folder / "cpu_bench", names, 5, 0.02, elapsed=False)
    with tempfile.TemporaryDirectory() as folder:
        units = measured_units(Path(folder))
    cycle = units.pop("cycle")
    head = "".join(f"{word:>9s}" for word in ("instr.", *INSTRUCTIONS, "B=1000", "B=20000", "a cycle"))
    lines = [
        *measure.heading(arguments.folder / "cpu_bench", "bench/ports.py"),
        "",
        f"{1 / cycle:.2f} GHz. Cycles per vector that each unit needs, and that the call took;",
        "instructions per vector and per cycle; the busiest unit with its share of the time at B = 1000.",
        "cycles of one instruction: " + ", ".join(f"{key} {value / cycle:.2f}" for key, value in units.items()),
        "",
        f"{'':26s}{head}  busiest",
    ]
    for key, counted in counts.items():
        if not all(measure.name(*key.split("/"), shape=shape) in rates for shape in shapes):
            continue
        operation, precision = key.split("/")
        lanes = 8 if precision == "f64" else 16

        def cost(unit: str, count: float, lanes: int = lanes, precision: str = precision) -> float:
            return lanes * count * units[f"{unit}/{precision}"] / cycle

        needed = {unit: cost(unit, counted.get(unit, 0)) for unit in INSTRUCTIONS}
        # Products and sums take the pipes of the other vector instructions too; roots and quotients have one divider.
        needed["vector"] += cost("vector", counted.get("multiply", 0) + counted.get("add", 0))
        shared = needed | {"divider": needed["divide"] + needed["root"]}
        busiest = max(shared, key=shared.get)
        timed = [measure.name(operation, precision, shape=shape) for shape in shapes]
        took = [lanes * 1e9 / rates[name].median / cycle for name in timed]
        instructions = lanes * counted["all"]
        row = [instructions, *needed.values(), *took, instructions / took[0]]
        numbers = "".join(f"{value:9.1f}" for value in row)
        lines.append(f"{key:26s}{numbers}  {busiest} {shared[busiest] / took[0]:.0%}")
    arguments.out.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
