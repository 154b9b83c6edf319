# shellcheck shell=bash
# The private place an NFVI lives in: a named network namespace, and mount, UTS and cgroup namespaces held by one idle
# process. Daemons are started in it and stopped by the process ids they recorded in the run folder.

# Where libvirt expects its files, and which folders of ours stand there; the holder has /run to itself and makes the rest.
private_mounts() {
    cat <<EOT
$STATE/etc-libvirt /etc/libvirt
$STATE/libvirt /var/lib/libvirt
$STATE/log/libvirt /var/log/libvirt
$STATE/cache-libvirt /var/cache/libvirt
$RUN/libvirt /run/libvirt
$RUN/openvswitch /run/openvswitch
$RUN/ovn /run/ovn
$STATE/hosts /etc/hosts
EOT
}

# pid_in_namespace PID: the process lives and is in our network namespace. A number that was given to some other process
# since is thereby not taken for ours.
pid_in_namespace() {
    [[ $1 =~ ^[0-9]+$ ]] && [ -e "/run/netns/$NAME" ] && [ "/proc/$1/ns/net" -ef "/run/netns/$NAME" ]
}

holder() { cat "$RUN/holder.pid" 2>/dev/null; }
namespace_alive() { pid_in_namespace "$(holder)"; }
daemon_alive() { pid_in_namespace "$(cat "$RUN/$1.pid" 2>/dev/null)"; }

# inside COMMAND...: run it in all the namespaces.
inside() {
    (
        cgroup_join
        exec nsenter -t "$(holder)" -m -u -n ${CGROUPS:+-C} -- "$@"
    )
}

namespace_up() {
    [ -e "/run/netns/$NAME" ] || ip netns add "$NAME"
    ip -n "$NAME" link set lo up
    namespace_alive && return
    mkdir -p "$STATE"/{etc-libvirt,libvirt,cache-libvirt,openvswitch,ovn,log/libvirt} "$RUN"/{libvirt,openvswitch,ovn}
    chmod 0711 "$STATE/libvirt" "$RUN"/{libvirt,openvswitch,ovn}
    printf '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 %s\n' "$NAME" >"$STATE/hosts"
    cgroup_make
    (
        cgroup_join
        export NAME CGROUPS QEMU_USER QEMU_GROUP
        # Its process id is told when the mounts stand: from then on the place can be entered.
        exec nsenter --net="/run/netns/$NAME" unshare -m -u ${CGROUPS:+-C} --propagation private \
            setsid bash "$HERE/lib/holder" "$RUN/holder.pid" < <(private_mounts) >"$STATE/log/holder.log" 2>&1
    ) &
    local i
    for ((i = 0; i < 500; i++)); do
        namespace_alive && return
        sleep 0.02
    done
    cat "$STATE/log/holder.log" >&2
    die "the private namespaces could not be made" "what the kernel answered is above"
}

# stop_pids SECONDS PID...: ask, wait, insist. One that only waits for its parent to notice (a zombie) has no namespaces left.
stop_pids() {
    local limit=$1 i p left
    shift
    [ $# -gt 0 ] || return 0
    kill "$@" 2>/dev/null || true
    for ((i = 0; i < limit * 20; i++)); do
        left=''
        for p in "$@"; do [ ! -e "/proc/$p/ns/net" ] || left=1; done
        [ -n "$left" ] || return 0
        sleep 0.05
    done
    kill -9 "$@" 2>/dev/null || true
    for ((i = 0; i < 100; i++)); do
        left=''
        for p in "$@"; do [ ! -e "/proc/$p/ns/net" ] || left=1; done
        [ -n "$left" ] || return 0
        sleep 0.05
    done
    say "processes that did not end: $*"
}

# Stops daemons in the reverse order of their start, then whatever else is left in our namespaces, which are ours alone.
namespace_down() {
    local d ns
    for d in libvirtd virtlogd ovn-controller ovn-northd ovs-vswitchd ovnsb-server ovnnb-server ovsdb-server; do
        if daemon_alive "$d"; then stop_pids 5 "$(<"$RUN/$d.pid")"; fi
    done
    for ns in "$NAME" "$NAME-outside"; do
        if [ -e "/run/netns/$ns" ]; then
            # shellcheck disable=SC2046
            stop_pids 2 $(ip netns pids "$ns")
            ip netns del "$ns"
        fi
    done
    cgroup_remove
}

# Cgroups, version 1: one group of ours beneath each of this shell's own, made the root by a cgroup namespace. With
# version 2 libvirt could not move itself out of the way of its own subgroups, so the VMs go without there.
cgroup_path() {
    local c=$1
    awk -F: -v c="$c" '{n = split($2, a, ","); for (i = 1; i <= n; i++) if (a[i] == c) print $3}' /proc/self/cgroup
}

cgroup_make() {
    CGROUPS=''
    local c group path
    for c in cpu cpuacct cpuset memory devices freezer blkio pids; do
        [ -w "/sys/fs/cgroup/$c/cgroup.procs" ] || continue
        path=$(cgroup_path "$c")
        group=/sys/fs/cgroup/$c${path%/}/nfvi-$NAME
        mkdir -p "$group" 2>/dev/null || continue
        if [ "$c" = cpuset ]; then
            cat "${group%/*}/cpuset.cpus" >"$group/cpuset.cpus"
            cat "${group%/*}/cpuset.mems" >"$group/cpuset.mems"
        fi
        CGROUPS+="$c:$group "
    done
}

cgroup_join() {
    local g
    for g in $CGROUPS; do echo "$BASHPID" >"${g#*:}/cgroup.procs"; done
}

cgroup_remove() {
    local g i
    for g in $CGROUPS; do
        # A process just ended stays in its group for a moment.
        for ((i = 0; i < 40; i++)); do
            find "${g#*:}" -depth -type d -exec rmdir {} + 2>/dev/null || true
            [ -e "${g#*:}" ] || break
            sleep 0.05
        done
    done
}
