//! SQL and documents, one file per noun. Nothing here decides.

pub mod descriptors;
pub mod grants;
pub mod images;
pub mod ns;
pub mod nsds;
pub mod op_occs;
pub mod packages;
pub mod uses;
pub mod vims;
pub mod vnfs;

use db::Migration;

/// Name of the NFVO's tables among the components of a database.
pub const COMPONENT: &str = "nfvo";

/// The NFVO's tables.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "VIMs, VNF instances of NSs, images, grants",
        sql: &[
            "CREATE TABLE vim (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, created_at BIGINT NOT NULL)",
            "CREATE TABLE ns_vnf (vnf_instance_id TEXT PRIMARY KEY, ns_id TEXT NOT NULL, part TEXT NOT NULL, \
             vim_id TEXT NOT NULL, package_id TEXT NOT NULL, told_operation TEXT, told_at BIGINT)",
            "CREATE INDEX ns_vnf_ns ON ns_vnf (ns_id)",
            "CREATE INDEX ns_vnf_package ON ns_vnf (package_id)",
            "CREATE TABLE vim_image (vim_id TEXT NOT NULL, image_id TEXT NOT NULL, sha256 TEXT NOT NULL, \
             package_id TEXT NOT NULL, PRIMARY KEY (vim_id, image_id))",
            "CREATE TABLE grant_record (id TEXT PRIMARY KEY, vnf_lcm_op_occ_id TEXT NOT NULL UNIQUE, \
             operation_id TEXT, document TEXT NOT NULL, problem TEXT, created_at BIGINT NOT NULL)",
            "CREATE TABLE onboarded (kind TEXT NOT NULL, descriptor_id TEXT NOT NULL, owner_id TEXT NOT NULL, \
             enabled BIGINT NOT NULL, model TEXT NOT NULL, images TEXT NOT NULL, PRIMARY KEY (kind, descriptor_id))",
            "CREATE UNIQUE INDEX onboarded_owner ON onboarded (owner_id)",
            "CREATE TABLE ns_use (ns_id TEXT NOT NULL, used_id TEXT NOT NULL, PRIMARY KEY (ns_id, used_id))",
            "CREATE INDEX ns_use_used ON ns_use (used_id)",
        ],
    },
    Migration { version: 2, name: "NS instances", sql: service::collection_ddl!("ns_instance") },
    Migration { version: 3, name: "NS operation occurrences", sql: service::collection_ddl!("ns_lcm_op_occ") },
    Migration { version: 4, name: "VNF packages", sql: service::collection_ddl!("vnf_package") },
    Migration { version: 5, name: "NSDs", sql: service::collection_ddl!("nsd_info") },
    Migration {
        version: 6,
        name: "how far each VIM was heard",
        // `seen_event` is the last of its events that was handled, `resource_group` the one it told of last.
        sql: &[
            "ALTER TABLE vim ADD COLUMN seen_event BIGINT NOT NULL DEFAULT 0",
            "ALTER TABLE vim ADD COLUMN resource_group TEXT",
        ],
    },
];

/// A stored text that is no identifier: the database was changed by something else.
fn bad_id(text: &str) -> db::DbError {
    db::DbError::Sql(db::sqlx::Error::Decode(format!("{text:?} is stored where an identifier belongs").into()))
}

/// A stored text that cannot be read as what it should be.
fn unreadable(what: &str, error: &serde_json::Error) -> db::DbError {
    db::DbError::Sql(db::sqlx::Error::Decode(
        format!("{what} is stored in a form this release cannot read: {error}").into(),
    ))
}

fn id(text: &str) -> Result<uuid::Uuid, db::DbError> {
    text.parse().map_err(|_| bad_id(text))
}
