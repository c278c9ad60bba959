"""braggrad on JAX's arrays: jit, grad, jvp and vmap through analytic derivatives.

Calls go to libbraggrad_jax, handlers of XLA's foreign function interface, where it was built with the library (the
build finds JAX), on the CPU, and on CUDA devices, in the order of XLA's stream, where the library has CUDA; `HANDLERS`
says on which. Elsewhere they go back through Python (`jax.pure_callback`), by copies to the host and back: without
libbraggrad_jax everywhere, and a warning says so.
"""

from ._calls import Roots, omega_loss, predict, solve
from ._handlers import HANDLERS

__all__ = ["HANDLERS", "Roots", "omega_loss", "predict", "solve"]
