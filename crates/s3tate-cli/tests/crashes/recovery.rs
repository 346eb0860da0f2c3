//! What users do after a failure: they paste the command that the message names, or run theirs again for a message.

use s3tate_testkit::{Client, Finished};

use crate::case::{Case, Ran, s3tate};
use crate::operation::{Operation, Target};
use crate::trouble::{THIEF, Trouble};

/// A lock to remove in each place, and a digest to record.
const STEPS: usize = 4;

/// Does what the messages say until the state can be read and locked.
pub(crate) fn recover(case: &Case, target: &Target<'_>, ran: &Ran) -> Result<(), String> {
    let mut shell = Client::new("/bin/sh", target.endpoint).env("S3TATE_DIGEST_TIMEOUT", "0s");
    let mut message = ran.finished.stderr_text();
    for step in 0..STEPS {
        let Some(need) = Need::of(target) else { return Ok(()) };
        let command = match need.command_in(&message, target) {
            Some(command) => command,
            None if case.leaves_no_message() || step > 0 => {
                message = asked_again(target, ran).stderr_text();
                shell = shell.env("TF_WORKSPACE", target.workspace);
                let command = need.command_in(&message, target);
                command.ok_or_else(|| format!("{need:?}, and no command is named by\n{message}"))?
            }
            None => return Err(format!("{need:?}, and the message names no command")),
        };
        let program = format!("'{}' ", env!("CARGO_BIN_EXE_s3tate"));
        let done = shell.run(&ran.workdir, &["-c", &command.replacen("s3tate ", &program, 1)]);
        if done.code() != Some(0) && Need::of(target) == Some(need) {
            return Err(format!("`{command}` does not help:\n{done}"));
        }
    }
    Ok(())
}

impl Case {
    /// Whether the user has to ask for a message first, or knows the lock already.
    fn leaves_no_message(&self) -> bool {
        self.trouble.kills() || self.was_interfered_with() || self.operation == Operation::ForceUnlock
    }

    /// Whether somebody else, or the store, says that things are not as they were left.
    pub(crate) fn was_interfered_with(&self) -> bool {
        matches!(self.trouble, Trouble::Swapped | Trouble::Stolen | Trouble::Precondition)
    }
}

/// The next command of a user who was left without a message: a push of what is stored already.
fn asked_again(target: &Target<'_>, ran: &Ran) -> Finished {
    let client = s3tate(target.endpoint).env("TF_WORKSPACE", target.workspace);
    if target.backend().locks().is_empty() {
        return client.run(&ran.workdir, &["state", "pull"]);
    }
    client.run(&ran.workdir, &["state", "push", "next.json"])
}

/// What keeps others out.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Need {
    /// A lock with this ID.
    Unlock(String),
    /// A digest that isn't the state's.
    Digest,
}

impl Need {
    fn of(target: &Target<'_>) -> Option<Self> {
        if let Some(lock) = target.backend().locks().pop() {
            return Some(Self::Unlock(lock.id));
        }
        let key = target.state_key();
        let (state, digest) = (target.store().get(&key), target.store().digest(&key)?);
        let fits = state.is_some_and(|object| s3tate_testkit::md5_hex(&object.bytes) == digest);
        (!fits).then_some(Self::Digest)
    }

    /// The command of a message that sees to it.
    fn command_in(&self, message: &str, target: &Target<'_>) -> Option<String> {
        let quoted = message.split('`').skip(1).step_by(2);
        let mut commands = quoted.filter(|quoted| quoted.contains("s3tate "));
        match self {
            // What somebody else holds is theirs; in the end they are done.
            Self::Unlock(id) if id == THIEF => {
                let workspace = target.workspace;
                Some(format!("TF_WORKSPACE='{workspace}' s3tate force-unlock -force {id}"))
            }
            Self::Unlock(id) => {
                let unlocks = |command: &&str| command.contains("force-unlock") && command.contains(id);
                // Whoever pastes it without `-force` says yes.
                let named = commands.find(unlocks)?.replace("-force ", "");
                Some(named.replace("force-unlock ", "force-unlock -force "))
            }
            Self::Digest => commands.find(|command| command.contains("doctor -fix")).map(str::to_owned),
        }
    }
}
