"""The CPU table of the performance targets: which two measurements make a row, and what they must reach."""

from dataclasses import dataclass

from measure import LARGEST, LOSSES, PRECISIONS, Rate, Rates, name

VERDICTS = ("stretch", "must", "below", "not measured", "")


@dataclass(frozen=True)
class Row:
    """`over` and `under`: measurements of `group`; the row's number is rate(over) / rate(under)."""

    label: str
    precision: str
    group: str
    over: str
    under: str
    must: float | None = None
    stretch: float | None = None
    at_most: bool = False  # the number must not exceed the targets
    unit: str = "x"
    fill: str = ""  # the filling of the same outputs, where the operation has some
    fill_serves: float | None = None  # this share of the filling is enough for "must"


@dataclass(frozen=True)
class Result:
    row: Row
    measured: float | None
    spread: float | None  # relative interquartile range of the row's own measurement
    fill_share: float | None
    verdict: str


def rows() -> list[Row]:
    """The table, in the order of the design page."""
    parts = (predict_rows, loss_rows, vjp_rows, thread_rows, call_rows)
    return [row for part in parts for precision in PRECISIONS for row in part(precision, precision == "f64")]


def predict_rows(p: str, double: bool) -> list[Row]:
    group, fill = f"predict {p}", name("fill", p, "memset")
    general, naive = name("predict", p), name("predict", p, "naive")
    friedel, chi0, naive_chi0 = name("predict_friedel", p), name("predict_chi0", p), name("predict_chi0", p, "naive")
    avx512, avx2, sse4 = ((14, 18), (8, 9), (3.5, 4.5)) if double else ((22, 30), (15, 17), (5.5, 6.5))
    to_naive, to_general = ((20, 26), (1.4, 1.6)) if double else ((27, 36), (1.2, 1.35))
    return [
        Row("predict", p, group, general, naive, *avx512, fill=fill),
        Row("predict, AVX2", p, group, name("predict", p, "avx2"), naive, *avx2, fill=fill),
        Row("predict, SSE4", p, group, name("predict", p, "sse4"), naive, *sse4, fill=fill),
        Row("predict, Friedel list at chi = 0", p, group, friedel, naive_chi0, *to_naive, fill=fill),
        Row("  the same to the general path", p, group, friedel, chi0, *to_general),
        Row("  chi = 0.05 to the general path", p, group, name("predict_friedel_tilted", p), general),
    ]


def loss_rows(p: str, double: bool) -> list[Row]:
    group = f"loss {p}"
    naive, closed = name("loss_angle", p, "naive"), name("loss_angle", p, "closed")
    table = []
    for loss, targets in zip(LOSSES, ((12, 15), (17, 21)) if double else ((24, 28), (30, 36)), strict=True):
        # A list belongs to its orientation, so it is held against dense targets that do.
        plain, chi0, own = name(loss, p), name(f"{loss}_chi0", p), name(f"{loss}_per_pair", p)
        table += [
            Row(f"{loss.replace('_', ' ')} + rotation_bar", p, group, plain, naive, *targets),
            Row("  the same to the closed adjoint", p, group, plain, closed),
            Row("  time with normal equations, P = 3", p, group, plain, name(f"{loss}_rotation", p), 1.4, 1.25, True),
            Row("  time with all parameters, P = 11", p, group, plain, name(f"{loss}_all", p), 3, 2, True),
            Row("  dense targets per pair, to shared", p, group, own, plain),
            Row("  CSR with roots, per target", p, group, name(f"{loss}_csr", p), own, 0.5, 0.7, unit="%"),
            Row("  CSR, nearer root, per target", p, group, name(f"{loss}_csr_nearer", p), own, 0.5, 0.7, unit="%"),
            Row("  CSR with roots, to shared targets", p, group, name(f"{loss}_csr", p), plain, unit="%"),
            Row("  CSR, nearer root, to shared targets", p, group, name(f"{loss}_csr_nearer", p), plain, unit="%"),
            Row("  Friedel, chi = 0, to general", p, group, name(f"{loss}_friedel", p), chi0, 1.3, 1.6),
            Row("  Friedel, chi = 0.05, to general", p, group, name(f"{loss}_friedel_tilted", p), plain),
        ]
    return table


def vjp_rows(p: str, double: bool) -> list[Row]:
    group, vjp = f"vjp {p}", name("predict_vjp", p)
    naive, closed = name("predict_vjp", p, "naive"), name("predict_vjp", p, "closed")
    targets = (10, 14) if double else (20, 26)
    return [
        Row("VJP, stored cotangents", p, group, vjp, naive, *targets),
        Row("  the same to the closed adjoint", p, group, vjp, closed),
    ]


def thread_rows(p: str, double: bool) -> list[Row]:
    group, fill1, fill2 = f"threads {p}", name("fill", p, "memset"), name("fill", p, "memset", threads=2)
    targets = (1.8, 1.95) if double else (1.5, 1.7)
    two = {operation: name(operation, p, threads=2) for operation in ("predict", "predict_vjp", *LOSSES)}
    one, serves = name("predict", p), None if double else 0.9
    return [
        Row("2 threads, predict", p, group, two["predict"], one, *targets, fill=fill2, fill_serves=serves),
        Row("2 threads, VJP", p, group, two["predict_vjp"], name("predict_vjp", p), *targets),
        *(Row(f"2 threads, {o.replace('_', ' ')}", p, group, two[o], name(o, p), *targets) for o in LOSSES),
        Row("2 threads, fill", p, group, fill2, fill1),
    ]


def call_rows(p: str, double: bool) -> list[Row]:
    group, thousand = f"one call {p}", name("predict", p, shape="1x1000")
    naive = name("predict", p, "naive", "1x1000")
    largest, fill = name("predict", p, shape=LARGEST), name("fill", p, "memset", LARGEST)
    targets = (14, 17) if double else (25, 33)
    return [
        Row("one call, B = 1, N = 1000", p, group, thousand, naive, *targets),
        *(fixed_cost(operation, p) for operation in ("predict", "predict_vjp", "loss_angle")),
        Row(f"predict {LARGEST} to 20000x200", p, f"largest {p}", largest, name("predict", p), fill=fill),
    ]


def fixed_cost(operation: str, p: str) -> Row:
    """What a call with one pair costs, in pairs that the baseline predicts in its long loop."""
    naive, one = name("predict", p, "naive", "1x1000"), name(operation, p, shape="1x1")
    return Row(f"  fixed cost, {operation} (pairs)", p, f"one call {p}", naive, one, 5, at_most=True, unit="")


def judge(row: Row, rates: Rates) -> Result:
    group = rates.get(row.group, {})
    over, under, fill = group.get(row.over), group.get(row.under), group.get(row.fill)
    if over is None or under is None:
        return Result(row, None, None, None, "not measured")
    measured = over.median / under.median
    share = over.median / fill.median if fill else None
    return Result(row, measured, max(spread(over), spread(under)), share, verdict(row, measured, share))


def spread(rate: Rate) -> float:
    return (rate.upper - rate.lower) / rate.median


def verdict(row: Row, measured: float, share: float | None) -> str:
    def reaches(target: float | None) -> bool:
        return target is not None and (measured <= target if row.at_most else measured >= target)

    if row.must is None:
        return ""
    if reaches(row.stretch):
        return "stretch"
    enough_fill = row.fill_serves is not None and share is not None and share >= row.fill_serves
    return "must" if reaches(row.must) or enough_fill else "below"
