//! Every crash point: each request of each command that locks or writes meets each fault, the user does what the message
//! says, and nothing is lost. Prints how many cases were run.

mod case;
mod judge;
mod migrate;
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

macro_rules! migrations {
    ($($name:ident: $route:ident,)*) => {$(
        #[test]
        fn $name() {
            migrate::every_crash_point(migrate::Route::$route);
        }
    )*};
}

migrations! {
    migrate_a_file_to_a_table: FileToTable,
    migrate_a_table_to_lock_objects: TableToObject,
    migrate_a_state_server_to_both: ServerToBoth,
    migrate_a_table_to_a_state_server: TableToServer,
    migrate_lock_objects_to_a_file: ObjectToFile,
}
