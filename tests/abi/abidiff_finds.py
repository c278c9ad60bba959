#!/usr/bin/env python3
"""abidiff_finds.py CHECK BASELINE LIBRARY: check_abidiff.sh sees what it must, proved with baselines that differ."""

import pathlib
import re
import subprocess
import sys
import tempfile

check, baseline, library = sys.argv[1:]
text = pathlib.Path(baseline).read_text()
double = re.search(r"<type-decl name='double' size-in-bits='64' id='(type-id-\d+)'/>", text)[1]
single = re.search(r"<type-decl name='float' size-in-bits='32' id='(type-id-\d+)'/>", text)[1]
# Edits of the baseline, as if the release had been so: each must be found in the library of now.
EDITS = [
    ("a member that was there is another", rf"(var-decl name='chi' type-id=)'{double}'", rf"\1'{single}'"),
    ("a function that was there is gone", r"brg_geometry_check", "brg_geometry_proof"),
    (
        "a struct has grown at its end",
        r"(class-decl name='brg_geometry' size-in-bits=)'640'(.*?)<data-member[^>]*>\s*"
        r"<var-decl name='grazing_cut'[^>]*>\s*</data-member>",
        r"\1'576'\2",
    ),
]
for what, pattern, replacement in EDITS:
    edited, count = re.subn(pattern, replacement, text, flags=re.S)
    if count == 0:
        raise SystemExit(f"the baseline has no place for: {what}")
    with tempfile.NamedTemporaryFile("w", suffix=".abi") as file:
        file.write(edited)
        file.flush()
        run = subprocess.run([check, file.name, library], capture_output=True, text=True, check=False)
    if run.returncode == 77:
        print(run.stdout)
        raise SystemExit(77)
    if run.returncode == 0:
        raise SystemExit(f"not found: {what}\n{run.stdout}{run.stderr}")
print(f"{len(EDITS)} kinds of changes recognised")
