"""PyTorch, eager and under torch.compile: the users' method and the careful formulation.

The users' method is our transcription of what the users' PyTorch port documents: rotate, sin(chi) of the reflection
from its magnitude with an epsilon under the root and in the denominator, clamp, asin, arctan2, wrap.
"""

import dataclasses
import math
import types

import formulas
import torch
from contender import Contender, Prepared
from problem import Case

EPSILON = 1e-10
BLOCK = 32768  # pairs per step of the eager careful form: its temporaries stay in the second-level cache
VERSION = torch.__version__


@dataclasses.dataclass(frozen=True)
class Tensors:
    """A case as tensors that share the case's memory."""

    rotation: torch.Tensor  # [B,3,3]
    rows: torch.Tensor  # [N,3]
    q: torch.Tensor  # [3,N]
    magnitude: torch.Tensor
    square: torch.Tensor
    target1: torch.Tensor
    target2: torch.Tensor

    @classmethod
    def of(cls, case: Case) -> "Tensors":
        """The tensors of a case."""
        rows = torch.from_numpy(case.q)
        magnitude = torch.from_numpy(case.magnitude)
        square = torch.from_numpy((case.q.astype(float) ** 2).sum(1).astype(case.dtype))
        targets = torch.from_numpy(case.target1), torch.from_numpy(case.target2)
        return cls(torch.from_numpy(case.rotation), rows, rows.T.contiguous(), magnitude, square, *targets)

    @property
    def careful(self):
        """Arguments of the careful formulation's loss."""
        return self.rotation, self.q, self.square, self.target1, self.target2


def configure() -> None:
    """One thread; many variants are compiled in one process, each for its own shape."""
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    torch._dynamo.config.recompile_limit = 256
    torch._dynamo.config.accumulated_recompile_limit = 4096


def compiled(function, **options):
    """torch.compile of a copy of the function with code of its own, so that variants share no guards."""
    code = function.__code__.replace(co_name=function.__name__)
    copy = types.FunctionType(code, function.__globals__, None, function.__defaults__, function.__closure__)
    return torch.compile(copy, fullgraph=True, dynamic=False, **options)


# ---------------------------------------------------------------- the users' method


def users_roots(rotation, rows, magnitude, wavenumber, chi):
    """Both roots and the flag [B,N] by the asin form with epsilon."""
    g = torch.einsum("bij,nj->bni", rotation, rows)
    gx, gy, gz = g[..., 0], g[..., 1], g[..., 2]
    sin_theta = magnitude / (2 * wavenumber)
    cos_tilt = torch.clamp(gz / (magnitude + EPSILON), -1.0, 1.0)
    sin_tilt = torch.sqrt(1.0 - cos_tilt * cos_tilt + EPSILON)
    ratio = (sin_theta + cos_tilt * math.sin(chi)) / (sin_tilt * math.cos(chi) + EPSILON)
    observable = (ratio.abs() <= 1.0) & (magnitude > EPSILON)
    height = torch.asin(torch.clamp(ratio, -1.0, 1.0))
    azimuth = torch.arctan2(gx, gy)
    omega1, omega2 = users_wrap(height + azimuth), users_wrap(math.pi - height + azimuth)
    zero = torch.zeros_like(omega1)
    return torch.where(observable, omega1, zero), torch.where(observable, omega2, zero), observable


def users_wrap(angle):
    """One turn back where the angle has left [-pi, pi]."""
    angle = torch.where(angle > math.pi, angle - 2 * math.pi, angle)
    return torch.where(angle < -math.pi, angle + 2 * math.pi, angle)


def users_loss(rotation, rows, magnitude, wavenumber, chi, target1, target2):
    """Half the sum of squared wrapped differences [B]."""
    omega1, omega2, observable = users_roots(rotation, rows, magnitude, wavenumber, chi)
    d1, d2 = users_wrap(omega1 - target1), users_wrap(omega2 - target2)
    return torch.where(observable, d1 * d1 + d2 * d2, torch.zeros_like(d1)).sum(-1) * 0.5


# ---------------------------------------------------------------- how they are run


def numbers(answer):
    """Tensors to arrays."""
    return tuple(part.detach().numpy() for part in answer)


def users_predict(compile_options=None):
    """Prepares the users' method, eager or compiled."""

    def prepare(case: Case) -> Prepared:
        t = Tensors.of(case)
        function = users_roots if compile_options is None else compiled(users_roots, **compile_options)

        @torch.no_grad()
        def run():
            return function(t.rotation, t.rows, t.magnitude, case.wavenumber, case.chi)

        return Prepared(run, numbers, case)

    return prepare


def one_grain(case: Case) -> bool:
    """Where the cost of a call matters, and the loss is one number."""
    return len(case.rotation) == 1


def autograd_gradient(loss, arguments, compile_options=None):
    """Prepares a loss whose gradient autograd makes, outside of what is compiled: what a user writes."""

    def prepare(case: Case) -> Prepared:
        function = loss(case)
        if compile_options is not None:
            function = compiled(function, **compile_options)
        t = Tensors.of(case)
        rotation = t.rotation.clone().requires_grad_(True)
        rest, one = arguments(t), one_grain(case)

        def run():
            value = function(rotation, *rest)
            (gradient,) = torch.autograd.grad(value if one else value.sum(), rotation)
            return value, gradient

        return Prepared(run, numbers, case)

    return prepare


def loss_of_users(case: Case):
    """The users' loss with the constants of a case."""

    def function(rotation, rows, magnitude, target1, target2):
        return users_loss(rotation, rows, magnitude, case.wavenumber, case.chi, target1, target2)

    return function


def loss_of_careful(case: Case):
    """The careful loss with the constants of a case."""
    beam = formulas.Beam.of(case)

    def function(rotation, q, square, target1, target2):
        return formulas.loss(torch, rotation, q, square, beam, target1, target2)

    return function


def careful_predict_blocks(case: Case) -> Prepared:
    """The careful form, eager, in blocks of orientations, with outputs that are reused."""
    t, beam = Tensors.of(case), formulas.Beam.of(case)
    shape = (len(case.rotation), len(case.q))
    answer = torch.empty(shape, dtype=t.q.dtype), torch.empty(shape, dtype=t.q.dtype), torch.empty(shape, dtype=bool)
    step = max(1, BLOCK // len(case.q))
    blocks = [
        (t.rotation[at : at + step], [part[at : at + step] for part in answer]) for at in range(0, shape[0], step)
    ]

    @torch.no_grad()
    def run():
        for rotation, places in blocks:
            for place, part in zip(places, formulas.roots(torch, rotation, t.q, t.square, beam), strict=True):
                place.copy_(part)
        return answer

    return Prepared(run, numbers, case)


def careful_gradient_blocks(case: Case) -> Prepared:
    """The analytic adjoint, eager, in blocks of orientations."""
    t, beam = Tensors.of(case), formulas.Beam.of(case)
    step = max(1, BLOCK // len(case.q))
    answer = torch.empty(len(case.rotation), dtype=t.q.dtype), torch.empty_like(t.rotation)

    @torch.no_grad()
    def run():
        for at in range(0, len(case.rotation), step):
            part = slice(at, at + step)
            answer[0][part], answer[1][part] = formulas.adjoint_matmul(
                torch, t.rotation[part], t.q, t.square, beam, t.target1, t.target2
            )
        return answer

    return Prepared(run, numbers, case)


def compiled_predict(roots, reuse: bool, **options):
    """Prepares a formula under torch.compile; with `reuse` the compiled kernel writes into given outputs."""

    def prepare(case: Case) -> Prepared:
        t, beam = Tensors.of(case), formulas.Beam.of(case)
        shape = (len(case.rotation), len(case.q))
        answer = tuple(torch.zeros(shape, dtype=dtype) for dtype in (t.q.dtype, t.q.dtype, torch.bool))

        def fresh(rotation, q, square):
            return roots(torch, rotation, q, square, beam)

        def into(rotation, q, square, omega1, omega2, observable):
            parts = roots(torch, rotation, q, square, beam)
            omega1.copy_(parts[0]), omega2.copy_(parts[1]), observable.copy_(parts[2])

        function = compiled(into if reuse else fresh, **options)

        @torch.no_grad()
        def run():
            if not reuse:
                return function(t.rotation, t.q, t.square)
            function(t.rotation, t.q, t.square, *answer)
            return answer

        return Prepared(run, numbers, case)

    return prepare


def compiled_gradient(formula, **options):
    """Prepares loss and gradient as one graph under torch.compile: the adjoint, or autograd inside of the graph."""

    def prepare(case: Case) -> Prepared:
        t, beam = Tensors.of(case), formulas.Beam.of(case)

        def analytic(rotation, q, square, target1, target2):
            return formula(torch, rotation, q, square, beam, target1, target2)

        def total(rotation, q, square, target1, target2):
            value = formulas.loss(torch, rotation, q, square, beam, target1, target2)
            return value.sum(), value

        def automatic(rotation, q, square, target1, target2):
            gradient, value = torch.func.grad(total, has_aux=True)(rotation, q, square, target1, target2)
            return value, gradient

        function = compiled(analytic if formula else automatic, **options)

        @torch.no_grad()
        def run():
            return function(*t.careful)

        return Prepared(run, numbers, case)

    return prepare


def contenders() -> list[Contender]:
    """All of PyTorch's."""
    configure()
    wrapper = {"options": {"cpp_wrapper": True}}
    of_users = (loss_of_users, lambda t: (t.rows, t.magnitude, t.target1, t.target2))
    of_careful = (loss_of_careful, lambda t: (t.q, t.square, t.target1, t.target2))
    unit, asin = formulas.roots, formulas.roots_by_asin
    fused, matmul = formulas.adjoint_fused, formulas.adjoint_matmul
    eager, graph = "torch", "compile"
    wrapped = compiled_predict(unit, True, **wrapper), compiled_predict(asin, True, **wrapper)
    return [
        Contender("torch users' method, eager", eager, "predict", users_predict()),
        Contender("torch users' method, compiled", graph, "predict", users_predict({})),
        Contender("torch unit vectors, eager, in blocks", eager, "predict", careful_predict_blocks),
        Contender("torch unit vectors, compiled", graph, "predict", compiled_predict(unit, False)),
        Contender("torch unit vectors, compiled, outputs reused", graph, "predict", compiled_predict(unit, True)),
        Contender("torch asin + atan2, compiled, outputs reused", graph, "predict", compiled_predict(asin, True)),
        Contender(
            "torch unit vectors, compiled, C++ wrapper",
            graph,
            "predict",
            wrapped[0],
            one_grain,
        ),
        Contender(
            "torch asin + atan2, compiled, C++ wrapper",
            graph,
            "predict",
            wrapped[1],
            one_grain,
        ),
        Contender("torch users' method, eager, autograd", eager, "gradient", autograd_gradient(*of_users)),
        Contender("torch users' method, compiled, autograd", graph, "gradient", autograd_gradient(*of_users, {})),
        Contender("torch unit vectors, eager, adjoint, in blocks", eager, "gradient", careful_gradient_blocks),
        Contender("torch unit vectors, compiled, autograd", graph, "gradient", autograd_gradient(*of_careful, {})),
        Contender("torch unit vectors, compiled, autograd in graph", graph, "gradient", compiled_gradient(None)),
        Contender("torch unit vectors, compiled, adjoint", graph, "gradient", compiled_gradient(fused)),
        Contender("torch unit vectors, compiled, adjoint by matmul", graph, "gradient", compiled_gradient(matmul)),
        Contender(
            "torch unit vectors, compiled, adjoint, C++ wrapper",
            graph,
            "gradient",
            compiled_gradient(fused, **wrapper),
            one_grain,
        ),
    ]
