#!/usr/bin/env python3
"""The table of CPU targets: runs cpu_bench, compares medians of one run, and writes text, JSON and two pictures.

    bench/report.py build/cpu-only/bench/cpu_bench --out bench/results/cpu [--quick]

Every row is a ratio to the naive baseline (or to the call named in the row) measured in the same run, with the calls
interleaved at random. The pictures need gnuplot and are left out, with a message, where there is none.
"""

import argparse
import datetime
import json
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

USUAL = "20000x200"
BEST = "avx512"


def name(operation, precision, level=BEST, threads=1, shape=USUAL):
    """Name of a benchmark, as cpu_bench gives it."""
    return f"{operation}/{precision}/{level}/{threads}t/{shape}"


def rows():
    """The table: title, measured call, what it is divided by, must, stretch, and whether less is better."""
    table = []

    def add(title, call, base, must, stretch, less=False):
        table.append({"title": title, "call": call, "base": base, "must": must, "stretch": stretch, "less": less})

    for precision, must, stretch in (("f64", 14, 18), ("f32", 22, 30)):
        add(f"predict {precision}", name("predict", precision), name("predict", precision, "naive"), must, stretch)
    for level, f64, f32 in (("avx2", (8, 9), (15, 17)), ("sse4", (3.5, 4.5), (5.5, 6.5))):
        for precision, (must, stretch) in (("f64", f64), ("f32", f32)):
            call, base = name("predict", precision, level), name("predict", precision, "naive")
            add(f"predict {precision}, {level}", call, base, must, stretch)
    for precision, must, stretch in (("f64", 20, 26), ("f32", 27, 36)):
        base = name("predict_chi0", precision, "naive")
        add(f"predict {precision}, Friedel list, chi = 0", name("predict_friedel", precision), base, must, stretch)
    for precision, must, stretch in (("f64", 1.4, 1.6), ("f32", 1.2, 1.35)):
        call, base = name("predict_friedel", precision), name("predict_chi0", precision)
        add(f"predict {precision}, Friedel list to the same shuffled", call, base, must, stretch)
    for loss, f64, f32 in (("angle", (12, 15), (24, 28)), ("chord", (17, 21), (30, 36))):
        for precision, (must, stretch) in (("f64", f64), ("f32", f32)):
            call, base = name(f"loss_{loss}", precision), name("loss_angle", precision, "naive")
            add(f"loss + rotation_bar {precision}, {loss}", call, base, must, stretch)
    for loss in ("angle", "chord"):
        for precision in ("f64", "f32"):
            call, base = name(f"loss_{loss}_friedel", precision), name(f"loss_{loss}_chi0", precision)
            add(f"loss {precision}, {loss}, Friedel list to the same shuffled", call, base, 1.3, 1.6)
    for precision in ("f64", "f32"):
        for suffix, title, must, stretch in (
            ("rotation", "with the rotation's normal equations: time to without", 1.4, 1.25),
            ("all", "with all parameters: time to without", 3, 2),
        ):
            call, base = name(f"loss_angle_{suffix}", precision), name("loss_angle", precision)
            add(f"loss {precision}, {title}", call, base, must, stretch, less=True)
    for precision in ("f64", "f32"):
        call, base = name("loss_angle_csr", precision), name("loss_angle", precision)
        add(f"loss {precision}, CSR targets: rate per target to dense", call, base, 0.5, 0.7)
    for precision, must, stretch in (("f64", 10, 14), ("f32", 20, 26)):
        call, base = name("predict_vjp", precision), name("predict_vjp", precision, "naive")
        add(f"VJP with stored cotangents {precision}", call, base, must, stretch)
    for precision, must, stretch in (("f64", 1.8, 1.95), ("f32", 1.5, 1.7)):
        call, base = name("predict", precision, BEST, 2), name("predict", precision)
        add(f"predict {precision}, 2 threads to 1", call, base, must, stretch)
    for precision, must, stretch in (("f64", 14, 17), ("f32", 25, 33)):
        base = name("predict", precision, "naive", 1, "1x1000")
        add(
            f"one call, B = 1, N = 1000, {precision}",
            name("predict", precision, BEST, 1, "1x1000"),
            base,
            must,
            stretch,
        )
    return table


def measure(program, names, quick):
    """Median rates (pairs/s) of the named benchmarks, all in one run with random interleaving."""
    pattern = "^(" + "|".join(re.escape(n) for n in sorted(set(names))) + r")(/real_time)?$"
    command = [
        str(program),
        f"--benchmark_filter={pattern}",
        "--benchmark_format=json",
        "--benchmark_enable_random_interleaving=true",
        f"--benchmark_repetitions={5 if quick else 15}",
        f"--benchmark_min_time={0.02 if quick else 0.05}",
    ]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    rates = {}
    for run in answer["benchmarks"]:
        if run.get("run_type") == "iteration":
            rates.setdefault(run["run_name"].removesuffix("/real_time"), []).append(run["pairs/s"])
    return answer["context"], {key: statistics.median(values) for key, values in rates.items()}


def judge(row, rates):
    """Adds ratio and verdict to a row."""
    call, base = rates.get(row["call"]), rates.get(row["base"])
    if not call or not base:
        return {**row, "ratio": None, "verdict": "not measured"}
    ratio = base / call if row["less"] else call / base
    if row["less"]:
        verdict = "stretch" if ratio <= row["stretch"] else "must" if ratio <= row["must"] else "below"
    else:
        verdict = "stretch" if ratio >= row["stretch"] else "must" if ratio >= row["must"] else "below"
    return {**row, "ratio": round(ratio, 3), "rate_Mpairs_s": round(call / 1e6, 1), "verdict": verdict}


def text_table(judged, rates):
    """The report as lines of text."""
    lines = [f"{'':62s} {'ratio':>7s} {'must':>6s} {'stretch':>8s}  verdict      M pairs/s"]
    for row in judged:
        ratio = f"{row['ratio']:7.2f}" if row["ratio"] else "      -"
        rate = f"{row.get('rate_Mpairs_s', 0):9.1f}"
        sign = "<=" if row["less"] else ">="
        limits = f"{sign}{row['must']:5g} {sign}{row['stretch']:5g}"
        lines.append(f"{row['title']:62s} {ratio} {limits}  {row['verdict']:12s} {rate}")
    lines.append("")
    for precision in ("f64", "f32"):
        fill, predict = rates.get(name("fill", precision, "memset")), rates.get(name("predict", precision))
        friedel = rates.get(name("predict_friedel", precision))
        if fill and predict and friedel:
            lines.append(
                f"share of the fill bandwidth, {precision}: predict {100 * predict / fill:.0f} %, "
                f"Friedel list {100 * friedel / fill:.0f} % ({fill / 1e6:.0f} M pairs/s)"
            )
        one, naive = (
            rates.get(name("predict", precision, BEST, 1, "1x1")),
            rates.get(name("predict", precision, "naive")),
        )
        if one and naive:
            lines.append(
                f"one call of one pair, {precision}: {1e9 / one:.0f} ns, "
                f"the time of {naive / one:.1f} naive pairs (must: 5)"
            )
    return lines


def gnuplot(script, picture):
    """Draws an SVG."""
    if not shutil.which("gnuplot"):
        print(f"{picture.name} is left out: there is no gnuplot")
        return
    head = f"set terminal svg size 900,520 background 'white'\nset output '{picture}'\n"
    subprocess.run(["gnuplot", "-"], input=head + script, text=True, check=True)


def draw_levels(rates, picture):
    """Pairs per second by operation and instruction set beside the fill bandwidth."""
    operations = ["predict", "predict_friedel", "predict_vjp", "loss_angle", "loss_chord", "solve", "rotate"]
    series = [("naive", "naive"), *((level, level) for level in ("scalar", "sse4", "avx2", "avx512"))]
    data, plots = "", []
    for index, (level, title) in enumerate(series):
        data += f"$d{index} << EOD\n"
        for x, operation in enumerate(f"{o} {p}" for o in operations for p in ("f64", "f32")):
            o, p = operation.split()
            rate = rates.get(name(o, p, level))
            data += f"{x + 0.15 * (index - 2)} {rate / 1e6 if rate else 'NaN'}\n"
        data += "EOD\n"
        plots.append(f"$d{index} using 1:2 with boxes title '{title}'")
    fills = [(p, rates.get(name("fill", p, "memset"))) for p in ("f64", "f32")]
    plots += [f"{rate / 1e6} with lines dashtype 2 title 'fill of the outputs, {p}'" for p, rate in fills if rate]
    tics = ", ".join(
        f"'{o.replace('_', ' ')} {p}' {2 * i + j}"
        for i, o in enumerate(operations)
        for j, p in enumerate(("f64", "f32"))
    )
    gnuplot(
        data
        + "set style fill solid 0.8\nset boxwidth 0.14\nset logscale y\nset ylabel 'million pairs/s, one thread'\n"
        + f"set xtics rotate by -40 ({tics})\nset key outside\nset grid y\nplot {', '.join(plots)}\n",
        picture,
    )


def draw_scaling(rates, picture):
    """Time of a call against B (N = 200) and against N (B = 1), with the line of proportion."""
    data, plots = "", []
    for index, (operation, axis) in enumerate((o, a) for o in ("predict", "loss_angle") for a in "BN"):
        points = []
        for count in (1, 10, 100, 1000, 10000, 100000):
            shape = f"{count}x200" if axis == "B" else f"1x{count}"
            rate = rates.get(name(operation, "f64", BEST, 1, shape))
            if rate:
                pairs = count * (200 if axis == "B" else 1)
                points.append(f"{pairs} {1e6 * pairs / rate}")
        data += f"$s{index} << EOD\n" + "\n".join(points) + "\nEOD\n"
        what = "B, N = 200" if axis == "B" else "N, B = 1"
        plots.append(f"$s{index} using 1:2 with linespoints title '{operation.replace('_', ' ')} against {what}'")
    rate = rates[name("predict", "f64")]
    plots.append(f"1e6*x/{rate} with lines dashtype 2 title 'proportional'")
    gnuplot(
        data
        + "set logscale xy\nset xlabel 'pairs of the call'\nset ylabel 'microseconds, one thread'\nset key left top\n"
        "set grid\nset xrange [1:3e7]\n" + f"plot {', '.join(plots)}\n",
        picture,
    )


def cpu_model():
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown"


def main():
    """Runs everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument(
        "--out", type=Path, required=True, help="results go to OUT.txt, OUT.json, OUT-levels.svg, OUT-scaling.svg"
    )
    parser.add_argument("--quick", action="store_true", help="a third of the repetitions")
    arguments = parser.parse_args()
    table = rows()
    names = [row[key] for row in table for key in ("call", "base")]
    names += [name("fill", p, "memset") for p in ("f64", "f32")]
    names += [name("predict", p, BEST, 1, "1x1") for p in ("f64", "f32")]
    context, rates = measure(arguments.program, names, arguments.quick)
    judged = [judge(row, rates) for row in table]

    levels = ("naive", "scalar", "sse4", "avx2", "avx512")
    operations = ("predict", "predict_friedel", "predict_vjp", "loss_angle", "loss_chord", "solve", "rotate")
    overview = [name(o, p, level) for o in operations for p in ("f64", "f32") for level in levels]
    overview += [name("fill", p, "memset") for p in ("f64", "f32")]
    decades = (1, 10, 100, 1000, 10000, 100000)
    scaling = [
        name(o, "f64", BEST, 1, s) for o in ("predict", "loss_angle") for c in decades for s in (f"{c}x200", f"1x{c}")
    ]
    _, overview_rates = measure(arguments.program, overview, True)
    _, scaling_rates = measure(arguments.program, [*scaling, name("predict", "f64")], True)

    lines = [
        f"{cpu_model()}, {context['num_cpus']} cores; {context['braggrad_build']}",
        f"{datetime.date.today().isoformat()}, medians of {5 if arguments.quick else 15} interleaved repetitions; "
        "one thread and B = 20000, N = 200 where nothing else is said",
        "",
        *text_table(judged, rates),
    ]
    print("\n".join(lines))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.with_suffix(".txt").write_text("\n".join(lines) + "\n")
    result = {
        "cpu": cpu_model(),
        "build": context["braggrad_build"],
        "date": datetime.date.today().isoformat(),
        "command": "bench/report.py cpu_bench" + (" --quick" if arguments.quick else ""),
        "table": judged,
        "pairs_per_s": rates,
        "levels_pairs_per_s": overview_rates,
        "scaling_pairs_per_s": scaling_rates,
    }
    arguments.out.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    draw_levels(overview_rates, arguments.out.with_name(arguments.out.name + "-levels.svg"))
    draw_scaling(scaling_rates, arguments.out.with_name(arguments.out.name + "-scaling.svg"))
    below = [row["title"] for row in judged if row["verdict"] == "below"]
    print(f"{len(judged)} rows, {len(below)} below must")
    return 0


if __name__ == "__main__":
    sys.exit(main())
