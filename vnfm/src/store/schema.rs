//! The tables of the VNFM besides those of the engine.

use db::Migration;

/// Migrations of component `vnfm`.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "event positions and resources",
        sql: &[
            "CREATE TABLE vi_position (endpoint TEXT NOT NULL, vim TEXT NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY (endpoint, vim))",
            "CREATE TABLE vnf_resource (instance TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (instance, id))",
        ],
    },
    Migration { version: 2, name: "VNF instances", sql: service::collection_ddl!("vnf_instance") },
    Migration { version: 3, name: "VNF LCM operation occurrences", sql: service::collection_ddl!("vnf_lcm_op_occ") },
    Migration {
        version: 4,
        name: "what instances are made by",
        sql: &[
            "CREATE TABLE vnf_facts (instance TEXT NOT NULL PRIMARY KEY, document TEXT NOT NULL)",
            "ALTER TABLE vnf_resource ADD COLUMN place BIGINT NOT NULL DEFAULT 0",
        ],
    },
];
