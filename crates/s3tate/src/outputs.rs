//! Reading no more of a state than its outputs.

use aws_sdk_s3::operation::get_object::GetObjectOutput;

use crate::digest::StateDigest;
use crate::error::{Error, ErrorKind, Result};
use crate::object::facts;
use crate::state::{OutputsDocument, OutputsReader, Progress, StateError};
use crate::workspace::Workspace;

impl Workspace {
    /// Reads header and root outputs; `None` where there is no state.
    ///
    /// One round trip. Where the object's entity tag or metadata proves the recorded digest, or no digest is recorded,
    /// the body is read only as far as the outputs reach, and the connection dropped; otherwise all of it is read and
    /// hashed.
    ///
    /// # Errors
    /// Those of [`Workspace::read`]; [`ErrorKind::Corrupt`] for a document that is no state.
    pub async fn outputs(&self) -> Result<Option<OutputsDocument>> {
        let bucket = self.bucket();
        let object = async {
            let answer = bucket.start_get(self.key.as_str()).await;
            answer.map_err(|failure| bucket.error(failure, format!("can't read `{}`", self.url())))
        };
        let (answer, recorded) = futures::future::join(object, self.recorded_digest()).await;
        let (answer, recorded) = (answer?, recorded?);
        if let Some(answer) = answer
            && recorded.is_none_or(|recorded| proves(&answer, recorded))
            && let Some(read) = self.stream_outputs(answer).await
        {
            return read;
        }
        self.outputs_of_all().await
    }

    /// `None` where the body broke off, so that it must be read again.
    async fn stream_outputs(&self, mut answer: GetObjectOutput) -> Option<Result<Option<OutputsDocument>>> {
        let mut reader = OutputsReader::new();
        while let Some(chunk) = answer.body.next().await {
            let Ok(chunk) = chunk else { return None };
            if let Progress::Done = reader.feed(&chunk) {
                return Some(reader.stop().map_err(|error| self.unreadable(error)));
            }
        }
        Some(reader.finish().map_err(|error| self.unreadable(error)))
    }

    async fn outputs_of_all(&self) -> Result<Option<OutputsDocument>> {
        let Some(bytes) = self.read().await?.bytes else { return Ok(None) };
        let mut reader = OutputsReader::new();
        reader.feed(&bytes);
        reader.finish().map_err(|error| self.unreadable(error))
    }

    /// The error for a stored document that can't be read as a state.
    pub(crate) fn unreadable(&self, error: StateError) -> Error {
        Error::new(
            ErrorKind::Corrupt,
            format!("`{}` can't be read as a state; nothing was changed", self.url()),
        )
        .with_source(error)
    }
}

/// Whether the answer's headers alone prove that the object is the recorded one.
///
/// An entity tag that is the MD5 of the bytes does (it is one for uploads in one part without KMS or a customer's key;
/// otherwise it is no MD5 and can't equal one), and so does the digest that travels with objects written by s3tate.
fn proves(answer: &GetObjectOutput, recorded: StateDigest) -> bool {
    let tag = answer.e_tag().and_then(|tag| StateDigest::from_hex(tag.trim_matches('"')));
    tag == Some(recorded) || facts(answer).1.metadata.digest == Some(recorded)
}
