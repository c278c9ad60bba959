#!/usr/bin/env python3
"""Adds up the reports of a simulated run and fails where a check of the simulator found something.

cudasim_summary.py REPORT.json ... : no error of any check, no operation on the legacy default stream, and every kernel
of the library launched at least once (kernels are found in the sources: brg_..._kernel).
"""

import json
import re
import sys
from pathlib import Path


def main(paths: list[str]) -> int:
    errors = default_stream = launches = instructions = 0
    launched: dict[str, int] = {}
    for path in paths:
        report = json.loads(Path(path).read_text())
        errors += report["errors"]["total"]
        default_stream += report["default_stream_operations"]
        launches += report["launches"]
        for kernel in report["kernels"]:
            instructions += kernel["thread_instructions"]
            name = re.search(r"brg_\w+_kernel", kernel["name"])
            if name:
                launched[name.group()] = launched.get(name.group(), 0) + kernel["launches"]
    sources = Path(__file__).resolve().parent.parent / "kernels"
    written = set()
    for source in sources.glob("*.cu*"):
        written |= set(re.findall(r"\b(brg_\w+_kernel)\s*\(", source.read_text()))
    missing = sorted(written - launched.keys())
    print(
        f"simulated CUDA: {launches} launches of {len(launched)} kernels of the library, "
        f"{instructions / 1e9:.1f} G thread instructions, {errors} errors, "
        f"{default_stream} operations on the default stream"
    )
    if missing:
        print("never launched: " + ", ".join(missing))
    return 1 if errors or default_stream or missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
