#!/usr/bin/env python3
"""The floor of each CUDA operation on several GPUs: a model, no measurement. Nothing here has run on a GPU.

    python3 -m venv build/disassembler && build/disassembler/bin/pip install nvidia-cuda-nvdisasm
    bench/gpu_model.py --build build/cudasim --counts bench/results/gpu-counts.json --out bench/results/gpu-model

What a kernel executes per pair is counted in PTX under the simulator (gpu_counts.py), and converted by its machine code
(gpu_sass.py). Each limit of a GPU then gives a time per pair; the longest binds:

    issue      32 x warp instructions       / (multiprocessors x 128 x clock)
    fp64       float64 operations           / (multiprocessors x lanes x clock), so too fp32 and special (MUFU)
    shared     shared-memory wavefronts     / (multiprocessors x clock)
    bandwidth  bytes that must be moved     / bandwidth of the memory

Kernels of a call follow each other. Fails where a kernel of the library spills registers.
"""

import argparse
import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

from gpu_counts import PROTOTYPES
from gpu_sass import PIPES, Kernel, compile_commands, disassemble
from pictures import draw


@dataclasses.dataclass
class Gpu:
    """Published figures, but for the H200's bandwidth.

    Only the product of multiprocessors and clock counts: that of the peak of float32.
    """

    name: str
    architecture: str
    fp32_tflops: float
    lanes: dict[str, int]  # results per clock and multiprocessor
    bandwidth: float  # TB/s
    source: str

    def clock(self) -> float:
        """Multiprocessors x GHz: the peak counts a multiply-add as two."""
        return 1000 * self.fp32_tflops / (2 * self.lanes["fp32"])


LANES_SOURCE = "lanes: CUDA C++ Programming Guide, table of the throughput of native arithmetic instructions"
COPIES = "a copy reaches 4.3 TB/s of its 4.8, the figure of the targets (design/performance.md)"
GPUS = [
    Gpu("A100", "80", 19.5, {"fp64": 32, "fp32": 64, "special": 16}, 2.039, "NVIDIA A100 datasheet, 80 GB SXM"),
    Gpu("H100", "90", 66.9, {"fp64": 64, "fp32": 128, "special": 16}, 3.35, "NVIDIA H100 architecture paper, SXM5"),
    Gpu("H200", "90", 66.9, {"fp64": 64, "fp32": 128, "special": 16}, 4.3, f"NVIDIA H200 datasheet, SXM; {COPIES}"),
    Gpu("RTX 4090", "89", 82.6, {"fp64": 2, "fp32": 128, "special": 16}, 1.008, "NVIDIA Ada architecture paper"),
    Gpu("B200", "100", 80.0, {"fp64": 64, "fp32": 128, "special": 16}, 8.0, "NVIDIA Blackwell brief, HGX B200, 1 kW"),
]
ISSUE_LANES = 128  # four schedulers, one instruction of a warp per clock each
PICTURED = ("predict", "predict_friedel", "predict_vjp", "loss_angle", "loss_chord", "loss_angle_rotation")


def kernel_limits(row: dict, kernel: Kernel, gpu: Gpu) -> dict[str, float]:
    """Nanoseconds per pair by limit, for the whole chip."""
    by_class = row["issued_by_class"]
    limits = {"issue": row["issued"] * kernel.ratio() / (ISSUE_LANES * gpu.clock())}
    for pipe in PIPES:
        limits[pipe] = by_class.get(pipe, 0) * kernel.ratio(pipe) / (gpu.lanes[pipe] * gpu.clock())
    limits["shared"] = row["wavefronts"] / gpu.clock()
    return limits


def floor_of(operation: dict, kernels: dict[str, Kernel], gpu: Gpu) -> dict:
    """Floor of an operation: rate in G pairs/s, what binds, and the share of each limit."""
    shares = {"bandwidth": operation["bytes"] / (1000 * gpu.bandwidth)}
    time = 0.0
    for row in operation["kernels"]:
        if row["symbol"] not in kernels:
            continue  # a CUB kernel of another architecture's name; per pair it is nothing
        limits = kernel_limits(row, kernels[row["symbol"]], gpu)
        time += max(limits.values())
        for name, value in limits.items():
            shares[name] = shares.get(name, 0) + value
    time = max(time, shares["bandwidth"])
    return {
        "rate": 1 / time,
        "binds": max(shares, key=shares.__getitem__),
        "shares": {name: round(value / time, 4) for name, value in shares.items()},
    }


def floor_table(floors: dict, lines: list[str]) -> None:
    """Rates of all operations."""
    lines += [
        "Floors in G pairs/s and what binds (B, N as counted). 'prototype' rows are the yardstick, not the library.",
        "",
        f"{'operation':32s}" + "".join(f"{gpu.name:>20s}" for gpu in GPUS),
    ]
    for title, row in floors.items():
        lines.append(f"{title:32s}" + "".join(f"{row[g.name]['rate']:10.1f} {row[g.name]['binds']:9s}" for g in GPUS))


def share_table(floors: dict, gpu: Gpu, lines: list[str]) -> None:
    """How near the other limits are."""
    names = ("issue", *PIPES, "shared", "bandwidth")
    lines += ["", "", f"Shares of the floor's time on the {gpu.name}, by limit.", ""]
    lines.append(f"{'operation':32s}" + "".join(f"{name:>11s}" for name in names))
    for title, row in floors.items():
        shares = row[gpu.name]["shares"]
        lines.append(f"{title:32s}" + "".join(f"{100 * shares.get(name, 0):9.0f} %" for name in names))


def code_table(kernels: dict[str, dict[str, Kernel]], titles: dict[str, str], lines: list[str]) -> None:
    """Machine code and registers of each kernel."""
    lines += [
        "",
        "",
        "Machine code: instructions of the hot loop in PTX (9.0) and SASS; registers and stack of a thread (ptxas).",
        "A stack without spills is an array that the compiler could not keep in registers. '-': see gpu_sass.py.",
        "",
        f"{'kernel':56s}{'sm':>5s}{'PTX':>6s}{'SASS':>6s}{'ratio':>7s}{'fp64':>6s}{'special':>8s}"
        f"{'registers':>10s}{'stack':>6s}{'spills':>7s}",
    ]
    for symbol, title in titles.items():
        for architecture, of in kernels.items():
            if (kernel := of.get(symbol)) is None:
                continue
            known = kernel.comparable()
            lines.append(
                f"{title:56s}{architecture:>5s}"
                + (
                    f"{kernel.ptx.instructions:6d}{kernel.sass.instructions:6d}{kernel.ratio():7.2f}"
                    if known
                    else f"{'-':>6s}{'-':>6s}{'-':>7s}"
                )
                + (
                    f"{kernel.sass.pipes['fp64']:6d}{kernel.sass.pipes['special']:8d}"
                    if known
                    else f"{'-':>6s}{'-':>8s}"
                )
                + f"{kernel.registers:10d}{kernel.stack:6d}{kernel.spill_stores + kernel.spill_loads:7d}"
            )


def picture(floors: dict, path: Path) -> None:
    """Bars of the floors by GPU, float64 above float32."""
    script = [
        "set terminal svg size 1000,760 font 'sans,12' background rgb 'white'",
        "set multiplot layout 2,1",
        "set style data histogram\nset style histogram clustered gap 1.5\nset style fill solid 1 border -1",
        "set boxwidth 0.9 relative\nset grid ytics\nset xtics nomirror\nset key outside right top",
        "set ylabel 'floor of the model, G pairs/s'",
    ]
    colours = ["#9ecae1", "#4292c6", "#08519c", "#74c476", "#d94801"]
    for precision in ("f64", "f32"):
        rows = [(name, floors.get(f"{name} {precision}")) for name in PICTURED]
        data = [
            " ".join([f'"{name.replace("_", " ")}"', *(f"{row[gpu.name]['rate']:.5g}" for gpu in GPUS)])
            for name, row in rows
            if row
        ]
        script += [
            f"$floors_{precision} << EOD\n" + "\n".join(data) + "\nEOD",
            f"set title '{precision}: instructions counted under a simulator, published figures; nothing measured'",
            f"plot $floors_{precision} "
            + ", '' ".join(
                f"using {i + 2}:xtic(1) title '{gpu.name}' lc rgb '{colours[i]}'" for i, gpu in enumerate(GPUS)
            ),
        ]
    if not draw("\n".join([*script, "unset multiplot\n"]), path):
        print("gnuplot is not installed: no picture", file=sys.stderr)


def find_nvdisasm() -> str:
    """The installed one, or that of the package of PyPI in build/disassembler."""
    packaged = sorted(Path("build/disassembler").glob("lib/python*/site-packages/nvidia/*/bin/nvdisasm"))
    found = shutil.which("nvdisasm") or (str(packaged[-1]) if packaged else None)
    if found is None:
        raise SystemExit(
            "nvdisasm is not installed: python3 -m venv build/disassembler && "
            "build/disassembler/bin/pip install nvidia-cuda-nvdisasm"
        )
    return found


def main() -> int:
    """Compiles, disassembles, and puts counts and figures together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True, help="folder of a CMake build with CUDA")
    parser.add_argument("--counts", type=Path, required=True, help="JSON of bench/gpu_counts.py")
    parser.add_argument(
        "--prototypes", type=Path, default=Path("../shared/prototypes"), help="folder with their gpu.cu"
    )
    parser.add_argument("--out", type=Path, required=True, help="OUT.txt, OUT.json and OUT.svg are written")
    arguments = parser.parse_args()
    counts = json.loads(arguments.counts.read_text())
    architectures = sorted({gpu.architecture for gpu in GPUS}, key=int)
    sources = compile_commands(arguments.build)
    if (arguments.prototypes / "gpu.cu").exists():
        source = (arguments.prototypes / "gpu.cu").resolve()
        sources.append((source.with_name("prototypes.cu"), ["nvcc", "-std=c++20", "-O3", str(source)]))
    kernels = disassemble(sources, Path("build/model"), architectures, find_nvdisasm())

    operations = {f"{row['operation']} {row['precision']}": row for row in counts["operations"]}
    for title, row in counts["prototypes"].items():
        name, precision = title.split("/")
        like = operations.get(f"{name} {precision}")
        if name in PROTOTYPES and like:
            operations[f"prototype {name} {precision}"] = {"kernels": [row], "bytes": like["bytes"]}
    floors = {
        title: {gpu.name: floor_of(row, kernels[gpu.architecture], gpu) for gpu in GPUS}
        for title, row in operations.items()
        if all(any(kernel["symbol"] in kernels[a] for kernel in row["kernels"]) for a in architectures)
    }
    titles = {kernel["symbol"]: kernel["name"] for row in operations.values() for kernel in row["kernels"]}
    spills = [
        f"{titles[symbol]} (sm_{architecture})"
        for architecture, of in kernels.items()
        for symbol, kernel in of.items()
        if "braggrad4cuda" in symbol and symbol in titles and kernel.spill_stores + kernel.spill_loads
    ]

    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    command = "bench/gpu_model.py " + " ".join(sys.argv[1:])
    lines = [
        "A model: instructions counted under a simulator, machine code, and published figures. No time was measured.",
        f"B = {counts['orientations']}, N = {counts['reflections']}; commits {counts['commit']}, {commit}.",
        "Made by: " + command,
        "",
    ]
    floor_table(floors, lines)
    share_table(floors, next(gpu for gpu in GPUS if gpu.name == "H200"), lines)
    code_table(kernels, titles, lines)
    lines += [
        "",
        "",
        "Kernels of the library that spill: " + (", ".join(spills) if spills else "none") + ".",
        "",
        "Figures:",
    ]
    lines += [
        f"{gpu.name:9s} {gpu.fp32_tflops:5.1f} TFLOPS float32, {gpu.bandwidth:5.3f} TB/s; lanes "
        + ", ".join(f"{name} {count}" for name, count in gpu.lanes.items())
        + f". {gpu.source}"
        for gpu in GPUS
    ]
    lines.append(LANES_SOURCE)
    print("\n".join(lines))
    arguments.out.with_suffix(".txt").write_text("\n".join(line.rstrip() for line in lines) + "\n")
    code = {
        architecture: {titles[symbol]: dataclasses.asdict(kernel) for symbol, kernel in of.items() if symbol in titles}
        for architecture, of in kernels.items()
    }
    result = {
        "commit": commit,
        "command": command,
        "gpus": [dataclasses.asdict(gpu) for gpu in GPUS],
        "floors": floors,
        "code": code,
    }
    arguments.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    picture(floors, arguments.out.with_suffix(".svg"))
    return 1 if spills else 0


if __name__ == "__main__":
    sys.exit(main())
