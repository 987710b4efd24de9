#!/usr/bin/env bash
# run.sh [SECONDS] [TARGET…]: each fuzzer for that long, from the kept seeds and what earlier runs found
# (build/fuzz/corpus). A finding ends the run with 1 and is kept in build/fuzz/findings.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=${1:-20}
shift || true
targets=${*:-$(ls tests/fuzz/targets | sed 's/\.cpp$//')}
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
failed=0
for target in $targets; do
  corpus=build/fuzz/corpus/$target
  mkdir -p "$corpus" build/fuzz/findings
  log=build/fuzz/$target.log
  if timeout $((seconds + 60)) "build/fuzz/bin/shoal-fuzz-$target" -max_total_time="$seconds" -rss_limit_mb=2048 \
    -timeout=10 -max_len=16384 -print_final_stats=1 -artifact_prefix="build/fuzz/findings/$target-" \
    "$corpus" "tests/fuzz/seeds/$target" >"$log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    coverage=$(grep -o 'cov: [0-9]*' "$log" | tail -1)
    echo "$target: $runs runs in $seconds s, ${coverage:-no coverage}, nothing found"
  else
    failed=1
    echo "$target: FAILED, see $log"
    tail -30 "$log"
  fi
done
exit $failed
