#!/usr/bin/env bash
# tools/cluster/cluster.sh with real etcd and nodes that only say that they are ready. Usage: cluster_script.sh FOLDER OF THE PROGRAMS
set -Eeuo pipefail
script=$(dirname "${BASH_SOURCE[0]}")/../../tools/cluster/cluster.sh
command -v etcd >/dev/null || { echo "skipped: etcd is not installed (tools/dev setup)"; exit 77; }
work=$(mktemp -d)
mkdir "$work/bin"
ln -s "$(realpath "$1")/shoalctl" "$work/bin/shoalctl"
printf '#!/bin/sh\necho "ready $*"\nexec sleep 1000\n' >"$work/bin/shoald"
printf '#!/bin/sh\n! [ -e "%s/unwell" ]\n' "$work" >"$work/bin/actor-inspector"
chmod +x "$work/bin/shoald" "$work/bin/actor-inspector"
export SHOAL_CLUSTER_PATIENCE=20
export SHOAL_BIN=$work/bin SHOAL_CLUSTER_DIR=$work/cluster SHOAL_CLUSTER_PORT=$((21000 + RANDOM % 9000))
clean_up() { "$script" down >/dev/null 2>&1 || true; rm -rf "$work"; }
trap clean_up EXIT
trap 'echo "line $LINENO failed: $BASH_COMMAND" >&2; cat "$work"/cluster/*.log >&2 || true' ERR

state() { "$script" status | awk -v name="$1" '$1 == name { print $3 }'; }
expect() { [ "$2" = "$3" ] || { echo "$1: expected '$3', got '$2'" >&2; false; }; }
refuses() { ! "$@" >/dev/null 2>&1 || { echo "did not refuse: $*" >&2; false; }; }
check_cluster() {
  expect "etcd" "$(state e1)" healthy
  expect "n2" "$(state n2)" running
  expect "what n2 was told" "$(cat "$work/cluster/n2.out")" "ready --config $work/cluster/cluster.toml --node n2"
  openssl verify -CAfile "$work/cluster/certs/ca.pem" "$work/cluster/certs/n3.pem" >/dev/null

  "$script" kill n2
  expect "n2 after kill" "$(state n2)" dead
  refuses "$script" kill n2
  "$script" start n2
  expect "n2 after start" "$(state n2)" running
  refuses "$script" start n2
  "$script" pause n1
  expect "n1 after pause" "$(state n1)" paused
  "$script" resume n1
  expect "n1 after resume" "$(state n1)" running
  refuses "$script" kill n4
  refuses "$script" up 5

  # A pid file that outlived its process must not hit whoever has the pid now.
  sleep 1000 &
  local stranger=$!
  "$script" kill n3
  echo "$stranger 12345" >"$work/cluster/n3.pid"
  refuses "$script" kill n3
  "$script" up >/dev/null
  expect "n3 after up" "$(state n3)" running
  kill -0 $stranger
  kill $stranger
}

refuses "$script" status
refuses "$script" up 0
"$script" up 3 >/dev/null
check_cluster
refuses "$script" partition n1 n2

# One node more: the others are restarted with the file that names it, if they can be spared.
pid() { cut -d' ' -f1 "$work/cluster/$1.pid"; }
"$script" stop n2
expect "n2 after stop" "$(state n2)" dead
refuses "$script" stop n2
refuses "$script" add
expect "nodes in the file" "$(grep -c '^name = "n' "$work/cluster/cluster.toml")" 3
"$script" start n2
"$script" restart n3
expect "n3 after restart" "$(state n3)" running
first=$(pid n1) second=$(pid n2)
"$script" add
expect "n4 after add" "$(state n4)" running
expect "nodes in the file" "$(grep -c '^name = "n' "$work/cluster/cluster.toml")" 4
expect "what n4 was told" "$(cat "$work/cluster/n4.out")" "ready --config $work/cluster/cluster.toml --node n4"
openssl verify -CAfile "$work/cluster/certs/ca.pem" "$work/cluster/certs/n4.pem" >/dev/null
[ "$first" != "$(pid n1)" ]
[ "$second" != "$(pid n2)" ]
touch "$work/unwell" # a node that is not whole is not followed by the restart of the next one
first=$(pid n1)
SHOAL_CLUSTER_WELL=1 refuses "$script" add
expect "n1" "$first" "$(pid n1)"
rm "$work/unwell"
"$script" down
expect "n1 after down" "$(state n1)" stopped
"$script" up >/dev/null
expect "etcd again" "$(state e1)" healthy
"$script" down --wipe
[ ! -e "$work/cluster" ]

if [ "$(id -u)" = 0 ] && ip netns list >/dev/null 2>&1 && unshare -n true 2>/dev/null; then
  space=shoal-$(cksum <<<"$work/cluster" | head -c 5)
  asks() { # WHO MEMBER [SECONDS]: reaches it; a busy machine gets time to answer
    ip netns exec "$space-$1" curl -sf --noproxy '*' --max-time "${3:-20}" -o /dev/null --cacert "$work/cluster/certs/ca.pem" \
      --cert "$work/cluster/certs/n1.pem" --key "$work/cluster/certs/n1.key" "https://10.77.0.10${2#e}:20100/version"
  }
  "$script" up 3 --etcd 3 --netns >/dev/null
  asks n1 e1
  "$script" partition n1 n2,e1
  expect "cuts" "$("$script" status | grep -c '^cut: ')" 4
  refuses asks n1 e1 2
  asks n1 e2
  asks n2 e1
  "$script" heal
  asks n1 e1
  "$script" partition e1 n1 --one-way
  expect "cuts" "$("$script" status | grep -c '^cut: ')" 1
  refuses asks n1 e1 2
  "$script" kill e2
  "$script" heal
  "$script" start e2
  asks client e2
  "$script" down --wipe
  refuses grep -q "$space" <(ip netns list)
fi
echo "all held"
