#!/usr/bin/env python3
"""Stamps the _f32 half of the public headers from their _f64 half.

Arrays follow the family, scalars stay double: `double *` becomes `float *`, `_f64` becomes `_f32`, comments are
dropped. The result stands between two marker lines before the end of each header.

    scripts/stamp_twins.py            rewrites the headers
    scripts/stamp_twins.py --check    exits 1 if one of them is not up to date
"""

import pathlib
import re
import sys

HEADERS = ("solve", "predict", "rotate", "spots", "fit", "convention")
BEGIN = "/* float32: the same declarations with float arrays, made by scripts/stamp_twins.py from those above. */\n"
END = "/* End of the float32 declarations. */\n"
TAIL = "#ifdef __cplusplus\n}\n#endif\n#endif\n"


def twin(text: str) -> str:
    """The _f32 declarations that belong to the _f64 ones of a header."""
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    parts = re.findall(r"typedef struct \w+_f64 \{.*?\} \w+_f64;|BRG_API [^;]*_f64\([^;]*\);", code, flags=re.S)
    lines = [re.sub(r"[ \t]+\n", "\n", re.sub(r"\n\s*\n", "\n", part)) for part in parts]
    stamped = "\n\n".join(lines).replace("_f64", "_f32")
    return re.sub(r"\bdouble( \*)", r"float\1", stamped) + "\n"


def stamp(text: str) -> str:
    """A header with its _f32 part renewed."""
    body = re.sub(re.escape(BEGIN) + ".*?" + re.escape(END) + "\n", "", text, flags=re.S)
    if not body.endswith(TAIL):
        raise SystemExit("a header does not end as expected")
    body = body[: -len(TAIL)]
    return body + BEGIN + "\n" + twin(body) + "\n" + END + "\n" + TAIL


def main() -> int:
    folder = pathlib.Path(__file__).resolve().parent.parent / "include" / "braggrad"
    stale = []
    for name in HEADERS:
        path = folder / f"{name}.h"
        old = path.read_text()
        new = stamp(old)
        if new != old:
            stale.append(path.name)
            if "--check" not in sys.argv:
                path.write_text(new)
    if "--check" in sys.argv and stale:
        print("not up to date, run scripts/stamp_twins.py:", ", ".join(stale))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
