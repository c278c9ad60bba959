#!/usr/bin/env python3
"""spack_arguments.py PACKAGE.py: the cmake arguments of a Spack recipe with its default variants, one a line.

Spack itself is not needed: the few names that the recipe uses stand here.
"""

import runpy
import sys
import types

VARIANTS = {}


class CMakePackage:
    @staticmethod
    def define(name, value):
        return f"-D{name}:BOOL={'ON' if value else 'OFF'}"

    def define_from_variant(self, name, variant):
        return self.define(name, VARIANTS[variant])


def variant(name, *, default, description):
    VARIANTS[name] = default


def ignored(*arguments, **keywords):
    """A directive that says nothing about cmake."""


package = types.ModuleType("spack.package")
package.CMakePackage, package.variant = CMakePackage, variant
package.license = package.version = package.generator = package.depends_on = ignored
sys.modules |= {"spack": types.ModuleType("spack"), "spack.package": package}
print("\n".join(runpy.run_path(sys.argv[1])["Braggrad"]().cmake_args()))
