//! Which account credentials belong to. Asked only where a list of accounts has to be kept to.

use aws_credential_types::Credentials as Keys;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::Error as OperationError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_types::body::SdkBody;

use super::{Chain, reason};
use crate::config::AccountFrom;
use crate::env::Env;

/// Both name an ARN of the account. They are two requests of hundreds, so the SDK's client for IAM would be a large
/// thing to build for them.
const GET_USER: &str = "Action=GetUser&Version=2010-05-08";
const LIST_ROLES: &str = "Action=ListRoles&MaxItems=1&Version=2010-05-08";

/// IAM, which has one host and one region for a whole partition.
#[derive(Debug, Clone)]
struct Iam {
    url: String,
    region: &'static str,
}

impl Iam {
    fn new(endpoint: Option<&str>, region: &str, fips: bool) -> Self {
        let (usual, region) = match region {
            name if name.starts_with("cn-") => ("https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            name if name.starts_with("us-gov-") => ("https://iam.us-gov.amazonaws.com", "us-gov-west-1"),
            _ if fips => ("https://iam-fips.amazonaws.com", "us-east-1"),
            _ => ("https://iam.amazonaws.com", "us-east-1"),
        };
        Self { url: endpoint.unwrap_or(usual).trim_end_matches('/').to_owned(), region }
    }

    fn request(&self, form: &'static str, keys: &Keys, env: &Env) -> Result<HttpRequest, BoxError> {
        let identity = keys.clone().into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name("iam")
            .time(env.now().into())
            .settings(SigningSettings::default())
            .build()?;
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let body = SignableBody::Bytes(form.as_bytes());
        let url = format!("{}/", self.url);
        let signable = SignableRequest::new("POST", &url, std::iter::once(kind), body)?;
        let (signature, _) = sign(signable, &params.into())?.into_parts();
        let request = http::Request::post("/").header(kind.0, kind.1);
        let mut request = request.body(SdkBody::from(form))?;
        signature.apply_to_request_http1x(&mut request);
        Ok(request.try_into()?)
    }
}

impl Chain {
    /// The account that keys belong to.
    ///
    /// # Errors
    /// What each service that was asked said, as text for a message.
    pub(super) async fn account(&self, keys: &Keys) -> Result<String, String> {
        if self.config.account_from == AccountFrom::Sts {
            return self.account_from_sts(keys).await;
        }
        let mut reasons = Vec::new();
        for form in [Some(GET_USER), None, Some(LIST_ROLES)] {
            let answer = match form {
                Some(form) => self.account_from_iam(form, keys).await,
                None => self.account_from_sts(keys).await,
            };
            match answer {
                Ok(account) => return Ok(account),
                Err(why) => reasons.push(why),
            }
        }
        Err(reasons.join("; "))
    }

    async fn account_from_sts(&self, keys: &Keys) -> Result<String, String> {
        self.sts.can_be_asked()?;
        let caller = self.sts.caller(keys.clone()).await.map_err(|error| reason(&error))?;
        Ok(caller.account().unwrap_or_default().to_owned())
    }

    async fn account_from_iam(&self, form: &'static str, keys: &Keys) -> Result<String, String> {
        let sdk = &self.settings.sdk;
        let region = sdk.region().map(ToString::to_string).unwrap_or_default();
        let endpoint = self.settings.endpoints.iam.as_deref();
        let iam = Iam::new(endpoint, &region, sdk.use_fips().unwrap_or_default());
        let (signer, keys, env) = (iam.clone(), keys.clone(), self.sts.env().clone());
        let operation = Operation::builder()
            .service_name("IAM")
            .operation_name("account")
            .http_client(self.http.clone())
            .endpoint_url(&iam.url)
            .no_auth()
            .no_retry()
            .serializer(move |(): ()| signer.request(form, &keys, &env))
            .deserializer::<_, OperationError>(|answer: &HttpResponse| account_in(answer))
            .build();
        operation.invoke(()).await.map_err(|error| format!("IAM at {}: {}", iam.url, reason(&error)))
    }
}

/// The account in the first ARN of an answer.
fn account_in(answer: &HttpResponse) -> Result<String, OrchestratorError<OperationError>> {
    let text = answer.body().bytes().map(String::from_utf8_lossy).unwrap_or_default();
    let arn = text.split_once("<Arn>").and_then(|(_, rest)| rest.split(':').nth(4));
    match arn.filter(|account| !account.is_empty() && answer.status().is_success()) {
        Some(account) => Ok(account.to_owned()),
        None => {
            Err(OrchestratorError::other(format!("answered {} without an ARN", answer.status().as_u16())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_has_its_own_host() {
        for (region, fips, url, signed_for) in [
            ("eu-west-1", false, "https://iam.amazonaws.com", "us-east-1"),
            ("us-west-2", true, "https://iam-fips.amazonaws.com", "us-east-1"),
            ("cn-northwest-1", false, "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("us-gov-east-1", true, "https://iam.us-gov.amazonaws.com", "us-gov-west-1"),
        ] {
            let iam = Iam::new(None, region, fips);
            assert_eq!((iam.url.as_str(), iam.region), (url, signed_for), "{region}");
        }
        assert_eq!(Iam::new(Some("http://h/"), "eu-west-1", true).url, "http://h");
    }
}
