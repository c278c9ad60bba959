#!/usr/bin/env python3
"""Makes the Fortran binding from the C headers.

bindings/fortran/braggrad_c.f90   derived types, constants and interfaces: one for each struct, constant and
                                  function of include/braggrad/*.h
bindings/fortran/braggrad.f90     its real32 procedures, from the real64 ones above the marker

scripts/generate_fortran.py                    rewrites both files
scripts/generate_fortran.py --check            exits 1 if one of them is not up to date
scripts/generate_fortran.py --layout FOLDER    writes layout.c and layout.f90, which print the size of every struct,
                                               offset and size of every member and value of every constant, each
                                               as its own compiler sees them
"""

import argparse
import pathlib
import re
import sys

import c_headers

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADERS = sorted((ROOT / "include" / "braggrad").glob("*.h"))
RAW = ROOT / "bindings" / "fortran" / "braggrad_c.f90"
MODULE = ROOT / "bindings" / "fortran" / "braggrad.f90"
TWINS_BEGIN = "  ! real32: the procedures above, stamped by scripts/generate_fortran.py.\n"
TWINS_END = "end module braggrad\n"
PROCEDURES = "  ! real64\n"

# C type -> Fortran type, size in bytes, value that stands for "default".
SCALARS = {
    "double": ("real(c_double)", 8, "0.0_c_double"),
    "float": ("real(c_float)", 4, "0.0_c_float"),
    "int64_t": ("integer(c_int64_t)", 8, "0"),
    "int32_t": ("integer(c_int32_t)", 4, "0"),
    "uint32_t": ("integer(c_int32_t)", 4, "0"),
    "uint8_t": ("integer(c_int8_t)", 1, "0"),
    "size_t": ("integer(c_size_t)", 8, "0"),
    "char": ("character(kind=c_char)", 1, "c_null_char"),
}
# Arguments that may be NULL and are no arrays: absent optional arguments.
OPTIONAL = {("brg_context_create", "options"), ("brg_predict_spots_f64", "count"), ("brg_predict_spots_f32", "count")}
# Constants whose C names differ from that of a function only by case.
RENAMED = {"BRG_ABI_VERSION": "BRG_HEADER_ABI_VERSION"}
RAW_HEAD = """\
! The C interface of braggrad as Fortran sees it: made by scripts/generate_fortran.py from include/braggrad, where every
! member and function is described. The module `braggrad` gives all of it, and procedures that are easier to call.
!
! Derived types are those of C, ready to use: struct_size is set and every other member is its default (brg_geometry and
! brg_context_options have an init function besides). Arrays are type(c_ptr): c_loc of a contiguous target.
module braggrad_c
  use, intrinsic :: iso_c_binding, only: c_char, c_double, c_float, c_int32_t, c_int64_t, c_int8_t, c_null_char, &
    c_null_ptr, c_ptr, c_size_t
  implicit none
  private :: c_char, c_double, c_float, c_int32_t, c_int64_t, c_int8_t, c_null_char, c_null_ptr, c_ptr, c_size_t

  ! Kinds of the C types of the same name."""


def member_type(member):
    """Fortran type and dimension, size, alignment and initial value of a member."""
    if member.stars:
        return "type(c_ptr)", "", 8, 8, "c_null_ptr"
    fortran, size, default = SCALARS[member.base]
    extent = int(member.extent) if member.extent else 1
    return fortran, f"({extent})" if member.extent else "", size * extent, size, default


def struct_size(members):
    end, widest = 0, 1
    for member in members:
        _, _, size, alignment, _ = member_type(member)
        end = (end + alignment - 1) // alignment * alignment + size
        widest = max(widest, alignment)
    return (end + widest - 1) // widest * widest


def argument_type(function, argument, structs):
    optional = ", optional" if (function, argument.name) in OPTIONAL else ""
    if argument.base in structs and argument.stars == 1:
        return f"type({argument.base}), intent({'in' if argument.const else 'inout'}){optional}"
    if argument.stars == 2:  # a new handle
        return "type(c_ptr), intent(inout)"
    if argument.stars == 1 and argument.name in ("count", "bytes"):  # a number that the call gives back
        return f"{SCALARS[argument.base][0]}, intent(inout){optional}"
    if argument.stars == 1:  # a handle, or an array in the memory of a context
        return "type(c_ptr), value"
    # A character by value is passed wrongly by gfortran before 13 (PR 103828): its code is not.
    fortran = "integer(c_int8_t)" if argument.base == "char" else SCALARS[argument.base][0]
    if argument.extent:
        return f"{fortran}, intent({'in' if argument.const else 'inout'})"
    return f"{fortran}, value"


def wrapped(text, indent, width=110):
    """A statement on as many lines as it needs."""
    lines, line = [], ""
    for word in re.split(r"(?<=,) ", text):
        if line and len(line) + len(word) + 1 > width:
            lines.append(line)
            line = ""
        line += (" " if line else "") + word
    return (" &\n" + " " * (indent + 2)).join([*lines, line])


def raw_module(header):
    structs = {name for name, _ in header.structs}
    out = [
        RAW_HEAD,
        *(f"  integer, parameter :: {kind} = c_int32_t" for kind in header.kinds),
        "",
        *(f"  integer(c_int32_t), parameter :: {RENAMED.get(n, n)} = {v}" for n, v in header.constants),
    ]
    for name, members in header.structs:
        out += ["", f"  type, bind(C) :: {name}"]
        for member in members:
            fortran, dimension, _, _, default = member_type(member)
            if member.name == "struct_size":
                default = str(struct_size(members))
            out.append(f"    {fortran} :: {member.name}{dimension} = {default}")
        out.append(f"  end type {name}")
    out += ["", "  interface"]
    for name, result, arguments in header.functions:
        names = ", ".join(argument.name for argument in arguments)
        fortran = "type(c_ptr)" if result.stars else SCALARS[result.base][0]
        out.append("    " + wrapped(f'function {name}({names}) bind(C, name="{name}") result(answer)', 4))
        out.append("      import")
        for argument in arguments:
            dimension = f"({argument.extent})" if argument.extent else ""
            out.append(f"      {argument_type(name, argument, structs)} :: {argument.name}{dimension}")
        out += [f"      {fortran} :: answer", f"    end function {name}", ""]
    out[-1] = "  end interface"
    out.append("end module braggrad_c")
    return "\n".join(out) + "\n"


def stamped(text):
    """braggrad.f90 with its real32 procedures renewed."""
    head, _, _ = text.removesuffix(TWINS_END).partition(TWINS_BEGIN)
    _, marker, procedures = head.partition(PROCEDURES)
    if not marker:
        raise SystemExit(f"{MODULE} has no line '{PROCEDURES.strip()}'")
    procedures = re.sub(r"\n +! [^\n]*(?=\n)", "", "\n" + procedures)  # comments stand once
    twin = procedures.replace("_f64", "_f32")
    # Arrays follow the family, scalars of the C structs stay double.
    twin = re.sub(r"real\(c_double\)(?=, (contiguous|target))", "real(c_float)", twin)
    return head + TWINS_BEGIN + twin + TWINS_END


def layout_fortran(header):
    lines = [
        "program layout",
        "  use, intrinsic :: iso_c_binding",
        "  use braggrad_c",
        "  implicit none",
    ]
    lines += [f"  type({name}), target :: a{i}" for i, (name, _) in enumerate(header.structs)]
    for i, (name, members) in enumerate(header.structs):
        # As the module's own default says, and as its compiler lays it out.
        lines.append(f"  call line('{name}', [c_sizeof(a{i})])")
        lines.append(f"  if (a{i}%struct_size /= c_sizeof(a{i})) error stop '{name}%struct_size'")
        for m in members:
            size = f"storage_size(a{i}%{m.name}) / 8_c_size_t * {m.extent if m.extent and not m.stars else 1}"
            first = f"{m.name}(1)" if m.extent else m.name
            lines.append(f"  call line('{name}.{m.name}', [at(c_loc(a{i}%{first})) - at(c_loc(a{i})), &")
            lines.append(f"    {size}])")
    lines += [f"  call line('{name}', [int({RENAMED.get(name, name)}, c_size_t)])" for name, _ in header.constants]
    lines += [
        "contains",
        "  function at(pointer) result(address)",
        "    type(c_ptr), intent(in) :: pointer",
        "    integer(c_size_t) :: address",
        "    address = transfer(pointer, address)",
        "  end function at",
        "  subroutine line(name, numbers)",
        "    character(*), intent(in) :: name",
        "    integer(c_size_t), intent(in) :: numbers(:)",
        "    write (*, '(a, *(1x, i0))') name, numbers",
        "  end subroutine line",
        "end program layout",
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--check", action="store_true")
    arguments.add_argument("--layout", type=pathlib.Path)
    given = arguments.parse_args()
    header = c_headers.parse(HEADERS)
    SCALARS.update({kind: (f"integer({kind})", 4, "0") for kind in header.kinds})
    if given.layout:
        given.layout.mkdir(parents=True, exist_ok=True)
        (given.layout / "layout.c").write_text(c_headers.layout_program(header))
        (given.layout / "layout.f90").write_text(layout_fortran(header))
        return 0
    stale = []
    for path, text in ((RAW, raw_module(header)), (MODULE, stamped(MODULE.read_text()))):
        if not path.exists() or path.read_text() != text:
            stale.append(path.name)
            if not given.check:
                path.write_text(text)
    if given.check and stale:
        print("not up to date, run scripts/generate_fortran.py:", ", ".join(stale))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
