# shellcheck shell=bash
# What a fresh cloud needs before anybody can use it, asked of its own APIs: users, catalogue, networks, flavours.

# The administrator's account, by the one tool that needs no account.
identity_bootstrap() {
    [ ! -e "$STATE/keystone/bootstrapped" ] || return 0
    # shellcheck disable=SC2016
    inside "${CLEAN[@]}" bash -c 'OS_BOOTSTRAP_PASSWORD=$(<"$1"); export OS_BOOTSTRAP_PASSWORD; shift; exec "$@"' - "$STATE/secrets/admin" \
        keystone-manage --config-file "$STATE/etc/keystone/keystone.conf" bootstrap --bootstrap-region-id "$REGION" \
        --bootstrap-admin-url "$(url keystone)" --bootstrap-internal-url "$(url keystone)" --bootstrap-public-url "$(url keystone)" \
        >"$STATE/log/keystone-bootstrap.log" 2>&1 ||
        die "keystone-manage bootstrap failed: $(tail -n 1 "$STATE/log/keystone-bootstrap.log")" "all of it in $STATE/log/keystone-bootstrap.log"
    touch "$STATE/keystone/bootstrapped"
}

# token_get USER SECRET PROJECT: a token into the header file that api sends.
token_get() {
    local headers=$RUN/token.headers
    TOKEN=$RUN/token
    (
        umask 077
        jq -n --arg user "$1" --rawfile password "$STATE/secrets/$2" --arg project "$3" '{auth: {
            identity: {methods: ["password"], password: {user: {name: $user, domain: {id: "default"}, password: $password}}},
            scope: {project: {name: $project, domain: {id: "default"}}}}}' |
            in_api curl -sS -f --noproxy '*' -m 30 -o /dev/null -D "$headers" -H 'Content-Type: application/json' -d @- "$(url keystone)/auth/tokens" &&
            awk 'tolower($1) == "x-subject-token:" {sub(/\r$/, ""); print "X-Auth-Token: " $2}' "$headers" >"$TOKEN"
    )
    rm -f "$headers"
}

# api METHOD URL [BODY]: the answer's body; a refusal is printed and fails.
api() {
    local answer code body=()
    # A body may hold a password: it goes by standard input.
    [ $# -lt 3 ] || body=(-d @-)
    answer=$(printf '%s' "${3:-}" | in_api curl -sS --noproxy '*' -m 60 -w '\n%{http_code}' -X "$1" -H "@$TOKEN" -H 'Content-Type: application/json' \
        "${body[@]}" "$2") || { say "$1 $2: no answer"; return 1; }
    code=${answer##*$'\n'}
    answer=${answer%$'\n'*}
    case $code in
        2??) printf '%s' "$answer" ;;
        *) say "$1 $2: $code $answer"; return 1 ;;
    esac
}

# ensured URL PLURAL NAME BODY: the id of the one of that name, made when it is not there.
ensured() {
    local id
    id=$(api GET "$1?name=$3" | jq -r --arg p "$2" '.[$p][0].id // empty')
    [ -n "$id" ] || id=$(api POST "$1" "$4" | jq -r 'first(.[]).id')
    [ -n "$id" ] || return 1
    echo "$id"
}

user_body() {
    jq -n --arg name "$1" --rawfile password "$STATE/secrets/$1" --arg project "$2" \
        '{user: {name: $name, domain_id: "default", password: $password, default_project_id: $project}}'
}

# granted PROJECT USER ROLE
granted() { api PUT "$(url keystone)/projects/$1/users/$2/roles/$3" >/dev/null; }

identity_seed() {
    local k project role_admin role_member role_service user s
    k=$(url keystone)
    project=$(ensured "$k/projects" projects service '{"project": {"name": "service", "domain_id": "default"}}')
    role_service=$(ensured "$k/roles" roles service '{"role": {"name": "service"}}')
    role_admin=$(ensured "$k/roles" roles admin '{"role": {"name": "admin"}}')
    role_member=$(ensured "$k/roles" roles member '{"role": {"name": "member"}}')
    for s in glance placement nova neutron cinder; do
        case $s in cinder) has cinder || continue ;; esac
        user=$(ensured "$k/users" users "$s" "$(user_body "$s" "$project")")
        granted "$project" "$user" "$role_admin"
        granted "$project" "$user" "$role_service"
        catalogue_entry "$s"
    done
    project=$(ensured "$k/projects" projects mano '{"project": {"name": "mano", "domain_id": "default", "description": "What the demonstration runs in"}}')
    user=$(ensured "$k/users" users mano-operator "$(user_body mano-operator "$project")")
    granted "$project" "$user" "$role_admin"
    user=$(ensured "$k/users" users mano "$(user_body mano "$project")")
    granted "$project" "$user" "$role_member"
}

catalogue_entry() {
    local k type id interface
    k=$(url keystone)
    case $1 in
        glance) type=image ;;
        placement) type=placement ;;
        nova) type=compute ;;
        neutron) type=network ;;
        cinder) type=volumev3 ;;
    esac
    id=$(ensured "$k/services" services "$1" "$(jq -n --arg n "$1" --arg t $type '{service: {name: $n, type: $t}}')")
    local there
    there=$(api GET "$k/endpoints?service_id=$id" | jq -r '.endpoints[].interface')
    for interface in public internal admin; do
        [[ $there != *$interface* ]] || continue
        api POST "$k/endpoints" "$(jq -n --arg s "$id" --arg i $interface --arg u "$(url "$1")" --arg r "$REGION" \
            '{endpoint: {service_id: $s, interface: $i, url: $u, region_id: $r}}')" >/dev/null
    done
}

# An application credential of the user mano, for those who sign in by one: its id and secret are kept in files.
credential_seed() {
    [ ! -s "$STATE/secrets/credential-id" ] || return 0
    local user
    token_get mano mano mano
    user=$(in_api curl -sS -f --noproxy '*' -m 30 -H "@$TOKEN" -H "$(sed 's/^X-Auth/X-Subject/' "$TOKEN")" "$(url keystone)/auth/tokens" | jq -r .token.user.id)
    secret credential >/dev/null
    api POST "$(url keystone)/users/$user/application_credentials" \
        "$(jq -n --rawfile s "$STATE/secrets/credential" '{application_credential: {name: "mano", secret: $s}}')" |
        jq -j .application_credential.id >"$STATE/secrets/credential-id.new"
    mv "$STATE/secrets/credential-id.new" "$STATE/secrets/credential-id"
}

# The provider networks that the sample service stands on, for every project to use: an ordinary user may not make them. Both
# have DHCP, by which what is plugged into a running server learns its address.
networks_seed() {
    [ -z "$NO_NETWORKS" ] || return 0
    provider_network external "$OUTSIDE_CIDR" true
    provider_network management "$MGMT_CIDR" false
}

# The DHCP agent starts its helpers with rights for the first network that it serves. For several at once it may start one twice
# and then answer nobody: the first one is served alone, before anybody else asks.
dhcp_warm() {
    [ -z "$NO_NETWORKS" ] || return 0
    local n network port i
    n=$(url neutron)/v2.0
    network=$(api GET "$n/networks?name=management&fields=id" | jq -r '.networks[0].id')
    port=$(api POST "$n/ports" "$(jq -n --arg n "$network" '{port: {network_id: $n, name: "first"}}')" | jq -r .port.id)
    for ((i = 0; i < 120; i++)); do
        [ "$(api GET "$n/ports?network_id=$network&device_owner=network:dhcp&status=ACTIVE&fields=id" | jq '.ports | length')" = 0 ] || break
        sleep 0.25
    done
    api DELETE "$n/ports/$port" >/dev/null
}

# provider_network NAME CIDR-OF-THE-FAR-END EXTERNAL
provider_network() {
    local n id cidr base
    n=$(url neutron)/v2.0
    cidr=$(network_of "$2")
    base=${cidr%.*}
    id=$(ensured "$n/networks" networks "$1" "$(jq -n --arg n "$1" --argjson e "$3" '{network: {name: $n, shared: true, "router:external": $e,
        "provider:network_type": "flat", "provider:physical_network": $n}}')")
    ensured "$n/subnets" subnets "$1" "$(jq -n --arg n "$1" --arg id "$id" --arg c "$cidr" --arg b "$base" --arg g "${2%/*}" '{subnet: {
        name: $n, network_id: $id, ip_version: 4, cidr: $c, gateway_ip: (if $n == "external" then $g else null end), enable_dhcp: true,
        allocation_pools: [{start: "\($b).10", end: "\($b).199"}]}}')" >/dev/null
}

# The fake hypervisors are a zone of their own, so that no server that is to run comes to one; project mano may fill them.
fakes_seed() {
    local n zone project host
    n=$(url nova)
    zone=$(api POST "$n/os-aggregates" '{"aggregate": {"name": "fake", "availability_zone": "fake"}}' | jq -r .aggregate.id)
    while read -r host; do
        api POST "$n/os-aggregates/$zone/action" "$(jq -n --arg h "$host" '{add_host: {host: $h}}')" >/dev/null
    done < <(api GET "$n/os-services?binary=nova-compute" | jq -r '.services[].host | select(startswith("fake"))')
    project=$(api GET "$(url keystone)/projects?name=mano" | jq -r '.projects[0].id')
    api PUT "$n/os-quota-sets/$project" '{"quota_set": {"instances": -1, "cores": -1, "ram": -1}}' >/dev/null
}

FLAVOURS=("lab.small 1 192 1" "lab.medium 1 512 2" "lab.large 2 1024 4")
flavours_seed() {
    local there name vcpus ram disk f
    there=$(api GET "$(url nova)/flavors" | jq -r '.flavors[].name')
    for f in "${FLAVOURS[@]}"; do
        read -r name vcpus ram disk <<<"$f"
        if grep -qxF "$name" <<<"$there"; then continue; fi
        api POST "$(url nova)/flavors" "$(jq -n --arg n "$name" --argjson v "$vcpus" --argjson r "$ram" --argjson d "$disk" \
            '{flavor: {name: $n, vcpus: $v, ram: $r, disk: $d}}')" >/dev/null
    done
}

cloud_password() {
    cat <<EOC
  $1:
    auth:
      auth_url: $(url keystone)
      username: $2
      password: $(<"$STATE/secrets/$2")
      project_name: $3
      user_domain_name: Default
      project_domain_name: Default
    region_name: $REGION
    interface: public
    identity_api_version: 3
EOC
}

clouds_yaml() {
    (
        umask 077
        {
            printf '# The clouds of the lab %s, as OpenStack'"'"'s clients read them.\nclouds:\n' "$NAME"
            cloud_password admin admin admin
            cloud_password mano mano mano
            cloud_password mano-operator mano-operator mano
            cat <<EOC
  mano-credential:
    auth_type: v3applicationcredential
    auth:
      auth_url: $(url keystone)
      application_credential_id: $(<"$STATE/secrets/credential-id")
      application_credential_secret: $(<"$STATE/secrets/credential")
    region_name: $REGION
    interface: public
    identity_api_version: 3
EOC
        } >"$RUN/clouds.yaml.new"
        [ -z "$NOTIFICATIONS" ] || messages_url >"$RUN/notifications-url"
    )
    mv "$RUN/clouds.yaml.new" "$RUN/clouds.yaml"
}
