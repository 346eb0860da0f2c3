//! What `state mv` is given: an address, or a state and an address in it.

use s3tate::Result;
use s3tate::state::Target;

use super::target;

/// An address, in the state that the command is about or in another one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// The URL of the other state.
    pub(super) state: Option<&'a str>,
    /// The address as it was written.
    pub(super) text: &'a str,
    pub(super) target: Target,
}

impl<'a> Place<'a> {
    /// Reads `ADDRESS` or `s3://BUCKET/KEY?region=…//ADDRESS`.
    ///
    /// Keys may hold `//` too, so the address is the longest part behind one that is an address.
    ///
    /// # Errors
    /// [`s3tate::ErrorKind::Invalid`]: it is no address.
    pub(super) fn parse(text: &'a str) -> Result<Self> {
        let Some(behind) = text.strip_prefix("s3://") else {
            return Ok(Self { state: None, text, target: target(text)? });
        };
        let offset = text.len() - behind.len();
        for (slashes, _) in behind.match_indices("//") {
            let (state, address) = (&text[..offset + slashes], &behind[slashes + 2..]);
            if let Ok(target) = Target::parse(address) {
                return Ok(Self { state: Some(state), text: address, target });
            }
        }
        let why = "write the address behind the state's URL and `//`, as in `s3://bucket/key//aws_vpc.main`";
        Err(s3tate::Error::invalid(format!("`{text}` names no address in a state; nothing was done"))
            .hint(why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<(Option<&str>, &str)> {
        Place::parse(text).ok().map(|place| (place.state, place.text))
    }

    #[test]
    fn a_place_is_an_address_or_a_state_and_an_address() {
        assert_eq!(parts("aws_vpc.a"), Some((None, "aws_vpc.a")));
        let url = "s3://b/k.tfstate?region=eu-west-1&role_arn=arn:aws:iam::1:role/a";
        let place = format!("{url}//module.m[\"a//b\"].aws_vpc.a");
        assert_eq!(parts(&place), Some((Some(url), "module.m[\"a//b\"].aws_vpc.a")));
        assert_eq!(parts("s3://b/odd//key//aws_vpc.a"), Some((Some("s3://b/odd//key"), "aws_vpc.a")));
        assert_eq!(
            parts("s3://b/k?endpoint=http://h//aws_vpc.a[0]").map(|parts| parts.1),
            Some("aws_vpc.a[0]")
        );
        for wrong in ["s3://b/k", "s3://b/k//", "s3://b/k//aws_vpc", "aws_vpc", ""] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
