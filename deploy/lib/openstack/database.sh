# shellcheck shell=bash
# MariaDB with the schema of every service. Migrations take minutes, so the migrated, still empty databases are kept as
# they lay on the disk, under the versions of the packages that made them; they hold no password.

DATABASES=(keystone:keystone glance:glance placement:placement nova:nova_api nova:nova nova:nova_cell0 neutron:neutron cinder:cinder)

sql() { mariadb --no-defaults --batch --skip-column-names --socket="$RUN/mysqld/mysqld.sock" -uroot "$@"; }

mariadb_command() {
    local user
    user=$(user_for mysql)
    COMMAND_LINE=(mariadbd --no-defaults "--user=$user" "--datadir=$STATE/mysql" --socket=/run/mysqld/mysqld.sock
        "--pid-file=$STATE/mysql/mariadb.pid" --skip-networking --max-connections=500 --skip-log-bin --performance-schema=OFF
        --character-set-server=utf8mb3 --innodb-file-per-table=0 --innodb-buffer-pool-size=96M --innodb-log-file-size=48M
        --innodb-flush-log-at-trx-commit=2 --thread-cache-size=64 --table-open-cache=1000 --key-buffer-size=1M "$@")
}

mariadb_wait() {
    local i
    for ((i = 0; i < 300; i++)); do
        if sql -e 'select 1' >/dev/null 2>&1; then return; fi
        if [ $i -gt 20 ] && ! daemon_alive mariadb; then break; fi
        sleep 0.1
    done
    daemon_died mariadb "it does not answer"
}

# The users and what they may; a template has none.
databases_grant() {
    local entry owner
    {
        for owner in keystone glance placement nova neutron cinder; do
            echo "create or replace user '$owner'@'localhost' identified by '$(secret "db-$owner")';"
        done
        for entry in "${DATABASES[@]}"; do
            echo "grant all on \`${entry#*:}\`.* to '${entry%:*}'@'localhost';"
        done
    } | sql
}

# One name for what the schema depends on.
template_name() {
    local packages
    packages=$(dpkg-query -W -f '${Package} ${Version}\n' mariadb-server-core keystone glance-common placement-common nova-common neutron-common cinder-common 2>/dev/null)
    # shellcheck source=/dev/null
    sha256sum <<<"$packages $(cat "$HERE/lib/openstack/database.sh")" | cut -c1-16
}

# migrate NAME COMMAND...: one service's schema.
migrate() {
    local name=$1 began=$SECONDS
    shift
    if ! inside "${CLEAN[@]}" "$@" </dev/null >"$STATE/log/migrate-$name.log" 2>&1; then
        tail -8 "$STATE/log/migrate-$name.log" >&2
        say "  the schema of $name could not be made; the end of its log is above, all of it in $STATE/log/migrate-$name.log"
        return 1
    fi
    say "  schema of $name: $((SECONDS - began)) s"
}

migrate_nova() {
    local manage=(nova-manage --config-file "$STATE/etc/nova/nova.conf")
    migrate nova_api "${manage[@]}" api_db sync || return 1
    # Where cells are is told by templates, which each service fills in from its own configuration.
    # shellcheck disable=SC2016
    sql nova_api <<'SQL' || return 1
insert into cell_mappings (created_at, uuid, name, transport_url, database_connection, disabled) values
  (now(), '00000000-0000-0000-0000-000000000000', 'cell0', 'none:///', '{scheme}://{username}:{password}@{hostname}/nova_cell0?{query}', 0),
  (now(), uuid(), 'cell1', '{scheme}://{username}:{password}@{hostname}:{port}/', '{scheme}://{username}:{password}@{hostname}/nova?{query}', 0);
SQL
    migrate nova "${manage[@]}" db sync
}

# Two at a time, the longest first: neutron beside all others.
databases_migrate() {
    local entry others
    for entry in "${DATABASES[@]}"; do echo "create database \`${entry#*:}\` character set utf8mb3;"; done | sql
    databases_grant
    (
        migrate_nova &&
            migrate cinder cinder-manage --config-file "$STATE/etc/cinder/cinder.conf" db sync &&
            migrate placement placement-manage --config-file "$STATE/etc/placement/placement.conf" db sync
    ) &
    others=$!
    migrate neutron neutron-db-manage --config-file "$STATE/etc/neutron/neutron.conf" --config-file "$STATE/etc/neutron/ml2.ini" upgrade heads &&
        migrate keystone keystone-manage --config-file "$STATE/etc/keystone/keystone.conf" db_sync &&
        migrate glance glance-manage --config-file "$STATE/etc/glance/glance-api.conf" db_sync || { wait $others || true; return 1; }
    wait $others
}

mariadb_up() {
    local template user
    template=$CACHE/databases-$(template_name)
    user=$(user_for mysql)
    mkdir -p "$RUN/mysqld"
    chown "$user" "$RUN/mysqld"
    if [ ! -e "$STATE/mysql/complete" ]; then
        daemon_stop mariadb 1
        rm -rf "$STATE/mysql"
        if [ -e "$template/complete" ]; then
            cp -a --reflink=auto --sparse=always "$template" "$STATE/mysql"
            chown -R "$user" "$STATE/mysql"
        else
            databases_make "$template" "$user"
        fi
    fi
    daemon_alive mariadb && return
    mariadb_command
    daemon_start mariadb root "${COMMAND_LINE[@]}"
    mariadb_wait
    databases_grant
}

databases_make() {
    local template=$1 user=$2
    step "making the databases' schemas: minutes, once for these packages"
    mkdir -p "$STATE/mysql"
    chown "$user" "$STATE/mysql"
    inside mariadb-install-db --no-defaults "--user=$user" "--datadir=$STATE/mysql" --innodb-file-per-table=0 --skip-test-db \
        --auth-root-authentication-method=socket >"$STATE/log/mariadb-install.log" 2>&1 ||
        die "mariadb-install-db failed" "its words are in $STATE/log/mariadb-install.log"
    # What is made now can be made again: nothing waits for the disk.
    mariadb_command --innodb-flush-log-at-trx-commit=0 --skip-innodb-doublewrite
    daemon_start mariadb root "${COMMAND_LINE[@]}"
    mariadb_wait
    databases_migrate || die "the databases could not be made" "the reason is above; then: $0 up again"
    {
        local owner
        for owner in keystone glance placement nova neutron cinder; do echo "drop user '$owner'@'localhost';"; done
    } | sql
    daemon_stop mariadb
    touch "$STATE/mysql/complete"
    mkdir -p "$CACHE"
    touch "$CACHE/.openstack-lab"
    rm -rf "$CACHE"/databases-*
    cp -a --reflink=auto --sparse=always "$STATE/mysql" "$template.new"
    mv -T "$template.new" "$template"
}
