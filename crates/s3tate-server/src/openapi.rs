//! What can be asked for, as an `OpenAPI` 3.1 document: `/openapi.json`.
//!
//! LOCK and UNLOCK are no methods of `OpenAPI`: they stand in `x-LOCK` and `x-UNLOCK`, and their aliases below `/lock` where
//! operations belong. Pages for people are not described.

use serde_json::{Map, Value, json};

/// How an answer's body looks.
#[derive(Clone, Copy)]
enum Body {
    /// There is none.
    Empty,
    Text,
    /// JSON of a schema.
    Json(&'static str),
    Problem,
    /// Who holds the lock, or a problem.
    Holder,
}

use Body::{Empty, Holder, Json, Problem, Text};

/// Something that can be asked for.
struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    query: &'static [&'static str],
    /// The schema of what is sent, and whether something has to be.
    sent: Option<(&'static str, bool)>,
    answers: &'static [(u16, &'static str, Body)],
}

/// What every request may be answered with.
const ANY: [(u16, &str, Body); 3] = [
    (400, "The request is none that is answered here", Problem),
    (414, "The path is too long", Problem),
    (500, "Something is wrong inside; `s3tate why` tells what", Problem),
];

/// What every request by somebody may be answered with besides.
const BY_SOMEBODY: [(u16, &str, Body); 4] = [
    (401, "No valid credential", Problem),
    (403, "Not allowed, or the state is not to be begun", Problem),
    (429, "Too many requests", Problem),
    (503, "The store can't be reached, or the server is stopping", Problem),
];

/// What every request with a body may be answered with besides.
const WITH_BODY: [(u16, &str, Body); 3] = [
    (408, "The body stood still", Problem),
    (413, "The body is too large", Problem),
    (415, "The body is declared as something else than JSON", Problem),
];

const LOCKED: (u16, &str, Body) = (423, "Somebody holds the lock", Holder);

const LOCK: Operation = Operation {
    method: "x-LOCK",
    path: "/state/{key}",
    summary: "Take the lock",
    query: &["workspace"],
    sent: Some(("LockInfo", true)),
    answers: &[(200, "It is held", Empty), (409, "The lock was released before", Holder), LOCKED],
};
const UNLOCK: Operation = Operation {
    method: "x-UNLOCK",
    summary: "Release the lock, or without a body break it",
    sent: Some(("LockInfo", false)),
    answers: &[(200, "Nobody holds it", Empty), (409, "Another lock is held", Holder)],
    ..LOCK
};
const WRITE: Operation = Operation {
    method: "post",
    path: "/state/{key}",
    summary: "Write the state",
    query: &["ID", "workspace"],
    sent: Some(("State", true)),
    answers: &[
        (200, "It is stored", Json("Written")),
        (409, "The stored state or its lock is another", Holder),
        (422, "The body is JSON, but no state", Problem),
        DELETED,
        LOCKED,
    ],
};

const OPERATIONS: [Operation; 22] = [
    open("/healthz", "Whether the process works", &[(200, "It does", Text)]),
    open(
        "/readyz",
        "Whether the store and its locks answer",
        &[
            (200, "They do", Json("Readiness")),
            (503, "They don't, or the server is stopping", Json("Readiness")),
        ],
    ),
    open("/metrics", "Counters", &[(200, "In the text format of OpenMetrics", Text)]),
    open("/version", "Name and version", &[(200, "They are", Json("Version"))]),
    open("/openapi.json", "This description", &[(200, "OpenAPI 3.1", Json("Document"))]),
    get(
        "/state/{key}",
        "Read the state",
        &["workspace"],
        &[(200, "The stored bytes", Json("State")), UNCHANGED, MISSING, DELETED],
    ),
    WRITE,
    Operation { method: "put", ..WRITE },
    Operation {
        method: "delete",
        path: "/state/{key}",
        summary: "Delete the state; its versions stay",
        query: &["ID", "workspace"],
        sent: None,
        answers: &[
            (200, "There is none any more", Empty),
            (409, "It is locked, or changed meanwhile", Holder),
            (404, "There is none", Empty),
        ],
    },
    LOCK,
    UNLOCK,
    Operation { method: "post", path: "/state/{key}/lock", ..LOCK },
    Operation { method: "put", path: "/state/{key}/lock", ..LOCK },
    Operation { path: "/state/{key}/lock", ..LOCK },
    Operation { method: "delete", path: "/state/{key}/lock", ..UNLOCK },
    Operation { path: "/state/{key}/lock", ..UNLOCK },
    get(
        "/outputs/{key}",
        "Outputs alone",
        &["sensitive", "workspace"],
        &[(200, "By name", Json("Outputs")), UNCHANGED, MISSING, DELETED, UNREADABLE],
    ),
    get(
        "/remote-state/{key}",
        "A state with outputs alone",
        &["sensitive", "workspace"],
        &[(200, "A state", Json("State")), UNCHANGED, MISSING, DELETED, UNREADABLE],
    ),
    get(
        "/history/{key}",
        "The versions of the state, or the bytes of one",
        &["version", "limit", "workspace"],
        &[
            (200, "The newest first, or the bytes", Json("Document")),
            (404, "There is no state", Problem),
            (409, "The bucket keeps no versions", Problem),
            (410, "There is no such version", Problem),
            (422, "The version is no state", Problem),
        ],
    ),
    restoring("/restore/{key}", "Store a version again, above all others", &["version", "workspace"]),
    restoring("/undelete/{key}", "Store again what a deletion took away", &["workspace"]),
    get(
        "/why/{id}",
        "The inside of a refused request",
        &[],
        &[(200, "What happened", Json("Document")), (410, "Nothing is known of it", Problem)],
    ),
];

const RESCUE: Operation = get(
    "/rescue/{id}",
    "The bytes of a refused write",
    &[],
    &[(200, "As they were sent", Json("Document")), (410, "Nothing was kept", Problem)],
);
const UNCHANGED: (u16, &str, Body) = (304, "The client has it already", Empty);
const MISSING: (u16, &str, Body) = (404, "There is no state", Empty);
const DELETED: (u16, &str, Body) = (410, "The state was deleted, and this server tells that apart", Problem);

const UNREADABLE: (u16, &str, Body) = (422, "What is stored is no state", Problem);

type Answers = &'static [(u16, &'static str, Body)];

const fn open(path: &'static str, summary: &'static str, answers: Answers) -> Operation {
    Operation { method: "get", path, summary, query: &[], sent: None, answers }
}

const fn get(
    path: &'static str,
    summary: &'static str,
    query: &'static [&'static str],
    answers: Answers,
) -> Operation {
    Operation { query, ..open(path, summary, answers) }
}

const fn restoring(path: &'static str, summary: &'static str, query: &'static [&'static str]) -> Operation {
    let answers: Answers = &[
        (200, "It is stored", Json("Document")),
        (404, "There is no state", Problem),
        (409, "The stored state changed meanwhile", Problem),
        (410, "There is no such version", Problem),
        (422, "The version is no state", Problem),
        LOCKED,
    ];
    Operation { method: "post", query, ..open(path, summary, answers) }
}

/// The document.
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS.iter().chain([&RESCUE]) {
        let path =
            paths.entry(operation.path).or_insert_with(|| json!({ "parameters": in_path(operation.path) }));
        path[operation.method] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "s3tate",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "States of Terraform and OpenTofu: the protocol of `backend \"http\"`, and more",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": { "schemas": schemas(), "securitySchemes": {
            "basic": { "type": "http", "scheme": "basic", "description": "The token is the password; any user name does." },
            "bearer": { "type": "http", "scheme": "bearer" },
        } },
    })
}

fn in_path(path: &str) -> Value {
    let (name, schema, what) = match path {
        _ if path.contains("{key}") => (
            "key",
            json!({ "type": "string", "minLength": 1 }),
            "The state's key in the bucket, with any number of segments",
        ),
        _ if path.contains("{id}") => (
            "id",
            json!({ "type": "string", "pattern": "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$" }),
            "The ID of the request",
        ),
        _ => return json!([]),
    };
    json!([{ "name": name, "in": "path", "required": true, "schema": schema, "description": what }])
}

fn described(operation: &Operation) -> Value {
    let closed = operation.path.contains('{');
    let mut answers = Map::new();
    let extra = BY_SOMEBODY.iter().filter(|_| closed);
    let with_body = WITH_BODY.iter().filter(|_| operation.sent.is_some());
    for (status, what, body) in ANY.iter().chain(extra).chain(with_body).chain(operation.answers) {
        answers.insert(status.to_string(), json!({ "description": what, "content": content(*body) }));
    }
    let query: Vec<Value> = operation.query.iter().map(|name| parameter(name)).collect();
    let mut described = json!({ "summary": operation.summary, "parameters": query, "responses": answers });
    if closed {
        described["security"] = json!([{ "basic": [] }, { "bearer": [] }]);
    }
    if let Some((schema, required)) = operation.sent {
        let content = json!({ "application/json": { "schema": reference(schema) } });
        described["requestBody"] = json!({ "required": required, "content": content });
    }
    described
}

fn content(body: Body) -> Value {
    match body {
        Empty => json!({}),
        Text => json!({ "text/plain": {}, "application/openmetrics-text": {} }),
        Json(schema) => json!({ "application/json": { "schema": reference(schema) } }),
        Problem => json!({ "application/problem+json": { "schema": reference("Problem") } }),
        Holder => json!({
            "application/json": { "schema": reference("LockInfo") },
            "application/problem+json": { "schema": reference("Problem") },
        }),
    }
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

fn parameter(name: &str) -> Value {
    let (schema, what) = match name {
        "ID" => (json!({ "type": "string" }), "The ID of the lock that this is done under"),
        "workspace" => (json!({ "type": "string" }), "Another workspace of the key"),
        "sensitive" => {
            (json!({ "type": "boolean" }), "With sensitive outputs, for those who may read the state")
        }
        "limit" => (json!({ "type": "integer", "minimum": 1 }), "How many versions"),
        _ => (json!({ "type": "string" }), "An ID of the history, `serial:N`, or `@{TIME}`"),
    };
    json!({ "name": name, "in": "query", "schema": schema, "description": what })
}

fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer", "minimum": 0 });
    let object = |required: Value, properties: Value| json!({ "type": "object", "required": required, "properties": properties });
    json!({
        "Document": { "type": "object" },
        "Outputs": { "type": "object", "additionalProperties": { "type": "object", "required": ["value", "type"] } },
        "Problem": object(
            json!(["type", "title", "status", "detail", "request_id"]),
            json!({ "type": text, "title": text, "status": number, "detail": text, "request_id": text, "rescued": { "type": "boolean" } }),
        ),
        "LockInfo": object(
            json!(["ID"]),
            json!({ "ID": text, "Operation": text, "Info": text, "Who": text, "Version": text, "Created": { "type": ["string", "null"] }, "Path": text }),
        ),
        "State": object(json!(["version"]), json!({ "version": number, "serial": number, "lineage": text })),
        "Written": object(
            json!(["serial", "sha256", "stored"]),
            json!({ "serial": { "type": ["integer", "null"] }, "sha256": text, "stored": { "type": "boolean" } }),
        ),
        "Readiness": object(json!(["store", "serving"]), json!({ "store": text, "serving": text })),
        "Version": object(json!(["name", "version"]), json!({ "name": text, "version": text })),
    })
}
