"""braggrad itself: outputs reused, one thread, called from Python like every other contender."""

from braggrad_c import Library
from contender import Contender, Prepared
from problem import ENERGY, Case


def contenders(library: Library) -> list[Contender]:
    """Predict, and the fused loss with dL/dR."""

    def bound(case: Case) -> tuple:
        reflections = library.package.Reflections(case.hkl, basis=case.basis)
        return reflections, case.rotation, library.geometry(ENERGY, case.chi)

    def predict(case: Case) -> Prepared:
        return Prepared(library.package.Predictor(*bound(case), context=library.context), tuple, case)

    def gradient(case: Case) -> Prepared:
        loss = library.package.OmegaLoss(
            *bound(case), case.target1, case.target2, outputs=("loss", "rotation_bar"), context=library.context
        )
        return Prepared(loss, lambda outputs: tuple(outputs.values()), case)

    return [
        Contender("braggrad", "braggrad", "predict", predict),
        Contender("braggrad", "braggrad", "gradient", gradient),
    ]
