"""braggrad itself: outputs reused, one thread, called from Python like every other contender."""

import numpy as np
from braggrad_c import LOSS_SQUARES, Library, LossOutput, Orientations, Roots, Targets
from contender import Contender, Prepared
from problem import ENERGY, Case


def contenders(library: Library) -> list[Contender]:
    """Predict, and the fused loss with dL/dR."""

    def predict(case: Case) -> Prepared:
        shape = (len(case.rotation), len(case.q))
        omega1, omega2 = np.zeros(shape, case.dtype), np.zeros(shape, case.dtype)
        observable = np.zeros(shape, np.uint8)
        roots = Roots(omega1=omega1.ctypes.data, omega2=omega2.ctypes.data, observable=observable.ctypes.data)
        return prepared(case, "predict", (roots,), lambda _: (omega1, omega2, observable != 0))

    def gradient(case: Case) -> Prepared:
        loss = np.zeros(len(case.rotation), case.dtype)
        rotation_bar = np.zeros_like(case.rotation)
        targets = Targets(loss=LOSS_SQUARES, omega1=case.target1.ctypes.data, omega2=case.target2.ctypes.data)
        output = LossOutput(loss=loss.ctypes.data, rotation_bar=rotation_bar.ctypes.data)
        return prepared(case, "omega_loss", (targets, output), lambda _: (loss, rotation_bar))

    def prepared(case: Case, function: str, structs: tuple, answer) -> Prepared:
        geometry = library.geometry(ENERGY, case.chi)
        reflections = library.reflections(case.hkl, case.basis)
        orientations = Orientations(count=len(case.rotation), rotation=case.rotation.ctypes.data)
        run = library.call(f"brg_{function}_{case.precision}", geometry, reflections, orientations, *structs)
        return Prepared(run, answer, case, lambda: library.free_reflections(reflections))

    return [
        Contender("braggrad", "braggrad", "predict", predict),
        Contender("braggrad", "braggrad", "gradient", gradient),
    ]
