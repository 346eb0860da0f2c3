//! The resources of a state, as a tree of modules; one of them with its attributes.

use askama::Template;
use http::StatusCode;
use s3tate::state::{InstanceKey, Mode, ModuleAddress, ResourceAddress, Target};

use super::Visit;
use super::frame::{Frame, Tab, page, tabs};
use super::text;
use crate::answer::{Refusal, Response};
use crate::auth::Action;

/// How many instances a page shows.
const MOST: usize = 2000;

#[derive(Template)]
#[template(path = "resources.html")]
struct Resources<'a> {
    frame: Frame,
    key: &'a str,
    tabs: Vec<Tab>,
    action: String,
    search: &'a str,
    found: usize,
    /// Whether there are more than are shown.
    cut: bool,
    tree: Vec<Branch>,
}

/// The tree in the order of reading: what begins, stands, or ends where.
#[derive(Debug, PartialEq, Eq)]
enum Branch {
    /// A module, or a resource with several instances, begins: its name, and how many instances are below.
    Open { name: String, below: usize },
    /// It ends.
    Close,
    /// An instance, or a resource that has no others.
    Leaf { name: String, href: String },
}

#[derive(Template)]
#[template(path = "resource.html")]
struct Resource<'a> {
    frame: Frame,
    key: &'a str,
    tabs: Vec<Tab>,
    back: String,
    address: &'a str,
    text: String,
}

pub(super) async fn show(mut visit: Visit<'_>, key: &str) -> Result<Response, Refusal> {
    visit.allow(key, Action::Read)?;
    match visit.asked("address").to_owned().as_str() {
        "" => tree(&visit, key).await,
        address => one(&visit, key, address).await,
    }
}

async fn tree(visit: &Visit<'_>, key: &str) -> Result<Response, Refusal> {
    let search = visit.asked("q").trim();
    let instances = visit.app.backend.state_at(key).instances(None).await?;
    let lower = search.to_lowercase();
    let mut found: Vec<String> =
        instances.addresses().filter(|address| address.to_lowercase().contains(&lower)).collect();
    let number = found.len();
    found.truncate(MOST);
    let content = Resources {
        frame: Frame::of(visit, format!("Resources of {key}"))?,
        key,
        tabs: tabs(visit, key, "resources"),
        action: text::href("resources", key),
        search,
        found: number,
        cut: number > found.len(),
        tree: branches(key, &found),
    };
    page(StatusCode::OK, &content)
}

async fn one(visit: &Visit<'_>, key: &str, address: &str) -> Result<Response, Refusal> {
    let none = || Refusal::new(StatusCode::NOT_FOUND, "address", "the state has no such resource");
    let target = Target::parse(address).map_err(|_| none())?;
    let text = visit.app.backend.state_at(key).show(&target).await?.ok_or_else(none)?;
    let content = Resource {
        frame: Frame::of(visit, address)?,
        key,
        tabs: tabs(visit, key, "resources"),
        back: text::href("resources", key),
        address,
        text,
    };
    page(StatusCode::OK, &content)
}

/// An address in its steps: modules, then the resource, then its key.
fn steps(address: &str) -> Vec<String> {
    let (resource, key): (ResourceAddress, Option<InstanceKey>) = match Target::parse(address) {
        Ok(Target::Resource(resource)) => (resource, None),
        Ok(Target::Instance(resource, key)) => (resource, Some(key)),
        Ok(Target::Module(_)) | Err(_) => return vec![address.to_owned()],
    };
    let modules = resource.module.0.into_iter().map(|step| ModuleAddress(vec![step]).to_string());
    let data = if resource.mode == Mode::Data { "data." } else { "" };
    let own = format!("{data}{}.{}", resource.type_name, resource.name);
    modules.chain([own]).chain(key.map(|key| key.to_string())).collect()
}

/// Addresses as a tree. The order is that of `state list`, with what is below one branch brought together.
fn branches(key: &str, addresses: &[String]) -> Vec<Branch> {
    let paths: Vec<_> = addresses.iter().map(|address| (steps(address), address.as_str())).collect();
    let mut tree = Vec::new();
    grow(key, &paths.iter().collect::<Vec<_>>(), 0, &mut tree);
    tree
}

fn grow(key: &str, paths: &[&(Vec<String>, &str)], depth: usize, tree: &mut Vec<Branch>) {
    let mut names: Vec<&str> = Vec::new();
    let mut groups: std::collections::HashMap<&str, Vec<&(Vec<String>, &str)>> =
        std::collections::HashMap::new();
    for path in paths {
        let Some(name) = path.0.get(depth) else { continue };
        let group = groups.entry(name).or_insert_with(|| {
            names.push(name);
            Vec::new()
        });
        group.push(path);
    }
    for name in names {
        let group = groups.remove(name).unwrap_or_default();
        if let [(steps, address)] = group.as_slice()
            && steps.len() == depth + 1
        {
            let href = text::href_with("resources", key, &[("address", address)]);
            tree.push(Branch::Leaf { name: name.to_owned(), href });
            continue;
        }
        tree.push(Branch::Open { name: name.to_owned(), below: group.len() });
        grow(key, &group, depth + 1, tree);
        tree.push(Branch::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_a_tree() {
        let addresses =
            ["a.one", "a.many[0]", "a.many[1]", "module.m[\"x.y\"].data.b.c", "module.n.module.o.a.b"];
        let tree = branches("k", &addresses.map(str::to_owned));
        let lines: Vec<_> = tree
            .iter()
            .map(|branch| match branch {
                Branch::Open { name, below } => format!("{name} {below} ("),
                Branch::Close => ")".to_owned(),
                Branch::Leaf { name, .. } => name.clone(),
            })
            .collect();
        assert_eq!(
            lines.join(" "),
            "a.one a.many 2 ( [0] [1] ) module.m[\"x.y\"] 1 ( data.b.c ) module.n 1 ( module.o 1 ( a.b ) )"
        );
    }
}
