"""SVG pictures of the rates, by gnuplot."""

import pathlib
import shutil
import subprocess

from measure import BY_ORIENTATIONS, BY_REFLECTIONS, LEVELS, PICTURED, PRECISIONS, Rates, name

COLOURS = {"naive": "#999999", "scalar": "#c6dbef", "sse4": "#9ecae1", "avx2": "#4292c6", "avx512": "#08519c"}


def draw(script: str, path: pathlib.Path) -> bool:
    """False where gnuplot is not installed."""
    if shutil.which("gnuplot") is None:
        return False
    subprocess.run(["gnuplot"], input=f"set output '{path}'\n{script}", text=True, check=True)
    return True


def operations(rates: Rates) -> str:
    """Pairs per second by operation and instruction set, beside what the bandwidth of memset would allow."""
    script = [
        "set terminal svg size 1000,760 font 'sans,12' background rgb 'white'",
        "set multiplot layout 2,1",
        "set style data histogram\nset style histogram clustered gap 1.5\nset style fill solid 1 border -1",
        "set boxwidth 0.9 relative\nset logscale y\nset grid ytics\nset xtics nomirror\nset key outside right top",
        "set ylabel 'million pairs/s'",
    ]
    for p in PRECISIONS:
        group = rates.get(f"levels {p}", {})
        fill = group.get(name("fill", p, "memset"))
        lines = []
        for operation in PICTURED:
            shown = [group.get(name(operation, p, level)) for level in ("naive", *LEVELS)]
            moved = next((rate.bytes_per_pair for rate in reversed(shown) if rate and rate.bytes_per_pair), 0)
            limit = fill.median * fill.bytes_per_pair / moved / 1e6 if fill and moved else None
            values = [rate.median / 1e6 if rate else None for rate in shown]
            label = operation.replace("predict_", "").replace("_", " ")
            lines.append(" ".join([f'"{label}"', *("?" if v is None else f"{v:.4g}" for v in (*values, limit))]))
        script += [
            f"$rates_{p} << EOD\n" + "\n".join(lines) + "\nEOD",
            "set datafile missing '?'",
            f"set title 'B = 20000, N = 200, one thread, {p}'",
            f"plot $rates_{p} using 2:xtic(1) title 'naive' lc rgb '{COLOURS['naive']}', "
            + ", ".join(f"'' using {i + 3} title '{level}' lc rgb '{COLOURS[level]}'" for i, level in enumerate(LEVELS))
            + ", '' using 0:7 with points pt 9 ps 1.2 lc rgb '#d94801' title 'memset bandwidth'",
        ]
    return "\n".join([*script, "unset multiplot\n"])


def scaling(rates: Rates, best: str) -> str:
    """Time of one call against B and against N, with the line of proportionality through the largest size."""
    script = [
        "set terminal svg size 1000,460 font 'sans,12' background rgb 'white'",
        "set multiplot layout 1,2",
        "set logscale xy\nset grid\nset key left top\nset format y '10^{%T}'\nset format x '10^{%T}'",
        "set ylabel 'seconds per call'",
    ]
    for axis, other, shapes in (("B", "N = 200", BY_ORIENTATIONS), ("N", "B = 1", BY_REFLECTIONS)):
        curves = []
        for operation in ("predict", "loss_angle"):
            for p in PRECISIONS:
                points = times(rates, operation, p, best, shapes)
                if not points:
                    continue
                curve = f"${axis}_{operation}_{p}"
                script.append(f"{curve} << EOD\n" + "\n".join(f"{x:g} {t:.6g}" for x, t in points) + "\nEOD")
                curves.append(f"{curve} with linespoints pt 7 ps 0.5 title '{operation.replace('_', ' ')} {p}'")
                x, t = points[-1]
                curves.append(f"{t / x:.6g}*x with lines dt 2 lc rgb '#bbbbbb' notitle")
        size = f"set xrange [1:{10 ** (len(shapes) - 1)}]"
        script += [size, f"set xlabel '{axis} ({other})'", "plot " + ", ".join(curves)] if curves else []
    return "\n".join([*script, "unset multiplot\n"])


def times(
    rates: Rates, operation: str, precision: str, best: str, shapes: tuple[str, ...]
) -> list[tuple[float, float]]:
    """(size, seconds per call) along the axis in which the shapes differ."""
    group = rates.get(f"scaling {precision}", {})
    points = []
    for shape in shapes:
        rate = group.get(name(operation, precision, best, shape))
        b, n = (int(size) for size in shape.split("x"))
        if rate:
            points.append((float(b if shapes == BY_ORIENTATIONS else n), b * n / rate.median))
    return points
