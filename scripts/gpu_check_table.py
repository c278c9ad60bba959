#!/usr/bin/env python3
"""Gathers what the parts of gpu_check.sh left into one JSON file and one table under bench/results.

gpu_check_table.py FOLDER DEVICE ARCHITECTURE COMMIT
gpu_check_table.py --session LOG : exits 1 and says why if a debug session did not show what it must.

Rates stand beside the floors of bench/results/gpu-model.json, for the GPU whose name the device's contains, with the
share reached. Only operations that ran on this device have a rate.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MUST, STRETCH = 0.75, 0.9


def floors_for(device: str) -> tuple[str, dict[str, float]]:
    """(GPU, floor in pairs/s by "operation/precision") of the model; nothing for a GPU that it does not know."""
    path = ROOT / "bench" / "results" / "gpu-model.json"
    if not path.exists():
        return "", {}
    model = json.loads(path.read_text())
    known = [gpu["name"] for gpu in model["gpus"] if re.search(rf"\b{re.escape(gpu['name'])}\b", device)]
    if not known:
        return "", {}
    return known[0], {key.replace(" ", "/"): 1e9 * row[known[0]]["rate"] for key, row in model["floors"].items()}


def benchmark_rows(path: Path, floors: dict[str, float]) -> list[dict]:
    """Each benchmark with its rate, and where the model has its floor the share reached."""
    if not path.exists():
        return []
    rows = []
    for run in json.loads(path.read_text())["benchmarks"]:
        row = {"name": run["name"].removesuffix("/real_time"), "microseconds": run["real_time"]}
        row |= {key: run[key] for key in ("pairs/s", "bytes_per_second") if key in run}
        operation, precision, *shape = row["name"].split("/")
        floor = floors.get(f"{operation}/{precision}")
        if floor and shape == ["20000x200"]:
            share = row["pairs/s"] / floor
            verdict = "stretch" if share >= STRETCH else "within" if share >= MUST else "BELOW"
            row |= {"floor": floor, "share": share, "verdict": verdict}
        rows.append(row)
    return rows


def kernel_summaries(path: Path) -> list[dict]:
    """Name and a few figures of each kernel that Nsight Compute has described."""
    if not path.exists():
        return []
    wanted = {"Duration", "Registers Per Thread", "Compute (SM) Throughput", "Memory Throughput", "Achieved Occupancy"}
    found: list[dict] = []
    for line in path.read_text().splitlines():
        if kernel := re.match(r"\s{2,4}(\S*brg_\w+_kernel.*?)\s+\(", line):
            found.append({"kernel": kernel.group(1)})
        cells = re.split(r"\s{2,}", line.strip())
        if found and len(cells) >= 2 and cells[0] in wanted:
            found[-1].setdefault(cells[0], " ".join(reversed(cells[1:])))
    return found


def session_fault(log: str) -> str:
    """Why a debug session is no success; empty where it is one."""
    if not re.search(r"Breakpoint \d+, .*brg_predict", log):
        return "it did not stop in brg_predict"
    for what in ("reflection", "orientation"):
        if not re.search(rf"{what}s? of this (thread|call):\s*\n\$\d+ = ", log):
            return f"it did not print the {what}"
    return "" if re.search(r"^#0 .*brg_predict", log, re.MULTILINE) else "it has no backtrace"


def gather(folder: Path, device: str, architecture: str, commit: str) -> None:
    parts = []
    for path in sorted(folder.glob("*.result"), key=lambda p: p.stat().st_mtime):
        step, result, detail = path.read_text().rstrip("\n").split("\t")
        parts.append({"part": step, "result": result, "detail": detail})
    gpu, floors = floors_for(device)
    rows = benchmark_rows(folder / "bench.json", floors)
    kernels = kernel_summaries(folder / "profile.log")
    report = {"device": device, "architecture": architecture, "commit": commit, "parts": parts}
    report |= {"floors_of": gpu, "benchmark": rows, "kernels": kernels}

    lines = [f"{device} ({architecture}), commit {commit}", ""]
    lines += [f"{part['part']:<24} {part['result']:<8} {part['detail']}" for part in parts]
    if rows:
        beside = f"floors of the model for {gpu}" if gpu else "the model has no floors for this device"
        lines += ["", f"{'benchmark':<44}{'us':>12}{'G pairs/s':>11}{'floor':>8}{'share':>8}   ({beside})"]
    for row in rows:
        line = f"{row['name']:<44}{row['microseconds']:>12.2f}"
        if "pairs/s" in row:
            line += f"{row['pairs/s'] / 1e9:>11.2f}"
        elif "bytes_per_second" in row:
            line += f"{row['bytes_per_second'] / 1e12:>11.2f} TB/s"
        if "share" in row:
            line += f"{row['floor'] / 1e9:>8.0f}{100 * row['share']:>7.0f}%  {row['verdict']}"
        lines.append(line)
    if kernels:
        lines += ["", "Nsight Compute"] + [", ".join(f"{key} {value}" for key, value in k.items()) for k in kernels]

    results = ROOT / "bench" / "results"
    results.mkdir(parents=True, exist_ok=True)
    stem = "gpu_check-" + re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
    (results / f"{stem}.json").write_text(json.dumps(report, indent=1) + "\n")
    (results / f"{stem}.txt").write_text("\n".join(lines) + "\n")
    print(f"wrote bench/results/{stem}.json and .txt")


def main(arguments: list[str]) -> int:
    if arguments[0] == "--session":
        fault = session_fault(Path(arguments[1]).read_text(errors="replace"))
        print(fault or "the session has shown everything")
        return 1 if fault else 0
    gather(Path(arguments[0]), *arguments[1:4])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
