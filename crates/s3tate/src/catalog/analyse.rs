//! Reading one object for the index.

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use super::index::{Entry, Index, LineWriter, Summary};
use super::lines::{marks_all, write_end, write_instance, write_outputs};
use crate::backend::Backend;
use crate::digest::{StateDigest, StateHasher};
use crate::download::{Broken, READINGS};
use crate::error::{Error, ErrorKind, Result};
use crate::object::Bucket;
use crate::state::{
    Header, Mode, OutputsReader, Raw, Resource, ResourcesReader, StateError, StateFile, in_format_4,
};

/// Reads an object and keeps what can be searched of it; `None` where it has gone.
///
/// # Errors
/// Failures of the store and of the index.
pub(super) async fn analyse(backend: &Backend, key: &str, index: &Index) -> Result<Option<Entry>> {
    let bucket = backend.bucket();
    for _ in 0..READINGS {
        let Some(read) = read(&bucket, key, index).await else { return Ok(None) };
        match read {
            Ok(read) => return finish(backend, key, read?, index).await.map(Some),
            Err(Broken::Replaced) => {}
            Err(Broken::Failed(failure)) => {
                return Ok(Some(unread(backend, key, &failure.into_error("it was not read".to_owned()))));
            }
        }
    }
    let replaced = Error::new(ErrorKind::Unavailable, "it was replaced again and again while it was read");
    Ok(Some(unread(backend, key, &replaced)))
}

/// One object that can't be read doesn't keep the others from being told. What is missing is not kept.
fn unread(backend: &Backend, key: &str, error: &Error) -> Entry {
    let summary = Summary { error: Some(format!("{:#}", Told(error))), ..Summary::default() };
    Entry { bucket: backend.config.bucket.clone(), key: key.to_owned(), summary, ..Entry::default() }
}

/// An error with its causes on one line.
struct Told<'a>(&'a Error);

impl std::fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = std::error::Error::source(self.0);
        while let Some(deeper) = cause {
            write!(f, ": {deeper}")?;
            cause = deeper.source();
        }
        Ok(())
    }
}

/// An object that has been read.
struct Read {
    etag: String,
    size_bytes: u64,
    digest: Option<StateDigest>,
    sink: Sink,
    /// All but its resources.
    rest: Result<Vec<u8>, StateError>,
}

/// `None` where there is nothing.
async fn read(bucket: &Bucket, key: &str, index: &Index) -> Option<Result<Result<Read>, Broken>> {
    let mut download = match bucket.open(key).await {
        Ok(download) => download?,
        Err(failure) => return Some(Err(Broken::Failed(failure))),
    };
    let sink = match index.writer() {
        Ok(writer) => Arc::new(Mutex::new(Sink::new(writer))),
        Err(error) => return Some(Ok(Err(error))),
    };
    let mut reader = ResourcesReader::new(taking(&sink));
    let (mut hasher, mut size_bytes) = (StateHasher::default(), 0);
    let mut whole = true;
    loop {
        let chunk = match download.next().await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            Err(broken) => return Some(Err(broken)),
        };
        if size_bytes == 0 && !may_begin_state(&chunk) {
            // Something else, which may be large.
            whole = false;
            size_bytes = download.length.unwrap_or_default();
            reader.feed(&chunk);
            break;
        }
        if size_bytes == 0 && writer_marks_all(&chunk) {
            sink.lock().unwrap_or_else(PoisonError::into_inner).marks = true;
        }
        size_bytes += chunk.len() as u64;
        hasher.update(&chunk);
        reader.feed(&chunk);
    }
    let rest = reader.finish_document();
    let digest = whole.then(|| hasher.finish());
    let etag = download.etag.map(|etag| etag.as_str().to_owned()).unwrap_or_default();
    let sink = Arc::try_unwrap(sink).ok()?.into_inner().unwrap_or_else(PoisonError::into_inner);
    Some(Ok(Ok(Read { etag, size_bytes, digest, sink, rest })))
}

/// Whether the beginning names a writer that marks what is sensitive; one that stands elsewhere is not trusted.
fn writer_marks_all(chunk: &[u8]) -> bool {
    let mut reader = OutputsReader::new();
    reader.feed(chunk);
    matches!(reader.header(), Ok(Some(header)) if marks_all(&header.terraform_version))
}

/// A state is a JSON object; the binary one of the oldest releases is told as what it is.
fn may_begin_state(chunk: &[u8]) -> bool {
    chunk.trim_ascii_start().first().is_none_or(|byte| *byte == b'{')
}

fn taking(sink: &Arc<Mutex<Sink>>) -> impl Fn(&Resource<'_>, Raw<'_>) -> Option<()> + use<> {
    let sink = Arc::clone(sink);
    move |resource, _| {
        sink.lock().unwrap_or_else(PoisonError::into_inner).take(resource);
        None
    }
}

async fn finish(backend: &Backend, key: &str, read: Read, index: &Index) -> Result<Entry> {
    let entry = Entry {
        bucket: backend.config.bucket.clone(),
        key: key.to_owned(),
        etag: read.etag,
        size_bytes: read.size_bytes,
        digest: read.digest.map(|digest| digest.to_string()),
        summary: Summary::default(),
    };
    let read = match read.rest {
        Ok(rest) => read.sink.finish(&rest),
        Err(StateError::LegacyFormat { .. }) => old(backend, key, index).await?,
        Err(error) => Err(error),
    };
    let (summary, lines) = match read {
        Ok((summary, Ok(lines))) => (summary, lines),
        Ok((_, Err(cause))) => {
            return Err(Error::invalid("can't write to the index").with_source(cause));
        }
        Err(error) => (unreadable(key, &error), index.writer()?),
    };
    let entry = Entry { summary, ..entry };
    index.keep(&entry, lines)?;
    Ok(entry)
}

type Finished = Result<(Summary, io::Result<LineWriter>), StateError>;

/// A state of an old format, which is read whole; they are not large.
async fn old(backend: &Backend, key: &str, index: &Index) -> Result<Finished> {
    let bucket = backend.bucket();
    let body = bucket.get(key).await;
    let body = body.map_err(|failure| bucket.error(failure, format!("can't read `{}`", bucket.url(key))))?;
    let bytes = body.map(|body| body.bytes).unwrap_or_default();
    let sink = Arc::new(Mutex::new(Sink::new(index.writer()?)));
    let document = in_format_4(&bytes).and_then(|document| {
        let mut reader = ResourcesReader::new(taking(&sink));
        reader.feed(&document);
        reader.finish_document()
    });
    let header = Header::parse(&bytes);
    let sink = Arc::into_inner(sink).map(|sink| sink.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(document.and_then(|rest| {
        let (summary, lines) = sink.ok_or(StateError::NoVersion)?.finish(&rest)?;
        // The format that is stored, and not the one that it was brought into.
        Ok((Summary { header: header?.map(Into::into), ..summary }, lines))
    }))
}

/// What is called like a state, or is one in part, can't be passed over in silence.
fn unreadable(key: &str, error: &StateError) -> Summary {
    let is_meant = !matches!(
        error,
        StateError::NoVersion
            | StateError::Syntax { .. }
            | StateError::BadVersion { .. }
            | StateError::Binary
    );
    let is_called = key.rsplit('/').next().is_some_and(|name| name.contains("tfstate"));
    Summary { error: (is_meant || is_called).then(|| error.to_string()), ..Summary::default() }
}

/// Writes what comes of a state, and counts.
struct Sink {
    writer: LineWriter,
    written: io::Result<()>,
    /// Whether the writer of the state marks what is sensitive.
    marks: bool,
    resources: u64,
    data: u64,
}

impl Sink {
    fn new(writer: LineWriter) -> Self {
        Self { writer, written: Ok(()), marks: false, resources: 0, data: 0 }
    }

    fn take(&mut self, resource: &Resource<'_>) {
        let current = resource.instances.iter().filter(|instance| instance.deposed.is_none()).count() as u64;
        match resource.mode {
            Mode::Managed => self.resources += current,
            Mode::Data => self.data += current,
        }
        for instance in &resource.instances {
            if self.written.is_ok() {
                self.written = write_instance(&mut self.writer, resource, instance, self.marks);
            }
        }
    }

    /// Adds the outputs, which stand in what is left of the document.
    fn finish(mut self, rest: &[u8]) -> Finished {
        let state = StateFile::parse(rest)?.ok_or(StateError::NoVersion)?;
        let outputs = state.outputs()?;
        let written = self.written.and_then(|()| write_outputs(&mut self.writer, &outputs));
        let written = written.and_then(|()| write_end(&mut self.writer));
        let summary = Summary {
            header: Some(state.header.clone().into()),
            resources: self.resources,
            data: self.data,
            outputs: outputs.iter().count() as u64,
            error: None,
        };
        Ok((summary, written.and_then(|()| self.writer.flush()).map(|()| self.writer)))
    }
}
