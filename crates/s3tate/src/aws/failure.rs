//! What a failed request means, told in s3tate's terms.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::trouble::Trouble;
use crate::error::{Error, ErrorKind};

/// The service a request went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    S3,
    DynamoDb,
    Sts,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::S3 => "S3",
            Self::DynamoDb => "DynamoDB",
            Self::Sts => "STS",
        }
    }
}

/// A failed request: the service's answer, or why there was none.
#[derive(Debug)]
pub(crate) struct Failure {
    service: Service,
    /// HTTP status of the answer.
    pub(crate) status: Option<u16>,
    /// The service's error code.
    pub(crate) code: Option<String>,
    request_id: Option<String>,
    cause: String,
    no_credentials: bool,
    /// Why nothing was signed, and for what: nothing was sent then.
    trouble: Option<Box<(Trouble, String)>>,
    /// Where the request went, if not to AWS's own endpoint.
    endpoint: Option<String>,
    /// Whether nothing can have come of it, whatever the answer was.
    harmless: bool,
}

/// Codes by which the services refuse a caller.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

impl Failure {
    /// Takes a failure apart.
    pub(super) fn new<E>(
        service: Service,
        endpoint: Option<String>,
        error: &SdkError<E, HttpResponse>,
    ) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        let status = error.raw_response().map(|response| response.status().as_u16());
        let metadata = error.as_service_error().map(ProvideErrorMetadata::meta);
        let code = metadata.and_then(|metadata| metadata.code()).map(str::to_owned);
        let message = metadata.and_then(|metadata| metadata.message()).map(str::to_owned);
        let headers = error.raw_response().map(HttpResponse::headers);
        let request_id = headers
            .and_then(|headers| headers.get("x-amz-request-id").or_else(|| headers.get("x-amzn-requestid")));
        Self {
            service,
            status,
            request_id: request_id.map(str::to_owned),
            trouble: chain(error)
                .find_map(|cause| cause.downcast_ref::<Trouble>())
                .map(|trouble| Box::new((trouble.clone(), String::new()))),
            no_credentials: chain(error).any(<dyn StdError>::is::<CredentialsError>),
            cause: message.unwrap_or_else(|| if code.is_some() { String::new() } else { last_cause(error) }),
            code,
            endpoint,
            harmless: false,
        }
    }

    /// A failure while the answer's body was read.
    pub(crate) fn interrupted(service: Service, why: String) -> Self {
        Self {
            service,
            status: None,
            code: None,
            request_id: None,
            cause: why,
            no_credentials: false,
            trouble: None,
            endpoint: None,
            harmless: false,
        }
    }

    /// The same failure, of a request that had to come before the one that matters.
    pub(crate) fn before_any_effect(self) -> Self {
        Self { harmless: true, ..self }
    }

    /// The same failure, with what the credentials were for.
    pub(super) fn at(mut self, place: String) -> Self {
        if let Some(trouble) = &mut self.trouble {
            trouble.1 = place;
        }
        self
    }

    /// Whether the service answered with this error code.
    pub(crate) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Whether the store doesn't know the operation.
    pub(crate) fn unsupported(&self) -> bool {
        ["NotImplemented", "MethodNotAllowed", "UnknownOperationException"].iter().any(|code| self.is(code))
            || matches!(self.status, Some(405 | 501))
    }

    /// Whether a precondition was not met (412).
    pub(crate) fn precondition_failed(&self) -> bool {
        self.status == Some(412) || self.is("PreconditionFailed")
    }

    /// Whether another write to the same key was under way (409): try again.
    pub(crate) fn concurrent_write(&self) -> bool {
        self.status == Some(409) && (self.is("ConditionalRequestConflict") || self.is("OperationAborted"))
    }

    /// Whether the store doesn't know the condition that was sent along; 400 is how some say so.
    pub(crate) fn conditions_unsupported(&self) -> bool {
        self.status == Some(501) || (self.status == Some(400) && !self.denied())
    }

    /// Whether the caller is refused.
    pub(crate) fn denied(&self) -> bool {
        self.code.as_deref().is_some_and(|code| DENIED.contains(&code)) || self.status == Some(403)
    }

    /// Whether the request may have had its effect although no answer says so.
    pub(crate) fn outcome_unknown(&self) -> bool {
        // An upload in parts that isn't known any more may have been completed by an earlier attempt.
        let completed = self.is("NoSuchUpload");
        let unanswered = self.status.is_none_or(|status| status >= 500);
        !self.no_credentials && !self.harmless && (unanswered || completed)
    }

    /// What a caller does next.
    pub(crate) fn kind(&self) -> ErrorKind {
        if self.no_credentials || self.denied() {
            return ErrorKind::Denied;
        }
        if self.misconfigured() { ErrorKind::Invalid } else { ErrorKind::Unavailable }
    }

    fn misconfigured(&self) -> bool {
        matches!(
            self.code.as_deref(),
            Some("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException")
        )
    }

    /// An error with this failure as its cause; `message` says what failed and how things stand.
    pub(crate) fn into_error(self, message: impl Into<String>) -> Error {
        let kind = self.kind();
        self.into_error_of(kind, message)
    }

    /// As [`Failure::into_error`], of a kind that the caller knows better.
    pub(crate) fn into_error_of(self, kind: ErrorKind, message: impl Into<String>) -> Error {
        if let Some(trouble) = self.trouble {
            let (trouble, place) = *trouble;
            return trouble.into_error(&place);
        }
        let mut error = Error::new(kind, message).fact("cause", self.cause_line());
        if let Some(id) = &self.request_id {
            error = error.fact("request", id.clone());
        }
        match self.hint() {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    /// What the service answered, in one line.
    pub(crate) fn cause_line(&self) -> String {
        let service = self.service.name();
        if self.no_credentials {
            return format!("no usable AWS credentials: {}", self.cause);
        }
        match (self.status, &self.code) {
            (Some(status), Some(code)) => {
                let text = format!("{service} answered {status} {code}");
                if self.cause.is_empty() { text } else { format!("{text}: {}", self.cause) }
            }
            (Some(status), None) => format!("{service} answered {status}"),
            (None, _) => {
                let place = self.endpoint.as_ref().map_or_else(String::new, |url| format!(" at {url}"));
                format!("{service}{place} did not answer: {}", self.cause)
            }
        }
    }

    fn hint(&self) -> Option<&'static str> {
        if self.no_credentials {
            return Some(
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with AWS_PROFILE",
            );
        }
        match (self.status, self.code.as_deref()) {
            (None, _) => Some("check the endpoint and the network; nothing else was tried"),
            (_, Some("PermanentRedirect" | "AuthorizationHeaderMalformed")) => {
                Some("the bucket is in another region: set `region` to it")
            }
            (Some(501), _) => Some(
                "the store lacks something that s3tate needs, such as conditional writes: `s3tate doctor` shows what",
            ),
            _ if self.denied() => Some("check the credentials and the policies of bucket and table"),
            _ => None,
        }
    }
}

pub(super) fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// The innermost causes, which say more than the SDK's own "dispatch failure".
fn last_cause(error: &(dyn StdError + 'static)) -> String {
    let mut texts: Vec<String> = chain(error).map(ToString::to_string).collect();
    texts.dedup();
    let skip = texts.len().saturating_sub(2);
    texts.split_off(skip).join(": ")
}
