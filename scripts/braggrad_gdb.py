"""Pretty-printers for gdb and cuda-gdb: what is behind the opaque handles of braggrad.

    (gdb) source /path/to/braggrad_gdb.py
    (gdb) print *context
    $1 = CPU context, workspace of the library, last geometry: k 25.349 1/A, chi 0.02, beam (1, 0, 0), axis (0, 0, 1)
    (gdb) print *reflections
    $2 = 112 reflections with hkl on the CPU
    (gdb) print *buffer
    $3 = buffer of 4096 bytes at 0x7ffff0000b00 on CUDA device 0

Reads memory only, so it serves core files too. Needs the library's debug information (presets debug and cuda-debug);
without it gdb shows the handles as incomplete types.
"""

import gdb
import gdb.printing

BACKENDS = {0: "AUTO", 1: "CPU", 2: "CUDA"}


def pointer_of(smart):
    """The raw pointer inside a std::unique_ptr or std::shared_ptr of libstdc++."""
    members = {field.name: field for field in smart.type.fields()}
    if "_M_ptr" in members:
        return smart["_M_ptr"]
    if "_M_t" in members:  # unique_ptr: a tuple whose first element is the pointer
        return pointer_of(smart["_M_t"])
    for field in smart.type.fields():
        if field.is_base_class:
            return pointer_of(smart[field])
        if field.name == "_M_head_impl":
            return smart[field]
    raise gdb.error("a smart pointer of an unknown library")


def device_text(device):
    """'the CPU' or 'CUDA device N' from a std::shared_ptr<Device>."""
    pointer = pointer_of(device)
    if int(pointer) == 0:
        return "no device"
    true = pointer.dynamic_type.target()
    if "Cuda" not in str(true):
        return "the CPU"
    object_ = pointer.cast(true.pointer()).dereference()
    for field in true.fields():
        if field.name in ("index_", "device_"):
            return f"CUDA device {int(object_[field])}"
    return "CUDA"


def vector_text(array):
    return "(" + ", ".join(f"{float(array[i]):g}" for i in range(3)) + ")"


class ContextPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        value = self.value
        text = f"{BACKENDS.get(int(value['kind_']), '?')} context"
        if int(value["workspace_"]):
            text += f", workspace of {int(value['workspace_bytes_'])} bytes at {int(value['workspace_']):#x}"
        else:
            text += ", workspace of the library"
        if bool(value["dry_run_"]):
            text += f", dry run: {int(value['recorded_'])} bytes so far"
        geometry = value["geometry_memo_"]["geometry"]
        if int(geometry["struct_size"]) == 0:
            return text + ", no geometry used yet"
        return (
            f"{text}, last geometry: k {float(geometry['wavenumber']):g} 1/A, chi {float(geometry['chi']):g}, "
            f"beam {vector_text(geometry['beam'])}, axis {vector_text(geometry['axis'])}"
        )


class ReflectionsPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        value = self.value
        views = [name for name in ("f32", "f64") if int(value[name]["q"])]
        owned = int(value["memory"]["bytes_"]) > 0
        if bool(value["has_hkl"]):
            kind = "with hkl"
        else:
            kind = "of vectors" if owned else f"in a view of {' '.join(views)} memory"
        return f"{int(value['count'])} reflections {kind} on {device_text(value['device'])}"


class BufferPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        memory = self.value["memory"]
        place = f"{int(memory['data_']):#x} on {device_text(memory['device_'])}"
        return f"buffer of {int(memory['bytes_'])} bytes at {place}"


PRINTERS = {"brg_context": ContextPrinter, "brg_reflections": ReflectionsPrinter, "brg_buffer": BufferPrinter}


def lookup(value):
    """The printer of a handle, where the debug information of the library is loaded."""
    kind = value.type.strip_typedefs()
    if kind.code != gdb.TYPE_CODE_STRUCT or kind.tag not in PRINTERS:
        return None
    if not kind.fields():  # the program knows the name only; the library may know more
        try:
            known = gdb.lookup_type(kind.tag)
        except gdb.error:
            return None
        if not known.fields():
            return None
        value = value.address.cast(known.pointer()).dereference()
    return PRINTERS[kind.tag](value)


lookup.name = "braggrad"
lookup.enabled = True
gdb.printing.register_pretty_printer(None, lookup, replace=True)
