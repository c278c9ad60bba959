#!/usr/bin/env python3
"""What others reach on the same pairs: a table of ratios to braggrad, one thread, all in one run.

compare.py [--library libbraggrad.so] [--out bench/results/peers] [--rounds 7] [--turn 0.1]

Every peer computes the same case (problem.py), its answer is compared with braggrad's, and both are timed in turns.
A package that is not installed is left out with a message. PyTorch is the one a user would turn to: the fastest of its
compiled forms, whichever that is, stands against the targets at the end.
"""

import one_thread

one_thread.apply()  # before any numerical package

import argparse  # noqa: E402
import datetime  # noqa: E402
import importlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import pathlib  # noqa: E402
import sys  # noqa: E402
from dataclasses import dataclass  # noqa: E402

import contender_braggrad  # noqa: E402
import numpy as np  # noqa: E402
import problem  # noqa: E402
from braggrad_c import Library  # noqa: E402
from contender import Contender, Prepared  # noqa: E402
from duel import Result, duel  # noqa: E402

# Operation, list, orientations, reflections, and by how much torch.compile's best is to be beaten: must and stretch.
CASES = (
    ("predict", "general", 20000, 200, {"f64": (6, 6.5), "f32": (6, 9)}),
    ("predict", "friedel", 20000, 200, {"f64": (9, None), "f32": (10, None)}),
    ("gradient", "general", 20000, 200, {"f64": (9, 12), "f32": (4.5, 6)}),
    ("predict", "general", 1, 1000, {"f64": (None, None), "f32": (None, None)}),
    ("gradient", "general", 1, 1000, {"f64": (40, None), "f32": (40, None)}),
)
MODULES = ("numpy", "numba", "jax", "torch")
# An answer that is further off in more than one pair of a hundred is another computation, and no peer.
AGREEMENT = 1e-2


def load() -> tuple[list[Contender], list[str]]:
    """Every contender that can run here, and messages about those that cannot."""
    found, messages = [], []
    for name in MODULES:
        try:
            found += importlib.import_module(f"contender_{name}").contenders()
        except ImportError as error:
            messages.append(f"{name} is left out: {error}")
    packages = importlib.import_module("contender_packages").PACKAGES
    for name, contenders in packages.items():
        try:
            found += contenders()
        except ImportError as error:
            messages.append(f"{name} is left out: {error}")
    return found, messages


def turned(rotation: np.ndarray, answer) -> tuple[np.ndarray, np.ndarray]:
    """The loss and its gradient by a turn of the sample, the axial vector of dL/dR R^T.

    The users' method takes rho from |G| and gz, others from gx and gy: their dL/dR agree for turns only.
    """
    value, bar = (np.asarray(part) for part in answer)
    m = bar.reshape(-1, 3, 3).astype(float) @ rotation.astype(float).transpose(0, 2, 1)
    return value, np.stack([m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]], -1)


def difference(case: problem.Case, ours, theirs) -> float:
    """99th percentile of the differences: of angles in radians, of gradients relative to the largest."""
    if case.operation == "gradient":
        ours, theirs = turned(case.rotation, ours), turned(case.rotation, theirs)
    ours, theirs = [np.asarray(part) for part in ours], [np.asarray(part) for part in theirs]
    if case.operation == "gradient":
        return max(
            float(np.quantile(np.abs(a.astype(float) - b.reshape(a.shape)), 0.99) / np.max(np.abs(a)))
            for a, b in zip(ours, theirs, strict=True)
        )
    both = ours[2].astype(bool) & theirs[2].reshape(ours[2].shape).astype(bool)
    if np.mean(ours[2].astype(bool) != theirs[2].reshape(ours[2].shape)) > 0.01 or not both.any():
        return np.inf
    angles = [np.abs(a.astype(float) - b.reshape(a.shape))[both] for a, b in zip(ours[:2], theirs[:2], strict=True)]
    return max(float(np.quantile(np.minimum(a, np.abs(2 * np.pi - a)), 0.99)) for a in angles)


@dataclass
class Measured:
    """A peer's turn against braggrad's."""

    contender: Contender
    difference: float
    result: Result


@dataclass
class Table:
    """All peers of one case."""

    case: problem.Case
    ours: Result
    peers: list[Measured]

    @property
    def best_compiled(self) -> Measured | None:
        """torch.compile's best."""
        compiled = [peer for peer in self.peers if peer.contender.family == "compile"]
        return min(compiled, key=lambda peer: peer.result.ratio, default=None)


def run_case(reference: dict[str, Contender], contenders: list[Contender], case: problem.Case, rounds, turn) -> tuple:
    """The table of a case, and messages about peers that failed or disagree."""
    messages: list[str] = []
    prepared: dict[str, Prepared] = {}
    differences: dict[str, float] = {}
    ours = reference[case.operation].prepare(case)
    for contender in contenders:
        if contender.operation != case.operation or not contender.only(case):
            continue
        try:
            peer = contender.prepare(case)
            answer = peer.answer(peer.run())
        except Exception as error:  # a package's own trouble is no reason to lose the others
            messages.append(
                f"{contender.name}, {case.name}: {type(error).__name__}: {str(error).splitlines()[0][:120]}"
            )
            continue
        same = reference[case.operation].prepare(peer.case)
        off = difference(peer.case, same.answer(same.run()), answer)
        same.close()
        if not off <= AGREEMENT:
            messages.append(f"{contender.name}, {case.name}: answers differ by {off:.1e}, left out")
            continue
        prepared[contender.name], differences[contender.name] = peer, off
    base, results = duel(ours, prepared, rounds, turn)
    by_name = {contender.name: contender for contender in contenders}
    peers = [Measured(by_name[name], differences[name], result) for name, result in results.items()]
    for peer in prepared.values():
        peer.close()
    ours.close()
    return Table(case, base, sorted(peers, key=lambda peer: peer.result.ratio)), messages


def verdict(ratio: float, must: float | None, stretch: float | None) -> str:
    """What a ratio reaches."""
    if must is None:
        return ""
    if stretch is not None and ratio >= stretch:
        return "stretch"
    return "must" if ratio >= must else "below must"


def text_of(tables: list[tuple[Table, tuple]], messages: list[str], head: str) -> str:
    """The report for people."""
    lines = [
        "Peers on one thread of one core, timed in turns in one run: million pairs a second; how much longer than",
        "braggrad they take, median of the rounds with the smallest and largest; and the difference of the answers,",
        "99th percentile (angles in rad; loss and gradient relative to the largest).",
        head,
        "",
    ]
    for table, _ in tables:
        case = table.case
        lines.append(f"{case.operation}, {case.kind} list, {len(case.rotation)} x {len(case.q)}, {case.precision}")
        lines.append(f"  {'braggrad':<50} {table.ours.rate / 1e6:9.2f}")
        for peer in table.peers:
            low, high = peer.result.spread
            lines.append(
                f"  {peer.contender.name:<50} {peer.result.rate / 1e6:9.3g} {peer.result.ratio:9.3g} x"
                f"  ({low:.3g} ... {high:.3g})  {peer.difference:.1e}"
            )
        lines.append("")
    lines.append("Against torch.compile's best")
    for table, (must, stretch) in tables:
        best = table.best_compiled
        if best is None:
            lines.append(f"  {table.case.name:<34} PyTorch is not there")
            continue
        target = "" if must is None else f"must {must}" + ("" if stretch is None else f", stretch {stretch}")
        outcome = verdict(best.result.ratio, must, stretch)
        lines.append(f"  {table.case.name:<34} {best.result.ratio:8.3g} x  {target:<22} {outcome}")
    return "\n".join([*lines, *(["", *messages] if messages else [])]) + "\n"


def record_of(table: Table, target: tuple) -> dict:
    """A table as JSON."""
    best = table.best_compiled
    return {
        "case": table.case.name,
        "braggrad_pairs_per_second": table.ours.rate,
        "peers": [
            {
                "name": peer.contender.name,
                "family": peer.contender.family,
                "pairs_per_second": peer.result.rate,
                "ratio": peer.result.ratio,
                "spread": peer.result.spread,
                "difference": peer.difference,
            }
            for peer in table.peers
        ],
        "must": target[0],
        "stretch": target[1],
        "best_compiled": best and best.contender.name,
        "verdict": best and verdict(best.result.ratio, *target),
    }


def machine(library: Library) -> str:
    """Processor, library and command."""
    info = pathlib.Path("/proc/cpuinfo")
    rows = info.read_text().splitlines() if info.exists() else []
    cpu = next((row.split(":", 1)[1].strip() for row in rows if row.startswith("model name")), "unknown processor")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return f"{cpu}, {today}; {library.build_info}"


def versions() -> str:
    """The packages that take part."""
    found = [f"Python {sys.version.split()[0]}"]
    for name in ("numpy", "numba", "jax", "torch", "xfab", "ImageD11", "midas_diffract"):
        module = sys.modules.get(name)
        if module is not None and hasattr(module, "__version__"):
            found.append(f"{name} {module.__version__}")
    return ", ".join(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", default=os.environ.get("BRAGGRAD_LIBRARY"), help="libbraggrad.so")
    parser.add_argument("--out", type=pathlib.Path, help="stem of the .txt and .json to write")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--turn", type=float, default=0.1, help="seconds of a peer's turn")
    parser.add_argument("--only", default="", help="cases whose name contains it")
    options = parser.parse_args()

    library = Library(options.library)
    reference = {contender.operation: contender for contender in contender_braggrad.contenders(library)}
    contenders, messages = load()
    for message in messages:
        print(message, file=sys.stderr)
    tables = []
    for operation, kind, orientations, reflections, targets in CASES:
        for precision, target in targets.items():
            case = problem.make(library, operation, kind, orientations, reflections, precision)
            if options.only not in case.name:
                continue
            print(case.name, file=sys.stderr, flush=True)
            table, troubles = run_case(reference, contenders, case, options.rounds, options.turn)
            tables.append((table, target))
            messages += troubles
    head = f"{machine(library)}\n{versions()}"
    text = text_of(tables, messages, head)
    print(text)
    if options.out:
        record = {
            "machine": machine(library),
            "versions": versions(),
            "cases": [record_of(*pair) for pair in tables],
            "messages": messages,
        }
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.with_suffix(".txt").write_text(text)
        options.out.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
