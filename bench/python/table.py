#!/usr/bin/env python3
"""What a call costs from Python: every way into braggrad beside the best that others reach, one thread, in one run.

table.py [--library libbraggrad.so] [--out bench/results/python] [--rounds 5] [--turn 0.05]
table.py ... --cases gradient/1 --only torch      a part

The yardstick of each round is the C call alone, by ctypes with its arguments bound. Cases, peers and timing are
those of bench/peers; answers are compared before anything is timed.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "peers"))
import one_thread

one_thread.apply()  # before any numerical package

import argparse  # noqa: E402
import importlib  # noqa: E402
import math  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402

import compare  # noqa: E402
import frontends  # noqa: E402
import problem  # noqa: E402
from braggrad_c import Library  # noqa: E402
from contender import Contender  # noqa: E402

CASES = (
    ("predict", 1, 1000),
    ("gradient", 1, 1000),
    ("gradient", 64, 1000),
    ("predict", 5000, 200),
    ("gradient", 5000, 200),
)
PRECISIONS = ("f64", "f32")
PEERS = ("numpy", "numba", "jax", "torch")


class Best:
    """Seconds of a call of each contender in a case, and the fastest by a rule."""

    def __init__(self, table: compare.Table):
        """From a measured table; times are the yardstick's median times the ratio, so that they share its noise."""
        self.c = table.case.pairs / table.ours.rate
        self.seconds = {peer.contender.name: self.c * peer.result.ratio for peer in table.peers}

    def of(self, *parts: str, without: str = "\0") -> float:
        """Seconds of the fastest whose name has all the parts; infinite where there is none."""
        named = [s for name, s in self.seconds.items() if all(p in name for p in parts) and without not in name]
        return min(named, default=float("inf"))


class Missing:
    """In place of a case that was not measured: everything takes forever."""

    c = math.inf

    def of(self, *_: str, **__: str) -> float:
        """Infinite."""
        return math.inf


def targets(best: dict[tuple, Best]) -> list[tuple[str, float, float, str]]:
    """Name, value, bound and unit of each promise that was measured; a bound is a least ratio, or a largest time."""
    rows = []
    for precision in PRECISIONS:
        one, grad, few, many, fit = (
            best.get((operation, orientations, precision), Missing()) for operation, orientations, _ in CASES
        )
        jax_grad, jax_few = grad.of("JAX jit, value_and_grad"), few.of("JAX jit, value_and_grad")
        compiled, compiled_few = (
            case.of("unit vectors, compiled, autograd", without="in graph") for case in (grad, few)
        )
        floor = grad.c + grad.of("nothing: torch", "apply")
        forward = one.of("braggrad torch.predict", without="adjoint")
        both, free = grad.of("braggrad torch.OmegaLoss(R)"), grad.of("braggrad torch.omega_loss")
        port = "users' method, eager"
        rows += [
            (f"Predictor over the C call, N = 1000, {precision}", 1e6 * (one.of("Predictor") - one.c), 2.0, "us"),
            (f"Predictor against NumPy, N = 1000, {precision}", one.of("NumPy") / one.of("Predictor"), 8.0, "x"),
            (
                f"predict, out= against NumPy asin + arctan2, N = 1000, {precision}",
                one.of("NumPy asin + arctan2") / one.of("braggrad predict, out="),
                8.0,
                "x",
            ),
            (
                f"predict, out= against NumPy unit vectors, in blocks, N = 1000, {precision}",
                one.of("NumPy unit vectors") / one.of("braggrad predict, out="),
                8.0,
                "x",
            ),
            (f"predict, out=, N = 1000, {precision}", 1e6 * one.of("braggrad predict, out="), 8.0, "us"),
            (f"omega_loss, N = 1000, {precision}", 1e6 * grad.of("braggrad omega_loss"), 12.0, "us"),
            (f"torch forward against compiled, N = 1000, {precision}", one.of("torch", "compiled") / forward, 3.0, "x"),
            (f"torch forward against JAX, N = 1000, {precision}", one.of("JAX jit") / forward, 1.0, "x"),
            (f"torch OmegaLoss + backward against compiled autograd, N = 1000, {precision}", compiled / both, 4.0, "x"),
            (f"torch omega_loss + backward against the same, N = 1000, {precision}", compiled / free, 4.0, "x"),
            (f"  where an empty node and the C call would reach, {precision}", compiled / floor, 4.0, "x"),
            (f"  over an empty node and the C call, {precision}", 1e6 * (both - floor), 10.0, "us"),
            (
                f"torch OmegaLoss.value_and_grad against compiled, any form, N = 1000, {precision}",
                grad.of("torch", "compiled") / grad.of("value_and_grad(R)"),
                4.0,
                "x",
            ),
            (f"torch OmegaLoss + backward against the port, N = 1000, {precision}", grad.of(port) / both, 10.0, "x"),
            (f"torch OmegaLoss + backward against JAX, N = 1000, {precision}", jax_grad / both, 10.0, "x"),
            (f"  where an empty node and the C call would reach, {precision}", jax_grad / floor, 10.0, "x"),
            (
                f"torch OmegaLoss + backward, 64 x 1000, against compiled autograd, {precision}",
                compiled_few / few.of("braggrad torch.OmegaLoss(R)"),
                4.0,
                "x",
            ),
            (
                f"torch OmegaLoss + backward, 64 x 1000, against JAX, {precision}",
                jax_few / few.of("braggrad torch.OmegaLoss(R)"),
                10.0,
                "x",
            ),
            (
                f"OmegaLoss against compiled, any form, N = 1000, {precision}",
                grad.of("torch", "compiled") / grad.of("braggrad OmegaLoss"),
                4.0,
                "x",
            ),
            (f"OmegaLoss against JAX, N = 1000, {precision}", jax_grad / grad.of("braggrad OmegaLoss"), 10.0, "x"),
            (
                f"OmegaLoss, share of the C speed, a million pairs, {precision}",
                fit.c / fit.of("braggrad OmegaLoss"),
                0.85,
                "x",
            ),
            (
                f"predict against compiled, a million pairs, {precision}",
                many.of("torch", "compiled") / many.of("braggrad Predictor"),
                5.5 if precision == "f64" else 6.0,
                "x",
            ),
        ]
    return [row for row in rows if math.isfinite(row[1]) and row[1] > 0]


def peers() -> tuple[list[Contender], list[str]]:
    """The contenders of bench/peers that can run here."""
    found, messages = [], []
    for name in PEERS:
        try:
            found += importlib.import_module(f"contender_{name}").contenders()
        except ImportError as error:
            messages.append(f"{name} is left out: {error}")
    for name, contenders in importlib.import_module("contender_packages").PACKAGES.items():
        try:
            found += contenders()
        except ImportError as error:
            messages.append(f"{name} is left out: {error}")
    return found, messages


def table_text(table: compare.Table) -> list[str]:
    """A case, fastest first, in microseconds of a call."""
    case, best = table.case, Best(table)
    lines = [f"{case.operation}, {len(case.rotation)} x {len(case.q)}, {case.precision}"]
    lines += [f"  {'C call alone':<54} {1e6 * best.c:>12.1f} us"]
    for peer in table.peers:
        microseconds = 1e6 * best.seconds[peer.contender.name]
        lines += [f"  {peer.contender.name:<54} {microseconds:>12.1f} us  {peer.result.ratio:>8.2f} x"]
    return [*lines, ""]


def main() -> int:
    """Measures and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", default=os.environ.get("BRAGGRAD_LIBRARY"), help="libbraggrad.so")
    parser.add_argument("--out", type=pathlib.Path, help="file name without ending: the text goes there too")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--turn", type=float, default=0.05, help="seconds of one turn")
    parser.add_argument("--only", default="", help="regular expression: the contenders whose names have it")
    parser.add_argument("--cases", default="", help="the same of cases, as gradient/5000")
    options = parser.parse_args()
    library = Library(options.library)
    yardsticks = {
        "predict": Contender("C", "c", "predict", frontends.c_predict(library)),
        "gradient": Contender("C", "c", "gradient", frontends.c_loss(library)),
    }
    others, messages = peers()
    contenders = [c for c in (*frontends.frontends(library), *others) if re.search(options.only, c.name)]
    lines = [
        "One thread of one core, microseconds of a call and the ratio to the C call alone, median of the rounds.",
        compare.machine(library),
        compare.versions(),
        "",
    ]
    best = {}
    for operation, orientations, reflections in CASES:
        if not re.search(options.cases, f"{operation}/{orientations}"):
            continue
        for precision in PRECISIONS:
            case = problem.make(library, operation, "general", orientations, reflections, precision)
            table, said = compare.run_case(yardsticks, contenders, case, options.rounds, options.turn)
            best[operation, orientations, precision] = Best(table)
            lines += table_text(table)
            messages += said
            print(f"measured {case.name}", file=sys.stderr)
    lines += ["What was promised"]
    for name, value, bound, unit in targets(best):
        met = value <= bound if unit == "us" else value >= bound
        sign = "<=" if unit == "us" else ">="
        lines += [f"  {name:<72} {value:>8.2f} {unit:<2} {sign} {bound:<5} {'met' if met else 'not met'}"]
    lines += ["", *messages]
    text = "\n".join(line.rstrip() for line in lines).rstrip() + "\n"
    print(text)
    if options.out:
        options.out.with_suffix(".txt").write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
