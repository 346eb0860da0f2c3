//! Every crash point: each request of each command that locks or writes meets each fault, the user does what the message
//! says, and nothing is lost. Prints how many cases were run.

mod case;
mod judge;
mod operation;
mod recovery;
mod stock;
mod suite;
mod transfers;
mod trouble;

use operation::Operation;
use suite::every_crash_point;

macro_rules! operations {
    ($($name:ident: $operation:ident,)*) => {$(
        #[test]
        fn $name() {
            every_crash_point(Operation::$operation);
        }
    )*};
}

operations! {
    state_push_of_a_new_state: PushNew,
    state_push_over_a_state: PushNext,
    state_push_forced: PushForced,
    state_push_that_keeps_a_copy: PushKeeping,
    restore_over_a_state: Restore,
    restore_of_a_deleted_state: RestoreDeleted,
    workspace_new: WorkspaceNew,
    workspace_delete: WorkspaceDelete,
    force_unlock: ForceUnlock,
    lock_run: LockRun,
}
