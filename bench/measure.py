"""Runs cpu_bench and keeps the rates of its repetitions, group by group.

What is compared is measured in one process and in random order: a machine that changes its speed changes it for both.
"""

import datetime
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass

USUAL = "20000x200"
LARGEST = "243129x458"
LEVELS = ("scalar", "sse4", "avx2", "avx512")
PRECISIONS = ("f64", "f32")
LOSSES = ("loss_angle", "loss_chord")
VARIANTS = ("", "_rotation", "_all", "_per_pair", "_csr", "_csr_nearer", "_chi0", "_friedel", "_friedel_tilted")
PICTURED = ("predict", "predict_friedel", "predict_vjp", "predict_jvp", "solve", "rotate", *LOSSES)
SMALL = ("1x1", "1x10", "1x50", "1x200", "1x1000")
BY_ORIENTATIONS = tuple(f"{10**i}x200" for i in range(6))
BY_REFLECTIONS = tuple(f"1x{10**i}" for i in range(6))


def name(operation: str, precision: str, level: str = "avx512", shape: str = USUAL, threads: int = 1) -> str:
    """The name of a measurement in cpu_bench."""
    return f"{operation}/{precision}/{level}/{threads}t/{shape}"


@dataclass(frozen=True)
class Rate:
    """Pairs per second of one measurement: quartiles of its repetitions."""

    median: float
    lower: float
    upper: float
    best: float
    repetitions: int
    bytes_per_pair: float = 0.0


Rates = dict[str, dict[str, Rate]]  # group -> name -> rate


def groups(best: str) -> dict[str, list[str]]:
    """What is measured together. `best`: the level of what is asked of one level only."""
    chosen: dict[str, list[str]] = {}
    for p in PRECISIONS:
        chosen[f"predict {p}"] = [
            *(name("predict", p, level) for level in ("naive", "sse4", "avx2", "avx512")),
            *(name("predict_chi0", p, level) for level in ("naive", "avx512")),
            *(name(operation, p) for operation in ("predict_friedel", "predict_friedel_tilted")),
            name("fill", p, "memset"),
        ]
        chosen[f"loss {p}"] = [
            *(name(loss + variant, p) for loss in LOSSES for variant in VARIANTS),
            *(name("loss_angle", p, level) for level in ("naive", "closed")),
        ]
        chosen[f"vjp {p}"] = [
            *(name("predict_vjp", p, level) for level in ("naive", "closed", "sse4", "avx2", "avx512")),
            name("predict_jvp", p),
        ]
        chosen[f"threads {p}"] = [
            *(name(o, p, best, threads=t) for o in ("predict", "predict_vjp", *LOSSES) for t in (1, 2)),
            *(name("fill", p, "memset", threads=t) for t in (1, 2)),
        ]
        chosen[f"one call {p}"] = [
            *(
                name(o, p, level, shape)
                for o in ("predict", "predict_vjp", "loss_angle")
                for level in ("naive", *LEVELS)
                for shape in SMALL
            ),
            name("loss_angle_all", p, shape="1x1"),
        ]
        chosen[f"levels {p}"] = [
            *(name(o, p, level) for o in PICTURED for level in LEVELS),
            *(name(o, p, "naive") for o in PICTURED),
            name("fill", p, "memset"),
        ]
        chosen[f"scaling {p}"] = [
            name(o, p, best, shape) for o in ("predict", "loss_angle") for shape in (*BY_ORIENTATIONS, *BY_REFLECTIONS)
        ]
        chosen[f"largest {p}"] = [
            name("predict", p, best, LARGEST),
            name("predict", p, best),
            name("fill", p, "memset", LARGEST),
        ]
    return chosen


def best_level(program: pathlib.Path) -> str:
    """The last level that the machine has."""
    listed = subprocess.run([program, "--benchmark_list_tests"], capture_output=True, text=True, check=True)
    return [level for level in LEVELS if name("predict", "f64", level) in listed.stdout][-1]


def run(
    program: pathlib.Path, names: Iterable[str], repetitions: int, seconds: float, elapsed: bool
) -> tuple[dict, dict[str, Rate]]:
    """Measures one group. Returns Google Benchmark's context and the rates; what is not there is left out.

    Rates of one thread are by its CPU time, which does not count what other processes take, unless `elapsed` asks for
    the time that has passed, as it always is with more threads.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out.json"
        command = [
            program,
            f"--benchmark_filter=^({'|'.join(names)})(/real_time)?$",
            "--benchmark_enable_random_interleaving",
            f"--benchmark_repetitions={repetitions}",
            f"--benchmark_min_time={seconds}",
            "--benchmark_display_aggregates_only",
            f"--benchmark_out={out}",
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        text = out.read_text()
    if not text:  # nothing matched
        return {}, {}
    result = json.loads(text)
    samples: dict[str, list[dict]] = {}
    for entry in result["benchmarks"]:
        if entry["run_type"] == "iteration" and not entry.get("error_occurred"):
            key = entry["run_name"].removesuffix("/real_time")
            if elapsed and key == entry["run_name"]:
                entry["pairs/s"] *= entry["cpu_time"] / entry["real_time"]
                entry["bytes_per_second"] = entry.get("bytes_per_second", 0) * entry["cpu_time"] / entry["real_time"]
            samples.setdefault(key, []).append(entry)
    return result["context"], {key: summary(entries) for key, entries in samples.items()}


def summary(entries: list[dict]) -> Rate:
    rates = sorted(entry["pairs/s"] for entry in entries)
    quartiles = statistics.quantiles(rates, n=4, method="inclusive") if len(rates) > 1 else rates * 3
    bytes_per_pair = entries[0].get("bytes_per_second", 0.0) / entries[0]["pairs/s"]
    return Rate(quartiles[1], quartiles[0], quartiles[2], rates[-1], len(rates), round(bytes_per_pair, 3))


def commit() -> str:
    """The commit of the sources, "-dirty" where they were changed."""
    command = ["git", "-C", str(pathlib.Path(__file__).parent), "describe", "--always", "--dirty"]
    answer = subprocess.run(command, capture_output=True, text=True)
    return answer.stdout.strip() or "unknown"


def build_info(program: pathlib.Path) -> str:
    """What the library of cpu_bench says of its build."""
    command = [program, "--benchmark_filter=^predict/f64/scalar/1t/1x1$", "--benchmark_min_time=0.0001"]
    answer = subprocess.run([*command, "--benchmark_format=json"], capture_output=True, text=True, check=True)
    return json.loads(answer.stdout)["context"]["braggrad_build"]


def heading(program: pathlib.Path, command: str) -> list[str]:
    """The first lines of a record: date, commit, machine, build, command."""
    date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return [
        f"braggrad {commit()}, {date}",
        f"{cpu_model()}, {os.cpu_count()} cores",
        build_info(program),
        f"{command}; load average {load_average()}",
    ]


def cpu_model() -> str:
    info = pathlib.Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def load_average() -> float:
    return round(os.getloadavg()[0], 2)
