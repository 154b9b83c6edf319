# shellcheck shell=bash
# Whether the lab is well: by its processes, by its APIs, and by what Nova, Neutron and Cinder say of their agents.

# agents: lines "SERVICE up|down", as the control services know them.
agents() {
    api GET "$(url nova)/os-services" | jq -r '.services[] | select(.host | startswith("fake") | not) | "\(.binary) \(.state)"'
    api GET "$(url neutron)/v2.0/agents" | jq -r '.agents[] | "\(.binary) \(if .alive then "up" else "down" end)"'
    if has cinder; then
        local project
        project=$(api GET "$(url keystone)/projects?name=admin" | jq -r '.projects[0].id')
        api GET "$(url cinder | sed "s/%(project_id)s/$project/")/os-services" | jq -r '.services[] | "\(.binary) \(.state)"'
    fi
}

# What is awaited still, one line each; nothing when the lab can be used.
awaited() {
    local known s hosts
    known=$(agents 2>/dev/null || true)
    for s in $(services); do
        case $s in
            nova-conductor | nova-scheduler | nova-compute | neutron-*-agent | cinder-scheduler | cinder-volume)
                grep -qxF "$s up" <<<"$known" || echo "$s" ;;
        esac
    done
    hosts=$(sql -e "select count(*) from nova_api.host_mappings" 2>/dev/null || echo 0)
    [ "$hosts" -ge $((1 + FAKE)) ] || echo "$((1 + FAKE - hosts)) hypervisors"
}

ready_wait() {
    local i left s
    for ((i = 0; i < 240; i++)); do
        left=$(awaited)
        [ -n "$left" ] || return 0
        for s in $(services); do daemon_alive "$s" || daemon_died "$s" "it ended"; done
        sleep 0.5
    done
    die "not ready after all this time: ${left//$'\n'/, }" "logs: $STATE/log"
}

# health SERVICE AGENTS: one word, or more where something is wrong.
health() {
    local code port
    daemon_alive "$1" || { echo down; return; }
    port=$(port_of "$1")
    case $1 in
        mariadb) sql -e 'select 1' >/dev/null 2>&1 && echo ok || echo "no answer" ;;
        libvirtd) virsh_inside version >/dev/null 2>&1 && echo ok || echo "no answer" ;;
        ovs-vswitchd) vsctl --timeout=3 show >/dev/null 2>&1 && echo ok || echo "no answer" ;;
        rabbitmq) inside bash -c "exec 3<>/dev/tcp/$API_ADDRESS/$port" 2>/dev/null && echo ok || echo "no answer" ;;
        nova-conductor | nova-scheduler | nova-compute | neutron-*-agent | cinder-scheduler | cinder-volume)
            if grep -qxF "$1 up" <<<"$2"; then echo ok; elif grep -qxF "$1 down" <<<"$2"; then echo "silent"; else echo unknown; fi ;;
        *)
            [ -n "$port" ] || { echo ok; return; }
            code=$(http_code "$port")
            case $code in [234]??) echo ok ;; 000) echo "no answer" ;; *) echo "HTTP $code" ;; esac ;;
    esac
}

status() {
    settings_need
    local s h known='' rc=0 memory total=0 rows=()
    [[ $OUTPUT =~ ^(|json)$ ]] || die "-o takes json, not $OUTPUT"
    if daemon_alive keystone && token_get admin admin admin 2>/dev/null; then known=$(agents 2>/dev/null || true); fi
    for s in $(services); do
        h=$(health "$s" "$known")
        [ "$h" = ok ] || rc=1
        memory=$(daemon_memory "$s")
        total=$((total + memory))
        rows+=("$s"$'\t'"$(daemon_alive "$s" && cat "$RUN/$s.pid" || echo 0)"$'\t'"$memory"$'\t'"$h")
    done
    memory=$(servers_memory)
    if [ "$OUTPUT" = json ]; then
        printf '%s\n' "${rows[@]}" | jq -R -s --arg name "$NAME" --arg keystone "$(url keystone)" --arg virt "$VIRT_TYPE" --argjson servers "$memory" '
            {name: $name, keystone: $keystone, virtType: $virt, serversMemoryKiB: $servers,
             services: [split("\n")[] | select(. != "") | split("\t") | {name: .[0], pid: (.[1] | tonumber | if . == 0 then null else . end),
                 memoryKiB: (.[2] | tonumber), health: .[3]}]} | .memoryKiB = ([.services[].memoryKiB] | add)'
    else
        printf '%s\n' "${rows[@]}" | awk -F'\t' '{printf "%-26s %8s %7.0f MiB  %s\n", $1, $2 == 0 ? "-" : $2, $3 / 1024, $4}'
        printf '%-26s %8s %7.0f MiB  and servers %.0f MiB\n' all '' "$((total / 1024))" "$((memory / 1024))"
    fi
    return $rc
}

# The servers' QEMU processes, which are in no daemon's session.
servers_memory() {
    local p n=0 m
    for p in $(processes_ours); do
        [[ $(cat "/proc/$p/comm" 2>/dev/null) = qemu-system* ]] || continue
        m=$(awk '/^Pss:/ {print $2}' "/proc/$p/smaps_rollup" 2>/dev/null || echo 0)
        n=$((n + m))
    done
    echo "$n"
}

report() {
    cat >&2 <<EOT

lab $NAME is up after $SECONDS s: Keystone at $(url keystone), servers by $VIRT_TYPE, Open vSwitch datapath $DATAPATH
  eval "\$($0 env${NAMED})"      OpenStack's clients find it
  deploy/quickstart --vim openstack                the sample service on it, or by hand, where the services run:
  mano vim add openstack --clouds-yaml $RUN/clouds.yaml --cloud mano${NOTIFICATIONS:+ --notifications-url-file $RUN/notifications-url}
  $0 down${NAMED}
EOT
}
