//! Each reads what the other wrote, in one directory and in two.

use s3tate_testkit::Workdir;

use crate::stage::{FIRST, SECOND, Stage, everywhere, lineage_and_serial, with_greeting};

everywhere!(
    stock_works_alone,
    s3tate_reads_in_the_directory_of_stock,
    s3tate_writes_in_the_directory_of_stock,
    stock_needs_no_init_after_that_of_s3tate,
    each_pushes_what_the_other_pulled,
    unchanged_push_writes_nothing,
);

fn stock_works_alone(stage: &Stage) {
    let workdir = stage.applied(FIRST);
    stage.is_sound("default");
    let _unchanged = stage.stock.run(&workdir, &["plan", "-detailed-exitcode"]).succeeds();
    let outputs = stage.stock.run(&workdir, &["output", "-json"]).succeeds().json();
    assert_eq!(outputs["network"]["value"]["cidr"], "10.0.0.0/16");

    let newer = with_greeting(&stage.stored(), "pushed");
    let pushed = stage.stock.command(&workdir, &["state", "push", "-"]).stdin(newer).finish();
    let _pushed = pushed.succeeds();
    stage.is_sound("default");
    let greeting = stage.stock.run(&workdir, &["output", "-raw", "greeting"]).succeeds();
    assert_eq!(greeting.stdout_text(), "pushed");
}

fn s3tate_reads_in_the_directory_of_stock(stage: &Stage) {
    let workdir = stage.applied(FIRST);
    let before = stage.endpoint.store().snapshot();
    stage.is_read_alike(&workdir, "default");
    for args in [
        &["output"][..],
        &["output", "network"],
        &["output", "-raw", "password"],
        &["output", "-json", "network"],
    ] {
        let stock = stage.stock.run(&workdir, args).succeeds();
        let s3tate = stage.s3tate.run(&workdir, args).succeeds();
        assert_eq!(s3tate.stdout_text(), stock.stdout_text(), "{args:?}");
    }
    assert_eq!(stage.endpoint.store().snapshot(), before, "reading must not write");
}

fn s3tate_writes_in_the_directory_of_stock(stage: &Stage) {
    let workdir = stage.applied(FIRST);
    let (lineage, serial) = lineage_and_serial(&stage.stored());

    workdir.write("next.json", with_greeting(&stage.stored(), "by s3tate"));
    let pushed = stage.s3tate.run(&workdir, &["state", "push", "next.json"]).succeeds();
    assert_eq!(pushed.stdout_text(), "", "a push has no payload");
    stage.is_sound("default");
    let now = lineage_and_serial(&stage.stored());
    assert_eq!(now.0, lineage);
    assert!(now.1 > serial, "serial {serial} became {}", now.1);
    assert_eq!(
        stage.endpoint.store().get(crate::stage::KEY).expect("the state").content_type,
        "application/json"
    );

    stage.is_read_alike(&workdir, "default");
    let planned = stage.stock.run(&workdir, &["plan", "-detailed-exitcode"]).exits(2);
    let _planned = planned.says(&["~ greeting = \"by s3tate\" -> \"hello\""]);
    workdir.write("main.tf", stage.configuration(SECOND));
    let _applied = stage.stock.run(&workdir, &["apply", "-auto-approve"]).succeeds();
    stage.is_sound("default");
    stage.is_read_alike(&workdir, "default");
}

fn stock_needs_no_init_after_that_of_s3tate(stage: &Stage) {
    let _elsewhere = stage.applied(FIRST);
    let workdir = stage.workdir(FIRST);
    let _initialised = stage.s3tate.run(&workdir, &["init", "-input=false"]).succeeds();
    stage.is_read_alike(&workdir, "default");
    let _unchanged = stage.stock.run(&workdir, &["plan", "-detailed-exitcode"]).succeeds();
    let _again = stage.stock.run(&workdir, &["init", "-input=false"]).succeeds();

    workdir.write("next.json", with_greeting(&stage.stored(), "from its own directory"));
    let _pushed = stage.s3tate.run(&workdir, &["state", "push", "next.json"]).succeeds();
    stage.is_sound("default");
    stage.is_read_alike(&workdir, "default");
}

fn each_pushes_what_the_other_pulled(stage: &Stage) {
    let stocks = stage.applied(FIRST);
    let own = stage.workdir(FIRST);
    let _initialised = stage.s3tate.run(&own, &["init", "-input=false"]).succeeds();

    push_over(stage, (&stage.stock, &stocks), (&stage.s3tate, &own), "pulled by stock");
    push_over(stage, (&stage.s3tate, &own), (&stage.stock, &stocks), "pulled by s3tate");
}

/// One client pulls and changes the state, the other pushes it.
fn push_over(
    stage: &Stage,
    (reader, there): (&s3tate_testkit::Client, &Workdir),
    (writer, here): (&s3tate_testkit::Client, &Workdir),
    greeting: &str,
) {
    let pulled = reader.run(there, &["state", "pull"]).succeeds();
    here.write("pulled.json", with_greeting(pulled.stdout(), greeting));
    let _pushed = writer.run(here, &["state", "push", "pulled.json"]).succeeds();
    stage.is_sound("default");
    for (client, workdir) in [(reader, there), (writer, here)] {
        let said = client.run(workdir, &["output", "-raw", "greeting"]).succeeds();
        assert_eq!(said.stdout_text(), greeting);
    }
}

fn unchanged_push_writes_nothing(stage: &Stage) {
    let workdir = stage.applied(FIRST);
    let before = stage.endpoint.store().snapshot();
    workdir.write("same.json", stage.stored());
    let _pushed = stage.s3tate.run(&workdir, &["state", "push", "same.json"]).succeeds();
    assert_eq!(stage.endpoint.store().snapshot(), before);

    let mut older: serde_json::Value = serde_json::from_slice(&stage.stored()).expect("the state is JSON");
    older["serial"] = 0.into();
    workdir.write("older.json", older.to_string());
    let _refused = stage.s3tate.run(&workdir, &["state", "push", "older.json"]).fails();
    assert_eq!(stage.endpoint.store().snapshot(), before);
}
