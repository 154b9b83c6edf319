//! The journal's tables.

use db::Migration;

/// Component name under which the migrations are counted.
pub(crate) const COMPONENT: &str = "lcm";

pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "journal",
        sql: &[
            // `active`: an executor has work with it. `due_at`: when to look at it for another reason than a step's
            // `next_at`. `fence`: grows with each claim.
            "CREATE TABLE lcm_operation (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            subject TEXT NOT NULL,
            state TEXT NOT NULL,
            state_entered BIGINT NOT NULL,
            created_at BIGINT NOT NULL,
            updated_at BIGINT NOT NULL,
            params TEXT NOT NULL,
            error TEXT,
            cancel_mode TEXT,
            traceparent TEXT,
            automatic BIGINT NOT NULL,
            version BIGINT NOT NULL,
            finished BIGINT NOT NULL,
            active BIGINT NOT NULL,
            due_at BIGINT NOT NULL,
            lease_owner TEXT,
            lease_incarnation TEXT,
            lease_expires BIGINT NOT NULL,
            fence BIGINT NOT NULL
        )",
            // The guard behind "one unfinished operation per subject".
            "CREATE UNIQUE INDEX lcm_operation_unfinished ON lcm_operation (subject) WHERE finished = 0",
            "CREATE INDEX lcm_operation_claim ON lcm_operation (active, lease_expires)",
            "CREATE INDEX lcm_operation_created ON lcm_operation (created_at, id)",
            "CREATE TABLE lcm_step (
            op_id TEXT NOT NULL REFERENCES lcm_operation (id) ON DELETE CASCADE,
            step_key TEXT NOT NULL,
            ordinal BIGINT NOT NULL,
            kind TEXT NOT NULL,
            title TEXT NOT NULL,
            params TEXT NOT NULL,
            after_keys TEXT NOT NULL,
            starting BIGINT NOT NULL,
            state TEXT NOT NULL,
            attempt BIGINT NOT NULL,
            next_at BIGINT,
            wake_key TEXT,
            note TEXT,
            memo TEXT,
            output TEXT,
            error TEXT,
            started_at BIGINT,
            finished_at BIGINT,
            PRIMARY KEY (op_id, step_key)
        )",
            "CREATE INDEX lcm_step_wake ON lcm_step (wake_key) WHERE wake_key IS NOT NULL",
            "CREATE INDEX lcm_step_next ON lcm_step (next_at) WHERE next_at IS NOT NULL",
            "CREATE TABLE lcm_event (
            op_id TEXT NOT NULL REFERENCES lcm_operation (id) ON DELETE CASCADE,
            version BIGINT NOT NULL,
            n BIGINT NOT NULL,
            at BIGINT NOT NULL,
            step_key TEXT,
            event TEXT NOT NULL,
            attempt BIGINT NOT NULL,
            started BIGINT,
            detail TEXT,
            fence BIGINT NOT NULL,
            PRIMARY KEY (op_id, version, n)
        )",
            // A row is where a wake and a step that begins to wait meet, whichever comes first: see wake.rs.
            "CREATE TABLE lcm_wake (
            wake_key TEXT PRIMARY KEY,
            pending BIGINT NOT NULL,
            at BIGINT NOT NULL
        )",
        ],
    },
    Migration {
        version: 2,
        name: "operations of one subject, and those that are not finished, in order",
        sql: &[
            "CREATE INDEX lcm_operation_subject ON lcm_operation (subject, created_at, id)",
            "CREATE INDEX lcm_operation_open ON lcm_operation (created_at, id) WHERE finished = 0",
        ],
    },
];
