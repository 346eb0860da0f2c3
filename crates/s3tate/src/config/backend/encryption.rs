//! How objects are encrypted at rest.

use base64::Engine as _;
use md5::{Digest as _, Md5};

use super::Reader;
use crate::config::secret::Secret;
use crate::error::Result;

/// Server-side encryption of state and lock objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Encryption {
    /// As the bucket has it.
    BucketDefault,
    /// Keys kept by S3.
    S3,
    /// A key in KMS, named as configured.
    Kms(String),
    /// A key of the customer's.
    Customer(CustomerKey),
}

/// A customer's encryption key as S3's headers want it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerKey {
    /// Base64 of 32 bytes.
    pub key: Secret,
    /// Base64 of the MD5 of the 32 bytes.
    pub md5: String,
}

impl Reader<'_> {
    pub(super) fn encryption(&self) -> Result<Encryption> {
        let kms = self.text("kms_key_id").filter(|key| !key.is_empty());
        let customer = self.text("sse_customer_key").or_else(|| self.variable(&["AWS_SSE_CUSTOMER_KEY"]));
        if kms.is_some() && customer.is_some() {
            return Err(self.bad("kms_key_id", "and a customer's key exclude each other"));
        }
        let encrypt = self.flag("encrypt").unwrap_or_default();
        if !encrypt && (kms.is_some() || self.arguments.get("sse_customer_key").is_some()) {
            let name = if kms.is_some() { "kms_key_id" } else { "sse_customer_key" };
            return Err(self
                .bad(name, "has no effect without `encrypt = true`, and the state would be stored in clear")
                .hint("add `encrypt = true`, or remove the key"));
        }
        match (encrypt, kms, customer) {
            (false, ..) => Ok(Encryption::BucketDefault),
            (true, Some(key), _) => Ok(Encryption::Kms(key)),
            (true, None, Some(key)) => self.customer_key(key).map(Encryption::Customer),
            (true, None, None) => Ok(Encryption::S3),
        }
    }

    fn customer_key(&self, key: String) -> Result<CustomerKey> {
        let base64 = &base64::engine::general_purpose::STANDARD;
        let bytes = base64.decode(&key).ok().filter(|bytes| bytes.len() == 32 && key.len() == 44);
        let bytes = bytes.ok_or_else(|| self.bad("sse_customer_key", "must be base64 of 32 bytes"))?;
        Ok(CustomerKey { key: Secret::new(key), md5: base64.encode(Md5::digest(bytes)) })
    }
}
