"""`python -m braggrad info` and `python -m braggrad demo [--out FOLDER]`."""

import argparse
import pathlib
import sys

from . import build_info, demo


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m braggrad", description="Bragg-omega angles and their derivatives")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("info", help="what the library was built with")
    demonstrations = commands.add_parser("demo", help="what it does, each claim checked while you watch")
    demonstrations.add_argument("--out", type=pathlib.Path, help="folder for pictures (needs matplotlib)")
    options = parser.parse_args()
    if options.command == "info":
        print(build_info())
        return 0
    return demo.run(options.out)


if __name__ == "__main__":
    sys.exit(main())
