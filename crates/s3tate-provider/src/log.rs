//! Log lines as clients take them in: one JSON object each, on standard error.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use s3tate::Env;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Variables that say how much is logged; the first that is set counts.
const VARIABLES: [&str; 3] = ["TF_LOG_PROVIDER_S3TATE", "TF_LOG_PROVIDER", "TF_LOG"];
/// Clients take times with exactly so many digits.
const DIGITS: u8 = 6;

/// What to log, in the words of `tracing-subscriber`'s filters. Only our own lines: those of other crates could tell of
/// headers and bodies.
pub fn filter(env: &Env) -> String {
    let level = env.first(&VARIABLES).map_or("off", |(_, level)| match level.to_ascii_lowercase().as_str() {
        "debug" => "debug",
        "info" => "info",
        "warn" => "warn",
        "error" => "error",
        "off" => "off",
        // `TRACE`, `JSON`; clients take a word that they don't know for the most there is, too.
        _ => "trace",
    });
    format!("off,s3tate={level},s3tate_provider={level}")
}

/// The form of a line.
#[derive(Debug, Clone)]
pub struct Lines {
    env: Env,
}

impl Lines {
    /// With times by this clock.
    pub fn new(env: Env) -> Self {
        Self { env }
    }
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        writeln!(out, "{}", line(self.env.now(), *metadata.level(), metadata.target(), fields))
    }
}

fn line(time: Timestamp, level: Level, module: &str, Fields(mut fields): Fields) -> String {
    let time = DateTimePrinter::new().precision(Some(DIGITS)).timestamp_to_string(&time);
    fields.insert("@level".to_owned(), level.as_str().to_ascii_lowercase().into());
    fields.entry("@message".to_owned()).or_insert_with(|| "".into());
    fields.insert("@module".to_owned(), module.replace("::", ".").into());
    fields.insert("@timestamp".to_owned(), time.into());
    serde_json::to_string(&fields).unwrap_or_default()
}

/// The fields of a line; the message is always a text, or clients crash.
#[derive(Default)]
struct Fields(BTreeMap<String, Value>);

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        let name = if field.name() == "message" { "@message" } else { field.name() };
        let value = if name == "@message" && !value.is_string() { value.to_string().into() } else { value };
        self.0.insert(name.to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Check H11: a text for a message, a known level, six digits of a second.
    #[test]
    fn a_line_is_what_clients_take() {
        for time in ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.6789012Z"] {
            let mut fields = Fields::default();
            fields.0.insert("key".to_owned(), 7.into());
            let line = line(time.parse().unwrap(), Level::WARN, "s3tate::read", fields);
            let value: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(value["@level"], "warn");
            assert_eq!(value["@message"], "");
            assert_eq!(value["@module"], "s3tate.read");
            assert_eq!(value["key"], 7);
            let time = value["@timestamp"].as_str().unwrap();
            assert_eq!(time.len(), "2026-01-02T03:04:05.678901Z".len(), "{time}");
            assert!(time.ends_with('Z') && time.contains('.'), "{time}");
        }
    }

    #[test]
    fn the_nearest_variable_counts_and_only_our_lines_do() {
        let filter = |variables: &[(&str, &str)]| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            super::filter(&Env::new(variables, "", ""))
        };
        assert_eq!(filter(&[]), "off,s3tate=off,s3tate_provider=off");
        assert_eq!(filter(&[("TF_LOG", "JSON")]), "off,s3tate=trace,s3tate_provider=trace");
        let both = [("TF_LOG", "TRACE"), ("TF_LOG_PROVIDER", "WARN")];
        assert_eq!(filter(&both), "off,s3tate=warn,s3tate_provider=warn");
        let all = [("TF_LOG_PROVIDER", "WARN"), ("TF_LOG_PROVIDER_S3TATE", "off")];
        assert_eq!(filter(&all), "off,s3tate=off,s3tate_provider=off");
    }
}
