//! The client against a real ovsdb-server with the schemas of OVN's northbound database and of Open vSwitch.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::Duration;

use ovsdb::sync::{Level, bump_and_wait, transact_and_wait};
use ovsdb::{
    Atom, Change, Client, Condition, Endpoint, Error, Monitor, MonitorEvent, MonitorRequest, Options, Row, Value, op,
};
use support::{NB_SCHEMA, Server, VSWITCH_SCHEMA, quick};

const NB: &str = "OVN_Northbound";
const OVS: &str = "Open_vSwitch";

/// The next event that carries changes; lost sessions are passed over.
async fn changes(monitor: &mut Monitor) -> Vec<Change> {
    loop {
        match tokio::time::timeout(Duration::from_secs(20), monitor.next()).await.expect("an event").unwrap() {
            MonitorEvent::Synced(changes) | MonitorEvent::Changed(changes) => return changes,
            MonitorEvent::Lost(_) => {}
        }
    }
}

#[tokio::test]
async fn a_switch_with_a_port_is_made_read_changed_and_deleted() {
    let Some(server) = Server::start(NB_SCHEMA) else { return };
    let nb = server.connection();
    assert_eq!(nb.list_dbs().await.unwrap().iter().filter(|db| *db == NB).count(), 1);
    let made = nb
        .transact(
            NB,
            vec![
                op::insert("Logical_Switch_Port")
                    .uuid_name("p")
                    .set("name", "port-1")
                    .set("addresses", vec!["dynamic"])
                    .into(),
                op::insert("Logical_Switch")
                    .set("name", "blue")
                    .set("ports", Value::set([Atom::named("p")]))
                    .set("external_ids", Value::map([("owner", "test"), ("äöü", "\"\\\n")]))
                    .into(),
                op::comment("made by a test"),
            ],
        )
        .await
        .unwrap();
    let (port, switch) = (made[0].uuid().unwrap(), made[1].uuid().unwrap());

    let found = nb
        .transact(
            NB,
            vec![
                op::select("Logical_Switch")
                    .filter(Condition::includes("external_ids", Value::map([("owner", "test")])))
                    .into(),
            ],
        )
        .await
        .unwrap();
    let row = &found[0].rows()[0];
    assert_eq!(row.uuid().unwrap(), switch);
    assert_eq!(row.get::<Vec<uuid::Uuid>>("ports").unwrap(), [port]);
    assert_eq!(row.map_entry("external_ids", "äöü"), Some("\"\\\n"));

    let changed = nb
        .transact(
            NB,
            vec![
                op::mutate("Logical_Switch")
                    .filter(Condition::uuid(switch))
                    .set_key("external_ids", "owner", "other")
                    .into(),
                op::update("Logical_Switch_Port").filter(Condition::eq("name", "nobody")).set("enabled", false).into(),
            ],
        )
        .await
        .unwrap();
    assert_eq!((changed[0].count(), changed[1].count()), (1, 0));

    nb.transact(NB, vec![op::delete("Logical_Switch").filter(Condition::uuid(switch)).into()]).await.unwrap();
    // The port hung on the switch alone, so the server collected it.
    let left = nb.transact(NB, vec![op::select("Logical_Switch_Port").columns(["name"]).into()]).await.unwrap();
    assert!(left[0].rows().is_empty());
}

#[tokio::test]
async fn errors_name_operation_table_and_reason() {
    let Some(server) = Server::start(NB_SCHEMA) else { return };
    let nb = server.connection();
    let port = || op::insert("Logical_Switch_Port").set("name", "twice");
    let switch = |name: &'static str, port: &'static str| {
        op::insert("Logical_Switch").set("name", name).set("ports", Value::set([Atom::named(port)]))
    };
    nb.transact(NB, vec![port().uuid_name("p").into(), switch("a", "p").into()]).await.unwrap();

    let duplicate = nb.transact(NB, vec![port().uuid_name("p").into(), switch("b", "p").into()]).await.unwrap_err();
    assert!(duplicate.is_duplicate() && !duplicate.is_transient(), "{duplicate}");
    let Error::Operation(told) = &duplicate else { panic!("{duplicate}") };
    assert_eq!((told.index, told.table.as_deref()), (None, Some("Logical_Switch_Port")));
    assert!(duplicate.to_string().contains("twice"), "{duplicate}");

    let column = nb
        .transact(NB, vec![op::comment("x"), op::insert("Logical_Switch").set("nonsense", 1i64).into()])
        .await
        .unwrap_err();
    let Error::Operation(told) = &column else { panic!("{column}") };
    assert_eq!(
        (told.index, told.operation.as_str(), told.table.as_deref()),
        (Some(1), "insert", Some("Logical_Switch"))
    );

    let aborted =
        nb.transact(NB, vec![op::insert("Logical_Switch").set("name", "never").into(), op::abort()]).await.unwrap_err();
    assert!(aborted.to_string().contains("aborted"), "{aborted}");
    let guard = op::wait("Logical_Switch").filter(Condition::eq("name", "a")).columns(["name"]).until_equal([]);
    let guarded =
        nb.transact(NB, vec![guard.into(), op::insert("Logical_Switch").set("name", "a").into()]).await.unwrap_err();
    assert!(
        guarded.to_string().contains("operation 0 (wait)") && guarded.to_string().contains("timed out"),
        "{guarded}"
    );
    assert!(nb.transact(NB, vec![op::assert("nobody_holds_it")]).await.unwrap_err().to_string().contains("not owner"));
    let database = nb.transact("Nowhere", vec![op::select("T").into()]).await.unwrap_err();
    assert!(database.to_string().contains("unknown database"), "{database}");

    let rows = nb.transact(NB, vec![op::select("Logical_Switch").columns(["name"]).into()]).await.unwrap();
    assert_eq!(rows[0].rows().len(), 1, "no failed transaction left anything");
}

#[tokio::test]
async fn a_monitor_tells_the_snapshot_and_every_change() {
    let Some(server) = Server::start(NB_SCHEMA) else { return };
    let nb = server.connection();
    let insert = |name: &str| vec![op::insert("Logical_Switch").set("name", name).into()];
    let first = nb.transact(NB, insert("one")).await.unwrap()[0].uuid().unwrap();
    let mut monitor = nb.monitor(MonitorRequest::new(NB).table("Logical_Switch", &["name", "external_ids"]));
    let Ok(MonitorEvent::Synced(snapshot)) = monitor.next().await else { panic!("no snapshot") };
    assert!(matches!(&snapshot[..], [Change::Insert { uuid, .. }] if *uuid == first));

    let second = nb.transact(NB, insert("two")).await.unwrap()[0].uuid().unwrap();
    assert!(matches!(&changes(&mut monitor).await[..], [Change::Insert { uuid, row, .. }]
        if *uuid == second && row.get::<String>("name").unwrap() == "two"));
    nb.transact(
        NB,
        vec![op::mutate("Logical_Switch").filter(Condition::uuid(first)).set_key("external_ids", "k", "v").into()],
    )
    .await
    .unwrap();
    assert!(matches!(&changes(&mut monitor).await[..], [Change::Modify { old, new, .. }]
        if old.map_entry("external_ids", "k").is_none() && new.map_entry("external_ids", "k") == Some("v")));
    nb.transact(NB, vec![op::delete("Logical_Switch").filter(Condition::uuid(second)).into()]).await.unwrap();
    assert!(matches!(&changes(&mut monitor).await[..], [Change::Delete { uuid, .. }] if *uuid == second));
    assert_eq!(monitor.table("Logical_Switch").count(), 1);

    let refused = nb.monitor(MonitorRequest::new(NB).table("No_Such_Table", &[])).next().await.unwrap_err();
    assert!(refused.to_string().contains("No_Such_Table"), "{refused}");
}

#[tokio::test]
async fn a_conditional_monitor_sees_only_its_rows_and_patches_differences() {
    let Some(server) = Server::start(VSWITCH_SCHEMA) else { return };
    let ovs = server.connection();
    let root = ovs.transact(OVS, vec![op::insert("Open_vSwitch").into()]).await.unwrap()[0].uuid().unwrap();
    let bridge = |name: &'static str| {
        vec![
            op::insert("Bridge").uuid_name("b").set("name", name).into(),
            op::mutate("Open_vSwitch")
                .filter(Condition::uuid(root))
                .add_to("bridges", Value::set([Atom::named("b")]))
                .into(),
        ]
    };
    let request = MonitorRequest::new(OVS)
        .table("Bridge", &["name", "external_ids", "flood_vlans", "datapath_id"])
        .filter("Bridge", Condition::eq("name", "br-int"));
    let mut monitor = ovs.monitor(request);
    assert!(changes(&mut monitor).await.is_empty());
    ovs.transact(OVS, bridge("br-other")).await.unwrap();
    ovs.transact(OVS, bridge("br-int")).await.unwrap();
    assert_eq!(changes(&mut monitor).await.len(), 1);

    let update = |row: Row| {
        let mut update = op::update("Bridge").filter(Condition::eq("name", "br-int"));
        for (column, value) in row.iter() {
            update = update.set(column, value.clone());
        }
        vec![update.into()]
    };
    let first =
        Row::new().with("external_ids", Value::map([("a", "1"), ("b", "2")])).with("flood_vlans", vec![1i64, 2]);
    let second = Row::new()
        .with("external_ids", Value::map([("a", "9"), ("c", "3")]))
        .with("flood_vlans", vec![2i64, 3])
        .with("datapath_id", "00");
    for row in [first, second] {
        ovs.transact(OVS, update(row.clone())).await.unwrap();
        let told = changes(&mut monitor).await;
        let [Change::Modify { new, .. }] = &told[..] else { panic!("{told:?}") };
        for (column, value) in row.iter() {
            assert_eq!(new.value(column), Some(value), "{column}");
        }
    }
}

#[tokio::test]
async fn a_restart_of_the_server_during_a_monitor_yields_what_changed_meanwhile() {
    let Some(mut server) = Server::start(NB_SCHEMA) else { return };
    let nb = server.connection();
    let insert = |name: &str| vec![op::insert("Logical_Switch").set("name", name).into()];
    nb.transact(NB, insert("stays")).await.unwrap();
    let goes = nb.transact(NB, insert("goes")).await.unwrap()[0].uuid().unwrap();
    let mut monitor = nb.monitor(MonitorRequest::new(NB).table("Logical_Switch", &["name"]));
    assert_eq!(changes(&mut monitor).await.len(), 2);

    server.down();
    assert!(matches!(monitor.next().await, Ok(MonitorEvent::Lost(_))));
    assert_eq!(monitor.table("Logical_Switch").count(), 2, "the copy stays readable");
    let refused = Client::connect(&server.endpoint(), Options::default()).await.unwrap_err();
    assert!(refused.to_string().contains("cannot connect"), "{refused}");

    server.up();
    // A second connection changes the database; whether before or after the monitor is back, it is told exactly once.
    let other = server.connection();
    other.transact(NB, vec![op::delete("Logical_Switch").filter(Condition::uuid(goes)).into()]).await.unwrap();
    other.transact(NB, insert("new")).await.unwrap();
    let mut told = Vec::new();
    while told.len() < 2 {
        told.extend(changes(&mut monitor).await);
    }
    assert!(told.iter().any(|c| matches!(c, Change::Delete { uuid, .. } if *uuid == goes)), "{told:?}");
    assert!(
        told.iter().any(|c| matches!(c, Change::Insert { row, .. } if row.get::<String>("name").unwrap() == "new"))
    );
    assert_eq!(told.len(), 2, "the row that stayed is not told again: {told:?}");
    nb.transact(NB, insert("after")).await.unwrap();
}

#[tokio::test]
async fn a_reader_that_falls_behind_gets_a_new_snapshot() {
    let Some(server) = Server::start(NB_SCHEMA) else { return };
    let nb = ovsdb::Connection::open(server.endpoint(), Options { max_queued_updates: 2, ..quick() });
    let mut monitor = nb.monitor(MonitorRequest::new(NB).table("Logical_Switch", &["name"]));
    assert!(changes(&mut monitor).await.is_empty());
    for n in 0..20 {
        nb.transact(NB, vec![op::insert("Logical_Switch").set("name", format!("s{n}")).into()]).await.unwrap();
    }
    let mut told = 0;
    while told < 20 {
        told += changes(&mut monitor).await.len();
    }
    assert_eq!((told, monitor.table("Logical_Switch").count()), (20, 20));
}

#[tokio::test]
async fn waiting_for_a_level_ends_when_the_other_side_has_counted_up() {
    for (schema, level, wait) in [
        (VSWITCH_SCHEMA, Level::Switch, "cur_cfg"),
        (NB_SCHEMA, Level::Southbound, "sb_cfg"),
        (NB_SCHEMA, Level::Hypervisors, "hv_cfg"),
    ] {
        let Some(server) = Server::start(schema) else { return };
        let connection = server.connection();
        let (db, table, bump) = match level {
            Level::Switch => (OVS, "Open_vSwitch", "next_cfg"),
            _ => (NB, "NB_Global", "nb_cfg"),
        };
        connection.transact(db, vec![op::insert(table).into()]).await.unwrap();
        let late = bump_and_wait(&connection, level, Duration::from_millis(50)).await.unwrap_err();
        assert!(late.to_string().contains(wait) && late.is_transient(), "{late}");

        // Plays the daemon: whatever is asked for is done.
        let daemon = server.connection();
        let follow = async {
            let mut asked = daemon.monitor(MonitorRequest::new(db).table(table, &[bump]));
            loop {
                for change in changes(&mut asked).await {
                    if let Change::Insert { row, .. } | Change::Modify { new: row, .. } = change {
                        let number: i64 = row.get(bump).unwrap();
                        if number >= 2 {
                            daemon.transact(db, vec![op::update(table).set(wait, number).into()]).await.unwrap();
                        }
                    }
                }
            }
        };
        let ids = op::mutate(table).set_key("external_ids", "k", "v").into();
        let work = transact_and_wait(&connection, level, vec![ids], Duration::from_secs(20));
        let results = tokio::select! { done = work => done.unwrap(), () = follow => unreachable!() };
        assert_eq!(results.len(), 1, "only the results of what was asked");
        assert_eq!(results[0].count(), 1);
    }
}

#[tokio::test]
async fn the_server_is_reached_over_tcp_and_its_probe_is_answered() {
    let Some(server) = Server::start(NB_SCHEMA) else { return };
    // The Unix socket answers only after the log has told the port.
    server.connection().list_dbs().await.unwrap();
    let log = server.log();
    let port = log.lines().find_map(|line| line.split("listening on port ").nth(1)).expect("a port in the log");
    let endpoint: Endpoint = format!("tcp:127.0.0.1:{}", port.trim()).parse().unwrap();
    let client = Client::connect(&endpoint, Options::default()).await.unwrap();
    assert!(client.list_dbs().await.unwrap().contains(&NB.to_owned()));
    assert_eq!(client.schema(NB).await.unwrap().name, NB);
}

#[tokio::test]
async fn many_requests_share_one_connection() {
    let Some(server) = Server::start(NB_SCHEMA) else { return };
    let nb = server.connection();
    let made = futures::future::join_all((0..200).map(|n| {
        let nb = nb.clone();
        async move { nb.transact(NB, vec![op::insert("Logical_Switch").set("name", format!("s{n}")).into()]).await }
    }))
    .await;
    let mut ids: Vec<_> = made.into_iter().map(|r| r.unwrap()[0].uuid().unwrap()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 200);
}
