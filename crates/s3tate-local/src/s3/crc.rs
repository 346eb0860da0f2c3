//! The CRC of concatenated parts from the CRCs of the parts, without reading them again.

use super::checksum::Algorithm;

/// A CRC with reflected bits whose start value and final mask are all ones.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Polynomial {
    reflected: u64,
    bits: u32,
}

impl Polynomial {
    /// `None` for algorithms that are not CRCs.
    pub(crate) fn of(algorithm: Algorithm) -> Option<Self> {
        match algorithm {
            Algorithm::Crc32 => Some(Self { reflected: 0xEDB8_8320, bits: 32 }),
            Algorithm::Crc32c => Some(Self { reflected: 0x82F6_3B78, bits: 32 }),
            Algorithm::Crc64Nvme => Some(Self { reflected: 0x9A6C_9329_AC4B_C9B5, bits: 64 }),
            Algorithm::Sha1 | Algorithm::Sha256 => None,
        }
    }

    /// The polynomial 1; the coefficient of the lowest power is the topmost bit.
    fn one(self) -> u64 {
        1 << (self.bits - 1)
    }

    /// The product of two polynomials modulo this one.
    fn multiply(self, left: u64, right: u64) -> u64 {
        let (mut product, mut shifted, mut bit) = (0, right, self.one());
        while bit != 0 {
            if left & bit != 0 {
                product ^= shifted;
            }
            shifted = if shifted & 1 == 1 { (shifted >> 1) ^ self.reflected } else { shifted >> 1 };
            bit >>= 1;
        }
        product
    }

    /// x to the power of eight times `bytes`: what so many zero bytes do to a remainder.
    fn shift(self, bytes: u64) -> u64 {
        let mut square = (0..3).fold(self.one() >> 1, |power, _| self.multiply(power, power));
        let (mut product, mut exponent) = (self.one(), bytes);
        while exponent != 0 {
            if exponent & 1 == 1 {
                product = self.multiply(product, square);
            }
            square = self.multiply(square, square);
            exponent >>= 1;
        }
        product
    }
}

/// The CRC of all parts together, big-endian; each part is its size and its own CRC.
pub(crate) fn concatenate(polynomial: Polynomial, parts: &[(u64, Vec<u8>)]) -> Option<Vec<u8>> {
    let mut total = 0;
    for (size, crc) in parts {
        let crc = crc.iter().fold(0, |value, byte| (value << 8) | u64::from(*byte));
        total = polynomial.multiply(polynomial.shift(*size), total) ^ crc;
    }
    let bytes = usize::try_from(polynomial.bits / 8).ok()?;
    Some(total.to_be_bytes().get(8 - bytes..)?.to_vec())
}

#[cfg(test)]
mod tests {
    use s3s::crypto::{Checksum, Crc32, Crc32c, Crc64Nvme};

    use super::{Polynomial, concatenate};
    use crate::s3::checksum::Algorithm;

    fn check<C: Checksum>(algorithm: Algorithm) {
        let bytes: Vec<u8> = (0..=255).cycle().take(100_003).collect();
        let part = |part: &[u8]| (part.len() as u64, C::checksum(part).as_ref().to_vec());
        let parts = [part(&bytes[..70_000]), part(&[]), part(&bytes[70_000..])];
        let polynomial = Polynomial::of(algorithm).expect("a CRC");
        let whole = C::checksum(&bytes).as_ref().to_vec();
        assert_eq!(concatenate(polynomial, &parts), Some(whole), "{algorithm:?}");
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        check::<Crc32>(Algorithm::Crc32);
        check::<Crc32c>(Algorithm::Crc32c);
        check::<Crc64Nvme>(Algorithm::Crc64Nvme);
    }
}
