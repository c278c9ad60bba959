#!/usr/bin/env python3
"""Fails each call that the library makes to the CUDA runtime, under the simulator: each failure gives a status and a
sentence, nothing leaks, and the next call works (the test RuntimeFault).

    cudasim_faults.py LIBRARY TESTS SIMULATOR

The calls are the library's imports. Each fails at its first call and at a later one; a call that the test never makes
is an error of the test.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# The simulator counts some functions under the name that programs write.
NAMES = {
    "cudaEventCreateWithFlags": "cudaEventCreate",
    "cudaLaunchKernelExC": "launch",
    "cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags": "cudaOccupancyMaxActiveBlocksPerMultiprocessor",
}
# They report errors and cannot fail themselves.
REPORTING = {"cudaGetErrorName", "cudaGetErrorString", "cudaGetLastError", "cudaPeekAtLastError"}
# What they should have given back is lost when they fail: no leak is counted.
RELEASING = {"cudaFree", "cudaFreeAsync", "cudaStreamDestroy", "cudaEventDestroy", "cudaMemPoolDestroy"}
# CUB keeps what its only call answered for the rest of the process: the next call cannot work. It also asks for the
# number of devices once, in the first call that uses it: a later call of that function is taken there.
KEPT_BY_CUB = {"cudaFuncGetAttributes"}
# Made only after another has failed.
AFTER = {"cudaDriverGetVersion": ["cudaGetDeviceCount:1"]}
FIRST, LATER = 1, {"cudaGetDeviceCount": 7, "cudaDriverGetVersion": 1}  # else 4
CALL_NAMES = {"launch": "cudaLaunchKernelExC"}  # in the report


def imports(library: Path) -> list[str]:
    """Functions of the runtime that the library is linked to."""
    listed = subprocess.run(["nm", "-D", "--undefined-only", library], check=True, capture_output=True, text=True)
    return sorted(set(re.findall(r"\b(cuda\w+)@", listed.stdout)))


def fail_once(tests: Path, simulator: Path, call: str, nth: int) -> str:
    """Why the test is no success with this failure; empty where it is one."""
    injected = ",".join([*AFTER.get(call, []), f"{NAMES.get(call, call)}:{nth}"])
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        environment = {
            **os.environ,
            "LD_LIBRARY_PATH": str(simulator),
            "CUDASIM_EXITCODE": "99",
            "CUDASIM_DEVICES": "2",  # else no call switches between devices
            "CUDASIM_FAIL": injected,
            "CUDASIM_REPORT": str(report),
            "BRAGGRAD_EXPECT_FAULT": "1",
            "BRAGGRAD_SYNC": "1",  # asks whether a stream is captured, and waits after each kernel
        }
        if call in RELEASING:
            environment["CUDASIM_CHECKS"] = "memcheck,initcheck,racecheck,synccheck"
        command = [tests, "--gtest_filter=RuntimeFault.*"]
        answer = subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment)
        if answer.returncode:
            lines = [line for line in answer.stdout.splitlines() + answer.stderr.splitlines() if line.strip()]
            return f"{injected}:\n" + "\n".join(lines[-25:])
        counted = NAMES.get(call, call)
        made = json.loads(report.read_text())["calls"].get(CALL_NAMES.get(counted, counted), 0)
        return "" if made >= nth else f"{injected}: the test makes this call {made} times only: nothing failed"


def main(library: str, tests: str, simulator: str) -> int:
    """All failures, several processes at a time."""
    calls = [call for call in imports(Path(library)) if call not in REPORTING | KEPT_BY_CUB]
    if len(calls) < 20:
        print(f"{library} imports {len(calls)} calls of the CUDA runtime only: is the runtime inside it?")
        return 1
    cases = [(call, nth) for call in calls for nth in sorted({FIRST, LATER.get(call, 4)})]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        run = pool.map(lambda case: fail_once(Path(tests), Path(simulator).resolve(), *case), cases)
        faults = [fault for fault in run if fault]
    for fault in faults:
        print(fault)
    print(
        f"simulated CUDA: {len(calls)} calls of the runtime failed {len(cases)} times, {len(faults)} times not as they "
        f"should; not tried: {', '.join(sorted(REPORTING | KEPT_BY_CUB))}"
    )
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
