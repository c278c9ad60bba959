"""Machine code of the CUDA kernels for one architecture: what the hot part of each kernel executes, in PTX and in SASS.

The hot part is the loop with the most arithmetic among the innermost of those that have a tenth of the kernel's. The
same part is found in the PTX that the simulator counts, so that

    SASS per pair = PTX per pair (counted) x SASS of the hot part / PTX of the hot part

of all instructions, and of each pipe alone. A kernel without such a loop, or whose loop ptxas has unrolled, is taken to
be as long in SASS as in PTX: paths that are rarely taken are most of its code.
"""

import dataclasses
import json
import re
import shlex
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

PIPES = ("fp64", "fp32", "special")
SASS_PIPES = {
    "fp64": re.compile(r"D(FMA|ADD|MUL|SETP|MNMX)\b"),
    "fp32": re.compile(r"(FFMA|FADD|FMUL|IMAD)"),  # integer multiply-adds use the multipliers of this pipe
    "special": re.compile(r"MUFU"),
}
PTX_PIPES = {
    "fp64": re.compile(r"(add|sub|mul|fma|mad|min|max|abs|neg|copysign|setp|set|div|rcp\.rn|sqrt)\b.*\.f64"),
    "fp32": re.compile(r"(add|sub|mul|fma|mad|min|max|abs|neg|copysign|setp|set)\b.*\.f32"),
    "special": re.compile(r"(rcp|rsqrt|sqrt|sin|cos|ex2|lg2|tanh)\.approx|(div|sqrt)\.rn?\.f32"),
}


@dataclasses.dataclass
class Code:
    """Counts of the hot part of a kernel."""

    instructions: int
    pipes: dict[str, int]
    loop: bool


@dataclasses.dataclass
class Kernel:
    """A kernel for one architecture."""

    ptx: Code
    sass: Code
    registers: int
    stack: int
    spill_stores: int
    spill_loads: int
    shared: int

    def comparable(self) -> bool:
        """Whether both have a hot loop, and ptxas has not unrolled its own."""
        return self.ptx.loop and self.sass.loop and 0.5 < self.sass.instructions / self.ptx.instructions < 2

    def ratio(self, pipe: str | None = None) -> float:
        """SASS to PTX of all instructions, or of a pipe."""
        if not self.comparable() or (pipe and not self.ptx.pipes[pipe]):
            return 1.0
        if pipe is None:
            return self.sass.instructions / self.ptx.instructions
        return self.sass.pipes[pipe] / self.ptx.pipes[pipe]


@dataclasses.dataclass
class Line:
    """An instruction, the label that stands before it, the one it branches to, and whether it has a predicate."""

    text: str
    label: str | None
    target: str | None
    predicate: bool


def successors(lines: list[Line]) -> list[list[int]]:
    """Of each line; a call comes back, a branch without a predicate does not fall through."""
    places = {line.label: i for i, line in enumerate(lines) if line.label}
    after = []
    for i, line in enumerate(lines):
        targets = [places[line.target]] if line.target in places else []
        ends = not line.predicate and re.match(r"(BRA|EXIT|RET|bra|ret|exit)\b", line.text)
        if not ends and i + 1 < len(lines):
            targets.append(i + 1)
        after.append(targets)
    return after


def natural_loops(lines: list[Line]) -> list[frozenset[int]]:
    """Lines of each loop that is entered at one place only."""
    after = successors(lines)
    before: list[list[int]] = [[] for _ in lines]
    for i, targets in enumerate(after):
        for target in targets:
            before[target].append(i)

    def inside(head: int, tail: int) -> frozenset[int]:
        """What reaches the tail without the head."""
        found, waiting = {head, tail}, [tail] if tail != head else []
        while waiting:
            for i in before[waiting.pop()]:
                if i not in found:
                    found.add(i)
                    waiting.append(i)
        return frozenset(found)

    loops: dict[int, frozenset[int]] = {}
    for tail, targets in enumerate(after):
        for head in targets:
            if head != tail + 1 and 0 not in (body := inside(head, tail)) - {head}:
                loops[head] = loops.get(head, frozenset()) | body
    return list(loops.values())


def hot_part(lines: list[Line], pipes: dict[str, re.Pattern[str]]) -> Code:
    """Counts of the hot part; lines whose predicate is not known to be false are counted."""
    kind = [next((name for name, pattern in pipes.items() if pattern.match(line.text)), None) for line in lines]
    moves = [line.text.startswith("IMAD") for line in lines]  # and addresses

    def arithmetic(part):
        return sum(kind[i] is not None and not moves[i] for i in part)

    whole = frozenset(range(len(lines)))
    big = [loop for loop in natural_loops(lines) if 10 * arithmetic(loop) >= arithmetic(whole) > 0]
    innermost = [loop for loop in big if not any(other < loop for other in big)]
    part = max(innermost, key=arithmetic, default=whole)
    inside = [kind[i] for i in part]
    return Code(len(part), {name: inside.count(name) for name in pipes}, part != whole)


def parse_ptx(text: str) -> dict[str, Code]:
    """Hot parts of the kernels of a PTX file, by symbol."""
    kernels = {}
    for found in re.finditer(r"\.entry (\w+)\((?:.|\n)*?\n\{((?:.|\n)*?)\n\}", text):
        lines, label = [], None
        for line in found.group(2).splitlines():
            line = line.split("//")[0].strip()
            if name := re.fullmatch(r"(\$\w+):", line):
                label = name.group(1)
            elif line.endswith(";") and not line.startswith((".", "{")):
                text = re.sub(r"^@!?%p\d+\s+", "", line)
                target = re.match(r"bra(?:\.uni)?\s+(\$\w+)", text)
                lines.append(Line(text, label, target.group(1) if target else None, line.startswith("@")))
                label = None
        kernels[found.group(1)] = hot_part(lines, PTX_PIPES)
    return kernels


def parse_sass(text: str) -> dict[str, Code]:
    """Hot parts of the kernels of nvdisasm's output, by symbol."""
    kernels = {}
    for section in re.split(r"^\s*\.section\s+", text, flags=re.MULTILINE)[1:]:
        name = re.match(r"\.text\.(\w+)", section)
        if not name:
            continue
        lines, label = [], None
        for line in section.splitlines():
            if found := re.match(r"(\.L_x_\d+):", line):
                label = found.group(1)
            elif found := re.search(r"/\*[0-9a-f]{4,}\*/\s+(@!?U?P\w+\s+)?([A-Z].*?)\s*;", line):
                target = re.match(r"BRA\b.*`\((\.L_x_\d+)\)", found.group(2))
                if not found.group(2).startswith("NOP"):
                    lines.append(Line(found.group(2), label, target.group(1) if target else None, bool(found.group(1))))
                    label = None
        kernels[name.group(1)] = hot_part(lines, SASS_PIPES)
    return kernels


def parse_resources(text: str) -> dict[str, tuple[int, int, int, int, int]]:
    """(registers, stack, spill stores, spill loads, shared memory) of the kernels in ptxas's report, by symbol."""
    pattern = re.compile(
        r"Function properties for (\w+)\n"
        r"\s*(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads\n"
        r".*?Used (\d+) registers(?:[^\n]*?(\d+) bytes smem)?"
    )
    return {
        name: (int(registers), int(stack), int(stores), int(loads), int(shared or 0))
        for name, stack, stores, loads, registers, shared in pattern.findall(text)
    }


def compile_commands(build: Path) -> list[tuple[Path, list[str]]]:
    """(source, nvcc's command without architecture and output) of the CUDA sources of a CMake build."""
    commands = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        if not entry["file"].endswith(".cu") or "/kernels/" not in entry["file"]:
            continue
        words = words[next(i for i, word in enumerate(words) if Path(word).name == "nvcc") :]
        words = [
            w for w in words if not w.startswith("--generate-code") and w not in ("-c", "-x", "cu", "--no-compress")
        ]
        commands.append((Path(entry["file"]), words[: words.index("-o")]))
    return commands


def disassemble(
    commands: list[tuple[Path, list[str]]], folder: Path, architectures: list[str], nvdisasm: str
) -> dict[str, dict[str, Kernel]]:
    """Kernels by architecture and symbol. The PTX is that of compute capability 9.0, as under the simulator."""
    folder.mkdir(parents=True, exist_ok=True)

    def make(words: list[str], kind: list[str], output: str) -> str:
        command = [*words, *kind, "-o", output]
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
        return answer.stdout + answer.stderr

    def stem(source: Path, words: list[str]) -> str:
        real = next((word.split("=")[1] for word in words if word.startswith("-DBRG_REAL=")), "all")
        return f"{folder.resolve()}/{source.stem}.{real}"

    def ptx_of(source: Path, words: list[str]) -> dict[str, Code]:
        path = Path(f"{stem(source, words)}.ptx")
        make(words, ["-ptx", "-arch=compute_90"], str(path))
        return parse_ptx(path.read_text())

    def both(source: Path, words: list[str], architecture: str, ptx: Future[dict[str, Code]]) -> dict[str, Kernel]:
        cubin = f"{stem(source, words)}.{architecture}.cubin"
        report = make(words, ["-cubin", f"-arch=sm_{architecture}", "-Xptxas=-v"], cubin)
        listing = subprocess.run([nvdisasm, cubin], check=True, capture_output=True, text=True).stdout
        sass, resources = parse_sass(listing), parse_resources(report)
        return {
            name: Kernel(code, sass[name], *resources[name])
            for name, code in ptx.result().items()
            if name in sass and name in resources
        }

    kernels: dict[str, dict[str, Kernel]] = {}
    with ThreadPoolExecutor(2) as pool:
        ptx = [pool.submit(ptx_of, source, words) for source, words in commands]
        made = [
            (architecture, pool.submit(both, source, words, architecture, of))
            for architecture in architectures
            for (source, words), of in zip(commands, ptx, strict=True)
        ]
        for architecture, one in made:
            kernels.setdefault(architecture, {}).update(one.result())
    return kernels
