//! Literal expressions of HCL: the only ones that a backend block may hold.

use std::collections::BTreeMap;

use hcl::eval::{Context, Evaluate as _};
use hcl_edit::expr::{Array, Expression, Object, ObjectKey, UnaryOperator};
use hcl_edit::template::{Element, HeredocTemplate};

use unicode_normalization::UnicodeNormalization as _;

use super::value::Value;

/// Evaluates an expression that holds literals alone.
///
/// # Errors
/// Why the expression is refused, as text for a message.
pub(crate) fn evaluate(expression: &Expression) -> Result<Value, String> {
    match expression {
        Expression::Null(_) => Ok(Value::Null),
        Expression::Bool(flag) => Ok(Value::Bool(*flag.value())),
        Expression::Number(number) => Ok(Value::Number(number.value().to_string())),
        Expression::String(text) => Ok(normal(text.value())),
        Expression::HeredocTemplate(heredoc) => heredoc_text(heredoc),
        Expression::Parenthesis(inner) => evaluate(inner.inner()),
        Expression::Array(array) => list(array),
        Expression::Object(object) => map(object),
        Expression::UnaryOp(op) if *op.operator.value() == UnaryOperator::Neg => negative(&op.expr),
        Expression::FuncCall(_) => Err("function calls are not allowed here".to_owned()),
        Expression::UnaryOp(_)
        | Expression::StringTemplate(_)
        | Expression::Variable(_)
        | Expression::Conditional(_)
        | Expression::Traversal(_)
        | Expression::BinaryOp(_)
        | Expression::ForExpr(_) => {
            constant(expression).ok_or_else(|| "variables and expressions are not allowed here".to_owned())
        }
    }
}

/// A text in the form that Terraform brings all texts of a configuration into.
fn normal(text: &str) -> Value {
    Value::String(if text.is_ascii() { text.to_owned() } else { text.nfc().collect() })
}

/// The value of an expression that refers to nothing, such as `1 + 1`, which Terraform accepts too.
fn constant(expression: &Expression) -> Option<Value> {
    let value = hcl::Expression::from(expression.clone()).evaluate(&Context::new()).ok()?;
    Some(super::statics::literal(value))
}

fn negative(inner: &Expression) -> Result<Value, String> {
    match evaluate(inner)? {
        Value::Number(number) => Ok(Value::Number(format!("-{number}"))),
        _ => Err("only numbers can be negative".to_owned()),
    }
}

fn list(array: &Array) -> Result<Value, String> {
    array.iter().map(evaluate).collect::<Result<_, _>>().map(Value::List)
}

fn map(object: &Object) -> Result<Value, String> {
    let mut members = BTreeMap::new();
    for (key, value) in object {
        members.insert(key_text(key)?, evaluate(value.expr())?);
    }
    Ok(Value::Map(members))
}

fn key_text(key: &ObjectKey) -> Result<String, String> {
    match key {
        ObjectKey::Ident(ident) => Ok(ident.value().to_string()),
        ObjectKey::Expression(expression) => match evaluate(expression)? {
            Value::String(text) | Value::Number(text) => Ok(text),
            _ => Err("a member's name must be a text".to_owned()),
        },
    }
}

fn heredoc_text(heredoc: &HeredocTemplate) -> Result<Value, String> {
    let mut heredoc = heredoc.clone();
    heredoc.dedent();
    let mut text = String::new();
    for element in &heredoc.template {
        match element {
            Element::Literal(literal) => text.push_str(literal),
            Element::Interpolation(_) | Element::Directive(_) => {
                return Err("variables and expressions are not allowed here".to_owned());
            }
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(normal(&text))
}

/// Parses and evaluates the text of one literal expression, as `-backend-config NAME=EXPRESSION` has it.
///
/// # Errors
/// Why the text is refused.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let expression: Expression = text
        .parse()
        .map_err(|error: hcl_edit::parser::Error| format!("not an HCL expression: {}", error.message()))?;
    evaluate(&expression)
}

/// The literal value of a JSON document.
///
/// Texts are taken as they are: in a backend block in JSON, Terraform reads no templates.
pub(crate) fn from_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Bool(*flag),
        serde_json::Value::Number(number) => Value::Number(number.to_string()),
        serde_json::Value::String(text) => normal(text),
        serde_json::Value::Array(items) => Value::List(items.iter().map(from_json).collect()),
        serde_json::Value::Object(members) => {
            Value::Map(members.iter().map(|(name, value)| (name.clone(), from_json(value))).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_evaluate() {
        assert_eq!(parse("-7"), Ok(Value::Number("-7".into())));
        assert_eq!(
            parse(r#"["a", true]"#),
            Ok(Value::List(vec![Value::String("a".into()), Value::Bool(true)]))
        );
        let Ok(Value::Map(members)) = parse(r#"{ s3 = "http://h", "x" : null }"#) else { panic!() };
        assert_eq!(members["s3"], Value::String("http://h".into()));
        assert_eq!(members["x"], Value::Null);
    }

    #[test]
    fn constant_expressions_evaluate() {
        assert_eq!(parse("1 + 1"), Ok(Value::Number("2".into())));
        assert_eq!(parse("true ? \"a\" : \"b\""), Ok(Value::String("a".into())));
        assert_eq!(parse("\"sta${\"te\"}\""), Ok(Value::String("state".into())));
        assert_eq!(parse("\"u\u{308}\""), Ok(Value::String("ü".into())));
    }

    #[test]
    fn heredocs_keep_their_last_newline() {
        for (text, value) in [("<<EOT\na\n b\nEOT\n", "a\n b\n"), ("<<-EOT\n  a\n   b\n  EOT\n", "a\n b\n")] {
            let body: hcl_edit::structure::Body = format!("x = {text}").parse().unwrap();
            let attribute = body.attributes().next().unwrap();
            assert_eq!(evaluate(&attribute.value), Ok(Value::String(value.into())), "{text}");
        }
    }

    #[test]
    fn references_are_refused() {
        for text in ["var.x", "\"${var.x}\"", "1 + var.x", "x ? 1 : 2"] {
            assert!(parse(text).unwrap_err().contains("not allowed"), "{text}");
        }
        assert!(parse("file(\"x\")").unwrap_err().contains("function"));
    }
}
