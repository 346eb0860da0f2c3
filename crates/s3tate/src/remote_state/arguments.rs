//! Finding `data "terraform_remote_state"` blocks, and working out what they are given.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Body, Structure};
use serde_json::Value as Json;

use super::{Block, Generation};
use crate::config::hcl::{configuration_files, is_override, parse_body, read_text};
use crate::config::value::Value;
use crate::config::{Argument, Place, Source, Statics, Variables, evaluate_literal};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::problem::Problem;

/// The type of the data source.
const TYPE: &str = "terraform_remote_state";

/// What expressions in the blocks may refer to.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// What was given for variables.
    pub variables: &'a Variables,
    /// Where `TF_VAR_…` is looked for.
    pub env: &'a Env,
    /// The current workspace: `terraform.workspace`.
    pub workspace: &'a str,
}

/// Finds all blocks of a directory, sorted by name, and evaluates them.
///
/// Values may be literals, variables with values, locals, `terraform.workspace`, and expressions of those. Blocks are read
/// from HCL and from JSON, with `config` and `defaults` as arguments or, as up to Terraform 0.11, as blocks. Arguments in
/// an override file replace those of the block of the same name.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`]: a file can't be read or parsed, a value can't be worked out, or two blocks have one name;
/// all such are told.
pub fn find(directory: &Path, given: &Given<'_>) -> Result<Vec<Block>> {
    let mut finder =
        Finder { directory, given, statics: OnceCell::new(), blocks: BTreeMap::new(), problems: Vec::new() };
    let (overrides, files): (Vec<_>, Vec<_>) =
        configuration_files(directory)?.into_iter().partition(|file| is_override(file));
    for file in files.into_iter().chain(overrides) {
        let text = read_text(&file)?;
        if file.extension().is_some_and(|extension| extension == "json") {
            finder.json_file(&file, &text)?;
        } else {
            finder.hcl_file(&file, &text)?;
        }
    }
    if finder.problems.is_empty() {
        Ok(finder.blocks.into_values().collect())
    } else {
        Err(Error::of_problems(finder.problems))
    }
}

struct Finder<'a> {
    directory: &'a Path,
    given: &'a Given<'a>,
    statics: OnceCell<Result<Statics, String>>,
    blocks: BTreeMap<String, Block>,
    problems: Vec<Problem>,
}

impl Finder<'_> {
    fn statics(&self) -> Result<&Statics, String> {
        let Given { variables, env, workspace } = *self.given;
        let read = || Statics::read_for_data(self.directory, variables, env, workspace);
        self.statics.get_or_init(|| read().map_err(|error| error.to_string())).as_ref().map_err(Clone::clone)
    }

    fn evaluate(&self, expression: &Expression) -> Result<Value, String> {
        evaluate_literal(expression).or_else(|_| self.statics()?.evaluate(expression))
    }

    fn add(&mut self, block: Block) {
        self.blocks.insert(block.name.clone(), block);
    }

    /// The block of this name, to be given its arguments: a new one, or that which an override file is about.
    fn begin(&mut self, file: &Path, name: &str, place: Place) -> Block {
        match self.blocks.remove(name) {
            Some(block) if is_override(file) => return block,
            Some(first) => {
                // Either line may hold keys, so both are named and not shown.
                let places = first.place.iter().chain([&place]).map(ToString::to_string).collect::<Vec<_>>();
                let problem = Problem::new(format!("{} stands twice", first.address()))
                    .why(format!("the blocks are in {}", places.join(" and ")))
                    .hint("give one of them another name, or move it to an override file");
                self.problems.push(problem);
            }
            None => {}
        }
        Block {
            name: name.to_owned(),
            place: Some(place),
            backend: String::new(),
            config: Vec::new(),
            workspace: None,
            environment: None,
            defaults: BTreeMap::new(),
            generation: Generation::Modern,
            directory: self.directory.to_owned(),
        }
    }

    fn hcl_file(&mut self, file: &Path, text: &Arc<str>) -> Result<()> {
        let body = parse_body(file, text)?;
        for block in body.get_blocks("data") {
            let [kind, name] = block.labels.as_slice() else { continue };
            if kind.as_str() == TYPE {
                let place = Place::new(file, text, block.ident.span().unwrap_or_default());
                let mut found = self.begin(file, name.as_str(), place);
                for structure in &block.body {
                    self.hcl_argument(&mut found, file, text, structure);
                }
                self.add(found);
            }
        }
        Ok(())
    }

    fn hcl_argument(&mut self, block: &mut Block, file: &Path, text: &Arc<str>, structure: &Structure) {
        let span = structure.span().unwrap_or_default();
        let source = Source::File(Place::new(file, text, span));
        let (name, value) = match structure {
            Structure::Attribute(attribute) => (attribute.key.as_str(), self.evaluate(&attribute.value)),
            Structure::Block(inner) if inner.ident.as_str() == "lifecycle" => return,
            Structure::Block(inner) => {
                block.generation = Generation::Legacy;
                (inner.ident.as_str(), self.members(&inner.body).map(Value::Map))
            }
        };
        self.set(block, name, value, &source);
    }

    fn members(&self, body: &Body) -> Result<BTreeMap<String, Value>, String> {
        let member = |attribute: &hcl_edit::structure::Attribute| {
            let name = attribute.key.as_str();
            let value = self.evaluate(&attribute.value).map_err(|why| format!("`{name}`: {why}"))?;
            Ok((name.to_owned(), value))
        };
        body.attributes().map(member).collect()
    }

    fn json_file(&mut self, file: &Path, text: &Arc<str>) -> Result<()> {
        let document: Json = serde_json::from_str(text).map_err(|cause| {
            Error::invalid(format!("`{}` is not valid JSON; nothing was done", file.display()))
                .with_source(cause)
        })?;
        let data = each(Some(&document)).flat_map(|root| each(root.get("data")));
        let named = data.flat_map(|data| each(data.get(TYPE))).filter_map(Json::as_object).flatten();
        for (name, bodies) in named {
            for body in each(Some(bodies)).filter_map(Json::as_object) {
                // The name where it is spelt out last; the parser doesn't tell places.
                let quoted = format!("\"{name}\"");
                let start = text.rfind(&quoted).unwrap_or_default();
                let place = Place::new(file, text, start..start + quoted.len());
                let source = Source::File(place.clone());
                let mut found = self.begin(file, name, place);
                for (argument, json) in body.iter().filter(|(argument, _)| *argument != "//") {
                    let value = self.json_value(json);
                    self.set(&mut found, argument, value, &source);
                }
                self.add(found);
            }
        }
        Ok(())
    }

    fn json_value(&self, json: &Json) -> Result<Value, String> {
        match json {
            Json::Null => Ok(Value::Null),
            Json::Bool(flag) => Ok(Value::Bool(*flag)),
            Json::Number(number) => Ok(Value::Number(number.to_string())),
            Json::String(text) if text.contains("${") || text.contains("%{") => {
                self.statics()?.evaluate_template(text)
            }
            Json::String(text) => Ok(Value::String(text.clone())),
            Json::Array(items) => {
                items.iter().map(|item| self.json_value(item)).collect::<Result<_, _>>().map(Value::List)
            }
            Json::Object(members) => {
                let member = |(name, json): (&String, &Json)| Ok((name.clone(), self.json_value(json)?));
                members.iter().map(member).collect::<Result<_, String>>().map(Value::Map)
            }
        }
    }

    /// Takes over one argument of a block, or what is wrong with it.
    fn set(&mut self, block: &mut Block, name: &str, value: Result<Value, String>, source: &Source) {
        let address = block.address();
        // A line of the configuration may hold keys, so it is named and not shown.
        let problem = |what: String| match Problem::new(format!("{what} of {address} in {source}")) {
            problem if name == "config" => problem,
            problem => problem.at(source),
        };
        if matches!(name, "depends_on" | "provider") {
            return;
        }
        let value = match value {
            Ok(value) => value,
            Err(why) => {
                let problem = problem(format!("the value of `{name}`"));
                self.problems
                    .push(problem.why(format!("it can't be worked out without running Terraform: {why}")));
                return;
            }
        };
        let fits = match (name, value) {
            (_, Value::Null) => true,
            ("backend", Value::String(kind)) => {
                block.backend = kind;
                true
            }
            ("workspace", Value::String(workspace)) => {
                block.workspace = Some(workspace);
                true
            }
            ("environment", Value::String(environment)) => {
                block.generation = Generation::Legacy;
                block.environment = Some(environment);
                true
            }
            ("config", value) => configure(block, value, source),
            ("defaults", Value::Map(defaults)) => {
                block.defaults = defaults;
                true
            }
            _ => false,
        };
        if !fits {
            let known = "backend, config, defaults, workspace and environment are what s3tate knows";
            self.problems.push(problem(format!("argument `{name}`")).why("it doesn't fit").hint(known));
        }
    }
}

/// The configuration: an object, or in JSON a list of one.
fn configure(block: &mut Block, value: Value, source: &Source) -> bool {
    let members = match value {
        Value::Map(members) => members,
        Value::List(mut items) if items.len() == 1 => match items.pop() {
            Some(Value::Map(members)) => members,
            _ => return false,
        },
        _ => return false,
    };
    let argument = |(name, value)| Argument { name, value, source: source.clone() };
    block.config = members.into_iter().map(argument).collect();
    true
}

fn each(json: Option<&Json>) -> impl Iterator<Item = &Json> {
    let items = match json {
        Some(Json::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    items.iter()
}
