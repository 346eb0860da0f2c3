//! Signatures of tokens by ring, which is there for TLS anyway. Nothing here signs, and nothing verifies with a secret.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use ring::signature as by;

static RING: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
    verifier_factory: |algorithm, key| {
        // The algorithm is the token's choice, and the key's kind is not: an RSA key verifies nothing else.
        let alike = allowed(*algorithm) && key.family() == algorithm.family();
        let refused = || Error::from(ErrorKind::InvalidAlgorithm);
        let verifier: Box<dyn JwtVerifier> = Box::new(ByRing { algorithm: *algorithm, key: key.clone() });
        alike.then_some(verifier).ok_or_else(refused)
    },
    key_utils: KeyUtils::new_unimplemented(),
};

/// The algorithms that tokens may be signed by.
pub(super) fn allowed(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA)
}

/// Makes ring the provider of this process; a second time changes nothing.
pub(super) fn install() {
    // There is one already: the same.
    let _ = RING.install_default();
}

struct ByRing {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl JwtVerifier for ByRing {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for ByRing {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let verified = match (self.algorithm, self.key.kind()) {
            (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                by::RsaPublicKeyComponents { n, e }.verify(
                    &by::RSA_PKCS1_2048_8192_SHA256,
                    message,
                    signature,
                )
            }
            (Algorithm::ES256, DecodingKeyKind::SecretOrDer(key)) => {
                by::UnparsedPublicKey::new(&by::ECDSA_P256_SHA256_FIXED, key).verify(message, signature)
            }
            (Algorithm::EdDSA, DecodingKeyKind::SecretOrDer(key)) => {
                by::UnparsedPublicKey::new(&by::ED25519, key).verify(message, signature)
            }
            _ => return Err(signature::Error::new()),
        };
        verified.map_err(|_| signature::Error::new())
    }
}
