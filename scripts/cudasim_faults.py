#!/usr/bin/env python3
"""Fails each call that the library makes to the CUDA runtime, under the simulator: each failure gives a status and a
sentence, nothing leaks, and the next call works (the test RuntimeFault).

    cudasim_faults.py LIBRARY TESTS SIMULATOR

The functions are the library's imports. Each fails at every one of its calls in a round of the test, in a process of
its own; a function that no round calls is an error of the test.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# The simulator counts some functions under the name that programs write, and two as launches.
NAMES = {
    "cudaEventCreateWithFlags": "cudaEventCreate",
    "cudaLaunchKernel": "launch",
    "cudaLaunchKernelExC": "launch",
    "cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags": "cudaOccupancyMaxActiveBlocksPerMultiprocessor",
}
# They report errors and cannot fail themselves.
REPORTING = {"cudaGetErrorName", "cudaGetErrorString", "cudaGetLastError", "cudaPeekAtLastError"}
# What they should have given back is lost when they fail: no leak is counted.
RELEASING = {"cudaFree", "cudaFreeAsync", "cudaStreamDestroy", "cudaEventDestroy", "cudaMemPoolDestroy"}
# Made only after another has failed.
AFTER = {"cudaDriverGetVersion": "cudaGetDeviceCount"}
ROUNDS = 2  # the one with the failure, and the next


def imports(library: Path) -> list[str]:
    """Functions of the runtime that the library is linked to, as the simulator counts them."""
    listed = subprocess.run(["nm", "-D", "--undefined-only", library], check=True, capture_output=True, text=True)
    return sorted({NAMES.get(name, name) for name in re.findall(r"\b(cuda\w+)@", listed.stdout)})


def run(tests: Path, simulator: Path, **settings: str) -> subprocess.CompletedProcess:
    """The test in a process of its own."""
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(simulator),
        "CUDASIM_EXITCODE": "99",
        "CUDASIM_DEVICES": "2",  # else no call switches between devices
        "BRAGGRAD_FAULT_ROUNDS": str(ROUNDS),
        "BRAGGRAD_SYNC": "1",  # asks whether a stream is captured, and waits after each kernel
        **settings,
    }
    command = [tests, "--gtest_filter=RuntimeFault.*"]
    return subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment)


def calls_of_a_round(tests: Path, simulator: Path) -> tuple[Counter, Counter]:
    """Calls of each function before the first round, and in it."""
    answer = run(tests, simulator, CUDASIM_VERBOSE="1")
    parts = re.split(r"braggrad: a round (?:begins|ends)\n", answer.stderr)
    if answer.returncode or len(parts) != 2 * ROUNDS + 1:
        raise SystemExit(f"without a failure the test ends with {answer.returncode}:\n{answer.stdout[-2000:]}")
    before, inside = (re.findall(r"cudasim: call: (\w+)", part) for part in parts[:2])
    return Counter(NAMES.get(name, name) for name in before), Counter(NAMES.get(name, name) for name in inside)


def fail_once(tests: Path, simulator: Path, call: str, injected: str) -> str:
    """Why the test is no success with this failure; empty where it is one."""
    settings = {"CUDASIM_FAIL": injected}
    if call in RELEASING:
        settings["CUDASIM_CHECKS"] = "memcheck,initcheck,racecheck,synccheck"
    answer = run(tests, simulator, **settings)
    if not answer.returncode:
        return ""
    lines = [line for line in answer.stdout.splitlines() + answer.stderr.splitlines() if line.strip()]
    return f"{injected}:\n" + "\n".join(lines[-25:])


def main(library: str, tests: str, simulator: str) -> int:
    """All failures, several processes at a time."""
    places = Path(tests), Path(simulator).resolve()
    calls = [call for call in imports(Path(library)) if call not in REPORTING]
    if len(calls) < 20:
        print(f"{library} imports {len(calls)} calls of the CUDA runtime only: is the runtime inside it?")
        return 1
    before, inside = calls_of_a_round(*places)
    cases = [(call, f"{call}:{before[call] + 1 + i}") for call in calls for i in range(inside[call])]
    cases += [(call, f"{cause}:{before[cause] + 1},{call}:1") for call, cause in AFTER.items()]
    faults = [f"{call}: no round makes this call" for call in calls if not inside[call] and call not in AFTER]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        faults += [fault for fault in pool.map(lambda case: fail_once(*places, *case), cases) if fault]
    for fault in faults:
        print(fault)
    print(
        f"simulated CUDA: {len(calls)} functions of the runtime failed at each of their {len(cases)} calls, "
        f"{len(faults)} times not as they should; not tried: {', '.join(sorted(REPORTING))}"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
