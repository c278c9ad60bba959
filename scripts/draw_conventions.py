#!/usr/bin/env python3
"""Draws docs/conventions.svg: laboratory axes, beam and rotation axis of each system, seen from the side.

scripts/draw_conventions.py            writes the picture
scripts/draw_conventions.py --check    exits 1 if it is not up to date
"""

import math
import pathlib
import sys

PICTURE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "conventions.svg"
WIDTH, HEIGHT, COLUMNS = 300, 250, 3
GREY, ORANGE, BLUE = "#667", "#c2410c", "#1d4ed8"

# Directions of the picture: along the beam (right), away from the viewer, up. Right-handed: right x away = up.
RIGHT, AWAY, UP = (1, 0, 0), (0, 1, 0), (0, 0, 1)


def scaled(v, s):
    return tuple(s * c for c in v)


def leaning(axis, direction, degrees):
    """`axis`, leaning toward `direction`."""
    a = math.radians(degrees)
    return tuple(math.cos(a) * x + math.sin(a) * y for x, y in zip(axis, direction, strict=True))


# name, (x, y, z) of the system, beam, axis, notes
SYSTEMS = [
    ("braggrad, IceNine", (RIGHT, AWAY, UP), leaning(RIGHT, UP, 14), UP, ["beam leans by chi toward the axis"]),
    (
        "HEXRD",
        (scaled(AWAY, -1), UP, scaled(RIGHT, -1)),
        RIGHT,
        leaning(UP, scaled(RIGHT, -1), 14),
        ["beam -z, axis y", "chi > 0: axis leans toward z, upstream"],
    ),
    (
        "MIDAS",
        (RIGHT, AWAY, UP),
        RIGHT,
        leaning(UP, scaled(RIGHT, -1), 14),
        ["wedge > 0: axis leans upstream", "(downstream until August 2026)"],
    ),
    (
        "ImageD11",
        (RIGHT, AWAY, UP),
        RIGHT,
        leaning(leaning(UP, scaled(AWAY, -1), 16), scaled(RIGHT, -1), 14),
        ["wedge > 0: axis leans upstream", "chi > 0: toward -y"],
    ),
    (
        "xfab",
        (RIGHT, AWAY, UP),
        RIGHT,
        leaning(UP, RIGHT, 14),
        ["w_y > 0: axis leans downstream", "find_omega_wedge: upstream"],
    ),
    (
        "DIALS",
        (scaled(AWAY, -1), UP, scaled(RIGHT, -1)),
        RIGHT,
        leaning(leaning(UP, AWAY, 25), RIGHT, 20),
        ["any s0 and any axis", "r = setting R(axis, phi) fixed UB h"],
    ),
]


def project(v, at):
    x, y, z = v
    return at[0] + x + 0.5 * y, at[1] - z - 0.34 * y


def line(a, b, colour, width, marker=""):
    end = f' marker-end="url(#{marker})"' if marker else ""
    return (
        f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" '
        f'stroke="{colour}" stroke-width="{width}"{end}/>'
    )


def text(at, words, colour="#222", size=12, extra=""):
    return f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" font-size="{size}" fill="{colour}"{extra}>{words}</text>'


def turning(axis, at):
    """An arc around the axis, in the direction of growing omega."""
    helper = AWAY if abs(axis[1]) < 0.8 else RIGHT
    dot = sum(a * b for a, b in zip(axis, helper, strict=True))
    u = tuple(h - dot * a for a, h in zip(axis, helper, strict=True))
    norm = math.sqrt(sum(c * c for c in u))
    u = scaled(u, 1 / norm)
    v = (axis[1] * u[2] - axis[2] * u[1], axis[2] * u[0] - axis[0] * u[2], axis[0] * u[1] - axis[1] * u[0])
    points = []
    for step in range(25):
        angle = math.radians(-40 + 11 * step)
        point = tuple(
            62 * a + 20 * (math.cos(angle) * p + math.sin(angle) * q) for a, p, q in zip(axis, u, v, strict=True)
        )
        points.append("{:.1f},{:.1f}".format(*project(point, at)))
    style = f'fill="none" stroke="{BLUE}" stroke-width="1.5" marker-end="url(#blue)"'
    return f'<polyline points="{" ".join(points)}" {style}/>'


def panel(index, system):
    name, axes, beam, axis, notes = system
    left, top = (index % COLUMNS) * WIDTH, (index // COLUMNS) * HEIGHT
    at = (left + 150, top + 135)
    out = [text((left + 14, top + 22), name, size=15, extra=' font-weight="bold"')]
    out.append(line(project(scaled(beam, -120), at), project(scaled(beam, -6), at), ORANGE, 2.5, "orange"))
    for label, direction in zip("xyz", axes, strict=True):
        end = project(scaled(direction, 58), at)
        out.append(line(at, end, GREY, 1, "grey"))
        out.append(text((end[0] + 4, end[1] - 4), label, GREY))
    out.append(text(project(scaled(beam, -128), (at[0], at[1] + 18)), "beam", ORANGE))
    out.append(line(project(scaled(axis, -40), at), project(scaled(axis, 88), at), BLUE, 2))
    out.append(turning(axis, at))
    out.append(text(project(scaled(axis, 94), (at[0] + 6, at[1])), "omega", BLUE))
    out += [text((left + 14, top + 208 + 16 * i), note, "#444", 11.5) for i, note in enumerate(notes)]
    return out


def picture():
    rows = -(-len(SYSTEMS) // COLUMNS)
    width, height = WIDTH * COLUMNS, HEIGHT * rows
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'font-family="sans-serif">',
        '<rect width="100%" height="100%" fill="white"/>',
        "<defs>",
    ]
    for name, colour in (("grey", GREY), ("orange", ORANGE), ("blue", BLUE)):
        out.append(
            f'<marker id="{name}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
            f'<path d="M0,1 L10,5 L0,9 z" fill="{colour}"/></marker>'
        )
    out.append("</defs>")
    for index, system in enumerate(SYSTEMS):
        out += panel(index, system)
    return "\n".join([*out, "</svg>"]) + "\n"


def main() -> int:
    new = picture()
    if "--check" in sys.argv:
        if not PICTURE.exists() or PICTURE.read_text() != new:
            print("not up to date, run scripts/draw_conventions.py:", PICTURE.name)
            return 1
        return 0
    PICTURE.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
