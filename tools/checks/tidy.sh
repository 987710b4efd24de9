#!/usr/bin/env bash
# clang-tidy on what changed since the last release of main (the merge base with origin/main, or the last commit), or on
# everything with --all.
set -euo pipefail
if [ "${1:-}" = --all ]; then
  files=$(git ls-files '*.cpp')
else
  base=$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse --verify -q HEAD~1 || git hash-object -t tree /dev/null)
  [ "$base" = "$(git rev-parse HEAD)" ] && base=$(git rev-parse --verify -q HEAD~1 || git hash-object -t tree /dev/null)
  files=$(git diff --name-only --diff-filter=d "$base" -- '*.cpp')
fi
# Only what the release build compiles: fuzzers and the like have no entry in the database.
known=$(python3 -c 'import json,os;print("\n".join(os.path.relpath(e["file"]) for e in json.load(open("build/release/compile_commands.json"))))')
files=$(comm -12 <(sort <<<"$files") <(sort <<<"$known"))
[ -z "$files" ] && { echo "nothing to look at"; exit 0; }
# What only GCC understands, and what the build is strict about, means nothing to clang.
mkdir -p build/tidy
python3 - <<'PY'
import json, re
entries = json.load(open("build/release/compile_commands.json"))
for e in entries:
    e["command"] = re.sub(r"-Winvalid-pch|-Wno-restrict|-Werror\b|-include \S*cmake_pch\.hxx", "", e["command"])
json.dump(entries, open("build/tidy/compile_commands.json", "w"))
PY
xargs -P 2 -n 4 clang-tidy -quiet -p build/tidy <<<"$files"
