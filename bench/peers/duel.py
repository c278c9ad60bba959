"""Timing: short turns, each peer's beside a turn of braggrad, medians of the ratios."""

import dataclasses
import random
import statistics
import time
from collections.abc import Callable

from contender import Prepared


@dataclasses.dataclass
class Result:
    """Seconds per pair of all rounds, and the ratios to braggrad's turn just before."""

    seconds: list[float] = dataclasses.field(default_factory=list)
    ratios: list[float] = dataclasses.field(default_factory=list)

    @property
    def rate(self) -> float:
        """Pairs per second, median."""
        return 1 / statistics.median(self.seconds)

    @property
    def ratio(self) -> float:
        """Time of the peer over that of braggrad, median of the rounds."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """Smallest and largest ratio of a round."""
        return min(self.ratios), max(self.ratios)


def seconds_of(run: Callable, calls: int) -> float:
    """Seconds of one call, from `calls` of them; one more goes before the clock."""
    run()
    begin = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - begin) / calls


def calls_for(run: Callable, turn: float) -> int:
    """How many calls make a turn of about `turn` seconds."""
    run()
    begin = time.perf_counter()
    run()
    once = time.perf_counter() - begin
    if once < turn:
        once = seconds_of(run, max(1, min(100, int(turn / once))))
    return max(1, round(turn / once))


def duel(reference: Prepared, peers: dict[str, Prepared], rounds: int, turn: float) -> tuple[Result, dict[str, Result]]:
    """Rounds in random order: braggrad, peer, braggrad, next peer, ..."""
    order = list(peers)
    shuffle = random.Random(1).shuffle
    calls = {name: calls_for(peer.run, turn) for name, peer in peers.items()}
    reference_calls = calls_for(reference.run, turn)
    base, results = Result(), {name: Result() for name in peers}
    for _ in range(rounds):
        shuffle(order)
        for name in order:
            ours = seconds_of(reference.run, reference_calls) / reference.case.pairs
            theirs = seconds_of(peers[name].run, calls[name]) / peers[name].case.pairs
            base.seconds.append(ours)
            base.ratios.append(1.0)
            results[name].seconds.append(theirs)
            results[name].ratios.append(theirs / ours)
    if not peers:
        base.seconds.append(seconds_of(reference.run, reference_calls) / reference.case.pairs)
        base.ratios.append(1.0)
    return base, results
