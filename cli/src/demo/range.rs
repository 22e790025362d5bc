//! Parts of files (RFC 9110, section 14).

use std::ops::Range;

/// What a `Range` header asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Slice {
    /// All: the header is of another unit, is broken, or asks for several parts.
    Whole,
    Part(Range<usize>),
    /// Nothing that is there.
    Beyond,
}

/// The part of `length` bytes that `header` asks for.
pub(super) fn slice(header: &str, length: usize) -> Slice {
    let Some((first, last)) = header.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Slice::Whole;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // What is too large for a number is beyond any file.
        digits.then(|| text.parse::<usize>().unwrap_or(usize::MAX))
    };
    match (first.trim(), last.trim()) {
        ("", suffix) => match number(suffix) {
            None => Slice::Whole,
            Some(0) => Slice::Beyond,
            Some(_) if length == 0 => Slice::Beyond,
            Some(count) => Slice::Part(length.saturating_sub(count)..length),
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first > last => Slice::Whole,
            (Some(first), end) if end.is_some() || last.is_empty() => {
                let end = end.map_or(length, |last| last.saturating_add(1).min(length));
                if first < length { Slice::Part(first..end) } else { Slice::Beyond }
            }
            _ => Slice::Whole,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_part_all_or_nothing() {
        for (header, expected) in [
            ("bytes=0-3", Slice::Part(0..4)),
            ("bytes=4-", Slice::Part(4..10)),
            ("bytes=4-99", Slice::Part(4..10)),
            ("bytes=4-99999999999999999999999", Slice::Part(4..10)),
            ("bytes=-3", Slice::Part(7..10)),
            ("bytes=-99", Slice::Part(0..10)),
            ("bytes=9-9", Slice::Part(9..10)),
            ("bytes=10-", Slice::Beyond),
            ("bytes=99999999999999999999999-", Slice::Beyond),
            ("bytes=-0", Slice::Beyond),
            ("bytes=5-4", Slice::Whole),
            ("bytes=a-b", Slice::Whole),
            ("bytes=1-b", Slice::Whole),
            ("bytes=0-1,3-4", Slice::Whole),
            ("bytes=-", Slice::Whole),
            ("items=0-1", Slice::Whole),
            ("", Slice::Whole),
        ] {
            assert_eq!(slice(header, 10), expected, "{header}");
        }
        assert_eq!([slice("bytes=0-", 0), slice("bytes=-1", 0)], [Slice::Beyond, Slice::Beyond]);
    }
}
