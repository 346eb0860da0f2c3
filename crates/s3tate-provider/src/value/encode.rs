//! Writing what the client reads. What it would crash on, or reject, is refused here.

use rmp::encode as to;
use s3tate::state::{Number, Type};

use super::Value;

/// The extension that stands for an unknown value, and its whole payload.
const UNKNOWN: [u8; 3] = [0xd4, 0, 0];

/// Appends a value of this type.
pub(super) fn push(out: &mut Vec<u8>, ty: &Type, value: &Value) -> Result<(), String> {
    match (ty, value) {
        (_, Value::Null) => nil(out),
        (_, Value::Unknown) => out.extend(UNKNOWN),
        (Type::Dynamic, Value::Dynamic(typed)) => dynamic(out, &typed.0, &typed.1)?,
        (Type::Bool, Value::Bool(truth)) => put(to::write_bool(out, *truth)),
        (Type::String, Value::String(text)) => put(to::write_str(out, text)),
        (Type::Number, Value::Number(number)) => push_number(out, number),
        (Type::List(element) | Type::Set(element), Value::Sequence(items)) => {
            alike(element, items.iter())?;
            put(to::write_array_len(out, length(items.len())?));
            items.iter().try_for_each(|item| push(out, element, item))?;
        }
        (Type::Tuple(types), Value::Sequence(items)) if types.len() == items.len() => {
            put(to::write_array_len(out, length(items.len())?));
            types.iter().zip(items).try_for_each(|(ty, item)| push(out, ty, item))?;
        }
        (Type::Map(element), Value::Mapping(members)) => {
            alike(element, members.values())?;
            put(to::write_map_len(out, length(members.len())?));
            for (name, item) in members {
                put(to::write_str(out, name));
                push(out, element, item)?;
            }
        }
        (Type::Object(types), Value::Mapping(members)) => {
            if let Some(name) = members.keys().find(|name| !types.contains_key(*name)) {
                return Err(format!("there is no attribute `{name}`"));
            }
            put(to::write_map_len(out, length(types.len())?));
            for (name, ty) in types {
                put(to::write_str(out, name));
                push(out, ty, members.get(name).unwrap_or(&Value::Null))?;
            }
        }
        (ty, _) => return Err(format!("{ty} is required")),
    }
    Ok(())
}

fn dynamic(out: &mut Vec<u8>, ty: &Type, value: &Value) -> Result<(), String> {
    if *ty == Type::Dynamic {
        return Err("a value without a declared type needs one of its own".to_owned());
    }
    put(to::write_array_len(out, 2));
    put(to::write_bin(out, ty.to_json().as_bytes()));
    push(out, ty, value)
}

/// A whole number that fits is an integer, a fraction is one only where it is exact, and all else is its digits.
fn push_number(out: &mut Vec<u8>, number: &Number) {
    let text = number.to_string();
    if let Ok(integer) = text.parse::<i64>() {
        put(to::write_sint(out, integer));
        return;
    }
    match text.parse::<f64>() {
        Ok(float) if text.contains('.') && float.is_finite() && is_exactly(float, number) => {
            put(to::write_f64(out, float));
        }
        _ => put(to::write_str(out, &text)),
    }
}

fn is_exactly(float: f64, number: &Number) -> bool {
    /// No fraction of a double has more.
    const PLACES: usize = 1074;
    Number::parse(&format!("{float:.PLACES$}")).as_ref() == Some(number)
}

/// Elements of a collection that leaves their type open must still have one: clients crash on others.
fn alike<'a>(element: &Type, values: impl Iterator<Item = &'a Value>) -> Result<(), String> {
    if *element != Type::Dynamic {
        return Ok(());
    }
    let mut types = values.filter_map(|value| match value {
        Value::Dynamic(typed) => Some(&typed.0),
        _ => None,
    });
    let first = types.next();
    if types.all(|ty| Some(ty) == first) {
        Ok(())
    } else {
        Err("all elements of a collection must have the same type".to_owned())
    }
}

fn length(length: usize) -> Result<u32, String> {
    u32::try_from(length).map_err(|_| "a collection is too large".to_owned())
}

fn nil(out: &mut Vec<u8>) {
    put(to::write_nil(out));
}

/// Writing into memory can't fail.
fn put<T, E>(written: Result<T, E>) {
    drop(written.ok());
}
