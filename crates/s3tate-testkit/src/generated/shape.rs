//! Types of values.

use fastrand::Rng;

use super::json::Layout;
use super::text::{self, quoted_plainly};

/// Types are nested no deeper.
const MAX_DEPTH: usize = 4;

/// A type, and what a value is to be made like where the type leaves that open.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    Text,
    Number,
    Truth,
    /// `dynamic`: a null, or a value that brings its type along; within a collection the same for all elements.
    Open(Option<Box<Shape>>),
    List(Box<Shape>),
    Set(Box<Shape>),
    Map(Box<Shape>),
    Tuple(Vec<Shape>),
    Object(Vec<(String, Shape)>),
    /// An object with a list of optional attributes, which Terraform accepts and never writes. Nulls and empty
    /// collections of such a type keep the list, or make Terraform crash: this stands on the outside alone, and is
    /// never null.
    Loose(Vec<(String, Shape)>),
}

impl Shape {
    /// The type of an output.
    pub(super) fn outermost(rng: &mut Rng) -> Self {
        if rng.u8(0..20) == 0 { Self::Loose(Self::attributes(rng, 0)) } else { Self::any(rng, 0) }
    }

    /// A type at this depth within another one.
    fn any(rng: &mut Rng, depth: usize) -> Self {
        let kinds = if depth >= MAX_DEPTH { 6 } else { 14 };
        match rng.u8(0..kinds) {
            0 | 1 => Self::Text,
            2 | 3 => Self::Number,
            4 => Self::Truth,
            5 => {
                Self::Open((rng.u8(0..4) != 0 && depth < MAX_DEPTH).then(|| Self::any(rng, depth + 2).into()))
            }
            6 | 7 => Self::List(Self::any(rng, depth + 1).into()),
            8 | 9 => Self::Set(Self::any(rng, depth + 1).into()),
            10 | 11 => Self::Map(Self::any(rng, depth + 1).into()),
            12 => Self::Tuple((0..rng.usize(0..4)).map(|_| Self::any(rng, depth + 1)).collect()),
            _ => Self::Object(Self::attributes(rng, depth)),
        }
    }

    fn attributes(rng: &mut Rng, depth: usize) -> Vec<(String, Self)> {
        let mut attributes: Vec<(String, Self)> = Vec::new();
        for _ in 0..rng.usize(0..5) {
            let name = text::attribute(rng);
            if attributes.iter().all(|(other, ..)| *other != name) {
                attributes.push((name, Self::any(rng, depth + 1)));
            }
        }
        attributes
    }

    /// A type close to this one, which its values may or may not fit.
    pub(super) fn altered(&self, rng: &mut Rng) -> Self {
        if rng.u8(0..3) == 0 {
            return Self::any(rng, 2);
        }
        match self.clone() {
            Self::List(element) => {
                if rng.bool() {
                    Self::Set(element)
                } else {
                    Self::List(element.altered(rng).into())
                }
            }
            Self::Set(element) => {
                if rng.bool() {
                    Self::List(element)
                } else {
                    Self::Set(element.altered(rng).into())
                }
            }
            Self::Map(element) => Self::Map(element.altered(rng).into()),
            Self::Tuple(mut elements) => {
                match rng.u8(0..3) {
                    0 => drop(elements.pop()),
                    1 => elements.push(Self::any(rng, 2)),
                    _ => elements.iter_mut().for_each(|element| *element = element.altered(rng)),
                }
                Self::Tuple(elements)
            }
            Self::Object(mut attributes) | Self::Loose(mut attributes) => {
                match rng.u8(0..3) {
                    0 => drop(attributes.pop()),
                    1 => attributes.push(("extra".to_owned(), Self::Text)),
                    _ => attributes.iter_mut().for_each(|(_, ty)| *ty = ty.altered(rng)),
                }
                Self::Object(attributes)
            }
            Self::Text | Self::Number | Self::Truth | Self::Open(_) => Self::any(rng, 1),
        }
    }

    /// The type expression.
    pub(super) fn to_json(&self, rng: &mut Rng, layout: &Layout) -> String {
        match self {
            Self::Text => "\"string\"".to_owned(),
            Self::Number => "\"number\"".to_owned(),
            Self::Truth => "\"bool\"".to_owned(),
            Self::Open(_) => "\"dynamic\"".to_owned(),
            Self::List(element) => layout.array(["\"list\"".to_owned(), element.to_json(rng, layout)]),
            Self::Set(element) => layout.array(["\"set\"".to_owned(), element.to_json(rng, layout)]),
            Self::Map(element) => layout.array(["\"map\"".to_owned(), element.to_json(rng, layout)]),
            Self::Tuple(elements) => {
                let elements: Vec<_> = elements.iter().map(|element| element.to_json(rng, layout)).collect();
                layout.array(["\"tuple\"".to_owned(), layout.array(elements)])
            }
            Self::Object(attributes) => {
                layout.array(["\"object\"".to_owned(), members(attributes, rng, layout)])
            }
            Self::Loose(attributes) => {
                let types = members(attributes, rng, layout);
                let optional = attributes.iter().filter(|_| rng.bool()).map(|(name, _)| quoted_plainly(name));
                let optional = layout.array(optional.collect::<Vec<_>>());
                layout.array(["\"object\"".to_owned(), types, optional])
            }
        }
    }
}

fn members(attributes: &[(String, Shape)], rng: &mut Rng, layout: &Layout) -> String {
    let types: Vec<_> =
        attributes.iter().map(|(name, ty)| (quoted_plainly(name), ty.to_json(rng, layout))).collect();
    layout.members(types.into_iter())
}
