"""JAX, jit: the careful formulation; gradients by value_and_grad and by the analytic adjoint."""

import functools

import formulas
import jax
import jax.numpy as jnp
import numpy as np
from contender import Contender, Prepared
from problem import Case

VERSION = jax.__version__
jax.config.update("jax_enable_x64", True)


def arrays(case: Case):
    """Rotation, q [3,N], Q and targets on JAX's device."""
    square = (case.q.astype(float) ** 2).sum(1).astype(case.dtype)
    return [jnp.asarray(part) for part in (case.rotation, case.q.T, square, case.target1, case.target2)]


def prepared(case: Case, function, arguments) -> Prepared:
    """A jitted function, waited for."""
    jitted = jax.jit(function)
    return Prepared(
        lambda: jax.block_until_ready(jitted(*arguments)),
        lambda answer: tuple(np.asarray(part) for part in answer),
        case,
    )


def predict(formula, case: Case) -> Prepared:
    """Both roots and the flag."""
    beam = formulas.Beam.of(case)
    return prepared(case, lambda rotation, q, square: formula(jnp, rotation, q, square, beam), arrays(case)[:3])


def value_and_grad(case: Case) -> Prepared:
    """Loss and gradient by automatic differentiation."""
    beam = formulas.Beam.of(case)

    def total(rotation, q, square, target1, target2):
        value = formulas.loss(jnp, rotation, q, square, beam, target1, target2)
        return value.sum(), value

    def function(*arguments):
        (_, value), gradient = jax.value_and_grad(total, has_aux=True)(*arguments)
        return value, gradient

    return prepared(case, function, arrays(case))


def adjoint(case: Case) -> Prepared:
    """Loss and gradient by the analytic adjoint."""
    beam = formulas.Beam.of(case)

    def function(rotation, q, square, target1, target2):
        return formulas.adjoint_matmul(jnp, rotation, q, square, beam, target1, target2)

    return prepared(case, function, arrays(case))


def contenders() -> list[Contender]:
    """All of JAX's."""
    return [
        Contender("JAX jit, unit vectors", "jax", "predict", functools.partial(predict, formulas.roots)),
        Contender("JAX jit, asin + atan2", "jax", "predict", functools.partial(predict, formulas.roots_by_asin)),
        Contender("JAX jit, value_and_grad", "jax", "gradient", value_and_grad),
        Contender("JAX jit, adjoint", "jax", "gradient", adjoint),
    ]
