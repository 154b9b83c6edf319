# shellcheck shell=dash
# What runs in the guest beside the user data.

# SSH with keys only, and only where keys were given. The host key is made at the first connection.
start_ssh() {
    [ -s /root/.ssh/authorized_keys ] || return
    mkdir -p /etc/dropbear
    dropbear -R -s -p 22 -P /run/dropbear.pid
}

# User data is run when it is a script. What it prints goes to the console and to /run/mano/user-data.log.
run_user_data() {
    [ -s /run/mano/user-data ] || return
    if [ "$(head -c 2 /run/mano/user-data)" != '#!' ]; then
        echo "user data is not a script (first bytes are not #!), it is kept in /run/mano/user-data"
        return
    fi
    chmod 700 /run/mano/user-data
    { /run/mano/user-data 2>&1 </dev/null; echo $? >/run/mano/user-data.status; } | tee /run/mano/user-data.log
    echo "USER-DATA exit=$(cat /run/mano/user-data.status)"
}

start_power_button() { acpid; }

# The QEMU guest agent, when the machine has its channel.
start_guest_agent() {
    for port in /sys/class/virtio-ports/*; do
        [ "$(cat "$port/name" 2>/dev/null)" != org.qemu.guest_agent.0 ] ||
            qemu-ga -d -m virtio-serial -p "/dev/${port##*/}" -t /run -f /run/qga.pid >/dev/null 2>&1
    done
}
