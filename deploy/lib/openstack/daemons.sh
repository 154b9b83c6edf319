# shellcheck shell=bash
# The lab's daemons: how each is started, stopped, asked for its health and counted.

# In the order of their start. Those of the switch and of libvirt are started as deploy/nfvi starts them.
SERVICES_ALL=(ovsdb-server ovs-vswitchd virtlogd libvirtd mariadb rabbitmq keystone placement-api glance-api neutron-server
    nova-conductor nova-scheduler nova-api cinder-api cinder-scheduler cinder-volume neutron-openvswitch-agent neutron-dhcp-agent
    neutron-l3-agent nova-compute nova-fake)

# An environment of the services' own: no proxy, no Python of the user's.
CLEAN=(env -i)
clean_decide() {
    CLEAN=(env -i "PATH=$STATE/bin:/usr/sbin:/usr/bin:/sbin:/bin" LANG=C.UTF-8 "HOME=$STATE/home" "TMPDIR=$STATE/tmp" PYTHONUNBUFFERED=1 MALLOC_ARENA_MAX=1)
}

services() {
    local s
    for s in "${SERVICES_ALL[@]}"; do
        case $s in
            cinder-*) has cinder || continue ;;
            neutron-l3-agent) has router || continue ;;
            nova-fake) [ "$FAKE" != 0 ] || continue ;;
        esac
        echo "$s"
    done
}

# Whether a daemon can leave root behind: its user is there and reaches the state folder.
user_reaches() {
    [ "$1" != root ] && [ -n "$UNPRIVILEGED" ] && id "$1" >/dev/null 2>&1
}
user_for() { if user_reaches "$1"; then echo "$1"; else echo root; fi; }
users_decide() {
    UNPRIVILEGED=''
    if setpriv --reuid nobody --regid nogroup --clear-groups test -x "$STATE"; then
        UNPRIVILEGED=1
    else
        say "all services will run as root: their users cannot reach $STATE (a folder above it lacks o+x)"
    fi
}

# daemon_start NAME USER COMMAND...: in all the namespaces, in a session of its own, known by RUN/NAME.pid.
daemon_start() {
    local name=$1 user as=()
    user=$(user_for "$2")
    shift 2
    ! daemon_alive "$name" || return 0
    rm -f "$RUN/$name.pid"
    [ "$user" = root ] || as=(setpriv "--reuid=$user" "--regid=$(id -gn "$user")" --init-groups)
    (
        cgroup_join
        cd "$STATE/home" || exit
        # shellcheck disable=SC2016
        exec setsid nsenter -t "$(holder)" -m -u -n ${CGROUPS:+-C} -- "${CLEAN[@]}" \
            bash -c 'echo $$ >"$1.new" && mv "$1.new" "$1"; shift; exec "$@"' - "$RUN/$name.pid" "${as[@]}" "$@" </dev/null >>"$STATE/log/$name.log" 2>&1
    ) &
    local i
    for ((i = 0; i < 200; i++)); do
        [ ! -e "$RUN/$name.pid" ] || return 0
        sleep 0.02
    done
    daemon_died "$name" "it could not be started"
}

# The daemon and every process of its session.
daemon_processes() {
    local pid
    daemon_alive "$1" || return 0
    pid=$(<"$RUN/$1.pid")
    { echo "$pid"; ps -o pid= --sid "$pid" || true; } | tr -d ' ' | sort -u
}

daemon_stop() {
    local processes left
    processes=$(daemon_processes "$1")
    if daemon_alive "$1"; then stop_pids "${2:-10}" "$(<"$RUN/$1.pid")"; fi
    # Its children end with it, most of the time.
    if [ -n "$processes" ]; then
        mapfile -t left < <(processes_ours | grep -xF "$processes" || true)
        [ ${#left[@]} -eq 0 ] || kill -9 "${left[@]}" 2>/dev/null || true
    fi
    rm -f "$RUN/$1.pid"
}

daemon_died() {
    tail -n 8 "$STATE/log/$1.log" >&2 || true
    die "$1: $2" "the end of its log is above, all of it in $STATE/log/$1.log"
}

# Every process in the lab's UTS namespace, which nothing inside ever leaves (network and mount namespaces some do). Its
# number may have gone to another namespace since, so its name is asked for too.
processes_ours() {
    local found
    [[ $UTS =~ ^uts:\[[0-9]+\]$ ]] || return 0
    mapfile -t found < <(find /proc/[0-9]*/ns/uts -maxdepth 0 -lname "uts:\\[${UTS//[^0-9]/}\\]" 2>/dev/null | cut -d/ -f3)
    [ ${#found[@]} -gt 0 ] && [ "$(nsenter -t "${found[0]}" -u hostname 2>/dev/null)" = "$NAME" ] || return 0
    printf '%s\n' "${found[@]}"
}

# A WSGI service under uwsgi: wsgi NAME USER PORT FILE THREADS [VARIABLE=VALUE...]
wsgi() {
    local name=$1 user=$2 port=$3 file=$4 threads=$5
    shift 5
    # It closes each connection: a client that keeps one would find it cut in the middle of its next request.
    daemon_start "$name" "$user" env "$@" uwsgi_python3 --http-socket "0.0.0.0:$port" --master --no-orphans --need-app --lazy-apps \
        --enable-threads --die-on-term --buffer-size 65535 --processes 1 --threads "$threads" --listen 100 --disable-logging \
        --add-header 'Connection: close' --wsgi-file "$file"
}

# service_start NAME: does nothing when it runs.
service_start() {
    local etc=$STATE/etc neutron nova
    neutron=(--config-file "$etc/neutron/neutron.conf")
    nova=(--config-file "$etc/nova/nova.conf")
    case $1 in
        ovsdb-server | ovs-vswitchd) switch_up ;;
        virtlogd | libvirtd) libvirt_up ;;
        mariadb) mariadb_up ;;
        rabbitmq) rabbitmq_start ;;
        keystone) wsgi keystone keystone 5000 /usr/bin/keystone-wsgi-public 6 "OS_KEYSTONE_CONFIG_FILES=$etc/keystone/keystone.conf" ;;
        placement-api) wsgi placement-api placement 8778 /usr/bin/placement-api 4 "OS_PLACEMENT_CONFIG_DIR=$etc/placement" ;;
        glance-api) daemon_start glance-api glance glance-api --config-file "$etc/glance/glance-api.conf" ;;
        # By this entry point it is one process, without a parent that holds the program a second time.
        nova-api) daemon_start nova-api nova python3 -c 'import sys; sys.argv[0] = "nova-api"; from nova.cmd.api_os_compute import main; main()' "${nova[@]}" ;;
        nova-conductor | nova-scheduler) daemon_start "$1" nova "$1" "${nova[@]}" ;;
        nova-compute) daemon_start nova-compute root nova-compute --config-file "$etc/nova/nova-compute.conf" ;;
        nova-fake) daemon_start nova-fake nova python3 "$STATE/python/fake_compute.py" "$FAKE" --config-file "$etc/nova/nova-fake.conf" ;;
        neutron-server) daemon_start neutron-server neutron env "PYTHONPATH=$STATE/python" neutron-server "${neutron[@]}" --config-file "$etc/neutron/ml2.ini" ;;
        neutron-openvswitch-agent) daemon_start "$1" root "$1" "${neutron[@]}" --config-file "$etc/neutron/openvswitch-agent.ini" ;;
        neutron-dhcp-agent | neutron-l3-agent) daemon_start "$1" root "$1" "${neutron[@]}" --config-file "$etc/neutron/network-agents.ini" ;;
        cinder-api | cinder-scheduler) daemon_start "$1" cinder "$1" --config-file "$etc/cinder/cinder.conf" ;;
        cinder-volume) daemon_start cinder-volume root cinder-volume --config-file "$etc/cinder/cinder.conf" ;;
    esac
}

rabbitmq_start() {
    # Its own home holds the cookie by which Erlang's nodes know each other; one scheduler is enough and asks for less memory.
    daemon_start rabbitmq rabbitmq env "HOME=$STATE/rabbitmq" RABBITMQ_NODENAME=lab@localhost "RABBITMQ_MNESIA_BASE=$STATE/rabbitmq" \
        "RABBITMQ_LOG_BASE=$STATE/rabbitmq" "RABBITMQ_CONFIG_FILE=$STATE/etc/rabbitmq/rabbitmq.conf" RABBITMQ_CONF_ENV_FILE=/dev/null \
        RABBITMQ_ENABLED_PLUGINS_FILE=/dev/null RABBITMQ_DIST_PORT=25672 ERL_EPMD_ADDRESS=127.0.0.1 \
        'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none' /usr/lib/rabbitmq/bin/rabbitmq-server
}

# Where a service answers; nothing for one that has no port.
port_of() {
    case $1 in
        keystone) echo 5000 ;;
        placement-api) echo 8778 ;;
        glance-api) echo 9292 ;;
        nova-api) echo 8774 ;;
        neutron-server) echo 9696 ;;
        cinder-api) echo 8776 ;;
        rabbitmq) echo 5672 ;;
    esac
}

http_code() { in_api curl -s -o /dev/null -m "${2:-5}" -w '%{http_code}' "http://$API_ADDRESS:$1/" 2>/dev/null || true; }

# service_wait NAME: until it answers on its port, or has died.
service_wait() {
    local port i
    port=$(port_of "$1")
    [ -n "$port" ] || return 0
    for ((i = 0; i < 1200; i++)); do
        case $1 in
            rabbitmq) if inside bash -c "exec 3<>/dev/tcp/$API_ADDRESS/$port" 2>/dev/null; then return; fi ;;
            *) case $(http_code "$port") in [234]??) return ;; esac ;;
        esac
        if [ $i -gt 5 ] && ! daemon_alive "$1"; then daemon_died "$1" "it ended"; fi
        sleep 0.1
    done
    daemon_died "$1" "no answer on port $port within 120 s"
}

service_stop() {
    case $1 in
        mariadb) daemon_stop mariadb 30 ;;
        rabbitmq) daemon_stop rabbitmq 20; # epmd outlives it, in a session of its own.
            local p
            for p in $(processes_ours); do [ "$(cat "/proc/$p/comm" 2>/dev/null)" != epmd ] || kill "$p" 2>/dev/null || true; done ;;
        *) daemon_stop "$1" ;;
    esac
}

# Memory of a daemon and all its children, their share of what they have in common, in KiB.
daemon_memory() {
    local p files=()
    for p in $(daemon_processes "$1"); do [ ! -r "/proc/$p/smaps_rollup" ] || files+=("/proc/$p/smaps_rollup"); done
    [ ${#files[@]} -gt 0 ] || { echo 0; return; }
    awk '/^Pss:/ {n += $2} END {print n + 0}' "${files[@]}" 2>/dev/null || echo 0
}
