#!/usr/bin/env bash
# two_processes.sh CPU_BENCH: what two processes of one thread each reach together, each bound to a CPU, in multiples of one alone.
# What they lose is the machine's (clock, caches, memory, its host), for they share nothing else: no thread pool, no allocator.
set -euo pipefail
program=$1 folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
rates() { # CPU FILE
  taskset -c "$1" "$program" --benchmark_filter='^((predict|loss_angle)/f../naive|(predict|predict_vjp|loss_angle|loss_chord)/f../avx512)/1t/20000x200$' \
    --benchmark_repetitions=15 --benchmark_min_time=0.03 --benchmark_enable_random_interleaving \
    --benchmark_report_aggregates_only --benchmark_format=csv 2>/dev/null | sed -n 's/^"\(.*\)_median",/\1,/p' |
    awk -F, '{ print $1, $3 }' | sort >"$folder/$2"
}
load=$(cut -d' ' -f1 /proc/loadavg)
for round in 1 2 3; do
  rates 0 alone$round
  rates 0 first$round & rates 1 second$round
  wait
done
echo "braggrad $(git -C "$(dirname "$0")" describe --always --dirty), $(date -u +%Y-%m-%dT%H:%M:%S+00:00)"
"$program" --benchmark_filter='^predict/f64/scalar/1t/1x1$' --benchmark_min_time=0.0001 --benchmark_format=json 2>/dev/null |
  sed -n 's/.*"braggrad_build": "\(.*\)",*$/\1/p'
echo "bench/two_processes.sh; load average before $load"
echo "two processes to one, medians of three rounds: $(sed -n 's/^model name.*: //p;T;q' /proc/cpuinfo)"
for name in $(cut -d' ' -f1 "$folder/alone1"); do
  of() { awk -v name="$name" '$1 == name { print $2 }' "$folder/$1"; }
  for round in 1 2 3; do # nanoseconds of a call
    awk -v a="$(of alone$round)" -v b="$(of first$round)" -v c="$(of second$round)" 'BEGIN { print a / b + a / c }'
  done | sort -n | awk -v name="$name" 'NR == 2 { printf "%-36s %.2f\n", name, $1 }'
done
