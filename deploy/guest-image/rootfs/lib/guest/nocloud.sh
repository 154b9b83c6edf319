# shellcheck shell=dash
# NoCloud: meta-data, user-data and network-config (version 2) in the drive's root, each JSON or plain YAML.

# to_json FILE: JSON as it is, YAML translated.
to_json() {
    case "$(sed -e '/^[[:space:]]*#/d' -e '/^---/d' -e '/^[[:space:]]*$/d' "$1" | head -n 1)" in
        '{'*) cat "$1" ;;
        *) awk -f /lib/guest/yaml.awk "$1" ;;
    esac
}

read_nocloud() {
    to_json "$1/meta-data" >/run/mano/meta-data.json
    jq -r '."local-hostname" // .hostname // ."instance-id" // empty' /run/mano/meta-data.json >/run/mano/hostname
    jq -r '(."public-keys" // {}) | if type == "string" then . elif type == "array" then .[] else .[] | (."openssh-key"? // .) end' \
        /run/mano/meta-data.json | sed '/^$/d' >/run/mano/authorized_keys
    [ ! -s "$1/user-data" ] || cp "$1/user-data" /run/mano/user-data
    if [ -s "$1/network-config" ]; then
        to_json "$1/network-config" >/run/mano/network-config.json
        jq -r -f /lib/guest/network-config.jq /run/mano/network-config.json >/run/mano/network.new &&
            mv /run/mano/network.new /run/mano/network
    fi
}
