//! `GET /why/{id}` and `GET /rescue/{id}`: for administrators of the state that they are about.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use super::Call;
use crate::answer::{Refusal, Response, json};
use crate::auth::Action;

pub(super) async fn why(call: &mut Call<'_>, id: &str) -> Result<Response, Refusal> {
    Ok(json(&incident(call, id).await?))
}

/// The bytes of the write that was refused under this request ID.
pub(crate) async fn rescued(call: &mut Call<'_>, id: &str) -> Result<Response, Refusal> {
    let incident = incident(call, id).await?;
    let key = incident["rescued"].as_str();
    let bytes = match key {
        Some(key) => call.app.backend.get_object(key).await?,
        None => None,
    };
    let Some(bytes) = bytes else {
        return Err(Refusal::new(StatusCode::GONE, "no_rescue", "nothing was kept of this request"));
    };
    let mut response = Response::new(bytes.into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// Both answers are the same for those who may not know: that there is none, and that they may not see it.
async fn incident(call: &mut Call<'_>, id: &str) -> Result<serde_json::Value, Refusal> {
    let identity = call.identity()?;
    call.record.action = Some(Action::Admin);
    let found = call.app.incidents.find(&call.app.backend, id).await?;
    let key = found.as_ref().and_then(|found| found["state"].as_str()).unwrap_or("none").to_owned();
    call.app.allow(&identity, &key, Action::Admin)?;
    found.ok_or_else(|| Refusal::new(StatusCode::GONE, "no_incident", "no refused request has this ID"))
}
