#!/usr/bin/env bash
# The demonstration: a node, an app, three devices of two users, a kill -9 in the middle, and a count at the end.
# Usage: tools/demo/demo.sh [FOLDER OF THE PROGRAMS]; exit 0 only if nothing was lost, doubled or out of order.
set -Eeuo pipefail
export no_proxy='*' # everything is on this machine
bin=$(realpath "${1:-$(dirname "${BASH_SOURCE[0]}")/../../build/release/bin}")
work=$(mktemp -d)
node='' devices=()

heading() { printf '\n\033[1m%s\033[0m\n' "$*"; }
die() {
  trap - ERR
  echo "the demo failed: $*" >&2
  [ ! -s "$work/node.log" ] || { echo "last words of the node:" && tail -n 5 "$work/node.log"; } >&2
  exit 1
}
clean_up() {
  local pid
  for pid in "${devices[@]}" $node; do kill "$pid" 2>/dev/null || true; done
  for pid in "${devices[@]}" $node; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM
trap 'die "line $LINENO: $BASH_COMMAND"' ERR

# wait_for SECONDS WHAT COMMAND…: asks again until the command succeeds
wait_for() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $end ] || die "waited too long for $what"
    sleep 0.05
  done
}
for tool in jq openssl curl; do command -v "$tool" >/dev/null || die "$tool is not installed (tools/dev setup)"; done
for program in shoald shoalctl shoal-demo; do
  [ -x "$bin/$program" ] || die "$bin/$program does not exist (tools/dev build)"
done

# ---- the node --------------------------------------------------------------------------------------------------
port=0 admin_port=0
node_is_ready() {
  kill -0 "$node" 2>/dev/null || die "the node ended before it was ready"
  ready=$(grep -m1 '^ready ' "$work/node.out") || return 1
}
start_node() {
  : >"$work/node.out" # now, not when the new process gets to it: the old ready line must not count
  "$bin/shoald" --data-dir "$work/data" --port "$port" --admin-port "$admin_port" --log-level warn \
    >"$work/node.out" 2>>"$work/node.log" &
  node=$!
  wait_for 20 "the node" node_is_ready
  port=$(sed 's/.* port=\([0-9]*\).*/\1/;s/^ready port=\([0-9]*\).*/\1/' <<<"$ready")
  admin_port=$(sed 's/.*admin_port=\([0-9]*\).*/\1/' <<<"$ready")
  echo "node: pid $node, https://localhost:$port"
}

# ---- devices ---------------------------------------------------------------------------------------------------
start_device() { # DEVICE USER
  SHOAL_DEVICE_SECRET=$device_secret SHOAL_USER_SECRET=$user_secret "$bin/shoal-demo" --port "$port" \
    --ca "$SHOAL_CA" --key "$device_key" --device "$1" --user "$2" --positions "$work/$1.positions" ORDERS NEWS \
    >>"$work/$1.log" 2>&1 &
  devices+=($!)
}
received() { grep -c ' #[0-9]* "' "$work/$1.log" || true; }
has() { [ "$(received "$1")" -ge "$2" ]; }        # DEVICE COUNT
is_online() { grep -q 'follows NEWS' "$work/$1.log"; }

declare -A shown=([d1]=0 [d2]=0 [d3]=0)
show() { # DEVICE…: what they received since it was shown last
  local d
  for d in "$@"; do
    grep ' #[0-9]* "' "$work/$d.log" | tail -n "+$((shown[$d] + 1))" | sed 's/^/  /'
    shown[$d]=$(received "$d")
  done
}

# ---- calls -----------------------------------------------------------------------------------------------------
ctl() { "$bin/shoalctl" -o json "$@"; }
declare -A sent=([u1]=0 [u2]=0 [all]=0)
order() { # USER TEXT
  ctl sync send ORDERS --user "$1" --payload "$2" --key "order-$1-$((sent[$1] + 1))" >"$work/answer"
  sent[$1]=$((sent[$1] + 1))
}
news() { # TEXT
  ctl sync send NEWS --payload "$1" >"$work/answer"
  sent[all]=$((sent[all] + 1))
}

heading "1. Start a node, with an empty data folder"
start_node
export SHOAL_URL=https://localhost:$port SHOAL_CA=$work/data/dev-cert.pem
SHOAL_KEY=$(sed 's/.*operator_key=\([^ ]*\).*/\1/' <<<"$ready")
SHOAL_SECRET=$(cat "$(sed 's/.*operator_secret_file=//' <<<"$ready")")
export SHOAL_KEY SHOAL_SECRET

heading "2. Create an app, let a business server vouch for users, define two business types"
app=$(ctl app create shop)
SHOAL_KEY=$(jq -r .admin_key.id <<<"$app") SHOAL_SECRET=$(jq -r .admin_key.secret <<<"$app")
device_key=$(jq -r .device_key.id <<<"$app") device_secret=$(jq -r .device_key.secret <<<"$app")
export SHOAL_APP=shop
# The one call without shoalctl: what a business server does in its own language.
signed_curl() { # METHOD PATH BODY
  local ts nonce hash sig
  ts=$(date +%s%3N) nonce=$(openssl rand -hex 16)
  hash=$(printf %s "$3" | openssl dgst -sha256 -r | cut -d' ' -f1)
  sig=$(printf 'SHOAL1-REQUEST\n%s\n%s\n\n%s\n%s\n%s' "$1" "$2" "$hash" "$ts" "$nonce" |
    openssl dgst -sha256 -hmac "$SHOAL_SECRET" -r | cut -d' ' -f1)
  curl -sS --fail-with-body --cacert "$SHOAL_CA" -X "$1" "$SHOAL_URL$2" --data-binary "$3" \
    -H 'Content-Type: application/json' \
    -H "Authorization: SHOAL1-HMAC-SHA256 key=$SHOAL_KEY,ts=$ts,nonce=$nonce,sig=$sig"
}
user_secret=$(signed_curl PUT /v1/apps/shop/users-auth '{"mode":"hmac"}' | jq -r .secret)
ctl biz set ORDERS --online true >/dev/null
ctl biz set NEWS --scope global --online true >/dev/null
"$bin/shoalctl" biz list

heading "3. Three devices connect over TLS: d1 and d2 belong to user u1, d3 to user u2"
start_device d1 u1
start_device d2 u1
start_device d3 u2
for d in d1 d2 d3; do wait_for 15 "device $d" is_online "$d"; done
"$bin/shoalctl" online

heading "4. The business server sends: orders to a user, news to everybody"
echo '$ shoalctl sync send ORDERS --user u1 --payload "order 1 is on its way"'
order u1 "order 1 is on its way"
order u1 "order 1 has arrived"
order u2 "order 2 is on its way"
echo '$ curl -X POST https://localhost:'"$port"'/v1/apps/shop/sync -d '"'"'{"biz":"NEWS","payload":"the shop is open"}'"' -H 'Authorization: …'"
signed_curl POST /v1/apps/shop/sync '{"biz":"NEWS","payload":"the shop is open"}' && echo
sent[all]=1
wait_for 10 "the first ops" has d1 3
wait_for 10 "the first ops" has d2 3
wait_for 10 "the first ops" has d3 2
show d1 d2 d3

heading "5. The same call again, with the same idempotency key: no second op"
again=$(ctl sync send ORDERS --user u2 --payload "order 2 is on its way" --key order-u2-1)
jq -c . <<<"$again"
[ "$(jq .id <<<"$again")" = 1 ] || die "a repeated call got another id: $again"

heading "6. Device d2 goes away. 20 ops are sent; after 10 of them the node dies: kill -9"
kill "${devices[1]}"
wait "${devices[1]}" || die "device d2 ended with code $?"
unset 'devices[1]'
for n in $(seq 10); do order u1 "parcel $n moved"; done
kill -KILL "$node"
wait "$node" 2>/dev/null || true
node=''
echo "node: killed without warning"
if ctl sync send ORDERS --user u1 --payload "nobody listens" >/dev/null 2>&1; then die "a dead node answered"; fi
start_node
for n in $(seq 11 20); do order u1 "parcel $n moved"; done
news "the shop closes at eight"
echo "d1 and d3 reconnect by themselves; d2 comes back and resumes from its own position:"
start_device d2 u1
u1_total=$((sent[u1] + sent[all])) u2_total=$((sent[u2] + sent[all]))
wait_for 30 "device d1" has d1 "$u1_total"
wait_for 30 "device d2" has d2 "$u1_total"
wait_for 30 "device d3" has d3 "$u2_total"
show d3 d2 | sed '/parcel \([3-9]\|1[0-8]\) /d;s/\(.*parcel 2 moved.*\)/\1\n  …/'
show d1 >/dev/null

heading "7. Count: is anything lost, doubled or out of order?"
check() { # DEVICE BIZ EXPECTED: the ids must be 1, 2, … EXPECTED, each once, in this order
  local ids
  ids=$(sed -n "s/.* $2 #\([0-9]*\) \".*/\1/p" "$work/$1.log" | paste -sd' ')
  [ "$ids" = "$(seq -s' ' "$3")" ] || die "device $1 received of $2 the ids [$ids] and not 1 to $3"
  printf '  %s %-6s sent %2d, received %2d: #1 to #%d, each once, in order\n' "$1" "$2" "$3" "$(wc -w <<<"$ids")" "$3"
}
sleep 0.5 # a doubled op would arrive about now
for d in d1 d2; do check $d ORDERS "${sent[u1]}" && check $d NEWS "${sent[all]}"; done
check d3 ORDERS "${sent[u2]}"
check d3 NEWS "${sent[all]}"
latest=$(ctl sync position user:u1 ORDERS | jq .latest.id)
[ "$latest" = "${sent[u1]}" ] || die "the node's newest id is $latest, ${sent[u1]} ops were acknowledged"
"$bin/shoalctl" sync why user:u1 ORDERS 12 d2

heading "8. Stop the node cleanly"
kill -TERM "$node"
wait "$node" || die "the node ended with code $?"
node=''
echo "exit code 0"
heading "Nothing was lost, nothing came twice. ($SECONDS s)"
