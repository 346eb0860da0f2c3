//! Numbers of output values: exact decimals where Terraform keeps them exact.

use std::cmp::Ordering;
use std::fmt;

use num_bigint::BigUint;

/// Bits of the binary mantissa in which Terraform holds a number.
const MANTISSA_BITS: u64 = 512;
/// Decimals with so many digits survive a mantissa of that size unchanged.
const EXACT_DIGITS: usize = 153;
/// Longest plain notation, on either side of the decimal point, that is read at all.
const MAX_PLACES: i64 = 100_000;

/// A decimal number, rounded as Terraform rounds it: to 512 bits, half to even.
///
/// [`fmt::Display`] writes plain notation without an exponent, with the fewest digits that read back to the same number.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number {
    negative: bool,
    /// Decimal digits without zeros at either end; empty for zero.
    digits: String,
    /// Digits left of the decimal point; the value is 0.DIGITS × 10^point.
    point: i64,
}

impl Number {
    /// Reads a decimal number: a JSON number, or a looser spelling such as `+5`, `.5` or `007`.
    ///
    /// Numbers whose plain notation would be longer than 100 000 digits are refused as well.
    pub fn parse(text: &str) -> Option<Self> {
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self { negative, digits: String::new(), point: 0 });
        }
        let leading = i64::try_from(digits.len() - significant.len()).ok()?;
        let point = i64::try_from(whole.len()).ok()?.checked_sub(leading)?.checked_add(exponent)?;
        let significant = significant.trim_end_matches('0');
        if point.abs() > MAX_PLACES || i64::try_from(significant.len()).ok()? > MAX_PLACES {
            return None;
        }
        if significant.len() <= EXACT_DIGITS {
            return Some(Self { negative, digits: significant.to_owned(), point });
        }
        let (digits, point) = round(significant, point)?;
        Some(Self { negative, digits, point })
    }

    /// Compares by value; `-0` comes just before `0`.
    pub fn compare(&self, other: &Self) -> Ordering {
        match (self.sign(), other.sign()) {
            (1, 1) => self.compare_magnitude(other),
            (-1, -1) => other.compare_magnitude(self),
            (0, 0) => other.negative.cmp(&self.negative),
            (ours, theirs) => ours.cmp(&theirs),
        }
    }

    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }

    fn compare_magnitude(&self, other: &Self) -> Ordering {
        self.point.cmp(&other.point).then_with(|| self.digits.cmp(&other.digits))
    }

    /// The number in general format with ten significant digits, as set elements are ordered by.
    pub(super) fn general(&self) -> String {
        const PRECISION: usize = 10;
        let short = self.rounded_to(PRECISION);
        if short.digits.is_empty() {
            return short.to_string();
        }
        let length = i64::try_from(short.digits.len()).unwrap_or_default();
        let exponent = short.point - 1;
        let limit = if PRECISION > short.digits.len() && length >= short.point { length } else { 10 };
        if (-4..limit).contains(&exponent) {
            return short.to_string();
        }
        let (first, rest) = short.digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        let sign = if short.negative { "-" } else { "" };
        let exponent_sign = if exponent < 0 { '-' } else { '+' };
        format!("{sign}{first}{dot}{rest}e{exponent_sign}{:02}", exponent.unsigned_abs())
    }

    /// The number with at most so many significant digits, rounded half to even.
    fn rounded_to(&self, places: usize) -> Self {
        let Some(dropped) = self.digits.get(places..).filter(|dropped| !dropped.is_empty()) else {
            return self.clone();
        };
        let kept = &self.digits[..places];
        let (digits, carried) =
            if rounds_up(kept, dropped) { increment(kept) } else { (kept.to_owned(), false) };
        Self {
            negative: self.negative,
            digits: digits.trim_end_matches('0').to_owned(),
            point: self.point + i64::from(carried),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        let point = usize::try_from(self.point).unwrap_or_default();
        if point == 0 {
            let zeros = usize::try_from(self.point.unsigned_abs()).unwrap_or_default();
            return write!(f, "0.{}{}", "0".repeat(zeros), self.digits);
        }
        match self.digits.split_at_checked(point) {
            Some((whole, "")) => f.write_str(whole),
            Some((whole, fraction)) => write!(f, "{whole}.{fraction}"),
            None => write!(f, "{}{}", self.digits, "0".repeat(point - self.digits.len())),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Number(..)")
    }
}

/// Reads an exponent; one that is too large for any use reads as such, not as an error.
fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX / 2);
    Some(if text.starts_with('-') { -size } else { size })
}

/// Adds one in the last place; true if that made the number one digit longer, the length staying the same.
fn increment(digits: &str) -> (String, bool) {
    let kept = digits.trim_end_matches('9');
    let zeros = "0".repeat(digits.len() - kept.len());
    match kept.char_indices().last() {
        None => (format!("1{}", &zeros[1..]), true),
        Some((at, last)) => {
            let next = char::from_digit(last.to_digit(10).unwrap_or_default() + 1, 10).unwrap_or('9');
            (format!("{}{next}{zeros}", &kept[..at]), false)
        }
    }
}

/// Rounds 0.DIGITS × 10^point to the binary mantissa and gives the shortest decimal that stands for the result.
///
/// Source: Go, package `math/big`, type `Float`, on which Terraform's numbers are built.
fn round(digits: &str, point: i64) -> Option<(String, i64)> {
    let scale = point - i64::try_from(digits.len()).ok()?;
    let (mantissa, exponent) = to_binary(digits.parse().ok()?, scale)?;
    let inclusive = !mantissa.bit(0);
    // The bounds lie half a step away, so count in half steps.
    let (exact, exponent) = (mantissa << 1_u8, exponent - 1);
    let upper = decimal(&exact + 1_u8, exponent);
    let width = upper.len();
    let lower = format!("{:0>width$}", decimal(&exact - 1_u8, exponent));
    let exact = format!("{:0>width$}", decimal(exact, exponent));
    let (shortest, carried) = shortest(&lower, &exact, &upper, inclusive);
    let significant = shortest.trim_start_matches('0');
    let leading = i64::try_from(shortest.len() - significant.len()).ok()?;
    let point = i64::try_from(width).ok()? + exponent.min(0) + i64::from(carried) - leading;
    Some((significant.trim_end_matches('0').to_owned(), point))
}

/// Gives the mantissa of [`MANTISSA_BITS`] and the power of two for `digits` × 10^`scale`.
fn to_binary(digits: BigUint, scale: i64) -> Option<(BigUint, i64)> {
    let power = BigUint::from(10_u8).pow(u32::try_from(scale.unsigned_abs()).ok()?);
    let (above, below) = if scale < 0 { (digits, power) } else { (digits * power, BigUint::from(1_u8)) };
    let bits = |number: &BigUint| i64::try_from(number.bits()).ok();
    let target = i64::try_from(MANTISSA_BITS).ok()?;
    let mut shift = target - (bits(&above)? - bits(&below)?);
    loop {
        let left = usize::try_from(shift.max(0)).ok()?;
        let right = usize::try_from((-shift).max(0)).ok()?;
        let (numerator, denominator) = (&above << left, &below << right);
        let mut quotient = &numerator / &denominator;
        if quotient.bits() > MANTISSA_BITS {
            shift -= 1;
            continue;
        }
        let rest = (numerator - &quotient * &denominator) << 1_u8;
        if rest > denominator || (rest == denominator && quotient.bit(0)) {
            quotient += 1_u8;
        }
        // Rounding up may make it one bit longer; that bit is zero.
        let longer = quotient.bits().saturating_sub(MANTISSA_BITS);
        return Some((quotient >> longer, i64::try_from(longer).ok()? - shift));
    }
}

/// All digits of `number` × 2^`exponent`; below zero the last -exponent digits are the fraction.
fn decimal(number: BigUint, exponent: i64) -> String {
    let size = u32::try_from(exponent.unsigned_abs()).unwrap_or(u32::MAX);
    let exact = if exponent < 0 { number * BigUint::from(5_u8).pow(size) } else { number << size };
    exact.to_string()
}

/// The first digits of `exact`, as few as still lie between `lower` and `upper`; the bounds count if `inclusive`.
///
/// All three have the same length. The flag tells that rounding up made it one digit longer in front.
fn shortest(lower: &str, exact: &str, upper: &str, inclusive: bool) -> (String, bool) {
    let only_zeros = |text: &str| text.bytes().all(|digit| digit == b'0');
    for (at, digit) in exact.bytes().enumerate() {
        let (low, high) = (lower.as_bytes()[at], upper.as_bytes()[at]);
        let (kept, dropped) = exact.split_at(at + 1);
        let down = low != digit || (inclusive && only_zeros(&lower[at + 1..]));
        let up = high != digit && (inclusive || digit + 1 < high || !only_zeros(&upper[at + 1..]));
        if up && (!down || rounds_up(kept, dropped)) {
            return increment(kept);
        }
        if down {
            return (kept.to_owned(), false);
        }
    }
    (exact.to_owned(), false)
}

/// Whether `kept` is the farther neighbour of `kept` followed by `dropped`; half goes to the even one.
fn rounds_up(kept: &str, dropped: &str) -> bool {
    match dropped.trim_end_matches('0').cmp("5") {
        Ordering::Equal => kept.bytes().last().is_some_and(|digit| digit % 2 == 1),
        order => order == Ordering::Greater,
    }
}
