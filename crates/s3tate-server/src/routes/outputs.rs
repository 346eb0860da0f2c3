//! Outputs alone: as a JSON object, and as a state document that stock `terraform_remote_state` reads.

use std::collections::BTreeMap;

use http::header::{CONTENT_TYPE, ETAG};
use http::{HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::Digest as _;

use super::Call;
use super::read::{is_known, nothing, unchanged};
use crate::answer::{Refusal, Response};
use crate::auth::Action;
use crate::body::hex;

/// `GET /outputs/{key}`: each root output with its type; sensitive ones where they are asked for and granted.
pub(super) async fn outputs(call: &mut Call<'_>, key: &str) -> Result<Response, Refusal> {
    let Some((_, outputs)) = visible(call, key).await? else { return nothing(call, key).await };
    tagged(call, &outputs)
}

/// `GET /remote-state/{key}`: a state with these outputs and nothing else, which can be neither locked nor written.
pub(super) async fn redacted_state(call: &mut Call<'_>, key: &str) -> Result<Response, Refusal> {
    let Some((header, outputs)) = visible(call, key).await? else { return nothing(call, key).await };
    let state = State {
        version: 4,
        terraform_version: &header.terraform_version,
        serial: header.serial,
        lineage: &header.lineage,
        outputs: &outputs,
        resources: [],
        check_results: None,
    };
    tagged(call, &state)
}

/// An output as it stands in a state; numbers keep all their digits.
#[derive(Debug, Deserialize, Serialize)]
struct Output {
    value: Box<RawValue>,
    #[serde(rename = "type")]
    kind: Box<RawValue>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    sensitive: bool,
}

type Outputs = BTreeMap<String, Output>;
type Visible = (s3tate::state::Header, Outputs);

/// A state with nothing but outputs.
#[derive(Debug, Serialize)]
struct State<'a> {
    version: u8,
    terraform_version: &'a str,
    serial: u64,
    lineage: &'a str,
    outputs: &'a Outputs,
    resources: [(); 0],
    check_results: Option<()>,
}

async fn visible(call: &mut Call<'_>, key: &str) -> Result<Option<Visible>, Refusal> {
    let sensitive = call.query.sensitive;
    call.allow(key, if sensitive { Action::Read } else { Action::Outputs })?;
    let Some(document) = call.app.backend.state_at(key).outputs().await? else { return Ok(None) };
    let listing = s3tate::state::render::listing_json(&document.outputs);
    let mut shown: Outputs = serde_json::from_str(&listing).map_err(unreadable)?;
    shown.retain(|_, output| sensitive || !output.sensitive);
    Ok(Some((document.header, shown)))
}

fn unreadable(cause: serde_json::Error) -> Refusal {
    s3tate::Error::new(s3tate::ErrorKind::Bug, "an output can't be written as JSON").with_source(cause).into()
}

fn tagged(call: &Call<'_>, value: &impl Serialize) -> Result<Response, Refusal> {
    let text = serde_json::to_string(value).map_err(unreadable)?;
    let tag = format!("\"{}\"", hex(&sha2::Sha256::digest(&text)));
    if is_known(call, &tag) {
        return Ok(unchanged(&tag));
    }
    let mut response = Response::new(text.into());
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.extend(HeaderValue::from_str(&tag).ok().map(|tag| (ETAG, tag)));
    Ok(response)
}
