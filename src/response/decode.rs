//! Bytes to text and to JSON, strictly.

use http::HeaderValue;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::shown;
use crate::secret::Masks;

/// Decodes `body` from the charset that `content_type` names; the error is a sentence.
pub(super) fn text(body: &[u8], content_type: Option<&HeaderValue>) -> Result<String, String> {
    let Some(label) = content_type.and_then(charset) else {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        return String::from_utf8(body.to_vec())
            .map_err(|error| format!("the body is not UTF-8 at byte {}", error.utf8_error().valid_up_to()));
    };
    let Some(encoding) = encoding_rs::Encoding::for_label(label.as_bytes()) else {
        return Err(format!("the body's charset {} is not known", crate::error::quoted(&label)));
    };
    match encoding.decode(body) {
        (text, _, false) => Ok(text.into_owned()),
        (.., true) => Err(format!("the body is not {} as its type says", encoding.name())),
    }
}

fn charset(content_type: &HeaderValue) -> Option<String> {
    let parameters = content_type.to_str().ok()?.split(';').skip(1);
    parameters
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

/// Decodes `body` as JSON, an empty one as `null`; the error names the JSON path of the mismatch and no secret.
pub(super) fn json<T: DeserializeOwned>(
    body: &[u8],
    content_type: Option<&HeaderValue>,
    masks: &Masks,
) -> Result<T, String> {
    let body = unmarked(body);
    match serde_json::from_slice(body) {
        Ok(value) => Ok(value),
        Err(error) => Err(masks.apply(&explain::<T>(body, content_type, &error, masks))),
    }
}

/// `body` as JSON text, checked and not copied; an empty one is `null`.
pub(super) fn raw<'b>(body: &'b [u8], content_type: Option<&HeaderValue>, masks: &Masks) -> Result<&'b str, String> {
    let body = unmarked(body);
    match serde_json::from_slice::<&RawValue>(body) {
        Ok(raw) => Ok(raw.get()),
        Err(error) => Err(masks.apply(&explain::<Box<RawValue>>(body, content_type, &error, masks))),
    }
}

/// Without a byte order mark, and `null` for nothing.
fn unmarked(body: &[u8]) -> &[u8] {
    match body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body) {
        [] => b"null",
        body => body,
    }
}

/// Whether `body` is JSON that ends too early, which a body without a length cannot tell otherwise.
pub(super) fn is_cut_json(body: &[u8]) -> bool {
    matches!(body.first(), Some(b'{' | b'[' | b'"'))
        && serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err_and(|error| error.is_eof())
}

/// Decodes a second time, only to learn where it went wrong.
fn explain<T: DeserializeOwned>(
    body: &[u8],
    content_type: Option<&HeaderValue>,
    error: &serde_json::Error,
    masks: &Masks,
) -> String {
    let kind = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !essence.is_empty() && essence != "application/json" && !essence.ends_with("+json") && !error.is_data() {
        return format!("the answer is {essence}, not JSON: {}", shown(body, masks));
    }
    if body.starts_with(b"\xff\xfe")
        || body.starts_with(b"\xfe\xff")
        || body.get(..2).is_some_and(|two| two.contains(&0))
    {
        return "the answer is UTF-16, and JSON is UTF-8".into();
    }
    if let Err(error) = std::str::from_utf8(body) {
        return format!("the answer is not UTF-8 at byte {}", error.valid_up_to());
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Err(error) if error.inner().is_data() && error.path().iter().next().is_some() => {
            format!("the answer does not fit at {}: {}", error.path(), error.inner())
        }
        _ => format!("the answer is not the JSON that was expected: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn json<T: DeserializeOwned>(body: &[u8], content_type: Option<&HeaderValue>) -> Result<T, String> {
        super::json(body, content_type, &Masks::default())
    }

    fn value(body: &[u8]) -> Result<Value, String> {
        json(body, None)
    }

    #[test]
    fn b12_json_is_strict_and_tolerates_a_mark() {
        for (body, expected) in [
            (&b""[..], Value::Null),
            (b"null", Value::Null),
            (b"\xef\xbb\xbf{}", serde_json::json!({})),
            (b" [1] ", serde_json::json!([1])),
            (b"0", serde_json::json!(0)),
            (b"false", serde_json::json!(false)),
            (b"\"\"", serde_json::json!("")),
        ] {
            assert_eq!(value(body), Ok(expected));
        }
        for (body, why) in [
            (&b"\xff{}"[..], "not UTF-8 at byte 0"),
            (b"\"\xc3\x28\"", "not UTF-8 at byte 1"),
            (b"\xff\xfe{\0}\0", "UTF-16"),
            (b"{} x", "trailing"),
            (b"NaN", "expected"),
            (b" ", "EOF"),
            (b"not json", "expected"),
            (br#"{"foo"}"#, "expected"),
        ] {
            let error = value(body).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn b13_depth_is_bounded_on_a_small_stack() {
        std::thread::Builder::new()
            .stack_size(512 << 10)
            .spawn(|| {
                for body in [vec![b'['; 10 << 20], [vec![b'['; 129], vec![b']'; 129]].concat()] {
                    assert!(value(&body).unwrap_err().contains("recursion limit"));
                }
            })
            .unwrap()
            .join()
            .unwrap();
    }

    #[test]
    fn b14_numbers_are_exact_or_an_error() {
        assert_eq!(json::<u64>(b"18446744073709551615", None), Ok(u64::MAX));
        assert_eq!(json::<i64>(b"9007199254740993", None), Ok(9_007_199_254_740_993));
        assert!(json::<u64>(b"18446744073709551616", None).is_err());
        assert!(json::<i64>(b"1e400", None).is_err());
        for text in ["123456789012345678901234567890", "1.10", "-0"] {
            let raw: Box<RawValue> = json(text.as_bytes(), None).unwrap();
            assert_eq!(raw.get(), text);
        }
    }

    #[test]
    fn b15_of_a_doubled_key_the_last_wins() {
        assert_eq!(value(br#"{"a":1,"a":2}"#), Ok(serde_json::json!({"a": 2})));
    }

    #[test]
    fn b16_the_corners_of_the_grammar() {
        for good in ["[1e1]", "[\"\\u0000\"]", "[\"\u{10ffff}\"]", "[-0]", "\"\\ud83d\\ude00\"", "[1.5E-3]", "\t[\r\n]"]
        {
            assert!(value(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in [
            "[1,]",
            "[01]",
            "{a:1}",
            "['a']",
            "[1",
            "[+1]",
            "[.5]",
            "[1.]",
            "\"\\x\"",
            "\"\n\"",
            "[\"\\ud800\"]",
            "nul",
            "{\"a\":1,}",
            "[]]",
            "// x\n1",
        ] {
            assert!(value(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn b17_another_type_than_json_is_said() {
        let of = |kind: &'static str| Some(HeaderValue::from_static(kind));
        let html = json::<Value>(b"<html>\x1b[2J</html>", of("text/html; charset=utf-8").as_ref()).unwrap_err();
        assert!(html.contains("text/html") && html.contains("<html>\\u{1b}"), "{html}");
        for kind in
            ["application/problem+json; charset=utf-8", "application/vnd.x+json", "APPLICATION/JSON", "text/plain"]
        {
            assert_eq!(json::<Value>(b"[1]", of(kind).as_ref()), Ok(serde_json::json!([1])));
        }
    }

    #[test]
    fn b18_text_is_decoded_from_its_charset_or_refused() {
        let of = |kind: &'static str| Some(HeaderValue::from_static(kind));
        assert_eq!(text(b"caf\xe9", of("text/plain; charset=ISO-8859-1").as_ref()).as_deref(), Ok("café"));
        assert_eq!(text("café".as_bytes(), of("text/plain; charset=\"utf-8\"").as_ref()).as_deref(), Ok("café"));
        assert_eq!(text("café".as_bytes(), None).as_deref(), Ok("café"));
        assert!(text(b"caf\xe9", None).unwrap_err().contains("byte 3"));
        assert!(text(b"caf\xe9", of("text/plain; charset=utf-8").as_ref()).is_err());
        assert!(text(b"x", of("text/plain; charset=klingon").as_ref()).unwrap_err().contains("klingon"));
    }

    #[test]
    fn a_mismatch_names_its_place() {
        #[derive(serde::Deserialize, Debug)]
        struct Person {
            #[expect(dead_code, reason = "only its type matters")]
            age: u8,
        }
        let error = json::<Vec<Person>>(br#"[{"age":1},{"age":"x"}]"#, None).unwrap_err();
        assert!(error.contains("[1].age"), "{error}");
    }
}
