"""Spack recipe: copy this folder to a Spack repository as packages/braggrad."""

# ruff: noqa: F403, F405
from spack.package import *


class Braggrad(CMakePackage):
    """Bragg-omega angles and their analytic derivatives, on CPU and CUDA, through a C ABI."""

    license("BSD-3-Clause")

    # No address to fetch from yet: `spack develop --no-clone --path SOURCE braggrad@=main` takes a tree that is there.
    version("main", branch="main")

    variant("cuda", default=False, description="CUDA backend")
    variant("fortran", default=True, description="Fortran module")

    generator("ninja")
    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("fortran", type="build", when="+fortran")
    depends_on("cmake@3.25:", type="build")
    depends_on("highway", type="build")
    depends_on("cuda@13:", when="+cuda")

    def cmake_args(self):
        return [
            self.define("BRAGGRAD_TESTS", False),
            self.define("BRAGGRAD_WERROR", False),
            self.define("BRAGGRAD_CLI", False),  # needs libcsv, which Spack does not have
            self.define_from_variant("BRAGGRAD_CUDA", "cuda"),
            self.define_from_variant("BRAGGRAD_FORTRAN", "fortran"),
        ]
