# shellcheck shell=dash
# OpenStack's config drive: openstack/latest/{meta_data.json,network_data.json,user_data}.

read_openstack() {
    cp "$1/meta_data.json" /run/mano/
    jq -r '.hostname // .name // .uuid // empty' "$1/meta_data.json" >/run/mano/hostname
    jq -r '(.public_keys // {}) | .[]' "$1/meta_data.json" | sed '/^$/d' >/run/mano/authorized_keys
    [ ! -f "$1/user_data" ] || cp "$1/user_data" /run/mano/user-data
    if [ -f "$1/network_data.json" ]; then
        cp "$1/network_data.json" /run/mano/
        jq -r -f /lib/guest/network_data.jq "$1/network_data.json" >/run/mano/network.new &&
            mv /run/mano/network.new /run/mano/network
    fi
}
