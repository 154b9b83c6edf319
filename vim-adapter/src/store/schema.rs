//! The tables.

use db::Migration;

/// An applied migration is never edited; a change is the next version.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "resources",
        sql: &[
            // `last_event` numbers the VIM's events; updating it is also how a transaction takes its turn.
            "CREATE TABLE vim (id TEXT PRIMARY KEY, spec TEXT NOT NULL, last_event BIGINT NOT NULL)",
            // `seen_event` is the last event of the agent that was handled, of the agent's incarnation `incarnation`.
            "CREATE TABLE host (vim_id TEXT NOT NULL, name TEXT NOT NULL, spec TEXT NOT NULL, info TEXT, \
         incarnation TEXT, seen_event BIGINT NOT NULL, PRIMARY KEY (vim_id, name))",
            "CREATE TABLE network (vim_id TEXT NOT NULL, id TEXT NOT NULL, spec TEXT NOT NULL, state TEXT NOT NULL, \
         problem TEXT, vim_resource_id TEXT, PRIMARY KEY (vim_id, id))",
            "CREATE TABLE subnet (vim_id TEXT NOT NULL, id TEXT NOT NULL, network_id TEXT NOT NULL, spec TEXT NOT NULL, \
         state TEXT NOT NULL, problem TEXT, vim_resource_id TEXT, PRIMARY KEY (vim_id, id))",
            "CREATE INDEX subnet_by_network ON subnet (vim_id, network_id)",
            // Slots from `first` up to `low` (without it) are all taken.
            "CREATE TABLE address_range (vim_id TEXT NOT NULL, subnet_id TEXT NOT NULL, first BIGINT NOT NULL, \
         last BIGINT NOT NULL, low BIGINT NOT NULL, PRIMARY KEY (vim_id, subnet_id, first))",
            // `slot` is absent for an address too far into its block to be given out automatically.
            "CREATE TABLE address (vim_id TEXT NOT NULL, subnet_id TEXT NOT NULL, ip TEXT NOT NULL, slot BIGINT, \
         port_id TEXT NOT NULL, PRIMARY KEY (vim_id, subnet_id, ip))",
            "CREATE INDEX address_by_slot ON address (vim_id, subnet_id, slot)",
            "CREATE INDEX address_by_port ON address (vim_id, port_id)",
            "CREATE TABLE port (vim_id TEXT NOT NULL, id TEXT NOT NULL, network_id TEXT NOT NULL, spec TEXT NOT NULL, \
         mac TEXT NOT NULL, addresses TEXT NOT NULL, compute_id TEXT, is_up BIGINT NOT NULL, state TEXT NOT NULL, \
         problem TEXT, vim_resource_id TEXT, PRIMARY KEY (vim_id, id))",
            "CREATE UNIQUE INDEX port_by_mac ON port (vim_id, network_id, mac)",
            "CREATE INDEX port_by_compute ON port (vim_id, compute_id)",
            "CREATE TABLE volume (vim_id TEXT NOT NULL, id TEXT NOT NULL, spec TEXT NOT NULL, size_bytes BIGINT NOT NULL, \
         host TEXT, compute_id TEXT, state TEXT NOT NULL, problem TEXT, vim_resource_id TEXT, \
         PRIMARY KEY (vim_id, id))",
            "CREATE INDEX volume_by_compute ON volume (vim_id, compute_id)",
            "CREATE TABLE image (vim_id TEXT NOT NULL, id TEXT NOT NULL, spec TEXT NOT NULL, state TEXT NOT NULL, \
         problem TEXT, size_bytes BIGINT, virtual_size_bytes BIGINT, vim_resource_id TEXT, PRIMARY KEY (vim_id, id))",
            "CREATE TABLE affinity_group (vim_id TEXT NOT NULL, id TEXT NOT NULL, spec TEXT NOT NULL, \
         vim_resource_id TEXT, PRIMARY KEY (vim_id, id))",
            "CREATE TABLE affinity_member (vim_id TEXT NOT NULL, group_id TEXT NOT NULL, compute_id TEXT NOT NULL, \
         PRIMARY KEY (vim_id, group_id, compute_id))",
            "CREATE INDEX member_by_compute ON affinity_member (vim_id, compute_id)",
            // `phase` is how far the driver has told the VIM; `wanted` counts changes of what is wanted, so that an answer to
            // an older request does not end a newer one; `sent` says that the VIM may have heard of it at all.
            "CREATE TABLE compute (vim_id TEXT NOT NULL, id TEXT NOT NULL, spec TEXT NOT NULL, state TEXT NOT NULL, \
         problem TEXT, host TEXT, zone TEXT, image_id TEXT, vcpus BIGINT NOT NULL, memory_bytes BIGINT NOT NULL, \
         disk_bytes BIGINT NOT NULL, phase TEXT NOT NULL, wanted BIGINT NOT NULL, sent BIGINT NOT NULL, \
         machine TEXT, machine_at BIGINT NOT NULL, machine_problem TEXT, vim_resource_id TEXT, \
         changed_at BIGINT NOT NULL, PRIMARY KEY (vim_id, id))",
            "CREATE INDEX compute_by_phase ON compute (vim_id, phase, host)",
            // Holds all that is summed up for the scheduler.
            "CREATE INDEX compute_by_host ON compute (vim_id, host, vcpus, memory_bytes, disk_bytes)",
            // What a host that did not answer is still to remove.
            "CREATE TABLE host_garbage (vim_id TEXT NOT NULL, host TEXT NOT NULL, image_id TEXT NOT NULL, \
         PRIMARY KEY (vim_id, host, image_id))",
            "CREATE TABLE event (vim_id TEXT NOT NULL, seq BIGINT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (vim_id, seq))",
        ],
    },
    Migration {
        version: 2,
        name: "trace",
        // The request that wanted it last, so that what is told to a host later bears its trace id.
        sql: &["ALTER TABLE compute ADD COLUMN trace TEXT"],
    },
    Migration {
        version: 3,
        name: "config drive",
        // First-boot data as the machine was made with, which stays when its ports change.
        sql: &["ALTER TABLE compute ADD COLUMN config_drive TEXT"],
    },
    Migration {
        version: 4,
        name: "snapshots",
        sql: &[
            "CREATE TABLE snapshot (vim_id TEXT NOT NULL, id TEXT NOT NULL, spec TEXT NOT NULL, compute_id TEXT NOT NULL, \
         host TEXT, state TEXT NOT NULL, problem TEXT, consistency TEXT, volumes TEXT NOT NULL, size_bytes BIGINT NOT NULL, \
         phase TEXT NOT NULL, vim_resource_id TEXT, trace TEXT, PRIMARY KEY (vim_id, id))",
            "CREATE INDEX snapshot_by_phase ON snapshot (vim_id, phase, host)",
            // The return to a snapshot that the VIM said happened last.
            "ALTER TABLE compute ADD COLUMN reverted TEXT",
        ],
    },
    Migration {
        version: 5,
        name: "images by name",
        // `name` is the specification's, filled in for earlier images when the store is opened.
        sql: &[
            "ALTER TABLE image ADD COLUMN name TEXT",
            "ALTER TABLE image ADD COLUMN sha512 TEXT",
            "CREATE INDEX image_by_name ON image (vim_id, name)",
        ],
    },
    Migration {
        version: 6,
        name: "secrets",
        // Sealed for the VIM; `spec` never holds a secret.
        sql: &["ALTER TABLE vim ADD COLUMN secret TEXT"],
    },
    Migration {
        version: 7,
        name: "allowances",
        // `part` is a host's name, or empty for the VIM as a whole.
        sql: &["CREATE TABLE allowance (vim_id TEXT NOT NULL, part TEXT NOT NULL, noted TEXT NOT NULL, \
         PRIMARY KEY (vim_id, part))"],
    },
    Migration { version: 8, name: "floating addresses", sql: &["ALTER TABLE port ADD COLUMN floating_address TEXT"] },
];
