"""braggrad on JAX's arrays: jit, grad, jvp and vmap through analytic derivatives.

Calls go to libbraggrad_jax, handlers of XLA's foreign function interface, where it was built with the library (the
build finds JAX); `HANDLERS` says whether. Without it they go back through Python (`jax.pure_callback`), which costs
more, and a warning says so. So do arrays of other devices than the CPU, which are copied to the host and back.
"""

from ._calls import Roots, omega_loss, predict, solve
from ._handlers import HANDLERS

__all__ = ["HANDLERS", "Roots", "omega_loss", "predict", "solve"]
