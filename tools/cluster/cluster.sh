#!/usr/bin/env bash
# A whole cluster on one machine: etcd and N nodes with their own certificates. tools/cluster/README.md shows it.
#
# Everything is in one folder. A process is signalled only if it is the one that was started here: its pid file holds the
# time of its start, too.
set -euo pipefail
dir=${SHOAL_CLUSTER_DIR:-.shoal/cluster}
bin=${SHOAL_BIN:-$(dirname "${BASH_SOURCE[0]}")/../../build/release/bin}
base=${SHOAL_CLUSTER_PORT:-20100} # the first of its ports on loopback
net=10.77.0                       # addresses in namespaces, where nobody else is
patience=${SHOAL_CLUSTER_PATIENCE:-2} # seconds that status waits for an answer
well=${SHOAL_CLUSTER_WELL:-60}        # seconds that `add` waits for all copies before it restarts another node

die() { echo "cluster: $*" >&2; exit 1; }
usage() {
  cat >&2 <<'TEXT'
tools/dev cluster COMMAND
  up [N] [--etcd M] [--netns]  start what is not running: N nodes (3), M members of etcd (1); --netns gives each a
                               network namespace of its own (root)
  down [--wipe]                stop all; --wipe also removes data, certificates and logs
  status                       who runs, and where
  kill NAME                    as if its power were cut (SIGKILL); NAME is n1… or e1…
  pause NAME | resume NAME     SIGSTOP, SIGCONT
  start NAME                   again, after kill or stop
  stop NAME | restart NAME     cleanly (SIGTERM): what a node leads is handed over first
  add                          one node more: the others are restarted one after another with the new cluster.toml
  partition A B [--one-way]    B gets nothing from A any more, nor A from B without --one-way; names, or "A1,A2" (--netns)
  heal                         end all partitions
  exec COMMAND…                run something where the nodes can be reached
TEXT
  exit 2
}

# ---- names and places ------------------------------------------------------------------------------------------
load() {
  [ -f "$dir/cluster.env" ] || die "there is no cluster in $dir (tools/dev cluster up)"
  # shellcheck disable=SC1091
  . "$dir/cluster.env" # nodes, members, netns, tag
}
node_names() { local i; for ((i = 1; i <= nodes; i++)); do echo "n$i"; done; }
member_names() { local i; for ((i = 1; i <= members; i++)); do echo "e$i"; done; }
all_names() { member_names; node_names; }
must_be_known() { all_names | grep -qx -- "$1" || die "no such process: $1 (there are $(all_names | tr '\n' ' '))"; }
space() { echo "shoal-$tag-$1"; } # the namespace of a name

host() {
  [ "$netns" = 1 ] || { echo 127.0.0.1; return; }
  case $1 in e*) echo "$net.$((100 + ${1#e}))" ;; n*) echo "$net.${1#n}" ;; client) echo "$net.200" ;; esac
}
# port NAME 0|1|2: of a node devices, link, admin; of a member clients, peers
port() {
  local own
  case $1 in e*) own=$((${1#e} * 10)) ;; n*) own=$((100 + ${1#n} * 10)) ;; esac
  if [ "$netns" = 1 ]; then echo $((20100 + $2)); else echo $((base + own + $2)); fi
}
at() { echo "$(host "$1"):$(port "$1" "$2")"; }

# ---- processes -------------------------------------------------------------------------------------------------
# Of a process: "<state> <time of start>"; nothing if there is none. One read, or it could end between two.
life_of() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f1,20; }
# pid_of NAME: of the process that was started here, if it still runs
pid_of() {
  local pid start life
  read -r pid start 2>/dev/null <"$dir/$1.pid" || return 1
  life=$(life_of "$pid")
  [ -n "$start" ] && [ "${life#* }" = "$start" ] && [[ $life != [ZX]* ]] && echo "$pid"
}
signal() {
  local pid
  pid=$(pid_of "$2") || die "$2 does not run"
  kill "-$1" "$pid"
}
# spawn NAME COMMAND…: in its namespace, detached from this terminal
spawn() {
  local name=$1 within=()
  shift
  [ "$netns" = 0 ] || within=(ip netns exec "$(space "$name")")
  setsid "${within[@]}" "$@" >"$dir/$name.out" 2>>"$dir/$name.log" </dev/null &
  local life
  life=$(life_of $!) || true
  echo "$! ${life#* }" >"$dir/$name.pid"
}
# wait_for SECONDS NAME COMMAND…: until the command succeeds; ends with the log if the process does
wait_for() {
  local end=$((SECONDS + $1)) name=$2
  shift 2
  until "$@" 2>/dev/null; do
    pid_of "$name" >/dev/null || die "$name ended: $(tail -n 3 "$dir/$name.log" 2>/dev/null)"
    [ $SECONDS -lt "$end" ] || die "$name is not ready; see $dir/$name.log"
    sleep 0.05
  done
}
reach() { # from where the nodes can be reached
  if [ "$netns" = 1 ]; then ip netns exec "$(space client)" "$@"; else "$@"; fi
}

start_member() {
  local name=$1 peers='' e
  for e in $(member_names); do peers+="${peers:+,}$e=https://$(at "$e" 1)"; done
  spawn "$name" etcd --name "$name" --data-dir "$dir/$name" --logger zap --log-level warn \
    --listen-client-urls "https://$(at "$name" 0)" --advertise-client-urls "https://$(at "$name" 0)" \
    --listen-peer-urls "https://$(at "$name" 1)" --initial-advertise-peer-urls "https://$(at "$name" 1)" \
    --initial-cluster "$peers" --initial-cluster-token "shoal-$tag" \
    --client-cert-auth --trusted-ca-file "$dir/certs/ca.pem" \
    --cert-file "$dir/certs/$name.pem" --key-file "$dir/certs/$name.key" \
    --peer-client-cert-auth --peer-trusted-ca-file "$dir/certs/ca.pem" \
    --peer-cert-file "$dir/certs/$name.pem" --peer-key-file "$dir/certs/$name.key" \
    --auto-compaction-mode periodic --auto-compaction-retention 1h
}
member_is_healthy() {
  reach curl -sf --noproxy '*' --max-time "$patience" --cacert "$dir/certs/ca.pem" --cert "$dir/certs/n1.pem" --key "$dir/certs/n1.key" \
    "https://$(at "$1" 0)/health" | grep -q true
}
start_node() {
  spawn "$1" "$bin/shoald" --config "$dir/cluster.toml" --node "$1"
}
node_is_ready() { grep -q '^ready ' "$dir/$1.out"; }

start_one() {
  case $1 in
    e*) start_member "$1" ;;
    n*) start_node "$1" ;;
  esac
}
wait_one() {
  case $1 in
    e*) wait_for 30 "$1" member_is_healthy "$1" ;;
    n*) wait_for 60 "$1" node_is_ready "$1" ;;
  esac
}

# ---- the files -------------------------------------------------------------------------------------------------
write_certificates() {
  local name
  for name in $(all_names); do
    [ -f "$dir/certs/$name.pem" ] ||
      "$bin/shoalctl" certs --ca "$dir/certs" --cluster "$tag" --node "$name" --host "$(host "$name"),localhost" >/dev/null
  done
}
write_config() {
  local name endpoints=''
  for name in $(member_names); do endpoints+="${endpoints:+, }\"https://$(at "$name" 0)\""; done
  {
    printf '[cluster]\nname = "%s"\nmeta = "etcd"\n\n' "dev-$tag"
    printf '[etcd]\nendpoints = [%s]\nca = "%s"\n' "$endpoints" "$dir/certs/ca.pem"
    printf 'certificate = "%s"\nkey = "%s"\n\n' "$dir/certs/{node}.pem" "$dir/certs/{node}.key"
    for section in link listen; do
      printf '[%s]\n' $section
      [ $section = listen ] || printf 'ca = "%s"\n' "$dir/certs/ca.pem"
      printf 'certificate = "%s"\nkey = "%s"\n\n' "$dir/certs/{node}.pem" "$dir/certs/{node}.key"
    done
    for name in $(node_names); do
      printf '[[nodes]]\nname = "%s"\naddress = "%s"\nlink = "%s"\nadmin = "%s"\ndata_dir = "%s"\n\n' \
        "$name" "$(at "$name" 0)" "$(at "$name" 1)" "$(at "$name" 2)" "$dir/$name"
    done
  } >"$dir/cluster.toml"
}

# ---- namespaces: one per process, one with the switch between them ---------------------------------------------
add_space() {
  local name=$1 inside
  inside=$(space "$name")
  ! ip netns list | grep -qw -- "$inside" || return 0
  ip netns add "$inside"
  ip -n "$inside" link set lo up
  ip -n "$(space switch)" link add "$name" type veth peer name eth0 netns "$inside"
  ip -n "$(space switch)" link set "$name" master switch up
  ip -n "$inside" addr add "$(host "$name")/24" dev eth0
  ip -n "$inside" link set eth0 up
}
add_spaces() {
  local name
  if ! ip netns list | grep -qw -- "$(space switch)"; then
    ip netns add "$(space switch)"
    ip -n "$(space switch)" link add switch type bridge
    ip -n "$(space switch)" link set switch up
  fi
  for name in $(all_names) client; do add_space "$name"; done
}
remove_spaces() {
  local name
  for name in $(all_names) client switch; do ip netns del "$(space "$name")" 2>/dev/null || true; done
}
# Whatever FROM sends to TO goes to a hardware address that nobody has: lost without a word, as with a cut cable.
sever() {
  ip -n "$(space "$1")" neigh replace "$(host "$2")" lladdr 02:00:00:00:00:01 nud permanent dev eth0
}

# ---- commands --------------------------------------------------------------------------------------------------
up() {
  local wanted='' etcd='' spaces=0 name started=()
  while [ $# -gt 0 ]; do
    case $1 in
      --etcd) etcd=${2:-}; shift ;;
      --netns) spaces=1 ;;
      *) wanted=$1 ;;
    esac
    shift
  done
  if [ -f "$dir/cluster.env" ]; then
    load
    [ "${wanted:-$nodes} ${etcd:-$members}" = "$nodes $members" ] && [ "$spaces" -le "$netns" ] ||
      die "there is a cluster of $nodes nodes and $members members of etcd in $dir: tools/dev cluster down --wipe first"
  else
    nodes=${wanted:-3} members=${etcd:-1} netns=$spaces
  fi
  [[ $nodes =~ ^[1-9][0-9]?$ && $members =~ ^[135]$ ]] || die "N must be 1 to 99, M must be 1, 3 or 5"
  [ "$netns" = 0 ] || [ "$(id -u)" = 0 ] || die "--netns needs root"
  command -v etcd >/dev/null || die "etcd is not installed (tools/dev setup)"
  mkdir -p "$dir"
  chmod 700 "$dir"
  dir=$(realpath "$dir")
  tag=$(cksum <<<"$dir" | head -c 5)
  printf 'nodes=%s members=%s netns=%s tag=%s\n' "$nodes" "$members" "$netns" "$tag" >"$dir/cluster.env"
  [ "$netns" = 0 ] || add_spaces
  write_certificates
  write_config
  # All members at once: none is healthy before most are there. Then all nodes.
  for kind in member node; do
    started=()
    for name in $("${kind}_names"); do
      pid_of "$name" >/dev/null && continue
      start_one "$name"
      started+=("$name")
    done
    for name in "${started[@]}"; do wait_one "$name"; done
  done
  status
}

down() {
  load
  local name pid end
  for name in $(node_names) $(member_names); do
    pid=$(pid_of "$name") || continue
    kill -TERM "$pid"
    kill -CONT "$pid"
  done
  end=$((SECONDS + 15))
  for name in $(all_names); do
    while pid=$(pid_of "$name"); do
      [ $SECONDS -lt $end ] || kill -KILL "$pid" 2>/dev/null || true
      sleep 0.05
    done
    rm -f "$dir/$name.pid"
  done
  [ "$netns" = 0 ] || remove_spaces
  [ "${1:-}" != --wipe ] || rm -rf "$dir"
}

state_of() {
  local pid
  pid=$(pid_of "$1") || { [ -f "$dir/$1.pid" ] && echo dead || echo stopped; return; }
  case $(life_of "$pid") in
    T*) echo paused ;;
    *) case $1 in
      e*) if member_is_healthy "$1"; then echo healthy; else echo running; fi ;;
      n*) reach curl -s --noproxy '*' --max-time "$patience" -o /dev/null -w '%{http_code}' "http://$(at "$1" 2)/readyz" 2>/dev/null |
        sed 's/^200$/ready/;t;s/.*/running/' ;;
    esac ;;
  esac
}
status() {
  load
  local name
  printf '%-5s %-8s %-8s %-22s %-22s %s\n' NAME PID STATE ADDRESS LINK ADMIN
  for name in $(all_names); do
    printf '%-5s %-8s %-8s %-22s %-22s %s\n' "$name" "$(pid_of "$name" || echo -)" "$(state_of "$name")" \
      "$(at "$name" 0)" "$(at "$name" 1)" "$(case $name in n*) at "$name" 2 ;; esac)"
  done
  ! partitions || true
}
partitions() {
  [ "$netns" = 1 ] || return 0
  local from to
  for from in $(all_names); do
    for to in $(all_names); do
      ! ip -n "$(space "$from")" neigh show "$(host "$to")" | grep -q PERMANENT || echo "cut: $from -> $to"
    done
  done
}

need_spaces() { [ "$netns" = 1 ] || die "this cluster shares the machine's loopback; tools/dev cluster up --netns (root) can be cut"; }
partition() {
  load
  need_spaces
  [ $# -ge 2 ] || usage
  local a b
  for a in ${1//,/ }; do
    for b in ${2//,/ }; do
      must_be_known "$a"
      must_be_known "$b"
      sever "$a" "$b"
      [ "${3:-}" = --one-way ] || sever "$b" "$a"
    done
  done
}
heal() {
  load
  need_spaces
  local from to
  for from in $(all_names); do
    for to in $(all_names); do
      ! ip -n "$(space "$from")" neigh show "$(host "$to")" | grep -q PERMANENT ||
        ip -n "$(space "$from")" neigh del "$(host "$to")" dev eth0
    done
  done
}

start() {
  load
  pid_of "$1" >/dev/null && die "$1 runs"
  start_one "$1"
  wait_one "$1"
}
stop() {
  local end=$((SECONDS + 15))
  signal TERM "$1"
  while pid_of "$1" >/dev/null; do
    [ $SECONDS -lt $end ] || die "$1 does not end; see $dir/$1.log"
    sleep 0.05
  done
}
restart() {
  stop "$1"
  start "$1"
}
# Nothing is missing at these nodes: every partition is served and has all its copies. Other worries are not ours.
are_well() {
  local urls='' name
  for name in "$@"; do urls+="${urls:+,}http://$(at "$name" 2)"; done
  reach "$bin/actor-inspector" --node "$urls" check --warn unserved=1,few_copies=1,depth=1e9,age_ms=1e9,deaths=1e9,stuck=1e9 \
    --crit deaths=1e9,stuck=1e9,depth=1e9,age_ms=1e9 >/dev/null
}
# wait_well NAMES…: a node that is taken away before the last one has everything again takes the majority along.
wait_well() {
  local end=$((SECONDS + well))
  until are_well "$@"; do
    [ $SECONDS -lt "$end" ] || die "$* do not get well: actor-inspector --cluster $dir/cluster.toml check"
    sleep 0.2
  done
}
# Nodes link with those that their file names, and read it when they start. So all have the new file before the new node
# begins; and one at a time is away. cluster/README.md, "Nodes come and go", is the same for machines of one's own.
add() {
  load
  local name new before=()
  [ "$nodes" -lt 99 ] || die "99 nodes are enough"
  for name in $(node_names); do
    pid_of "$name" >/dev/null || die "$name does not run: start it first, or those that do lose their majority"
    before+=("$name")
  done
  wait_well "${before[@]}"
  nodes=$((nodes + 1))
  new=n$nodes
  printf 'nodes=%s members=%s netns=%s tag=%s\n' "$nodes" "$members" "$netns" "$tag" >"$dir/cluster.env"
  [ "$netns" = 0 ] || add_spaces
  write_certificates
  write_config
  for name in "${before[@]}"; do
    restart "$name"
    echo "$name runs with the new file"
    wait_well "${before[@]}"
  done
  start "$new"
  echo "$new runs; the others hand partitions to it"
}
kill_one() {
  local pid
  pid=$(pid_of "$1") || die "$1 does not run"
  kill -KILL "$pid"
  while pid_of "$1" >/dev/null; do sleep 0.01; done
}

command=${1:-}
shift || true
[ ! -d "$dir" ] || dir=$(realpath "$dir")
case $command in
  up | down | status | partition | heal | add) "$command" "$@" ;;
  kill | pause | resume | start | stop | restart)
    load
    [ $# = 1 ] || usage
    must_be_known "$1"
    case $command in
      kill) kill_one "$1" ;;
      pause) signal STOP "$1" ;;
      resume) signal CONT "$1" ;;
      *) "$command" "$1" ;;
    esac ;;
  exec) load; reach "$@" ;;
  *) usage ;;
esac
