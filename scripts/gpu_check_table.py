#!/usr/bin/env python3
"""Gathers what the parts of gpu_check.sh left into one JSON file and one table under bench/results.

gpu_check_table.py FOLDER DEVICE ARCHITECTURE COMMIT : exits 1 if a part failed.
"""

import json
import re
import sys
from pathlib import Path


def benchmark_rows(path: Path) -> list[dict]:
    if not path.exists():
        return []
    runs = json.loads(path.read_text())["benchmarks"]
    return [
        {"name": run["name"], "microseconds": run["real_time"], "pairs_per_second": run.get("pairs/s")} for run in runs
    ]


def main(folder: Path, device: str, architecture: str, commit: str) -> int:
    parts = []
    for path in sorted(folder.glob("*.result"), key=lambda p: p.stat().st_mtime):
        step, result, detail = path.read_text().rstrip("\n").split("\t")
        parts.append({"part": step, "result": result, "detail": detail})
    rows = benchmark_rows(folder / "bench.json")
    report = {"device": device, "architecture": architecture, "commit": commit, "parts": parts, "benchmark": rows}

    lines = [f"{device} ({architecture}), commit {commit}", ""]
    lines += [f"{part['part']:<24} {part['result']:<8} {part['detail']}" for part in parts]
    if rows:
        lines += ["", f"{'benchmark':<48} {'us':>12} {'pairs/s':>12}"]
        for row in rows:
            speed = f"{row['pairs_per_second']:.3g}" if row["pairs_per_second"] else ""
            lines.append(f"{row['name']:<48} {row['microseconds']:>12.2f} {speed:>12}")

    results = Path(__file__).resolve().parent.parent / "bench" / "results"
    results.mkdir(parents=True, exist_ok=True)
    stem = "gpu_check-" + re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")
    (results / f"{stem}.json").write_text(json.dumps(report, indent=1) + "\n")
    (results / f"{stem}.txt").write_text("\n".join(lines) + "\n")
    print(f"wrote bench/results/{stem}.json and .txt")
    return 1 if any(part["result"] == "failed" for part in parts) else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:5]))
