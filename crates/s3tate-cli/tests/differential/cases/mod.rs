//! The configurations, by what they are about.

mod accounts;
mod aws_hosts;
mod encryption;
mod endpoints;
mod files;
mod generated;
mod keys;
mod names;
mod options;
mod proxies;
mod retries;
mod roles;
mod syntax;
mod variables;

use crate::case::Case;

/// All of them.
pub(crate) fn all() -> Vec<Case> {
    [
        generated::cases(),
        names::cases(),
        encryption::cases(),
        endpoints::cases(),
        aws_hosts::cases(),
        keys::cases(),
        roles::cases(),
        accounts::cases(),
        retries::cases(),
        proxies::cases(),
        syntax::cases(),
        files::cases(),
        options::cases(),
        variables::cases(),
    ]
    .concat()
}
