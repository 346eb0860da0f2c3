//! Stock Terraform goes on where s3tate's user has recovered.

use s3tate_testkit::Client;
use s3tate_testkit::tools::Terraform;

use crate::case::{Ran, s3tate};
use crate::operation::Target;

/// Runs stock's apply, which locks, reads and writes, in the workspace of the case.
pub(crate) fn goes_on(target: &Target<'_>, ran: &Ran) -> Result<(), String> {
    let stock = match Client::terraform(Terraform::V1_11, target.endpoint) {
        Ok(stock) => stock.env("TF_WORKSPACE", target.workspace),
        Err(missing) => {
            missing.skip();
            return Ok(());
        }
    };
    ran.workdir.write("main.tf", target.block(1) + "output \"greeting\" {\n  value = \"stock\"\n}\n");
    // It writes stock's own cache, so that stock needs no `init`.
    let _initialised = s3tate(target.endpoint).run(&ran.workdir, &["init"]).succeeds();
    let applied = stock.run(&ran.workdir, &["apply", "-auto-approve", "-input=false"]);
    if applied.code() == Some(0) { Ok(()) } else { Err(format!("stock can't go on: {applied}")) }
}
