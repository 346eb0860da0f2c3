//! `[backend]`: the attributes of `backend "s3"`, checked as those of a block are.

use std::collections::BTreeMap;
use std::ops::Range;

use s3tate::config::value::Value;
use s3tate::config::{Argument, Arguments, Place, Source};
use s3tate::{Problem, Result};
use toml::Spanned;

pub(super) type Table = BTreeMap<Spanned<String>, Spanned<toml::Value>>;

/// The key of a backend whose states are named by the requests; nothing is ever stored under it.
const NO_KEY: &str = "named/by/requests";

pub(super) trait IntoArguments {
    fn arguments(self, place: &impl Fn(Range<usize>) -> Place) -> Result<Arguments>;
}

impl IntoArguments for Table {
    fn arguments(self, place: &impl Fn(Range<usize>) -> Place) -> Result<Arguments> {
        let (mut arguments, mut problems) = (Vec::new(), Vec::new());
        for (name, value) in self {
            let at = place(name.span().start..value.span().end);
            if name.get_ref() == "key" {
                let problem =
                    Problem::new("`key` can't be set here").why("each request names its state by its path");
                problems.push(problem.hint("remove it").at_place(at));
                continue;
            }
            let (name, source) = (name.into_inner(), Source::File(at));
            arguments.push(Argument { name, value: converted(value.into_inner()), source });
        }
        let key = Value::String(NO_KEY.to_owned());
        arguments.push(Argument { name: "key".to_owned(), value: key, source: Source::Default });
        Arguments::check(arguments, problems)
    }
}

fn converted(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::Number(number.to_string()),
        toml::Value::Float(number) => Value::Number(number.to_string()),
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => Value::List(items.into_iter().map(converted).collect()),
        toml::Value::Table(members) => {
            Value::Map(members.into_iter().map(|(name, value)| (name, converted(value))).collect())
        }
    }
}
