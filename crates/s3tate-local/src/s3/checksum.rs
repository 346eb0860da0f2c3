//! Checksums that travel with a body: which one is claimed, and what it must be.
//!
//! Source: Amazon S3 user guide, "Checking object integrity".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::Checksum as _;
use s3s::dto;
use s3s::{S3Result, s3_error};
use serde::{Deserialize, Serialize};

use super::crc;

/// An algorithm that S3 knows for `x-amz-checksum-*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// How the checksum of an upload in parts is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Form {
    pub(crate) algorithm: Algorithm,
    /// The checksum of the parts' checksums, instead of that of all bytes.
    pub(crate) composite: bool,
}

/// A stored checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    pub(crate) composite: bool,
    /// Base64; with `-N` behind it when composite.
    pub(crate) value: String,
}

/// What the client says about the checksum of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It is this, in base64.
    Value(Algorithm, String),
    /// It follows the body.
    Trailer(Algorithm),
}

impl Algorithm {
    pub(crate) const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// As in `x-amz-checksum-algorithm`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// The header or trailer with its value.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    fn bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Adds this algorithm to what `hasher` computes.
    pub(crate) fn enable(self, hasher: &mut ChecksumHasher) {
        match self {
            Self::Crc32 => hasher.crc32 = Some(s3s::crypto::Crc32::new()),
            Self::Crc32c => hasher.crc32c = Some(s3s::crypto::Crc32c::new()),
            Self::Crc64Nvme => hasher.crc64nvme = Some(s3s::crypto::Crc64Nvme::new()),
            Self::Sha1 => hasher.sha1 = Some(s3s::crypto::Sha1::new()),
            Self::Sha256 => hasher.sha256 = Some(s3s::crypto::Sha256::new()),
        }
    }

    /// This algorithm's value among those computed, in base64.
    pub(crate) fn of(self, computed: &dto::Checksum) -> Option<String> {
        match self {
            Self::Crc32 => computed.checksum_crc32.clone(),
            Self::Crc32c => computed.checksum_crc32c.clone(),
            Self::Crc64Nvme => computed.checksum_crc64nvme.clone(),
            Self::Sha1 => computed.checksum_sha1.clone(),
            Self::Sha256 => computed.checksum_sha256.clone(),
        }
    }
}

impl Claim {
    /// The one claim in the headers of a request, if any.
    ///
    /// # Errors
    /// `InvalidRequest`: several claims, a value of the wrong length, or an algorithm without value.
    pub(crate) fn from_headers(headers: &HeaderMap) -> S3Result<Option<Self>> {
        let mut claims = Vec::new();
        for algorithm in Algorithm::ALL {
            if let Some(value) = headers.get(algorithm.header()) {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                check_length(algorithm, &value)?;
                claims.push(Self::Value(algorithm, value));
            }
        }
        let trailer = headers.get("x-amz-trailer").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let trailing = |algorithm: &Algorithm| {
            trailer.split(',').any(|name| name.trim().eq_ignore_ascii_case(algorithm.header()))
        };
        claims.extend(Algorithm::ALL.into_iter().filter(trailing).map(Self::Trailer));
        if claims.len() > 1 {
            return Err(s3_error!(
                InvalidRequest,
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
            ));
        }
        if claims.is_empty() && headers.contains_key("x-amz-sdk-checksum-algorithm") {
            return Err(s3_error!(
                InvalidRequest,
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer \
                 headers were found."
            ));
        }
        Ok(claims.pop())
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Value(algorithm, _) | Self::Trailer(algorithm) => *algorithm,
        }
    }

    /// Compares the claim with what was computed; `trailers` are the headers behind the body.
    ///
    /// # Errors
    /// `BadDigest`: they differ. `MalformedTrailerError`: the announced trailer did not come.
    pub(crate) fn verify(&self, computed: &dto::Checksum, trailers: Option<&HeaderMap>) -> S3Result<()> {
        let algorithm = self.algorithm();
        let claimed = match self {
            Self::Value(_, value) => value.clone(),
            Self::Trailer(_) => trailer_value(algorithm, trailers)?,
        };
        if algorithm.of(computed).as_deref() != Some(claimed.as_str()) {
            return Err(s3_error!(
                BadDigest,
                "The {} you specified did not match the calculated checksum.",
                algorithm.name()
            ));
        }
        Ok(())
    }
}

fn trailer_value(algorithm: Algorithm, trailers: Option<&HeaderMap>) -> S3Result<String> {
    let value = trailers.and_then(|trailers| trailers.get(algorithm.header()));
    let value = value.and_then(|value| value.to_str().ok()).map(|value| value.trim().to_owned());
    let missing = || {
        super::error::custom(
            http::StatusCode::BAD_REQUEST,
            "MalformedTrailerError",
            "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        )
    };
    let value = value.ok_or_else(missing)?;
    check_length(algorithm, &value)?;
    Ok(value)
}

fn check_length(algorithm: Algorithm, value: &str) -> S3Result<()> {
    let valid = STANDARD.decode(value).is_ok_and(|bytes| bytes.len() == algorithm.bytes());
    if valid {
        return Ok(());
    }
    Err(s3_error!(InvalidRequest, "Value for {} header is invalid.", algorithm.header()))
}

/// The checksum of an object made of parts, each with its size and its checksum in `form`'s algorithm.
///
/// `None` if a part's checksum is missing or of another algorithm.
pub(crate) fn of_parts(form: Form, parts: &[(u64, Option<Checksum>)]) -> Option<Checksum> {
    let algorithm = form.algorithm;
    let fitting = |(size, checksum): &(u64, Option<Checksum>)| {
        let checksum = checksum.as_ref().filter(|checksum| checksum.algorithm == algorithm)?;
        Some((*size, STANDARD.decode(&checksum.value).ok()?))
    };
    let parts: Vec<(u64, Vec<u8>)> = parts.iter().map(fitting).collect::<Option<_>>()?;
    let value = if form.composite {
        let mut hasher = ChecksumHasher::default();
        algorithm.enable(&mut hasher);
        for (_, value) in &parts {
            hasher.update(value);
        }
        format!("{}-{}", algorithm.of(&hasher.finalize())?, parts.len())
    } else {
        STANDARD.encode(crc::concatenate(crc::Polynomial::of(algorithm)?, &parts)?)
    };
    Some(Checksum { algorithm, composite: form.composite, value })
}

impl Checksum {
    /// The five fields that answers have for checksums, of which one is set.
    pub(crate) fn fields(&self) -> dto::Checksum {
        let mut fields = dto::Checksum::default();
        let value = Some(self.value.clone());
        match self.algorithm {
            Algorithm::Crc32 => fields.checksum_crc32 = value,
            Algorithm::Crc32c => fields.checksum_crc32c = value,
            Algorithm::Crc64Nvme => fields.checksum_crc64nvme = value,
            Algorithm::Sha1 => fields.checksum_sha1 = value,
            Algorithm::Sha256 => fields.checksum_sha256 = value,
        }
        fields.checksum_type = Some(checksum_type(self.composite));
        fields
    }
}

/// As in `x-amz-checksum-type`.
pub(crate) fn checksum_type(composite: bool) -> dto::ChecksumType {
    let name = if composite { dto::ChecksumType::COMPOSITE } else { dto::ChecksumType::FULL_OBJECT };
    dto::ChecksumType::from_static(name)
}

/// Sets the checksum fields of an answer.
macro_rules! show_checksum {
    ($output:expr, $checksum:expr) => {
        if let Some(checksum) = $checksum {
            let fields = $crate::s3::checksum::Checksum::fields(checksum);
            $output.checksum_crc32 = fields.checksum_crc32;
            $output.checksum_crc32c = fields.checksum_crc32c;
            $output.checksum_crc64nvme = fields.checksum_crc64nvme;
            $output.checksum_sha1 = fields.checksum_sha1;
            $output.checksum_sha256 = fields.checksum_sha256;
        }
    };
}
pub(crate) use show_checksum;
