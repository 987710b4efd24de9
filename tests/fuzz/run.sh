#!/usr/bin/env bash
# run.sh [SECONDS] [TARGET…]: each fuzzer for that long, two at a time, from the kept seeds and what earlier runs found
# (build/fuzz/corpus). A finding ends the run with 1 and is kept in build/fuzz/findings. A target that has no fuzzer in
# build/fuzz is run by its blind one in build/release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1

# fuzz SECONDS TARGET
fuzz() {
  local seconds=$1 target=$2 corpus=build/fuzz/corpus/$2 log=build/fuzz/$2.log
  local program=build/fuzz/bin/shoal-fuzz-$target blind=()
  if [ ! -x "$program" ]; then
    program=build/release/bin/shoal-blind-fuzz-$target
    blind=(-keep_seed=1)
  fi
  mkdir -p "$corpus"
  if timeout $((seconds + 60)) "$program" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -max_len=16384 \
    -print_final_stats=1 -artifact_prefix="build/fuzz/findings/$target-" "${blind[@]}" \
    "$corpus" "tests/fuzz/seeds/$target" >"$log" 2>&1; then
    local runs coverage
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    coverage=$(grep -o 'cov: [0-9]*' "$log" | tail -1 || true)
    echo "$target: $runs runs in $seconds s, ${coverage:-blind}, nothing found"
  else
    tail -30 "$log"
    echo "$target: FAILED, see $log"
    return 1
  fi
}
export -f fuzz

mkdir -p build/fuzz/findings
seconds=${1:-20}
shift || true
targets=${*:-$(ls tests/fuzz/targets | sed 's/\.cpp$//')}
printf '%s\n' $targets | xargs -P 2 -I{} bash -euo pipefail -c "fuzz $seconds {}"
