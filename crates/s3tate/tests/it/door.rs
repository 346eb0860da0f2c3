//! Locks and writes on behalf of others, who hold a lock from one request to the next.

use s3tate::lock::LockInfo;
use s3tate::{Door, ErrorKind, Hold, Snapshot, Writer};
use s3tate_testkit::{Endpoint, Kind, large_state, md5_hex};

use crate::stage::{KEY, Stage, run, state};

fn door(stage: &Stage) -> Door {
    stage.backend().state_at(KEY).door()
}

fn info(id: &str) -> LockInfo {
    LockInfo { id: id.to_owned(), who: "dana@build-07".to_owned(), ..LockInfo::default() }
}

#[track_caller]
fn read(door: &Door) -> Snapshot {
    run(door.read_to_write()).expect("read").1
}

/// Any process carries on where another one was: nothing is remembered but what is stored.
#[test]
fn a_lock_is_held_from_one_process_to_the_next() {
    for options in [&[][..], &["use_lockfile=true"]] {
        let stage = Stage::new(options);
        assert!(matches!(run(door(&stage).hold(info("h"))), Ok(Hold::Ours(_))));
        assert!(matches!(run(door(&stage).hold(info("h"))), Ok(Hold::Ours(_))), "the same again");
        let Ok(Hold::Others(holder)) = run(door(&stage).hold(info("k"))) else { panic!("held by h") };
        assert_eq!(holder.info.map(|info| info.id).as_deref(), Some("h"));
        let writer = Writer { who: "ci bot".to_owned(), lock: Some("h".to_owned()), ..Writer::default() };
        let written = run(door(&stage).write(&read(&door(&stage)), state(1, "l", "a"), writer));
        let _written = written.expect("written");
        let (holders, snapshot) = run(door(&stage).read_to_write()).expect("read");
        assert_eq!((holders.len(), snapshot.written_under()), (1 + options.len(), Some("h")));
        let released = run(door(&stage).release(&holders)).expect("released");
        assert!(released.missing.is_empty());
        assert!(run(door(&stage).holders()).expect("asked").is_empty());
    }
}

#[test]
fn what_changed_meanwhile_is_neither_written_over_nor_deleted() {
    let stage = Stage::new(&[]);
    let first = read(&door(&stage));
    let _written = run(door(&stage).write(&first, state(1, "l", "a"), Writer::default())).expect("written");
    let stale = read(&door(&stage));
    let _written = run(door(&stage).write(&stale, state(2, "l", "b"), Writer::default())).expect("written");
    for base in [&first, &stale] {
        let error = run(door(&stage).write(base, state(3, "l", "c"), Writer::default())).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
    let error = run(door(&stage).delete(stale, Writer::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    let error = run(door(&stage).delete(Snapshot::default(), Writer::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(stage.endpoint.store().bytes(KEY), state(2, "l", "b"));
}

/// Above a mebibyte they pass through a file.
#[test]
fn large_states_are_stored_and_kept_as_small_ones_are() {
    let endpoint = Endpoint::start_unversioned(Kind::Embedded).expect("the embedded endpoint needs no tool");
    let stage = Stage::on(endpoint, &[]);
    let keeping = || stage.backend_with(&stage.endpoint, &[("S3TATE_KEEP", "2")]).state_at(KEY).door();
    let [first, second] = [1, 2].map(|serial| large_state(2_000, serial));
    let mut spool = s3tate::Spool::new(&std::env::temp_dir());
    std::io::Write::write_all(&mut spool, &first).expect("spooled");
    let _written =
        run(keeping().write(&read(&keeping()), spool.finish(), Writer::default())).expect("written");
    let store = stage.endpoint.store();
    assert!(store.bytes(KEY) == first && store.digest(KEY) == Some(md5_hex(&first)));
    let metadata = store.get(KEY).expect("an object").metadata;
    assert_eq!(metadata.get("s3tate-serial").map(String::as_str), Some("1"));
    assert_eq!(metadata.get("s3tate-resources").map(String::as_str), Some("2000"));
    let base = read(&keeping());
    assert!(base.bytes.is_none(), "it went to a file");
    let _written = run(keeping().write(&base, second.clone(), Writer::default())).expect("written");
    run(keeping().delete(read(&keeping()), Writer::default())).expect("deleted");
    assert_eq!(store.digest(KEY), None);
    let kept: Vec<_> = store.keys().into_iter().filter(|key| key.starts_with(".s3tate/snapshots/")).collect();
    assert!(kept.iter().map(|key| store.bytes(key)).eq([first, second]), "{kept:?}");
}
