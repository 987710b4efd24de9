#!/usr/bin/env bash
# Runs every ```bash block of a page, in order and in one shell, against a fresh node: run_examples.sh PAGE PROGRAMS
set -euo pipefail
export no_proxy='*' # everything is on this machine
page=$(realpath "$1") bin=$(realpath "$2")
work=$(mktemp -d)
node=''
clean_up() {
  [ -z "$node" ] || { kill "$node" 2>/dev/null; wait "$node" 2>/dev/null; } || true
  rm -rf "$work"
}
trap clean_up EXIT

{
  echo 'set -euo pipefail'
  echo "trap 'echo \"failed: \$BASH_COMMAND\" >&2' ERR"
  awk '/^```bash$/ {on = 1; next} /^```$/ {on = 0} on' "$page"
} >"$work/examples.sh"
[ "$(wc -l <"$work/examples.sh")" -gt 2 ] || { echo "$page has no bash block" >&2 && exit 1; }

"$bin/shoald" --data-dir "$work/data" --port 0 --admin-port 0 --log-level warn >"$work/out" 2>"$work/log" &
node=$!
for _ in $(seq 400); do
  ready=$(grep -m1 '^ready ' "$work/out") && break
  kill -0 "$node" 2>/dev/null || { echo "the node did not start:" && cat "$work/log"; exit 1; } >&2
  sleep 0.05
done
field() { sed -n "s/.* $1=\([^ ]*\).*/\1/p" <<<"$ready"; }
export SHOAL_URL=https://localhost:$(field port) SHOAL_ADMIN=http://localhost:$(field admin_port)
export SHOAL_NODE=$SHOAL_ADMIN
export SHOAL_CA=$work/data/dev-cert.pem SHOAL_KEY=$(field operator_key)
SHOAL_SECRET=$(cat "$(field operator_secret_file)")
export SHOAL_SECRET PATH="$bin:$PATH"
cd "$work"
bash -x "$work/examples.sh" 2>"$work/trace" || {
  echo "an example of $page failed; the last commands and words were:"
  tail -n 15 "$work/trace"
  exit 1
} >&2
echo "$(grep -c '^```bash$' "$page") blocks of $(basename "$page") ran"
