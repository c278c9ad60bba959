#!/usr/bin/env python3
"""Measures the CPU backend and prints the table of the performance targets with a verdict per row.

    bench/report.py build/bench/cpu_bench --out FOLDER/cpu          some minutes
    bench/report.py build/bench/cpu_bench --out FOLDER/cpu --quick  well under one, and noisy
    bench/report.py --from FOLDER/cpu.json --out FOLDER/cpu         the table and the pictures again, nothing measured

Writes OUT.txt (the table), OUT.json (all rates, the rows, the machine), OUT-operations.svg and OUT-scaling.svg.
"""

import argparse
import datetime
import json
import pathlib
import subprocess
import sys
from dataclasses import asdict

import measure
import pictures
import targets
from measure import BY_ORIENTATIONS, BY_REFLECTIONS, LEVELS, PRECISIONS, SMALL, Rate, Rates, name

PICTURED_GROUPS = {"operations": "levels", "scaling": "scaling"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", type=pathlib.Path, help="cpu_bench")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="results: a path without its ending")
    parser.add_argument("--quick", action="store_true", help="few and short repetitions")
    parser.add_argument("--only", default="", help="measure the groups whose names contain this")
    parser.add_argument("--from", dest="source", type=pathlib.Path, help="results (json) to show instead of measuring")
    options = parser.parse_args()
    if (options.program is None) == (options.source is None):
        parser.error("either the program or --from")
    record = json.loads(options.source.read_text()) if options.source else measured(options)
    rates = {group: {key: Rate(**rate) for key, rate in found.items()} for group, found in record["rates"].items()}
    results = [targets.judge(row, rates) for row in targets.rows()]
    record["rows"] = [as_record(result) for result in results]
    text = "\n\n".join([heading(record), table(results), calls(rates), growth(rates, record["best_level"])]) + "\n"
    out = options.out
    out.parent.mkdir(parents=True, exist_ok=True)
    out.with_name(out.name + ".txt").write_text(text)
    out.with_name(out.name + ".json").write_text(json.dumps(record, indent=1) + "\n")
    print(text)
    drawn = {"operations": pictures.operations(rates), "scaling": pictures.scaling(rates, record["best_level"])}
    for kind, script in drawn.items():
        if not rates.get(f"{PICTURED_GROUPS[kind]} {PRECISIONS[0]}"):
            print(f"no picture of {kind}: not measured")
        elif not pictures.draw(script, out.with_name(f"{out.name}-{kind}.svg")):
            print(f"no picture of {kind}: gnuplot is not installed")
    return 0


def measured(options: argparse.Namespace) -> dict:
    """Checks, then measures group by group."""
    program = options.program.resolve()
    checked = subprocess.run([program, "--check"], capture_output=True, text=True)
    skipped = [line for line in checked.stderr.splitlines() if "is skipped" in line]
    if checked.returncode != 0:
        sys.exit(checked.stderr + "the library and the baseline differ: nothing was measured")
    repetitions, seconds = (5, 0.005) if options.quick else (25, 0.02)
    best = measure.best_level(program)
    before = measure.load_average()
    context, rates = {}, {}
    for group, names in measure.groups(best).items():
        if options.only not in group:
            continue
        print(f"measuring {group} ...", file=sys.stderr, flush=True)
        few = group.startswith(("levels", "largest", "scaling"))
        times = 3 if few and options.quick else repetitions
        found, rates[group] = measure.run(program, names, times, seconds, elapsed=group.startswith("threads"))
        context |= found
    command = ["bench/report.py", "cpu_bench", *(["--quick"] if options.quick else [])]
    command += ["--only", options.only] if options.only else []
    return {
        "what": "pairs per second of the CPU backend, medians and quartiles of interleaved repetitions",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": " ".join(command),
        "cpu": measure.cpu_model(),
        "cores": context.get("num_cpus"),
        "caches": context.get("caches"),
        "commit": measure.commit(),
        "version": context.get("braggrad_version"),
        "build": context.get("braggrad_build"),
        "best_level": best,
        "skipped": skipped,
        "load_average": {"before": before, "after": measure.load_average()},
        "repetitions": repetitions,
        "rates": {group: {key: asdict(rate) for key, rate in found.items()} for group, found in rates.items()},
    }


def as_record(result: targets.Result) -> dict:
    row = {key: value for key, value in asdict(result.row).items() if key in ("label", "precision", "must", "stretch")}
    row["label"] = row["label"].strip()
    numbers = {"measured": result.measured, "spread": result.spread, "fill_share": result.fill_share}
    rounded = {key: None if value is None else round(value, 4) for key, value in numbers.items()}
    return row | {"of": [result.row.over, result.row.under]} | rounded | {"verdict": result.verdict}


def heading(record: dict) -> str:
    load = record["load_average"]
    lines = [
        f"braggrad {record['version']}, commit {record.get('commit', 'not recorded')}, CPU backend, {record['date']}",
        f"{record['cpu']}, {record['cores']} cores; best level {record['best_level']}",
        f"{record['build']}",
        f"{record['command']}; load average {load['before']} before, {load['after']} after",
        *record["skipped"],
    ]
    if load["before"] > 0.5 * record["cores"]:
        lines.append("The machine was busy before the run: rows of 2 threads say little.")
    return "\n".join(lines)


def table(results: list[targets.Result]) -> str:
    width = max(len(result.row.label) for result in results)
    head = ("row", "type", "measured", "must", "stretch", "verdict", "fill", "spread")
    lines = [f"{head[0]:<{width}}  {head[1]}  " + " ".join(f"{h:>9}" for h in head[2:5]) + f"  {head[5]:<12}" +
             " ".join(f"{h:>7}" for h in head[6:])]  # fmt: skip
    for result in results:
        row = result.row
        numbers = " ".join(f"{shown(value, row):>9}" for value in (result.measured, row.must, row.stretch))
        shares = " ".join(f"{percent(value):>7}" for value in (result.fill_share, result.spread))
        lines.append(f"{row.label:<{width}}  {row.precision}   {numbers}  {result.verdict:<12}{shares}".rstrip())
    judged = [result.verdict for result in results if result.row.must is not None]
    counts = ", ".join(f"{judged.count(kind)} {kind}" for kind in ("stretch", "must", "below", "not measured"))
    return "\n".join([*lines, "", f"{len(judged)} targets: {counts}"])


def shown(value: float | None, row: targets.Row) -> str:
    if value is None:
        return ""
    return f"{100 * value:.0f} %" if row.unit == "%" else f"{value:.2f} {row.unit}".rstrip()


def percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f} %"


def calls(rates: Rates) -> str:
    """Times of single calls with one orientation."""
    lines = ["One call with B = 1: microseconds (ratio to naive)"]
    lines.append(f"{'':<24}" + "".join(f"{shape:>16}" for shape in SMALL))
    for p in PRECISIONS:
        group = rates.get(f"one call {p}", {})
        for operation in ("predict", "predict_vjp", "loss_angle"):
            for level in ("naive", *LEVELS):
                cells = "".join(f"{one_call(group, operation, p, level, shape):>16}" for shape in SMALL)
                lines.append(f"{operation:<12}{p} {level:<8}{cells}")
    return "\n".join(lines)


def one_call(group: dict[str, Rate], operation: str, precision: str, level: str, shape: str) -> str:
    rate, naive = (group.get(name(operation, precision, one, shape)) for one in (level, "naive"))
    if not rate or not naive:
        return "-"
    pairs = int(shape.split("x")[1])
    return f"{1e6 * pairs / rate.median:.3g} ({rate.median / naive.median:.1f})"


def growth(rates: Rates, best: str) -> str:
    """Nanoseconds per pair as B or N grows: constant where the cost is linear."""
    lines = ["Cost against size: nanoseconds per pair (a constant is linear growth)"]
    for axis, other, shapes in (("B", "N = 200", BY_ORIENTATIONS), ("N", "B = 1", BY_REFLECTIONS)):
        lines.append(f"{axis + ' with ' + other:<20}" + "".join(f"{10**i:>10}" for i in range(len(shapes))))
        for operation in ("predict", "loss_angle"):
            for p in PRECISIONS:
                group = rates.get(f"scaling {p}", {})
                found = [group.get(name(operation, p, best, shape)) for shape in shapes]
                cells = "".join(f"{1e9 / rate.median:>10.3g}" if rate else f"{'-':>10}" for rate in found)
                lines.append(f"  {operation:<12}{p:<6}{cells}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
