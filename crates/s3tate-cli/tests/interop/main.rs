//! s3tate and stock programs on the same buckets, tables and working directories.

mod addresses;
mod aws_cli;
mod bad_input;
mod bootstrap;
mod bootstrap_access;
mod budgets;
mod doctor;
mod durability;
mod edits;
mod generated;
mod init;
mod interrupts;
mod large;
mod local;
mod lock_break;
mod lock_run;
mod locks;
mod old_versions;
mod outputs;
mod readme;
mod recovery;
mod remote_states;
mod shared;
mod stage;
mod workspace_rules;
mod workspaces;
