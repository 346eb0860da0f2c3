//! What a request's signature says of its body, where the body is known beforehand and passes by only later.

use aws_runtime::auth::PayloadSigningOverride;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::digest::hex;

/// SHA-256 of the body. Without it, the SDK would leave a body that it can't see unsigned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PayloadDigest(pub(crate) [u8; 32]);

impl Intercept for PayloadDigest {
    fn name(&self) -> &'static str {
        "payload digest"
    }

    fn modify_before_signing(
        &self,
        _context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        config.interceptor_state().store_put(PayloadSigningOverride::Precomputed(hex(&self.0)));
        Ok(())
    }
}
