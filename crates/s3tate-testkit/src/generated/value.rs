//! Values, as JSON.

use fastrand::Rng;

use super::json::Layout;
use super::shape::Shape;
use super::text;

/// A value that fits a type, as Terraform sees it.
pub(super) fn of(rng: &mut Rng, shape: &Shape) -> String {
    if rng.u8(0..12) == 0 && !matches!(shape, Shape::Loose(_)) {
        return "null".to_owned();
    }
    let layout = Layout::any(rng);
    match shape {
        Shape::Text => text(rng),
        Shape::Number => {
            let number = number(rng);
            if rng.u8(0..10) == 0 { format!("\"{number}\"") } else { number }
        }
        Shape::Truth => {
            ["true", "false", "true", "false", "\"true\"", "\"1\"", "\"0\""][rng.usize(..7)].to_owned()
        }
        Shape::Open(None) => "null".to_owned(),
        Shape::Open(Some(inner)) => {
            let members = vec![("value", of(rng, inner)), ("type", inner.to_json(rng, &layout))];
            layout.object(rng, members)
        }
        Shape::List(element) | Shape::Set(element) => {
            let mut elements: Vec<_> = (0..rng.usize(0..6)).map(|_| of(rng, element)).collect();
            if let Some(first) = elements.first().cloned().filter(|_| rng.bool()) {
                elements.push(first);
            }
            layout.array(elements)
        }
        Shape::Map(element) => {
            let entries: Vec<_> = (0..rng.usize(0..5))
                .map(|_| {
                    let name = text::any(rng);
                    (text::quoted(rng, &name), of(rng, element))
                })
                .collect();
            layout.members(entries.into_iter())
        }
        Shape::Tuple(elements) => {
            let elements: Vec<_> = elements.iter().map(|element| of(rng, element)).collect();
            layout.array(elements)
        }
        Shape::Object(attributes) | Shape::Loose(attributes) => {
            let present: Vec<_> = attributes.iter().filter(|_| rng.u8(0..6) != 0).cloned().collect();
            let members: Vec<_> = present.iter().map(|(name, ty)| (name.as_str(), of(rng, ty))).collect();
            layout.object(rng, members)
        }
    }
}

fn text(rng: &mut Rng) -> String {
    match rng.u8(0..20) {
        0 => number(rng),
        1 => rng.bool().to_string(),
        _ => {
            let text = text::any(rng);
            text::quoted(rng, &text)
        }
    }
}

/// A JSON number of any size and spelling.
fn number(rng: &mut Rng) -> String {
    const EDGES: [&str; 22] = [
        "0",
        "-0",
        "0.0",
        "-0.0e5",
        "1",
        "-1",
        "10",
        "1.0",
        "1.50",
        "0.1",
        "1e0",
        "1E+2",
        "1e-2",
        "100e-2",
        "9007199254740993",
        "9223372036854775808",
        "18446744073709551616",
        "1e30",
        "1e-7",
        "123456789.987654321",
        "1e15",
        "0.00001",
    ];
    if rng.u8(0..3) == 0 {
        return EDGES[rng.usize(..EDGES.len())].to_owned();
    }
    let sign = if rng.u8(0..4) == 0 { "-" } else { "" };
    let whole = digits(rng);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let fraction = if rng.bool() { format!(".{}", digits(rng)) } else { String::new() };
    let exponent = match rng.u8(0..12) {
        0 => format!("e{}", rng.i32(-400..400)),
        1 => format!("E+{}", rng.u32(0..40)),
        2 => format!("e-{:03}", rng.u32(0..40)),
        3 if rng.u8(0..8) == 0 => format!("e{}", rng.i32(-5000..5000)),
        _ => String::new(),
    };
    format!("{sign}{whole}{fraction}{exponent}")
}

/// At least one digit, mostly few, sometimes more than any machine number holds.
fn digits(rng: &mut Rng) -> String {
    let count = match rng.u8(0..20) {
        0 => rng.usize(140..330),
        1..4 => rng.usize(15..60),
        _ => rng.usize(1..8),
    };
    let pool: &[char] = if rng.u8(0..6) == 0 {
        &['0', '9', '5']
    } else {
        &['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']
    };
    (0..count).map(|_| pool[rng.usize(..pool.len())]).collect()
}
