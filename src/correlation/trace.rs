//! W3C Trace Context: `traceparent` and `tracestate`.

use http::HeaderValue;

use super::LONGEST_STATE;

/// The most members of a `tracestate`.
const MEMBERS: usize = 32;

/// A `traceparent`: which trace, which span of it, and whether it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Traceparent(String);

impl Traceparent {
    /// Reads one of any version: `00` to the letter, later ones by the four fields that they begin with.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (fields, rest) = text.split_at_checked(55)?;
        let [version, trace, span, flags] = fields.split('-').collect::<Vec<_>>()[..] else { return None };
        let whole = match version {
            "ff" => false,
            "00" => rest.is_empty(),
            _ => rest.is_empty() || rest.starts_with('-') && rest.bytes().all(|byte| byte.is_ascii_graphic()),
        };
        let sized = [(version, 2), (trace, 32), (span, 16), (flags, 2)];
        let zero = |digits: &str| digits.bytes().all(|byte| byte == b'0');
        let good = whole
            && text.len() <= 512
            && sized.iter().all(|(digits, length)| digits.len() == *length && is_lower_hex(digits))
            && !zero(trace)
            && !zero(span);
        good.then(|| Self(text.to_owned()))
    }

    /// A new trace, which is to be recorded.
    pub(crate) fn root(trace: u128, span: u64) -> Self {
        Self(format!("00-{:032x}-{:016x}-01", trace.max(1), span.max(1)))
    }

    /// Another span of the same trace, as version `00` writes it.
    pub(crate) fn child(&self, span: u64) -> Self {
        let trace = &self.0[3..35];
        // Of the flags, only that of recording is known.
        let recorded = u8::from_str_radix(&self.0[53..55], 16).is_ok_and(|flags| flags & 1 == 1);
        Self(format!("00-{trace}-{:016x}-0{}", span.max(1), u8::from(recorded)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn value(&self) -> HeaderValue {
        // What was parsed or written here is visible ASCII.
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

fn is_lower_hex(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// The `tracestate` that `values` make together; `None` for none, and for one that is not well formed.
pub(super) fn state<'v>(values: impl IntoIterator<Item = &'v HeaderValue>) -> Option<HeaderValue> {
    let mut joined = String::new();
    let mut keys: Vec<&str> = Vec::new();
    for value in values {
        for member in value.to_str().ok()?.split(',').map(|member| member.trim_matches([' ', '\t'])) {
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=')?;
            if !is_key(key) || !is_value(value) || keys.contains(&key) || keys.len() == MEMBERS {
                return None;
            }
            keys.push(key);
            joined.extend([if joined.is_empty() { "" } else { "," }, member]);
            if joined.len() > LONGEST_STATE {
                return None;
            }
        }
    }
    HeaderValue::from_str(&joined).ok().filter(|state| !state.is_empty())
}

fn is_key(key: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    key.len() <= 256
        && key.bytes().next().is_some_and(first)
        && key.bytes().all(|byte| first(byte) || b"_-*/@".contains(&byte))
}

fn is_value(value: &str) -> bool {
    (1..=256).contains(&value.len()) && value.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'=')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_read_as_its_version_says() {
        let tail = &GOOD[2..];
        for good in [GOOD.to_owned(), format!("cc{tail}"), format!("cc{tail}-what-comes-later")] {
            assert_eq!(Traceparent::parse(&good).unwrap().as_str(), good);
        }
        let trace = "0af7651916cd43dd8448eb211c80319c";
        for bad in [
            String::new(),
            GOOD.to_uppercase(),
            format!("{GOOD}-"),
            format!("{GOOD} "),
            format!("ff{tail}"),
            format!("cc{tail}."),
            format!("cc{tail}-\u{7f}"),
            format!("0{GOOD}"),
            GOOD[..54].to_owned(),
            GOOD.replace(trace, &"0".repeat(32)),
            GOOD.replace("b7ad6b7169203331", &"0".repeat(16)),
            GOOD.replace('-', "_"),
            GOOD.replace(trace, &format!("{}-", &trace[1..])),
            GOOD.replace("01", "0g"),
            format!("{}\u{e9}", &GOOD[..54]),
            format!("cc{tail}-{}", "x".repeat(500)),
        ] {
            assert!(Traceparent::parse(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_child_is_another_span_of_the_same_trace() {
        for (flags, kept) in [("00", "00"), ("01", "01"), ("ff", "01"), ("0a", "00"), ("0b", "01"), ("10", "00")] {
            let parent = Traceparent::parse(&format!("{}-{flags}", &GOOD[..52])).unwrap();
            let child = parent.child(0xabc);
            assert_eq!(child.as_str(), format!("00-0af7651916cd43dd8448eb211c80319c-0000000000000abc-{kept}"));
        }
        assert_eq!(Traceparent::root(1, 0).as_str(), "00-00000000000000000000000000000001-0000000000000001-01");
        let later = Traceparent::parse(&format!("cc{}-more", &GOOD[2..])).unwrap();
        assert!(later.child(1).as_str().starts_with("00-0af7"));
    }

    #[test]
    fn a_tracestate_is_a_list_of_members() {
        let read = |values: &[&str]| {
            let values: Vec<_> = values.iter().map(|value| HeaderValue::from_str(value).unwrap()).collect();
            state(&values).map(|state| state.to_str().unwrap().to_owned())
        };
        let most = (0..MEMBERS).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join(",");
        for (given, expected) in [
            (&["a=1"][..], Some("a=1")),
            (&["a=1 , b=x y\t,,", "", "t@v/_-*=3"], Some("a=1,b=x y,t@v/_-*=3")),
            (&[&most], Some(most.as_str())),
            (&[&most, "one=more"], None),
            (&["a=1,a=2"], None),
            (&["a"], None),
            (&["a="], None),
            (&["=1"], None),
            (&["A=1"], None),
            (&["a=1=2"], None),
            (&["a=\u{e9}"], None),
            (&[""], None),
            (&[], None),
        ] {
            assert_eq!(read(given).as_deref(), expected, "{given:?}");
        }
        let member = |n: usize| format!("k{n}={}", "v".repeat(256));
        let large = (0..32).map(member).collect::<Vec<_>>().join(",");
        assert_eq!(read(&[&large]), None, "more than 8 KiB");
    }

    proptest! {
        #[test]
        fn what_is_made_is_what_is_read(trace: u128, span: u64, next: u64) {
            let root = Traceparent::root(trace, span);
            prop_assert_eq!(Traceparent::parse(root.as_str()), Some(root.clone()));
            let child = root.child(next);
            prop_assert_eq!(&child.as_str()[..36], &root.as_str()[..36]);
            prop_assert_eq!(Traceparent::parse(child.as_str()), Some(child.clone()));
            let value = child.value();
            prop_assert_eq!(value.as_bytes(), child.as_str().as_bytes());
        }

        #[test]
        fn no_text_is_too_strange(text in any::<String>()) {
            let _ = Traceparent::parse(&text);
        }
    }
}
