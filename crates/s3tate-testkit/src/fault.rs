//! What may go wrong with a request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::sync::watch;

use crate::middle::{Body, Upstream, broken, cut, made_up, operation};
use crate::runtime::runtime;

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The connection is cut before the endpoint hears of the request.
    CutBefore,
    /// The connection is cut after the effect, before the answer.
    CutAfter,
    /// The endpoint never hears of the request, and this is the answer.
    Refuse(Refusal),
    /// The request has its effect, and this is the answer all the same.
    RefuseAfter(Refusal),
    /// The endpoint gets the request twice; the client gets the second answer.
    Twice,
    /// The request's body breaks off on its way, and so does the connection.
    ShortRequest,
    /// The answer's body breaks off on its way.
    ShortAnswer,
    /// Something else happens before the request has its effect.
    Meanwhile(Deed),
    /// The request waits before the endpoint hears of it.
    StallBefore(Stall),
    /// The answer waits after the effect.
    StallAfter(Stall),
}

/// An answer that refuses a request, as S3 or DynamoDB words it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 409: another request to the same object or item is under way.
    Conflict,
    /// 412: a precondition does not hold.
    Precondition,
    /// 500.
    Internal,
    /// 503.
    Unavailable,
    /// Too many requests.
    Throttled,
    /// 403.
    Denied,
    /// 501: the store doesn't know the operation.
    Unsupported,
}

/// What somebody else does meanwhile.
#[derive(Clone)]
pub struct Deed(Arc<dyn Fn() + Send + Sync>);

impl Deed {
    /// Wraps what is done; it may block.
    pub fn new(deed: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(deed))
    }
}

impl fmt::Debug for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deed")
    }
}

/// A place where requests wait until they are let go, or until their client has gone.
#[derive(Debug, Clone, Default)]
pub struct Stall(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    reached: watch::Sender<bool>,
    open: watch::Sender<bool>,
}

impl Stall {
    /// Waits until a request is here; `false` when the limit has passed.
    pub fn is_reached_within(&self, limit: Duration) -> bool {
        let mut reached = self.0.reached.subscribe();
        runtime().block_on(async { tokio::time::timeout(limit, reached.wait_for(|is| *is)).await.is_ok() })
    }

    /// Whether a request is, or was, here.
    pub fn was_reached(&self) -> bool {
        *self.0.reached.borrow()
    }

    /// Lets requests go on, now and from now on.
    pub fn open(&self) {
        self.0.open.send_replace(true);
    }

    async fn wait(&self) {
        self.0.reached.send_replace(true);
        drop(self.0.open.subscribe().wait_for(|is| *is).await);
    }
}

impl Fault {
    /// Lets it happen to a request.
    pub(crate) async fn strike(self, request: Request<Bytes>, upstream: &Upstream) -> Response<Body> {
        match self {
            Self::CutBefore => return cut(),
            Self::CutAfter => {
                drop(upstream.send(request).await);
                return cut();
            }
            Self::Refuse(refusal) => return refusal.answer(operation(&request)),
            Self::RefuseAfter(refusal) => {
                let answer = refusal.answer(operation(&request));
                drop(upstream.send(request).await);
                return answer;
            }
            Self::Twice => drop(upstream.send(request.clone()).await),
            Self::ShortRequest => {
                drop(upstream.pass_on(request.map(|body| broken(&body))).await);
                return cut();
            }
            Self::ShortAnswer => return shortened(upstream.send(request).await).await,
            Self::Meanwhile(Deed(deed)) => {
                tokio::task::spawn_blocking(move || deed()).await.expect("the deed is done");
            }
            Self::StallBefore(stall) => stall.wait().await,
            Self::StallAfter(stall) => {
                let answer = upstream.send(request).await;
                stall.wait().await;
                return answer;
            }
        }
        upstream.send(request).await
    }
}

/// An answer whose body breaks off; one without a body doesn't come at all.
async fn shortened(answer: Response<Body>) -> Response<Body> {
    let (mut parts, body) = answer.into_parts();
    let whole = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    if whole.is_empty() {
        return cut();
    }
    parts.headers.insert(CONTENT_LENGTH, whole.len().into());
    Response::from_parts(parts, broken(&whole))
}

impl Refusal {
    /// The answer to one of DynamoDB's operations, or to a request to S3.
    fn answer(self, operation: Option<&str>) -> Response<Body> {
        match operation {
            Some(operation) => self.of_dynamodb(operation),
            None => self.of_s3(),
        }
    }

    fn of_s3(self) -> Response<Body> {
        let (status, code) = match self {
            Self::Conflict => (StatusCode::CONFLICT, "ConditionalRequestConflict"),
            Self::Precondition => (StatusCode::PRECONDITION_FAILED, "PreconditionFailed"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
            Self::Throttled => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
            Self::Denied => (StatusCode::FORBIDDEN, "AccessDenied"),
            Self::Unsupported => (StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
        };
        let body = format!("<Error><Code>{code}</Code><Message>a fault of the test</Message></Error>");
        typed(made_up(status, body), "application/xml")
    }

    /// Source: Amazon DynamoDB Developer Guide, "Error handling with DynamoDB".
    fn of_dynamodb(self, operation: &str) -> Response<Body> {
        let is_transaction = operation == "TransactWriteItems";
        let (status, code) = match self {
            Self::Conflict | Self::Precondition if is_transaction => {
                (StatusCode::BAD_REQUEST, "TransactionCanceledException")
            }
            Self::Conflict => (StatusCode::BAD_REQUEST, "TransactionConflictException"),
            Self::Precondition => (StatusCode::BAD_REQUEST, "ConditionalCheckFailedException"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
            Self::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
            Self::Throttled => (StatusCode::BAD_REQUEST, "ProvisionedThroughputExceededException"),
            Self::Denied => (StatusCode::BAD_REQUEST, "AccessDeniedException"),
            Self::Unsupported => (StatusCode::BAD_REQUEST, "UnknownOperationException"),
        };
        let mut body = serde_json::json!({
            "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"),
            "message": "a fault of the test",
        });
        if code == "TransactionCanceledException" {
            let reason =
                if self == Self::Conflict { "TransactionConflict" } else { "ConditionalCheckFailed" };
            body["CancellationReasons"] = serde_json::json!([{ "Code": "None" }, { "Code": reason }]);
        }
        typed(made_up(status, body.to_string()), "application/x-amz-json-1.0")
    }
}

fn typed(mut answer: Response<Body>, content_type: &'static str) -> Response<Body> {
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
