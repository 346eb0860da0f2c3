//! Variables and locals that OpenTofu lets a backend block refer to; Terraform refuses all of these.
//!
//! Values come from defaults, `TF_VAR_…`, `terraform.tfvars(.json)`, `*.auto.tfvars(.json)`, then the given files and
//! pairs, later ones winning. Source: OpenTofu 1.8, early evaluation.

use std::path::{Path, PathBuf};

use hcl::eval::{Context, Evaluate as _};
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block, Body};

use super::hcl::{configuration_files, parse_body, read_text};
use super::value::Value;
use crate::env::Env;
use crate::error::{Error, Result};

/// What a command was given for variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    /// `-var-file` options, in order.
    pub files: Vec<PathBuf>,
    /// `-var NAME=VALUE` options, in order; they beat the files.
    pub pairs: Vec<String>,
}

/// The values that an expression may refer to.
#[derive(Debug)]
pub(crate) struct Statics {
    context: Context<'static>,
    sensitive: Vec<String>,
}

type Values = hcl::Map<String, hcl::Value>;

/// A variable that the configuration declares.
struct Declared {
    name: String,
    is_text: bool,
    is_sensitive: bool,
    default: Option<hcl::Value>,
}

impl Statics {
    /// Reads what the directory's configuration declares and where its values come from.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: a file can't be read or parsed, or an option is malformed.
    pub(super) fn read(directory: &Path, variables: &Variables, env: &Env) -> Result<Self> {
        let (mut values, sensitive, bodies) = read_values(directory, variables, env)?;
        values.retain(|name, _| !sensitive.contains(name));
        Ok(Self { context: with_locals(&values, &bodies, &Values::new()), sensitive })
    }

    /// As [`Self::read`] for a data block, which may refer to sensitive values and to `terraform.workspace` too.
    pub(crate) fn read_for_data(
        directory: &Path,
        variables: &Variables,
        env: &Env,
        workspace: &str,
    ) -> Result<Self> {
        let (values, _, bodies) = read_values(directory, variables, env)?;
        let terraform = std::iter::once(("workspace".to_owned(), workspace.into())).collect();
        Ok(Self { context: with_locals(&values, &bodies, &terraform), sensitive: Vec::new() })
    }

    /// Evaluates a text of Terraform's JSON syntax, in which it is a template.
    ///
    /// # Errors
    /// As for [`Self::evaluate`].
    pub(crate) fn evaluate_template(&self, text: &str) -> Result<Value, String> {
        let template = hcl::expr::TemplateExpr::QuotedString(text.to_owned());
        let value =
            hcl::Expression::from(template).evaluate(&self.context).map_err(|error| error.to_string())?;
        Ok(literal(value))
    }

    /// Evaluates an expression.
    ///
    /// # Errors
    /// Why it can't be evaluated, as text for a message.
    pub(crate) fn evaluate(&self, expression: &Expression) -> Result<Value, String> {
        let text = expression.to_string();
        if let Some(name) = self.sensitive.iter().find(|name| text.contains(&format!("var.{name}"))) {
            return Err(format!(
                "`var.{name}` is sensitive, and a backend's configuration is stored in clear"
            ));
        }
        let expression = hcl::Expression::from(expression.clone());
        let value = expression.evaluate(&self.context).map_err(|error| error.to_string())?;
        Ok(literal(value))
    }
}

/// The values of variables, which of those are sensitive, and the files that declare them.
fn read_values(
    directory: &Path,
    variables: &Variables,
    env: &Env,
) -> Result<(Values, Vec<String>, Vec<Body>)> {
    let mut bodies = Vec::new();
    for file in configuration_files(directory)?.iter().filter(|file| !is_json(file)) {
        bodies.push(parse_body(file, &read_text(file)?)?);
    }
    let declared: Vec<_> = bodies.iter().flat_map(|body| body.get_blocks("variable")).map(declared).collect();
    let mut values: Values = declared
        .iter()
        .filter_map(|variable| Some((variable.name.clone(), variable.default.clone()?)))
        .collect();
    for variable in &declared {
        if let Some((_, text)) =
            env.iter().find(|(name, _)| name.strip_prefix("TF_VAR_") == Some(&variable.name))
        {
            values.insert(variable.name.clone(), typed(variable, text));
        }
    }
    for file in variable_files(directory)?.iter().chain(&variables.files) {
        values.extend(file_values(&if file.is_absolute() { file.clone() } else { directory.join(file) })?);
    }
    for pair in &variables.pairs {
        let (name, text) = pair.split_once('=').ok_or_else(|| {
            Error::invalid(format!("option `-var={pair}` has no `=`; nothing was done"))
                .hint("write `-var NAME=VALUE`")
        })?;
        let variable = declared.iter().find(|variable| variable.name == name.trim());
        let value = variable.map_or_else(|| text.into(), |variable| typed(variable, text));
        values.insert(name.trim().to_owned(), value);
    }
    let sensitive: Vec<_> =
        declared.into_iter().filter(|variable| variable.is_sensitive).map(|variable| variable.name).collect();
    Ok((values, sensitive, bodies))
}

fn is_json(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "json")
}

fn declared(block: &Block) -> Declared {
    let attribute = |name: &str| block.body.get_attribute(name).map(|attribute| &attribute.value);
    let evaluated =
        |expression: &Expression| hcl::Expression::from(expression.clone()).evaluate(&Context::new()).ok();
    Declared {
        name: block.labels.first().map_or("", |label| label.as_str()).to_owned(),
        is_text: attribute("type").is_none_or(|of| of.to_string().trim() == "string"),
        is_sensitive: attribute("sensitive").and_then(Expression::as_bool).unwrap_or_default(),
        default: attribute("default").and_then(evaluated),
    }
}

/// A value given as text: taken literally for a string, read as an expression for any other type.
fn typed(variable: &Declared, text: &str) -> hcl::Value {
    if variable.is_text {
        return text.into();
    }
    let parsed = text.parse::<Expression>().ok().map(hcl::Expression::from);
    parsed.and_then(|parsed| parsed.evaluate(&Context::new()).ok()).unwrap_or_else(|| text.into())
}

/// The variable files that are read unasked: `terraform.tfvars(.json)`, then `*.auto.tfvars(.json)` by name.
fn variable_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut automatic = Vec::new();
    let unreadable = |cause: std::io::Error| {
        Error::invalid(format!("can't list the directory `{}`", directory.display())).with_source(cause)
    };
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        if [".auto.tfvars", ".auto.tfvars.json"].iter().any(|suffix| name.ends_with(suffix)) {
            automatic.push(name);
        }
    }
    automatic.sort();
    let usual = ["terraform.tfvars", "terraform.tfvars.json"].map(str::to_owned);
    let usual = usual.into_iter().filter(|name| directory.join(name).is_file());
    Ok(usual.chain(automatic).map(PathBuf::from).collect())
}

fn file_values(file: &Path) -> Result<Values> {
    let text = read_text(file)?;
    if is_json(file) {
        return serde_json::from_str(&text).map_err(|cause| {
            Error::invalid(format!("`{}` is not a JSON object of variables", file.display()))
                .with_source(cause)
        });
    }
    let body = parse_body(file, &text)?;
    let mut values = Values::new();
    for attribute in body.attributes() {
        let value =
            hcl::Expression::from(attribute.value.clone()).evaluate(&Context::new()).map_err(|cause| {
                Error::invalid(format!(
                    "`{}` in `{}` has no constant value",
                    attribute.key.as_str(),
                    file.display()
                ))
                .fact("cause", cause.to_string())
            })?;
        values.insert(attribute.key.as_str().to_owned(), value);
    }
    Ok(values)
}

/// Locals may refer to each other in any order, so they are tried until no more can be told.
fn with_locals(values: &Values, bodies: &[Body], terraform: &Values) -> Context<'static> {
    let mut pending: Vec<(String, hcl::Expression)> = bodies
        .iter()
        .flat_map(|body| body.get_blocks("locals"))
        .flat_map(|block| block.body.attributes())
        .map(|attribute| (attribute.key.as_str().to_owned(), attribute.value.clone().into()))
        .collect();
    let mut locals = Values::new();
    loop {
        let context = context(values, &locals, terraform);
        let before = pending.len();
        pending.retain(|(name, expression)| match expression.evaluate(&context) {
            Ok(value) => {
                locals.insert(name.clone(), value);
                false
            }
            Err(_) => true,
        });
        if pending.len() == before {
            return context;
        }
    }
}

fn context(values: &Values, locals: &Values, terraform: &Values) -> Context<'static> {
    let mut context = Context::new();
    let path: Values = ["module", "root"].map(|name| (name.to_owned(), ".".into())).into_iter().collect();
    for (name, members) in [("var", values), ("local", locals), ("path", &path), ("terraform", terraform)] {
        context.declare_var(name, hcl::Value::Object(members.clone()));
    }
    context
}

pub(super) fn literal(value: hcl::Value) -> Value {
    match value {
        hcl::Value::Null => Value::Null,
        hcl::Value::Bool(flag) => Value::Bool(flag),
        hcl::Value::Number(number) => Value::Number(number.to_string()),
        hcl::Value::String(text) => Value::String(text),
        hcl::Value::Array(items) => Value::List(items.into_iter().map(literal).collect()),
        hcl::Value::Object(members) => {
            Value::Map(members.into_iter().map(|(name, value)| (name, literal(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::testing::directory;

    const VARIABLES: &str = "variable \"env\" {\n  default = \"dev\"\n}\nvariable \"n\" {\n  type = number\n  default = 1\n}\n\
        variable \"secret\" {\n  default = \"hush\"\n  sensitive = true\n}\n\
        locals {\n  key = \"${local.base}/${var.n}\"\n  base = \"states/${var.env}\"\n}\n";

    fn evaluate(
        files: &[(&str, &str)],
        variables: &[(&str, &str)],
        pairs: &[&str],
        text: &str,
    ) -> Result<Value, String> {
        let dir = directory(&[&[("main.tofu", VARIABLES)], files].concat());
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let pairs = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        let given = Variables { files: Vec::new(), pairs };
        let statics = Statics::read(dir.path(), &given, &Env::new(variables, "u", "h")).unwrap();
        statics.evaluate(&text.parse().unwrap())
    }

    fn text(text: &str) -> Value {
        Value::String(text.to_owned())
    }

    #[test]
    fn locals_and_defaults_resolve() {
        assert_eq!(evaluate(&[], &[], &[], "local.key"), Ok(text("states/dev/1")));
        assert_eq!(evaluate(&[], &[], &[], "var.n > 0 ? \"a\" : \"b\""), Ok(text("a")));
    }

    #[test]
    fn later_sources_win() {
        let tfvars = ("terraform.tfvars", "env = \"file\"\n");
        let auto = ("x.auto.tfvars.json", "{\"env\": \"auto\"}");
        let variable = [("TF_VAR_env", "variable")];
        assert_eq!(evaluate(&[], &variable, &[], "var.env"), Ok(text("variable")));
        assert_eq!(evaluate(&[tfvars], &variable, &[], "var.env"), Ok(text("file")));
        assert_eq!(evaluate(&[tfvars, auto], &variable, &[], "var.env"), Ok(text("auto")));
        assert_eq!(evaluate(&[tfvars, auto], &variable, &["env=option"], "var.env"), Ok(text("option")));
        assert_eq!(evaluate(&[], &[], &["n=7"], "var.n + 1"), Ok(Value::Number("8".into())));
    }

    #[test]
    fn sensitive_and_unknown_values_are_refused() {
        assert!(evaluate(&[], &[], &[], "var.secret").unwrap_err().contains("sensitive"));
        assert!(evaluate(&[], &[], &[], "var.nowhere").is_err());
        assert!(evaluate(&[], &[], &[], "file(\"x\")").is_err());
    }
}
