#!/usr/bin/env bash
# The demonstration with several nodes: etcd and three nodes, an app, two devices on two of the nodes, a look inside with
# actor-inspector, a kill -9 of the third, a drain and a clean stop of another, a node that is added while ops are sent,
# one that never comes back and is removed, and a count at the end.
# Usage: tools/demo/cluster_demo.sh [FOLDER OF THE PROGRAMS]; exit 0 only if nothing was lost, doubled or out of order.
set -Eeuo pipefail
export no_proxy='*' # everything is on this machine
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
bin=$(realpath "${1:-$here/../../build/release/bin}")
work=$(mktemp -d)
devices=()
export SHOAL_CLUSTER_DIR=$work/cluster SHOAL_CLUSTER_PORT=${SHOAL_CLUSTER_PORT:-$((21000 + RANDOM % 200 * 50))}

heading() { printf '\n\033[1m%s\033[0m\n' "$*"; }
cluster() { SHOAL_BIN=$bin "$here/../cluster/cluster.sh" "$@"; }
die() {
  trap - ERR
  echo "the demo failed: $*" >&2
  tail -n 5 "$SHOAL_CLUSTER_DIR"/n?.log >&2 || true
  exit 1
}
clean_up() {
  local pid
  for pid in "${devices[@]}"; do kill "$pid" 2>/dev/null || true; done
  cluster down --wipe >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM
trap 'die "line $LINENO: $BASH_COMMAND"' ERR

wait_for() { # SECONDS WHAT COMMAND…: asks again until the command succeeds
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    [ $SECONDS -lt $end ] || die "waited too long for $what"
    sleep 0.05
  done
}
address() { sed -n "/name = \"$1\"/,/^address/s/^address = \"\(.*\)\"/\1/p" "$SHOAL_CLUSTER_DIR/cluster.toml"; }
at() { # NODE COMMAND…: shoalctl against that node
  local node=$1
  shift
  SHOAL_URL=https://$(address "$node") "$bin/shoalctl" "$@"
}
start_device() { # DEVICE NODE
  local where
  where=$(address "$2")
  SHOAL_DEVICE_SECRET=$device_secret "$bin/shoal-demo" --host "${where%:*}" --port "${where#*:}" --ca "$SHOAL_CA" \
    --key "$device_key" --device "$1" --user nobody --user-secret unused --positions "$work/$1.positions" ORDERS NEWS \
    >>"$work/$1.log" 2>&1 &
  devices+=($!)
}
received() { grep -c " $2 #[0-9]* \"" "$work/$1.log" || true; } # DEVICE BIZ
has() { [ "$(received "$1" "$2")" -ge "$3" ]; }
follows() { grep -q 'follows NEWS' "$work/$1.log"; }
sent_away() { grep -c 'waiting to reconnect' "$work/$1.log" || true; } # DEVICE
was_sent_away() { [ "$(sent_away "$1")" -gt "$before" ]; }
inspect() { "$bin/actor-inspector" --cluster "$SHOAL_CLUSTER_DIR/cluster.toml" "$@"; }
as_operator() { SHOAL_KEY=$operator_key SHOAL_SECRET=$operator_secret at "$@"; }
of_node() { as_operator n1 -o json node list | jq ".nodes[] | select(.name == \"$1\") | .$2"; } # NODE FIELD
leads_nothing() { [ "$(of_node "$1" leads)" = 0 ]; }
holds_nothing() { [ "$(of_node "$1" holds)" = 0 ]; }
leads_something() { [ "$(of_node "$1" leads)" -gt 0 ]; }
all_have_copies() { # every partition is served, and has three copies that are up to date; nodes may be silent
  [ "$({ inspect partitions -o json 2>/dev/null || true; } | jq 'map(select(.copies == 3)) | length')" = 64 ]
}
acknowledged_all() { # DEVICE: its stored position is that of its newest op
  [ "$(inspect stream "shop/device:$1" -o json | jq '.cursors[0].backlog')" = 0 ]
}
records() { as_operator n1 audit --server | grep -c " $1 " || true; } # WHAT
sent=0
repeated=0
# order NODE…: one op for each device, through the first of these nodes that takes it. With the same key it is one op,
# however often it is sent.
order() {
  local d node taken
  sent=$((sent + 1))
  for d in d1 d2; do
    taken=no
    for node in "$@" "$1"; do
      [ $taken = no ] || break
      if at "$node" sync send ORDERS --device $d --payload "parcel $sent" --key "$d-$sent" >/dev/null 2>>"$work/refusals"; then
        taken=yes
      else
        repeated=$((repeated + 1))
      fi
    done
    [ $taken = yes ] || die "nobody took parcel $sent: $(tail -n 3 "$work/refusals")"
  done
}

heading "1. Start etcd and three nodes"
cluster up 3
export SHOAL_CA=$SHOAL_CLUSTER_DIR/certs/ca.pem
wait_for 20 "the operator key" test -s "$SHOAL_CLUSTER_DIR/n1/operator.key"
SHOAL_KEY=$(cat "$SHOAL_CLUSTER_DIR/n1/operator.key") SHOAL_SECRET=$(cat "$SHOAL_CLUSTER_DIR/n1/operator.secret")
export SHOAL_KEY SHOAL_SECRET
at n1 node list
operator_key=$SHOAL_KEY operator_secret=$SHOAL_SECRET

heading "2. Create an app and two business types through n1"
app=$(at n1 -o json app create shop)
SHOAL_KEY=$(jq -r .admin_key.id <<<"$app") SHOAL_SECRET=$(jq -r .admin_key.secret <<<"$app")
device_key=$(jq -r .device_key.id <<<"$app") device_secret=$(jq -r .device_key.secret <<<"$app")
export SHOAL_APP=shop
at n1 biz set ORDERS --target device --online true >/dev/null
at n1 biz set NEWS --scope global --target device --online true >/dev/null

heading "3. Two devices connect, d1 to n1 and d2 to n3; ops are sent through every node"
start_device d1 n1
start_device d2 n3
for d in d1 d2; do wait_for 20 "device $d" follows $d; done
at n2 online
for node in n1 n2 n3; do order $node; done
at n2 sync send NEWS --payload "the shop is open" >/dev/null
for d in d1 d2; do wait_for 10 "the first ops" has $d ORDERS 3 && wait_for 10 "the news" has $d NEWS 1; done
echo "d1 and d2 have parcels 1 to 3 and the news"

heading "4. A look inside: links and replicas of the nodes, and the way of an op that comes in where it is not led"
wait_for 30 "three copies of everything" all_have_copies
inspect nodes
inspect nodes -o json >"$work/nodes"
[ "$(jq '[.[] | [.links[] | select(.up)] | length] | tostring' "$work/nodes")" = '"[2,2,2]"' ] || die "a link is missing"
[ "$(jq '[.[].followers[].replicas] | add' "$work/nodes")" = 128 ] || die "a follower is missing"
[ "$(inspect ls --kind hub -o name | sed 's|/.*||' | paste -sd' ')" = "n1 n2 n3" ] || die "ls does not show all nodes"
owner=$(inspect stream shop/device:d1 -o json | jq -r .owner)
for node in n1 n2 n3; do [ $node = "$owner" ] || elsewhere=$node; done
inspect trace --stream shop/device:d1 --patience 30000 >"$work/trace" &
tracing=$!
while kill -0 $tracing 2>/dev/null; do order "$elsewhere"; done
wait $tracing || die "no op was traced"
cat "$work/trace"
grep -q "on $elsewhere: answered" "$work/trace" || die "the part at $elsewhere, where it came in, is missing"
grep -q "on $owner: answered" "$work/trace" || die "the part at $owner, which leads, is missing"
for step in 'another node' disk; do grep -q "$step" "$work/trace" || die "the step '$step' is missing"; done
for d in d1 d2; do wait_for 20 "parcels" has $d ORDERS $sent; done
wait_for 20 "d1's position to be stored" acknowledged_all d1
inspect stream shop/device:d1

heading "5. n2 dies: kill -9. Its partitions find another leader; callers wait, and hear no error"
cluster kill n2
begin=$(date +%s%N)
for _ in 1 2 3 4 5 6; do
  order n1
  order n3
done
echo "12 more parcels for each device sent in $((($(date +%s%N) - begin) / 1000000)) ms"
! inspect check >"$work/check" 2>&1 || die "check finds nothing wrong without n2"
grep -q 'no answer from n2' "$work/check" || die "check does not miss n2: $(cat "$work/check")"
grep -q 'fewer copies' "$work/check" || die "check does not miss the copies at n2: $(cat "$work/check")"
grep -o 'SHOAL [^|]*' "$work/check"
for d in d1 d2; do wait_for 20 "parcels" has $d ORDERS $sent; done

heading "6. n2 comes back; n3 is drained: its partitions move, and device d2 is asked to go"
cluster start n2
wait_for 30 "three copies of everything" all_have_copies
before=$(sent_away d2)
SHOAL_KEY=$operator_key SHOAL_SECRET=$operator_secret inspect --node n3 drain
refused=$repeated
order_while_it_leads() { order n1 && order n3 && leads_nothing n3; }
wait_for 60 "others to lead what n3 led" order_while_it_leads
wait_for 30 "d2 to be asked to go" was_sent_away d2
[ "$repeated" = "$refused" ] || die "callers heard of the drain: $(tail -n 3 "$work/refusals")"
wait_for 30 "parcels" has d2 ORDERS $sent
[ "$(inspect nodes -o json | jq -r '.[] | select(.node == "n3") | .state')" = draining ] || die "nodes does not show the drain"
echo "n3 leads nothing; d2 reconnected (to n3: it knows no other node) and missed nothing"
as_operator n1 node up n3 >/dev/null
[ "$(records 'node drained') $(records 'node up')" = "1 1" ] || die "the drain and its end are not in the audit trail"

heading "7. n3 is stopped cleanly, with device d2 on it"
kill -TERM "$(cut -d' ' -f1 "$SHOAL_CLUSTER_DIR/n3.pid")"
order n1
order n2
at n1 sync send NEWS --payload "the shop closes" >/dev/null
wait_for 20 "the news" has d1 NEWS 2
kill "${devices[1]}" && wait "${devices[1]}" || true
start_device d2 n2 # the app's load balancer would have done that
wait_for 20 "parcels" has d1 ORDERS $sent
wait_for 20 "parcels" has d2 ORDERS $sent
wait_for 20 "the news" has d2 NEWS 2
as_operator n1 node list
has_ended() { ! cluster status | grep -Eq "^$1 .* (running|paused) "; }
wait_for 15 "n3 to end" has_ended n3

heading "8. n3 is back; a node is added, the others restarted one after another, and parcels are sent all the time"
cluster start n3
before=$sent
cluster add >"$work/add.log" 2>&1 &
adding=$!
while kill -0 $adding 2>/dev/null; do order n1 n2 n3; done
wait $adding || die "$(tail -n 3 "$work/add.log")"
cat "$work/add.log"
echo "$((sent - before)) parcels for each device sent meanwhile"
wait_for 60 "n4 to lead something" leads_something n4

heading "9. n2 is lost, with its disk, and removed: the others copy what it held"
kill "${devices[2]}" && wait "${devices[2]}" || true
cluster kill n2
rm -rf "${SHOAL_CLUSTER_DIR:?}/n2"
start_device d2 n4
remove_n2() { as_operator n1 node remove n2 >/dev/null 2>>"$work/refusals"; }
wait_for 20 "somebody to lead partition 0, which keeps the audit trail" remove_n2
for _ in 1 2 3; do order n1 n3 n4; done
wait_for 90 "others to hold what n2 held" holds_nothing n2
wait_for 60 "three copies of everything" all_have_copies
[ "$(of_node n2 state) $(of_node n2 alive)" = '"removed" false' ] || die "n2 is not shown as one that is gone"
[ "$(records 'node removed')" -ge 1 ] || die "the removal is not in the audit trail"
as_operator n1 audit --server
as_operator n1 node list
for d in d1 d2; do wait_for 20 "parcels" has $d ORDERS $sent; done
echo "$repeated of $((2 * sent + repeated)) calls had to be made once more, with the same key"

heading "10. Count: is anything lost, doubled or out of order?"
sleep 0.5 # a doubled op would arrive about now
for d in d1 d2; do
  ids=$(sed -n 's/.* ORDERS #\([0-9]*\) ".*/\1/p' "$work/$d.log" | paste -sd' ')
  [ "$ids" = "$(seq -s' ' $sent)" ] || die "device $d received [$ids] and not 1 to $sent"
  echo "  $d ORDERS sent $sent, received $sent: each once, in order"
done
heading "Nothing was lost, nothing came twice. ($SECONDS s)"
