"""The ways to call braggrad from Python, each computing a case of bench/peers."""

import jax
import jax.numpy as jnp
import numpy as np
import torch
from braggrad_c import Library
from contender import Contender, Prepared
from problem import ENERGY, Case


def _bound(library: Library, case: Case) -> tuple:
    reflections = library.package.Reflections(case.hkl, basis=case.basis)
    return reflections, case.rotation, library.geometry(ENERGY, case.chi)


def _c_call(bound) -> object:
    """The C function with the arguments of a bound call, by ctypes and nothing else."""
    function, arguments = bound._function, bound._arguments
    return lambda: function(*arguments)


def c_predict(library: Library):
    """Prepares the call of the C function alone."""

    def prepare(case: Case) -> Prepared:
        predictor = library.package.Predictor(*_bound(library, case), context=library.context)
        return Prepared(_c_call(predictor), lambda _: tuple(predictor.roots), case)

    return prepare


def c_loss(library: Library):
    """The same of the loss."""

    def prepare(case: Case) -> Prepared:
        loss = _bound_loss(library, case)
        return Prepared(_c_call(loss), lambda _: tuple(loss.outputs.values()), case)

    return prepare


def _bound_loss(library: Library, case: Case):
    outputs = ("loss", "rotation_bar")
    return library.package.OmegaLoss(
        *_bound(library, case), case.target1, case.target2, outputs=outputs, context=library.context
    )


def predictor(library: Library):
    """Prepares a Predictor that is given new orientations in each call."""

    def prepare(case: Case) -> Prepared:
        call = library.package.Predictor(*_bound(library, case), context=library.context)
        return Prepared(lambda: call(case.rotation), tuple, case)

    return prepare


def bound_loss(library: Library):
    """Prepares an OmegaLoss that is given new orientations in each call."""

    def prepare(case: Case) -> Prepared:
        call = _bound_loss(library, case)
        return Prepared(lambda: call(case.rotation), lambda outputs: tuple(outputs.values()), case)

    return prepare


def numpy_predict(library: Library, reuse: bool):
    """Prepares braggrad.predict, with out= or without."""

    def prepare(case: Case) -> Prepared:
        reflections, rotation, geometry = _bound(library, case)
        call, options = library.package.predict, {"geometry": geometry, "context": library.context}
        if reuse:
            options["out"] = call(reflections, rotation, **options)
        return Prepared(lambda: call(reflections, rotation, **options), tuple, case)

    return prepare


def numpy_loss(library: Library):
    """Prepares braggrad.omega_loss."""

    def prepare(case: Case) -> Prepared:
        reflections, rotation, geometry = _bound(library, case)
        options = {"geometry": geometry, "context": library.context, "outputs": ("loss", "rotation_bar")}

        def run():
            return library.package.omega_loss(reflections, rotation, case.target1, case.target2, **options)

        return Prepared(run, lambda outputs: tuple(outputs.values()), case)

    return prepare


def torch_predict(library: Library):
    """Prepares braggrad.torch.predict, eager."""
    import braggrad.torch as bt

    def prepare(case: Case) -> Prepared:
        reflections, rotation, geometry = _bound(library, case)
        leaf = torch.from_numpy(rotation)
        return Prepared(
            lambda: bt.predict(reflections, leaf, geometry=geometry),
            lambda roots: tuple(part.numpy() for part in roots),
            case,
        )

    return prepare


def torch_gradient(library: Library, way: str):
    """Prepares loss and backward, eager: the fused loss, bound or not, or squares of wrapped differences of angles."""
    import braggrad.torch as bt

    def prepare(case: Case) -> Prepared:
        reflections, rotation, geometry = _bound(library, case)
        leaf = torch.from_numpy(rotation.copy()).requires_grad_()
        targets = [torch.from_numpy(target) for target in (case.target1, case.target2)]
        one = len(rotation) == 1
        bound = bt.OmegaLoss(reflections, *targets, geometry=geometry)

        def fused():
            return bt.omega_loss(reflections, leaf, *targets, geometry=geometry)

        def from_angles():
            omega1, omega2, observable = bt.predict(reflections, leaf, geometry=geometry)
            squares = bt.wrap(omega1 - targets[0]) ** 2 + bt.wrap(omega2 - targets[1]) ** 2
            return torch.where(observable, squares, 0).sum(-1) * 0.5

        loss = {"bound": lambda: bound(leaf), "fused": fused, "angles": from_angles}[way]

        def run():
            value = loss()
            (bar,) = torch.autograd.grad(value if one else value.sum(), leaf)
            return value, bar

        return Prepared(run, lambda answer: tuple(part.detach().numpy() for part in answer), case)

    return prepare


def torch_value_and_grad(library: Library):
    """Prepares the bound loss and its derivative, outside of autograd."""
    import braggrad.torch as bt

    def prepare(case: Case) -> Prepared:
        reflections, rotation, geometry = _bound(library, case)
        targets = [torch.from_numpy(target) for target in (case.target1, case.target2)]
        bound, tensor = bt.OmegaLoss(reflections, *targets, geometry=geometry), torch.from_numpy(rotation)
        return Prepared(
            lambda: bound.value_and_grad(tensor), lambda answer: tuple(part.numpy() for part in answer), case
        )

    return prepare


def torch_forward_backward(library: Library):
    """Prepares predict and its adjoint for given cotangents; the answer is compared by the others."""
    import braggrad.torch as bt

    def prepare(case: Case) -> Prepared:
        reflections, rotation, geometry = _bound(library, case)
        leaf = torch.from_numpy(rotation.copy()).requires_grad_()
        shape = (len(rotation), len(reflections))
        weights = [torch.from_numpy(np.broadcast_to(t, shape).copy()) for t in (case.target1, case.target2)]

        def run():
            omega1, omega2, observable = bt.predict(reflections, leaf, geometry=geometry)
            torch.autograd.grad((omega1, omega2), leaf, weights)
            return omega1, omega2, observable

        return Prepared(run, lambda roots: tuple(part.detach().numpy() for part in roots), case)

    return prepare


class Nothing(torch.autograd.Function):
    """A node with outputs of the right shape and nothing in them."""

    @staticmethod
    def forward(ctx, leaf, shapes):
        """Empty tensors."""
        ctx.shape = leaf.shape
        ctx.set_materialize_grads(False)
        answer = tuple(torch.empty(*shape, dtype=dtype) for shape, dtype in shapes)
        if len(answer) == 1:
            return answer[0]
        ctx.mark_non_differentiable(*answer[2:])
        return answer

    @staticmethod
    def backward(ctx, *bars):
        """An empty derivative."""
        return torch.empty(*ctx.shape, dtype=bars[0].dtype), None


def floor(run_of):
    """Prepares what costs time and computes nothing; its answer is that of the C call."""

    def prepare(library: Library):
        def of_case(case: Case) -> Prepared:
            truth = (c_predict if case.operation == "predict" else c_loss)(library)(case)
            truth.run()
            return Prepared(run_of(library, case), lambda _: truth.answer(None), case)

        return of_case

    return prepare


def nothing_by_ctypes(library: Library, case: Case):
    """The C function with the same arguments and no orientation."""
    nobody = Case(**(vars(case) | {"rotation": case.rotation[:0]}))
    if case.operation == "gradient":
        return _c_call(_bound_loss(library, nobody))
    return _c_call(library.package.Predictor(*_bound(library, nobody), context=library.context))


def _empty_shapes(case: Case):
    dtype = torch.from_numpy(case.rotation[:0]).dtype
    if case.operation == "gradient":
        return [((len(case.rotation),), dtype)]
    shape = len(case.rotation), len(case.q)
    return [(shape, dtype), (shape, dtype), (shape, torch.bool)]


def nothing_by_torch(library: Library, case: Case):
    """Tensors for the answer."""
    shapes = _empty_shapes(case)
    return lambda: [torch.empty(*shape, dtype=dtype) for shape, dtype in shapes]


def nothing_by_autograd(library: Library, case: Case):
    """apply and backward of a function that computes nothing."""
    shapes = _empty_shapes(case)
    leaf = torch.from_numpy(case.rotation.copy()).requires_grad_()
    if case.operation == "predict":
        weights = [torch.ones(*shape, dtype=dtype) for shape, dtype in shapes[:2]]
        return lambda: torch.autograd.grad(Nothing.apply(leaf, shapes)[:2], leaf, weights)
    one = len(case.rotation) == 1

    def run():
        value = Nothing.apply(leaf, shapes)
        return torch.autograd.grad(value if one else value.sum(), leaf)

    return run


def jax_predict(library: Library):
    """Prepares braggrad.jax.predict under jit."""
    import braggrad.jax as bj

    def prepare(case: Case) -> Prepared:
        reflections, rotation, geometry = _bound(library, case)
        function = jax.jit(lambda r: bj.predict(reflections, r, geometry=geometry))
        array = jnp.asarray(rotation)
        return Prepared(
            lambda: jax.block_until_ready(function(array)), lambda roots: tuple(np.asarray(p) for p in roots), case
        )

    return prepare


def jax_gradient(library: Library):
    """Prepares loss and gradient from predicted angles under jit."""
    import braggrad.jax as bj

    def prepare(case: Case) -> Prepared:
        reflections, rotation, geometry = _bound(library, case)

        def total(r, target1, target2):
            omega1, omega2, observable = bj.predict(reflections, r, geometry=geometry)
            wrapped = [d - 2 * jnp.pi * jnp.round(d / (2 * jnp.pi)) for d in (omega1 - target1, omega2 - target2)]
            value = jnp.where(observable, wrapped[0] ** 2 + wrapped[1] ** 2, 0).sum(-1) * 0.5
            return value.sum(), value

        function = jax.jit(jax.value_and_grad(total, has_aux=True))
        arrays = [jnp.asarray(part) for part in (rotation, case.target1, case.target2)]

        def answer(result):
            (_, value), bar = result
            return np.asarray(value), np.asarray(bar)

        return Prepared(lambda: jax.block_until_ready(function(*arrays)), answer, case)

    return prepare


def jax_fused(library: Library):
    """Prepares the fused loss and its gradient under jit."""
    import braggrad.jax as bj

    def prepare(case: Case) -> Prepared:
        reflections, rotation, geometry = _bound(library, case)

        def total(r, target1, target2):
            value = bj.omega_loss(reflections, r, target1, target2, geometry=geometry)
            return value.sum(), value

        function = jax.jit(jax.value_and_grad(total, has_aux=True))
        arrays = [jnp.asarray(part) for part in (rotation, case.target1, case.target2)]

        def answer(result):
            (_, value), bar = result
            return np.asarray(value), np.asarray(bar)

        return Prepared(lambda: jax.block_until_ready(function(*arrays)), answer, case)

    return prepare


def one_grain(case: Case) -> bool:
    """Where the cost of a call matters."""
    return len(case.rotation) == 1


def frontends(library: Library) -> list[Contender]:
    """All of them; `family` says who they are compared with."""

    def of(name, family, operation, prepare):
        return Contender(f"braggrad {name}", family, operation, prepare)

    return [
        of("Predictor(R)", "numpy", "predict", predictor(library)),
        of("predict, out=", "numpy", "predict", numpy_predict(library, True)),
        of("predict", "numpy", "predict", numpy_predict(library, False)),
        *(
            Contender(f"nothing: {name}", "floor", operation, floor(run_of)(library), one_grain)
            for operation in ("predict", "gradient")
            for name, run_of in (
                ("ctypes, the same call without orientations", nothing_by_ctypes),
                ("torch, tensors for the answer", nothing_by_torch),
                ("torch, empty Function.apply, backward", nothing_by_autograd),
            )
        ),
        of("torch.predict", "torch", "predict", torch_predict(library)),
        of("torch.predict and its adjoint", "torch", "predict", torch_forward_backward(library)),
        of("jax.predict, jit", "jax", "predict", jax_predict(library)),
        of("OmegaLoss(R)", "numpy", "gradient", bound_loss(library)),
        of("omega_loss", "numpy", "gradient", numpy_loss(library)),
        of("torch.OmegaLoss.value_and_grad(R)", "torch", "gradient", torch_value_and_grad(library)),
        of("torch.OmegaLoss(R), backward", "torch", "gradient", torch_gradient(library, "bound")),
        of("torch.omega_loss, backward", "torch", "gradient", torch_gradient(library, "fused")),
        of("torch.predict, loss, backward", "torch", "gradient", torch_gradient(library, "angles")),
        of("jax.omega_loss, value_and_grad, jit", "jax", "gradient", jax_fused(library)),
        of("jax.predict, value_and_grad, jit", "jax", "gradient", jax_gradient(library)),
    ]
