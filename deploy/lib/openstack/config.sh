# shellcheck shell=bash
# The configuration of each OpenStack service, in a folder of its own that only root and the service's user can read.
# Passwords are made per lab, lie in files, and reach the services by their configuration only.

# Variables in capitals come from openstack-lab.
# shellcheck disable=SC2153

# secret NAME: the lab's password for it, made when first asked for.
secret() {
    local file=$STATE/secrets/$1
    if [ ! -s "$file" ]; then
        (umask 077 && od -An -tx1 -N16 /dev/urandom | tr -d ' \n' >"$file")
    fi
    cat "$file"
}

url() {
    case $1 in
        keystone) echo "http://$API_ADDRESS:5000/v3" ;;
        glance) echo "http://$API_ADDRESS:9292" ;;
        placement) echo "http://$API_ADDRESS:8778" ;;
        nova) echo "http://$API_ADDRESS:8774/v2.1" ;;
        neutron) echo "http://$API_ADDRESS:9696" ;;
        cinder) echo "http://$API_ADDRESS:8776/v3/%(project_id)s" ;;
    esac
}

database_url() { echo "mysql+pymysql://$1:$(secret "db-$1")@localhost/$2?unix_socket=/run/mysqld/mysqld.sock&charset=utf8mb4"; }

# What several services are told in the same words.
section_password() {
    cat <<EOC
auth_type = password
auth_url = $(url keystone)
username = $1
password = $(secret "$1")
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = $REGION
EOC
}

section_token() {
    printf '[keystone_authtoken]\nwww_authenticate_uri = %s\nservice_token_roles = service\nservice_token_roles_required = true\n' "$(url keystone)"
    section_password "$1"
}

# Sections by which parts of a service run commands with rights.
section_privsep() {
    printf '[%s]\nhelper_command = privsep-helper\n' "$@"
}

section_messages() {
    cat <<EOC
[oslo_messaging_rabbit]
rabbit_retry_interval = 1
rabbit_retry_backoff = 1
heartbeat_in_pthread = false
kombu_reconnect_delay = 0.5
[oslo_messaging_notifications]
driver = ${1:-noop}
EOC
}
messages_url() { echo "rabbit://openstack:$(secret rabbitmq)@$API_ADDRESS:5672/"; }

# config_file USER FILE: standard input becomes STATE/etc/FILE, for root and that user.
config_file() {
    local to=$STATE/etc/$2
    mkdir -p "${to%/*}"
    (umask 077 && cat >"$to")
    if user_reaches "$1"; then
        chgrp "$(id -gn "$1")" "$to"
        chmod 0640 "$to"
    fi
}

# service_folder USER FOLDER...: below STATE, the user's own.
service_folder() {
    local user=$1 d
    shift
    for d in "$@"; do
        mkdir -p "$STATE/$d"
        chmod 0750 "$STATE/$d"
        if user_reaches "$user"; then chown "$user:$(id -gn "$user")" "$STATE/$d"; fi
    done
}

config_keystone() {
    service_folder keystone keystone/fernet keystone/credential
    local key
    for key in fernet/0 fernet/1 credential/0 credential/1; do
        [ ! -s "$STATE/keystone/$key" ] || continue
        (umask 077 && head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >"$STATE/keystone/$key")
        if user_reaches keystone; then chown keystone: "$STATE/keystone/$key"; fi
    done
    config_file keystone keystone/keystone.conf <<EOC
[DEFAULT]
use_stderr = true
[database]
connection = $(database_url keystone keystone)
[token]
provider = fernet
expiration = $TOKEN_LIFETIME
[fernet_tokens]
key_repository = $STATE/keystone/fernet
[fernet_receipts]
key_repository = $STATE/keystone/fernet
[credential]
key_repository = $STATE/keystone/credential
[cache]
enabled = true
backend = dogpile.cache.memory
expiration_time = 60
[identity]
password_hash_rounds = 4
EOC
}

config_glance() {
    service_folder glance glance glance/images glance/lock glance/tasks glance/staging
    config_file glance glance/glance-api.conf <<EOC
[DEFAULT]
use_stderr = true
bind_host = 0.0.0.0
workers = 0
enabled_backends = file:file
[glance_store]
default_backend = file
[file]
filesystem_store_datadir = $STATE/glance/images
[os_glance_tasks_store]
filesystem_store_datadir = $STATE/glance/tasks
[os_glance_staging_store]
filesystem_store_datadir = $STATE/glance/staging
[database]
connection = $(database_url glance glance)
[paste_deploy]
flavor = keystone
config_file = /etc/glance/glance-api-paste.ini
[oslo_concurrency]
lock_path = $STATE/glance/lock
$(section_token glance)
EOC
}

config_placement() {
    config_file placement placement/placement.conf <<EOC
[DEFAULT]
use_stderr = true
[placement_database]
connection = $(database_url placement placement)
[api]
auth_strategy = keystone
$(section_token placement)
EOC
}

# What the control services and the compute service have in common; the latter must know no database.
section_nova() {
    cat <<EOC
[DEFAULT]
use_stderr = true
host = $1
my_ip = $API_ADDRESS
transport_url = $(messages_url)
state_path = $STATE/nova
default_schedule_zone = nova
instances_path = $STATE/nova/instances
compute_driver = $2
enabled_apis = osapi_compute
osapi_compute_workers = 1
allow_resize_to_same_host = true
reserved_host_memory_mb = 0
reserved_host_disk_mb = 0
initial_cpu_allocation_ratio = $3
initial_ram_allocation_ratio = $4
initial_disk_allocation_ratio = 8.0
force_config_drive = true
report_interval = 10
service_down_time = 60
shutdown_timeout = 15
vif_plugging_timeout = 60
instance_usage_audit = false
[api]
auth_strategy = keystone
[conductor]
workers = 1
[scheduler]
workers = 1
discover_hosts_in_cells_interval = 5
[filter_scheduler]
enabled_filters = ComputeFilter,ComputeCapabilitiesFilter,ImagePropertiesFilter,ServerGroupAntiAffinityFilter,ServerGroupAffinityFilter,AggregateInstanceExtraSpecsFilter,NUMATopologyFilter
[vnc]
enabled = false
[libvirt]
virt_type = ${VIRT_TYPE/auto/qemu}
cpu_mode = $([ "$VIRT_TYPE" = kvm ] && echo host-model || echo none)
connection_uri = qemu:///system
nfs_mount_point_base = $STATE/nova/mnt
[vif_plug_ovs]
ovsdb_connection = unix:/run/openvswitch/db.sock
[os_vif_ovs]
ovsdb_connection = unix:/run/openvswitch/db.sock
[privsep]
$(section_privsep vif_plug_ovs_privileged os_brick_privileged nova_sys_admin)
[oslo_concurrency]
lock_path = $STATE/nova/lock
[wsgi]
api_paste_config = /etc/nova/api-paste.ini
[notifications]
notification_format = versioned
notify_on_state_change = vm_and_task_state
[glance]
service_type = image
$(section_password nova)
[placement]
$(section_password placement)
[neutron]
$(section_password neutron)
[cinder]
os_region_name = $REGION
catalog_info = volumev3::publicURL
$(section_password cinder)
[service_user]
send_service_user_token = true
$(section_password nova)
$(section_token nova)
$(section_messages "${NOTIFICATIONS:+messagingv2}")
EOC
}

config_nova() {
    service_folder nova nova/lock
    mkdir -p "$STATE/nova/instances" "$STATE/nova/mnt"
    chmod 0711 "$STATE/nova"
    {
        section_nova "$NAME" libvirt.LibvirtDriver 16.0 1.5
        printf '[api_database]\nconnection = %s\n' "$(database_url nova nova_api)"
        printf '[database]\nconnection = %s\nmax_pool_size = 5\nmax_overflow = 50\n' "$(database_url nova nova)"
    } | config_file nova nova/nova.conf
    section_nova "$NAME" libvirt.LibvirtDriver 16.0 1.5 | config_file root nova/nova-compute.conf
    section_nova fake fake.FakeDriver 4.0 1.0 | config_file nova nova/nova-fake.conf
}

config_neutron() {
    local plugins='' p drivers=openvswitch
    for p in router qos trunk; do has "$p" && plugins+=${plugins:+,}$p; done
    [ "$FAKE" = 0 ] || drivers+=,lab_fake
    service_folder neutron neutron/lock
    mkdir -p "$STATE/neutron"
    chmod 0711 "$STATE/neutron"
    config_file neutron neutron/neutron.conf <<EOC
[DEFAULT]
use_stderr = true
host = $NAME
core_plugin = ml2
service_plugins = $plugins
api_workers = 1
rpc_workers = 1
rpc_state_report_workers = 0
transport_url = $(messages_url)
state_path = $STATE/neutron
auth_strategy = keystone
api_paste_config = /etc/neutron/api-paste.ini
notify_nova_on_port_status_changes = true
notify_nova_on_port_data_changes = true
send_events_interval = 1
dhcp_agents_per_network = 1
agent_down_time = 75
[agent]
root_helper =
report_interval = 15
$(section_privsep privsep privsep_dhcp_release privsep_ovs_vsctl privsep_namespace privsep_conntrack privsep_link)
[database]
connection = $(database_url neutron neutron)
max_pool_size = 10
max_overflow = 50
[nova]
$(section_password nova)
[placement]
$(section_password placement)
[oslo_concurrency]
lock_path = $STATE/neutron/lock
$(section_token neutron)
$(section_messages)
EOC
    config_file neutron neutron/ml2.ini <<EOC
[ml2]
type_drivers = flat,vlan,vxlan
tenant_network_types = vxlan
mechanism_drivers = $drivers
extension_drivers = port_security$(has qos && echo ,qos)
[ml2_type_flat]
flat_networks = external,management
[ml2_type_vlan]
network_vlan_ranges = external:100:199,management:100:199
[ml2_type_vxlan]
vni_ranges = 1:4000
[securitygroup]
enable_security_group = true
firewall_driver = openvswitch
EOC
    config_file neutron neutron/openvswitch-agent.ini <<EOC
[ovs]
ovsdb_connection = unix:/run/openvswitch/db.sock
datapath_type = $DATAPATH
integration_bridge = br-int
bridge_mappings = external:br-ext,management:br-mgmt
local_ip = 127.0.0.1
[agent]
tunnel_types = vxlan
extensions = $(has qos && echo qos)
[securitygroup]
enable_security_group = true
firewall_driver = openvswitch
EOC
    # The userspace switch takes its own devices along when it ends; a pair of links outlives it.
    config_file neutron neutron/network-agents.ini <<EOC
[DEFAULT]
interface_driver = openvswitch
ovs_integration_bridge = br-int
ovs_use_veth = $([ "$DATAPATH" = netdev ] && echo true || echo false)
dhcp_driver = neutron.agent.linux.dhcp.Dnsmasq
num_sync_threads = 1
enable_isolated_metadata = false
force_metadata = false
enable_metadata_proxy = false
resync_interval = 5
agent_mode = legacy
[ovs]
datapath_type = $DATAPATH
ovsdb_connection = unix:/run/openvswitch/db.sock
EOC
}

config_cinder() {
    service_folder cinder cinder cinder/lock
    mkdir -p "$STATE/cinder/share" "$STATE/cinder/mnt"
    chmod 0711 "$STATE/cinder"
    printf '127.0.0.1:%s\n' "$STATE/cinder/share" | config_file cinder cinder/shares
    config_file cinder cinder/rootwrap.conf <<EOC
[DEFAULT]
filters_path = /etc/cinder/rootwrap.d,/usr/share/cinder/rootwrap
exec_dirs = $STATE/bin,/usr/sbin,/usr/bin,/sbin,/bin
EOC
    config_file cinder cinder/cinder.conf <<EOC
[DEFAULT]
use_stderr = true
host = $NAME
my_ip = $API_ADDRESS
transport_url = $(messages_url)
auth_strategy = keystone
state_path = $STATE/cinder
osapi_volume_workers = 1
enabled_backends = share
default_volume_type = __DEFAULT__
api_paste_config = /etc/cinder/api-paste.ini
resource_query_filters_file = /etc/cinder/resource_filters.json
rootwrap_config = $STATE/etc/cinder/rootwrap.conf
glance_api_servers = $(url glance)
service_down_time = 60
[share]
volume_driver = cinder.volume.drivers.nfs.NfsDriver
volume_backend_name = share
nfs_shares_config = $STATE/etc/cinder/shares
nfs_mount_point_base = $STATE/cinder/mnt
nfs_snapshot_support = true
nfs_qcow2_volumes = true
nas_secure_file_operations = false
nas_secure_file_permissions = false
$(section_privsep privsep privsep_osbrick cinder_sys_admin)
[database]
connection = $(database_url cinder cinder)
max_pool_size = 5
max_overflow = 50
[coordination]
backend_url = file://$STATE/cinder/lock
[oslo_concurrency]
lock_path = $STATE/cinder/lock
[nova]
$(section_password nova)
[service_user]
send_service_user_token = true
$(section_password cinder)
$(section_token cinder)
$(section_messages)
EOC
}

config_rabbitmq() {
    service_folder rabbitmq rabbitmq
    config_file rabbitmq rabbitmq/rabbitmq.conf <<EOC
listeners.tcp.1 = $API_ADDRESS:5672
default_user = openstack
default_pass = $(secret rabbitmq)
loopback_users = none
log.console = true
log.console.level = warning
log.file = false
vm_memory_high_watermark.absolute = 512MiB
disk_free_limit.absolute = 50MB
EOC
}

configure() {
    mkdir -p "$STATE/secrets"
    chmod 0700 "$STATE/secrets"
    # Lines that are spliced into others are made here, not in a subshell's subshell whose failure nobody sees.
    local s
    for s in admin mano mano-operator glance placement nova neutron cinder rabbitmq db-{keystone,glance,placement,nova,neutron,cinder}; do
        secret "$s" >/dev/null
    done
    config_keystone
    config_glance
    config_placement
    config_nova
    config_neutron
    config_rabbitmq
    if has cinder; then config_cinder; fi
}
