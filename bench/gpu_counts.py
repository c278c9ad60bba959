#!/usr/bin/env python3
"""Counts what every CUDA operation executes, under the simulator of the CUDA runtime: instructions per pair by class,
active lanes, memory sectors and shared-memory wavefronts against the ideal, launches and API calls of a call.

    bench/gpu_counts.py build/cudasim/bench/one_call --simulator build/simulator --out bench/results/gpu-counts \\
        [--prototypes ../shared/prototypes] [--orientations 20000] [--only REGEX]

The prototypes' kernels of the same work are built and counted in the same way; where their folder is not there, the
counts of the last result (OUT.json) stand in. The counts are of PTX, not of machine code, and no time:
bench/gpu_model.py has the rest.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PRECISIONS = ("f64", "f32")
REFLECTIONS = 200
LENGTHS = (1, 2, 4, 7, 16, 17, 31, 32, 33, 64, 65, 200, 1000, 10000)  # of the table over N
LENGTH_OPERATIONS = (
    "predict",
    "predict_friedel",
    "predict_vjp",
    "predict_jvp",
    "solve",
    "loss_angle",
    "loss_angle_normal",
    "loss_angle_all_normal",
    "loss_angle_csr",
    "loss_chord",
    "loss_chord_all_normal",
)
LENGTH_PAIRS = 2**19
PROTOTYPES = {
    "predict": "forward",
    "loss_angle": "angle",
    "loss_angle_per_pair": "angle_per_pair",
    "loss_chord": "chord",
    "loss_chord_per_pair": "chord_per_pair",
}
# Instructions per pair of the first operation against the second: at most the limit (the stretch goal).
PROTOTYPE_LIMIT, PROTOTYPE_STRETCH, TRAFFIC_LIMIT = 1.25, 1.15, 1.05
RELATIONS = [
    ("predict_friedel", "predict_chi0", 1.0, 0.75),
    ("predict_friedel_tilted", "predict", 1.01, 0.9),
    ("predict_one_root", "predict", 1.0, 0.9),
    ("predict_flags", "predict", 1.0, 0.5),
]
for _loss in ("loss_angle", "loss_chord"):
    RELATIONS += [
        (_loss + "_value", _loss, 1.0, 0.9),
        (_loss + "_normal", _loss, 1.4, 1.25),
        (_loss + "_rotation", _loss, 1.4, 1.25),
        (_loss + "_all_normal", _loss, 3.0, 2.0),
        (_loss + "_all", _loss, 3.0, 2.0),
        (_loss + "_csr", _loss + "_per_pair", 2.0, 1 / 0.7),
        (_loss + "_csr_normal", _loss + "_csr", 1.4, 1.25),
        (_loss + "_csr_all_normal", _loss + "_csr", 3.0, 2.0),
        (_loss + "_gradient", _loss + "_normal", 1.0, 0.9),
        (_loss + "_all_gradient", _loss + "_all_normal", 1.0, 0.75),
        (_loss + "_friedel", _loss + "_chi0", 1 / 1.3, 0.7),
        (_loss + "_friedel_tilted", _loss, 1.01, 0.9),
    ]


def simulate(simulator, command):
    """The report of the simulator on one process. Checks are off: they change no count, and tests have them on."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        environment = {
            **os.environ,
            "LD_LIBRARY_PATH": str(simulator.resolve()),
            "BRAGGRAD_BACKEND": "cuda",
            "CUDASIM_CHECKS": "none",
            "CUDASIM_REPORT": str(report),
        }
        subprocess.run([str(word) for word in command], check=True, env=environment)
        return json.loads(report.read_text())


def kernel_row(kernel, pairs):
    """What one kernel did, per pair: an instruction of a warp takes 32 issue slots of lanes, used or not."""
    memory, shared = kernel["global"], kernel["shared"]
    return {
        "name": re.search(r"\w+(<[\w, ]*>)?(?=<|$)", re.sub(r"(\w+::)+", "", kernel["name"])).group(),
        "symbol": kernel["symbol"],
        "launches": kernel["launches"],
        "blocks": kernel["blocks"],
        "issued": 32 * kernel["warp_instructions"] / pairs,
        "executed": kernel["thread_instructions"] / pairs,
        "lanes": kernel["mean_active_lanes"],
        "issued_by_class": {name: 32 * count / pairs for name, count in kernel["warp_by_class"].items()},
        "load_sectors": memory["load_sectors"] / pairs,
        "load_sectors_ideal": memory["load_sectors_ideal"] / pairs,
        "store_sectors": memory["store_sectors"] / pairs,
        "store_sectors_ideal": memory["store_sectors_ideal"] / pairs,
        "bytes_read": memory["bytes_read"] / pairs,
        "bytes_written": memory["bytes_written"] / pairs,
        "wavefronts": shared["wavefronts"] / pairs,
        "wavefronts_ideal": shared["wavefronts_ideal"] / pairs,
    }


def without_setup(kernels, setup):
    """Kernels of the call alone."""
    launches = {kernel["symbol"]: kernel["launches"] for kernel in setup}
    for kernel in kernels:
        if kernel["launches"] != launches.get(kernel["symbol"], kernel["launches"]):
            raise SystemExit(f"{kernel['name']} runs in the set-up and in the call: not told apart")
    return [kernel for kernel in kernels if kernel["symbol"] not in launches]


def total(kernels, key):
    """Sum over the kernels of a call."""
    return sum(kernel[key] for kernel in kernels)


def ratio(kernels, key):
    """Of what was moved to what an ideal access pattern moves; 1 for nothing."""
    ideal = total(kernels, key + "_ideal")
    return total(kernels, key) / ideal if ideal else 1.0


class Counter:
    """Runs the library's driver and the prototypes' under the simulator."""

    def __init__(self, arguments):
        self.simulator, self.program, self.prototype = arguments.simulator, arguments.program, None

    def library(self, operation, precision, orientations, reflections):
        """Kernels of one call. Those of the set-up are known from a process that makes no call."""
        command = [self.program, operation, precision]
        setup = simulate(self.simulator, [*command, 1, reflections, 0])
        after = simulate(self.simulator, [*command, orientations, reflections, 1])
        kernels = without_setup(after["kernels"], setup["kernels"])
        rows = [kernel_row(kernel, orientations * reflections) for kernel in kernels]
        return sorted(rows, key=lambda row: -row["issued"])

    def calls(self, operation, precision):
        """Calls of the runtime in a second call with one orientation of 1000 reflections."""
        command = [self.program, operation, precision, 1, 1000]
        before, after = (simulate(self.simulator, [*command, repeat])["calls"] for repeat in (1, 2))
        return {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name)}

    def count(self, operation, precision, orientations):
        """The row of an operation."""
        kernels = self.library(operation, precision, orientations, REFLECTIONS)
        return {
            "operation": operation,
            "precision": precision,
            "issued": total(kernels, "issued"),
            "executed": total(kernels, "executed"),
            "calls": self.calls(operation, precision),
            "kernels": kernels,
        }

    def build_prototypes(self, sources):
        """Compiles their driver with what CMake's preset `cudasim` gives the library."""
        folder = Path("build/prototypes")
        folder.mkdir(parents=True, exist_ok=True)
        self.prototype = folder / "gpu_prototype"
        command = ["nvcc", "-std=c++20", "-O3", "-cudart", "shared", "--no-compress"]
        command += ["-gencode", "arch=compute_90,code=compute_90", f"-I{sources}"]
        command += [Path(__file__).with_name("gpu_prototype.cu"), "-o", self.prototype]
        subprocess.run([str(word) for word in command], check=True)

    def count_prototype(self, name, precision, orientations):
        """The row of a prototype's kernel."""
        report = simulate(self.simulator, [self.prototype, name, precision, orientations, REFLECTIONS])
        return kernel_row(report["kernels"][0], orientations * REFLECTIONS)


OTHER_WORK = (
    "loss_chord_per_pair",
)  # the prototype is handed the sines and cosines of its targets, the library angles


def verdict(value, limit, stretch):
    """One word."""
    return "stretch" if value <= stretch else "within" if value <= limit else "BEYOND"


def prototype_table(rows, prototypes, lines):
    """Ours against theirs."""
    lines += [
        "Issued instructions per pair (32 x warp instructions), whole kernel, against the prototype of the same work:"
    ]
    lines += [
        f"at most {PROTOTYPE_LIMIT} (stretch {PROTOTYPE_STRETCH}). "
        "'(angles)': the prototype is handed the sines and cosines of all",
        "targets, where the library takes their angles: another work, without a verdict.",
        "",
        f"{'operation':26s}{'':5s}{'ours':>9s}{'prototype':>11s}{'ratio':>8s}  verdict  lanes of 32: ours  theirs",
    ]
    for name in PROTOTYPES:
        for precision in PRECISIONS:
            row, theirs = rows.get((name, precision)), prototypes.get(f"{name}/{precision}")
            if row and theirs:
                value = row["issued"] / theirs["issued"]
                word = verdict(value, PROTOTYPE_LIMIT, PROTOTYPE_STRETCH) if name not in OTHER_WORK else "(angles)"
                lines.append(
                    f"{name:26s}{precision:5s}{row['issued']:9.1f}{theirs['issued']:11.1f}{value:8.3f}  {word:8s}"
                    f"{32 * row['executed'] / row['issued']:18.1f}{theirs['lanes']:8.1f}"
                )


def relation_table(rows, lines):
    """Operations against each other."""
    lines += ["", "", "Instructions per pair against another operation of the library (csr: two entries a pair).", ""]
    lines += [
        f"{'operation':26s}{'':5s}{'issued':>9s}  {'against':22s}{'issued':>9s}{'ratio':>8s}{'limit':>8s}  verdict"
    ]
    for first, second, limit, stretch in RELATIONS:
        for precision in PRECISIONS:
            one, other = rows.get((first, precision)), rows.get((second, precision))
            if one and other:
                value = one["issued"] / other["issued"]
                lines.append(
                    f"{first:26s}{precision:5s}{one['issued']:9.1f}  {second:22s}{other['issued']:9.1f}{value:8.3f}"
                    f"{limit:8.2f}  {verdict(value, limit, stretch)}"
                )


CLASSES = {
    "fp64": ("fp64",),
    "fp32": ("fp32",),
    "int": ("int",),
    "special": ("special",),
    "conv": ("conversion",),
    "move": ("move",),
    "global": ("ld_global", "st_global"),
    "shared": ("ld_shared", "st_shared"),
    "local": ("ld_local", "st_local"),
    "const": ("ld_const", "ld_param"),
    "control": ("control",),
    "shuffle": ("shuffle_vote",),
    "barrier": ("barrier", "fence", "atomic"),
}


def uncounted(rows):
    """Kernels in the library's sources that no row has."""
    sources = Path(__file__).resolve().parent.parent / "kernels"
    written = {
        name for path in sources.glob("*.cu*") for name in re.findall(r"\b(brg_\w+_kernel)\s*\(", path.read_text())
    }
    counted = {re.match(r"\w+", kernel["name"]).group() for row in rows.values() for kernel in row["kernels"]}
    return sorted(written - counted)


def coverage(rows):
    """What the table of kernels has."""
    missing = uncounted(rows)
    return f"Not counted: {', '.join(missing)}. The others:" if missing else "Every kernel:"


def kernel_table(rows, lines):
    """Every kernel of every operation."""
    lines += [
        "",
        "",
        f"{coverage(rows)} issued instructions per pair by class; mean active lanes; sectors of global loads and",
        f"stores, and wavefronts of shared memory, against the ideal (traffic at most {TRAFFIC_LIMIT}); launches;",
        "calls of the runtime in a call with B = 1, N = 1000.",
        "",
        f"{'operation':26s}{'':5s}{'issued':>8s}"
        + "".join(f"{name:>8s}" for name in CLASSES)
        + f"{'lanes':>7s}{'loads':>7s}{'stores':>7s}{'waves':>7s}{'launch':>7s}{'calls':>6s}  kernel",
    ]
    for (operation, precision), row in rows.items():
        calls = sum(row["calls"].values())
        for i, kernel in enumerate(row["kernels"]):
            by_class = kernel["issued_by_class"]
            title = f"{operation:26s}{precision:5s}" if i == 0 else " " * 31
            lines.append(
                f"{title}{kernel['issued']:8.1f}"
                + "".join(f"{sum(by_class.get(name, 0) for name in names):8.1f}" for names in CLASSES.values())
                + f"{kernel['lanes']:7.1f}{ratio([kernel], 'load_sectors'):7.2f}{ratio([kernel], 'store_sectors'):7.2f}"
                + f"{ratio([kernel], 'wavefronts'):7.2f}{kernel['launches']:7d}"
                + (f"{calls:6d}" if i == 0 else " " * 6)
                + f"  {kernel['name'][:70]}"
            )


def has_length(operation, n):
    """A list closed under inversion has an even number of reflections."""
    return n % 2 == 0 or "friedel" not in operation


def length_table(lengths, lines):
    """No cliff: instructions and lanes against N."""
    lines += ["", "", "Issued instructions per pair against the number of reflections N (mean active lanes below)."]
    lines += ["csr: two entries a pair. '-': no list of an odd number is closed under inversion.", ""]
    lines += [f"{'operation':26s}{'':5s}" + "".join(f"{n:>9d}" for n in LENGTHS)]
    for operation in LENGTH_OPERATIONS:
        for precision in PRECISIONS:
            found = [lengths.get(f"{operation}/{precision}/{n}") for n in LENGTHS]
            if any(found):
                issued, lanes = ([f"{x[key]:.1f}" if x else "-" for x in found] for key in ("issued", "lanes"))
                lines.append(f"{operation:26s}{precision:5s}" + "".join(f"{text:>9s}" for text in issued))
                lines.append(" " * 31 + "".join(f"{text:>9s}" for text in lanes))


def main():
    """Counts everything, two processes at a time. Fails where a kernel of the library is not counted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path, help="one_call of the preset cudasim")
    parser.add_argument("--simulator", type=Path, required=True, help="folder with the simulator's libcudart.so.13")
    parser.add_argument(
        "--prototypes", type=Path, default=Path("../shared/prototypes"), help="folder with their gpu.cu"
    )
    parser.add_argument("--out", type=Path, required=True, help="OUT.txt and OUT.json are written")
    parser.add_argument("--orientations", type=int, default=20000)
    parser.add_argument("--only", default="", help="operations whose name contains this regular expression")
    arguments = parser.parse_args()
    counter = Counter(arguments)
    listed = subprocess.run([str(arguments.program), "--list"], check=True, capture_output=True, text=True).stdout
    bytes_of = {name: {"f64": int(f64), "f32": int(f32)} for name, f64, f32 in map(str.split, listed.splitlines())}
    operations = [name for name in bytes_of if re.search(arguments.only, name)]
    prototypes, source = {}, "counted in this run"
    if (arguments.prototypes / "gpu.cu").exists():
        counter.build_prototypes(arguments.prototypes)
    elif arguments.out.with_suffix(".json").exists():
        prototypes = json.loads(arguments.out.with_suffix(".json").read_text())["prototypes"]
        source = "of an earlier run: their sources are not here"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        keys = [(operation, precision) for operation in operations for precision in PRECISIONS]
        rows = {key: pool.submit(counter.count, *key, arguments.orientations) for key in keys}
        if counter.prototype:
            for name, kernel in PROTOTYPES.items():
                for p in PRECISIONS:
                    prototypes[f"{name}/{p}"] = pool.submit(counter.count_prototype, kernel, p, arguments.orientations)
        lengths = {
            f"{operation}/{precision}/{n}": pool.submit(
                counter.library, operation, precision, max(1, LENGTH_PAIRS // n), n
            )
            for operation in LENGTH_OPERATIONS
            if operation in operations
            for precision in PRECISIONS
            for n in LENGTHS
            if has_length(operation, n)
        }
        rows = {key: {**made.result(), "bytes": bytes_of[key[0]][key[1]]} for key, made in rows.items()}
        if counter.prototype:
            prototypes = {key: made.result() for key, made in prototypes.items()}
        lengths = {key: made.result() for key, made in lengths.items()}
    lengths = {
        key: {"issued": total(made, "issued"), "lanes": 32 * total(made, "executed") / total(made, "issued")}
        for key, made in lengths.items()
    }

    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    command = "bench/gpu_counts.py " + " ".join(sys.argv[1:])
    lines = [
        "Counted under the simulator of the CUDA runtime: PTX of compute capability 9.0, no time, no machine code.",
        f"B = {arguments.orientations}, N = {REFLECTIONS}; commit {commit}; the prototypes' counts are {source}.",
        "Made by: " + command,
        "",
    ]
    prototype_table(rows, prototypes, lines)
    relation_table(rows, lines)
    kernel_table(rows, lines)
    length_table(lengths, lines)
    print("\n".join(lines))
    result = {
        "commit": commit,
        "command": command,
        "orientations": arguments.orientations,
        "reflections": REFLECTIONS,
        "prototypes": prototypes,
        "operations": list(rows.values()),
        "lengths": lengths,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.with_suffix(".txt").write_text("\n".join(line.rstrip() for line in lines) + "\n")
    arguments.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    return 1 if uncounted(rows) and not arguments.only else 0


if __name__ == "__main__":
    sys.exit(main())
