//! Workspaces of one are workspaces of the other.

use s3tate_testkit::{Client, Workdir};

use crate::stage::{FIRST, SECOND, Stage, everywhere};

everywhere!(stock_manages_workspaces_alone, workspaces_are_shared, deleting_is_refused_where_stock_refuses,);

fn stock_manages_workspaces_alone(stage: &Stage) {
    let workdir = stage.applied(FIRST);
    manage(stage, &stage.stock, &workdir);
}

fn workspaces_are_shared(stage: &Stage) {
    let workdir = stage.applied(FIRST);
    manage(stage, &stage.s3tate, &workdir);

    for (creator, name) in [(&stage.stock, "by-stock"), (&stage.s3tate, "by-s3tate")] {
        let _created = creator.run(&workdir, &["workspace", "new", name]).succeeds();
        stage.is_sound(name);
        assert_same(stage, &workdir, &["workspace", "show"]);
        assert_same(stage, &workdir, &["workspace", "list"]);
        workdir.write("main.tf", stage.configuration(SECOND));
        let _applied = stage.stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
        stage.is_sound(name);
        stage.is_read_alike(&workdir, name);
    }

    let own = stage.workdir(SECOND);
    let _initialised = stage.s3tate.run(&own, &["init", "-input=false"]).succeeds();
    let _selected = stage.s3tate.run(&own, &["workspace", "select", "by-stock"]).succeeds();
    assert_eq!(own.read(".terraform/environment").as_deref(), Some(&b"by-stock"[..]));
    assert_same(stage, &own, &["workspace", "list"]);
    stage.is_read_alike(&own, "by-stock");
    let overridden = stage.s3tate.command(&own, &["workspace", "show"]).env("TF_WORKSPACE", "by-s3tate");
    assert_eq!(overridden.finish().succeeds().stdout_text().trim_end(), "by-s3tate");

    let _selected = stage.stock.run(&workdir, &["workspace", "select", "default"]).succeeds();
    let _deleted = stage.s3tate.run(&workdir, &["workspace", "delete", "-force", "by-stock"]).succeeds();
    let _deleted = stage.stock.run(&workdir, &["workspace", "delete", "-force", "by-s3tate"]).succeeds();
    assert_same(stage, &workdir, &["workspace", "list"]);
    assert_eq!(stage.endpoint.store().keys(), [crate::stage::KEY]);
}

/// Makes, selects and deletes a workspace, with a look into the store after each step.
fn manage(stage: &Stage, client: &Client, workdir: &Workdir) {
    let store = stage.endpoint.store();
    let key = stage.backend().state_key("dev");
    let before = store.snapshot();

    let _created = client.run(workdir, &["workspace", "new", "dev"]).succeeds();
    assert_eq!(store.keys(), [key.as_str(), crate::stage::KEY]);
    stage.is_sound("dev");
    assert_eq!(workdir.read(".terraform/environment").as_deref(), Some(&b"dev"[..]));
    assert_eq!(client.run(workdir, &["workspace", "show"]).succeeds().stdout_text().trim_end(), "dev");

    let _selected = client.run(workdir, &["workspace", "select", "default"]).succeeds();
    let listed = client.run(workdir, &["workspace", "list"]).succeeds();
    assert_eq!(listed.stdout_text().trim_end(), "* default\n  dev");
    let _unknown = client.run(workdir, &["workspace", "select", "nowhere"]).fails();
    let _again = client.run(workdir, &["workspace", "new", "dev"]).fails();

    let _deleted = client.run(workdir, &["workspace", "delete", "dev"]).succeeds();
    assert_eq!(store.snapshot(), before, "object and digest are gone");
}

fn deleting_is_refused_where_stock_refuses(stage: &Stage) {
    let workdir = stage.applied(FIRST);
    let _created = stage.stock.run(&workdir, &["workspace", "new", "dev"]).succeeds();
    let _applied = stage.stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
    let before = stage.endpoint.store().snapshot();
    for client in [&stage.stock, &stage.s3tate] {
        let _current = client.run(&workdir, &["workspace", "delete", "-force", "dev"]).fails();
        let _default = client.run(&workdir, &["workspace", "delete", "default"]).fails();
        let elsewhere = client.clone().env("TF_WORKSPACE", "default");
        let _not_empty = elsewhere.run(&workdir, &["workspace", "delete", "dev"]).fails();
        assert_eq!(stage.endpoint.store().snapshot(), before);
    }
}

/// Fails the test unless both say the same, apart from empty lines at the end.
#[track_caller]
fn assert_same(stage: &Stage, workdir: &Workdir, args: &[&str]) {
    let stock = stage.stock.run(workdir, args).succeeds().stdout_text();
    let s3tate = stage.s3tate.run(workdir, args).succeeds().stdout_text();
    assert_eq!(s3tate.trim_end(), stock.trim_end(), "{args:?}");
}
