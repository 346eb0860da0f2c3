//! Backend blocks in Terraform's JSON syntax.

use std::path::Path;
use std::sync::Arc;

use jsonc_parser::ast::{Object, ObjectProp, Value as Node};
use jsonc_parser::common::{Range, Ranged as _};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::hcl::{BackendBlock, argument};
use super::{Argument, Place, Source, literal};
use crate::error::{Error, Result};
use crate::problem::Problem;

/// A file in JSON syntax.
pub(super) struct Document<'a> {
    file: &'a Path,
    text: &'a Arc<str>,
    root: Option<Node<'a>>,
}

impl<'a> Document<'a> {
    /// Parses a file.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: it is no JSON.
    pub(super) fn parse(file: &'a Path, text: &'a Arc<str>) -> Result<Self> {
        // The other parser knows where everything stands, but is less strict, and sets no bound to the depth.
        if let Err(cause) = serde_json::from_str::<serde_json::Value>(text) {
            return Err(malformed(file, text, &cause));
        }
        let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default());
        let parsed = parsed.map_err(|cause| {
            Error::invalid(format!("can't read `{}`; nothing was done", file.display())).with_source(cause)
        })?;
        Ok(Self { file, text, root: parsed.value })
    }

    /// The backend blocks: `{"terraform": {"backend": {"s3": {…}}}}`, any level of which may also be an array.
    pub(super) fn backend_blocks(&self) -> Result<Vec<BackendBlock>> {
        let mut blocks = Vec::new();
        for terraform in self.terraform() {
            let labelled = members(terraform, "backend").flat_map(|backend| each(&backend.value));
            for kind in labelled.filter_map(Node::as_object).flat_map(|object| &object.properties) {
                let place = self.place(kind.name.range());
                for body in each(&kind.value) {
                    let (arguments, problems) = self.arguments_of(body)?;
                    let kind = kind.name.as_str().to_owned();
                    blocks.push(BackendBlock { kind, place: place.clone(), arguments, problems });
                }
            }
        }
        Ok(blocks)
    }

    /// Where a `cloud` block stands, if there is one.
    pub(super) fn cloud_block(&self) -> Option<Place> {
        let mut clouds = self.terraform().flat_map(|terraform| members(terraform, "cloud"));
        clouds.next().map(|cloud| self.place(cloud.name.range()))
    }

    /// The members of the whole document as arguments, and what is wrong with others. It may also be an array of
    /// objects, of which all count.
    pub(super) fn arguments(&self) -> Result<(Vec<Argument>, Vec<Problem>)> {
        let (mut arguments, mut problems) = (Vec::new(), Vec::new());
        for body in self.root.iter().flat_map(each) {
            let (more, wrong) = self.arguments_of(body)?;
            arguments.extend(more);
            problems.extend(wrong);
        }
        Ok((arguments, problems))
    }

    fn terraform(&self) -> impl Iterator<Item = &Object<'a>> {
        let roots = self.root.iter().flat_map(each).filter_map(Node::as_object);
        let blocks = roots.flat_map(|root| members(root, "terraform"));
        blocks.flat_map(|terraform| each(&terraform.value)).filter_map(Node::as_object)
    }

    /// The members of an object as arguments; members called `//` are comments.
    fn arguments_of(&self, body: &Node<'a>) -> Result<(Vec<Argument>, Vec<Problem>)> {
        let Some(object) = body.as_object() else {
            let message = format!("`{}` needs an object of backend arguments", self.file.display());
            return Err(Problem::new(message).at_place(self.place(body.range())).into());
        };
        let problems = twice(object).map(|again| {
            let place = self.place(again.name.range());
            Problem::new(format!("`{}` in {place} is set twice", again.name.as_str()))
                .hint("keep one of them")
                .at_place(place)
        });
        let set = object.properties.iter().filter(|member| member.name.as_str() != "//");
        let arguments = set.map(|member| {
            let source = Source::File(self.place(member.range));
            argument(member.name.as_str(), self.value(&member.value), source)
        });
        Ok((arguments.collect(), problems.into_iter().collect()))
    }

    fn value(&self, node: &Node<'_>) -> super::value::Value {
        let range = node.range();
        literal::from_json(&serde_json::from_str(&self.text[range.start..range.end]).unwrap_or_default())
    }

    fn place(&self, range: Range) -> Place {
        Place::new(self.file, self.text, range.start..range.end)
    }
}

fn malformed(file: &Path, text: &Arc<str>, cause: &serde_json::Error) -> Error {
    let line_start =
        text.lines().take(cause.line().saturating_sub(1)).map(|line| line.len() + 1).sum::<usize>();
    let at = line_start + cause.column().saturating_sub(1);
    let place = Place::new(file, text, at..at + 1);
    Problem::new(format!("{place} is not valid JSON")).why(cause.to_string()).at_place(place).into()
}

/// A member of an object, or of one within, whose name was there before.
fn twice<'n, 'a>(object: &'n Object<'a>) -> Option<&'n ObjectProp<'a>> {
    let mut names = std::collections::BTreeSet::new();
    let again = object.properties.iter().find(|member| {
        let name = member.name.as_str();
        name != "//" && !names.insert(name)
    });
    again.or_else(|| object.properties.iter().find_map(|member| twice(member.value.as_object()?)))
}

fn members<'n, 'a>(object: &'n Object<'a>, name: &'n str) -> impl Iterator<Item = &'n ObjectProp<'a>> {
    object.properties.iter().filter(move |member| member.name.as_str() == name)
}

fn each<'n, 'a>(node: &'n Node<'a>) -> impl Iterator<Item = &'n Node<'a>> {
    let items = match node {
        Node::Array(array) => array.elements.as_slice(),
        one => std::slice::from_ref(one),
    };
    items.iter()
}

#[cfg(test)]
mod tests {
    use super::super::hcl::find_backend;
    use crate::config::testing::directory;
    use crate::config::value::Value;

    #[test]
    fn json_blocks_are_found_in_objects_and_arrays() {
        for text in [
            r#"{"terraform":{"backend":{"s3":{"//":"note","bucket":"b"}}}}"#,
            r#"{"terraform":[{"backend":[{"s3":[{"bucket":"b"}]}]}]}"#,
        ] {
            let dir = directory(&[("main.tf.json", text)]);
            let block = find_backend(dir.path()).unwrap().unwrap();
            assert_eq!(block.kind, "s3");
            assert_eq!(block.arguments.len(), 1);
            assert_eq!(block.arguments[0].value, Value::String("b".into()));
        }
    }

    #[test]
    fn places_are_those_of_the_block_not_of_the_same_name_elsewhere() {
        let text = "{\"terraform\": {\"backend\": {\"s3\": {\n\"key\": \"a\"}}},\n\"output\": {\"key\": {\"value\": 1}}}";
        let dir = directory(&[("m.tf.json", text)]);
        let block = find_backend(dir.path()).unwrap().unwrap();
        assert!(block.arguments[0].source.to_string().ends_with("m.tf.json:2"), "{:?}", block.arguments);
    }

    #[test]
    fn a_member_that_is_set_twice_is_a_problem() {
        for members in [r#""key": "a", "key": "b""#, r#""endpoints": {"s3": "a", "s3": "b"}"#] {
            let text = format!(r#"{{"terraform":{{"backend":{{"s3":{{{members}, "//": 1, "//": 2}}}}}}}}"#);
            let dir = directory(&[("m.tf.json", &text)]);
            let block = find_backend(dir.path()).unwrap().unwrap();
            assert!(block.problems[0].message.contains("twice"), "{:?}", block.problems);
        }
    }

    #[test]
    fn texts_are_taken_as_they_are() {
        let dir = directory(&[("m.tf.json", r#"{"terraform":{"backend":{"s3":{"key":"${var.k}"}}}}"#)]);
        let block = find_backend(dir.path()).unwrap().unwrap();
        assert_eq!(block.arguments[0].value, Value::String("${var.k}".into()));
    }
}
