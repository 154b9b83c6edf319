# shellcheck shell=bash
# The four services as processes of this machine: configuration, start, readiness, stop.

SERVICES=(nfvi-agent vim-adapter vnfm nfvo)

port_of() {
    case $1 in
        nfvo) echo "$PORT" ;;
        vnfm) echo $((PORT + 1)) ;;
        vim-adapter) echo $((PORT + 2)) ;;
        nfvi-agent) echo $((PORT + 3)) ;;
    esac
}
url_of() { echo "http://127.0.0.1:$(port_of "$1")"; }

# The process that we started for a service, if it lives: known by its own configuration file.
service_pid() {
    local pid
    pid=$(cat "$RUN/$1.pid" 2>/dev/null) && [ -n "$pid" ] && [ -r "/proc/$pid/cmdline" ] || return 1
    [[ $(tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline") = *$'\n'"$STATE/config/$1.yaml" ]] || return 1
    echo "$pid"
}

# Every port that somebody else holds, at once.
ports_check() {
    local s taken=() listening
    listening=$(ss -Hltn | awk '{print $4}')
    for s in "${SERVICES[@]}"; do
        service_pid "$s" >/dev/null || ! grep -q ":$(port_of "$s")\$" <<<"$listening" || taken+=("$(port_of "$s") (for $s)")
    done
    [ ${#taken[@]} -eq 0 ] || die "ports in use by other programs: ${taken[*]}" "stop those, or set MANO_PORT to the first of four free ports"
}

# service_config NAME: the file on standard output.
service_config() {
    cat <<EOC
service:
  listen: 127.0.0.1:$(port_of "$1")
  database: sqlite://$STATE/$1/$1.db
EOC
    case $1 in
        nfvo)
            cat <<EOC
vnfm: $(url_of vnfm)
vim_adapter: $(url_of vim-adapter)
EOC
            ;;
        vnfm) echo "nfvo: $(url_of nfvo)" ;;
        vim-adapter)
            echo "state_dir: $STATE/vim-adapter"
            if [ "$VIM" = openstack ]; then echo "secret_key_files: [$(secret_key)]"; fi
            ;;
        nfvi-agent)
            # shellcheck source=/dev/null
            (eval "$(nfvi_env)" && cat <<EOC
host_name: host1
state_dir: $STATE/nfvi-agent
libvirt_uri: $LIBVIRT_DEFAULT_URI
ovsdb: unix:$OVS_RUNDIR/db.sock
EOC
            )
            ;;
    esac
}

# The file with the key that the vim-adapter keeps secrets with, made the first time.
secret_key() {
    local key=$STATE/vim-adapter.key
    [ -s "$key" ] || (umask 077 && openssl rand -hex 32 >"$key")
    echo "$key"
}

# Where the NFVI is reached, ours or the machine's own.
nfvi_env() {
    if [ -e "$RUN/nfvi/nfvi.env" ]; then
        "$HERE/nfvi" env --run-dir "$RUN/nfvi"
    else
        echo "LIBVIRT_DEFAULT_URI=qemu:///system OVS_RUNDIR=/run/openvswitch OVN_NB_DB=unix:/run/ovn/ovnnb_db.sock"
    fi
}

service_start() {
    local s=$1 pid config=$STATE/config/$1.yaml
    mkdir -p "$STATE/config" "$STATE/log" "$STATE/$s"
    service_config "$s" >"$config.new"
    if pid=$(service_pid "$s"); then
        # Left alone unless it was built or configured anew.
        if [ "/proc/$pid/exe" -ef "$BIN/$s" ] && cmp -s "$config.new" "$config"; then
            rm "$config.new"
            return
        fi
        service_stop "$s"
    fi
    mv "$config.new" "$config"
    (
        unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
        cd "$STATE/$s" || exit
        # shellcheck disable=SC2016
        exec setsid bash -c 'echo $$ >"$1"; shift; exec "$@"' - "$RUN/$s.pid" "$BIN/$s" --config "$config" </dev/null >>"$STATE/log/$s.log" 2>&1
    ) &
}

service_wait() {
    local s=$1 i answer=''
    for ((i = 0; i < 600; i++)); do
        answer=$(curl -s -m 5 "$(url_of "$s")/readyz" -w ' %{http_code}' || true)
        # The answer counts only while our process lives: another program may hold the port.
        if service_pid "$s" >/dev/null; then
            case $answer in *' 200') return ;; esac
        elif [ $i -gt 20 ]; then
            break
        fi
        sleep 0.05
    done
    tail -n 5 "$STATE/log/$s.log" >&2
    die "$s is not ready: ${answer:-no answer}" "the end of its log is above, all of it in $STATE/log/$s.log"
}

services_up() {
    local s
    for s in "${SERVICES[@]}"; do service_start "$s"; done
    for s in "${SERVICES[@]}"; do service_wait "$s"; done
    for s in "${SERVICES[@]}"; do say "  $s at $(url_of "$s"), process $(service_pid "$s")"; done
}

service_stop() {
    local pid i
    if pid=$(service_pid "$1"); then
        kill "$pid" 2>/dev/null || true
        for ((i = 0; i < 300; i++)); do
            service_pid "$1" >/dev/null || break
            sleep 0.05
        done
        if service_pid "$1" >/dev/null; then kill -9 "$pid" 2>/dev/null || true; fi
    fi
    rm -f "$RUN/$1.pid"
}

services_down() {
    local s
    for s in nfvo vnfm vim-adapter nfvi-agent; do service_stop "$s"; done
}

services_status() {
    local s rc=0
    for s in nfvo vnfm vim-adapter nfvi-agent; do
        [[ " ${SERVICES[*]} " = *" $s "* ]] || continue
        if service_pid "$s" >/dev/null; then
            printf '%-15s running  %s  %s\n' "$s" "$(service_pid "$s")" "$(url_of "$s")"
        else
            printf '%-15s down\n' "$s"
            rc=1
        fi
    done
    return $rc
}
