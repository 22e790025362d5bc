//! A form with files (`multipart/form-data`, RFC 7578) rendered as a body.
//!
//! What is sent, and why, as real servers read it: field and file names are raw UTF-8 with
//! `"`, CR and LF as `%22`, `%0D` and `%0A`, as browsers send them, never `filename*`, which
//! many servers ignore. Every file has a file name and a content type, and the JSON part has
//! neither: there are servers that take a field with a content type for a file.

use crate::{body::Body, error::Result};

mod name;
mod part;

pub(crate) use part::Content;
pub use part::Part;

/// A form: a field of JSON, where there is one, and then the parts in their order.
pub(crate) struct Form {
    json: Option<(String, String)>,
    parts: Vec<Part>,
}

impl Form {
    /// A form of `parts`, with `json` (the name of the field and its text) before them.
    pub(crate) fn new(json: Option<(String, String)>, parts: Vec<Part>) -> Self {
        Self { json, parts }
    }

    /// Renders the form with `boundary` (see [`boundary`]): its body and its content type.
    ///
    /// The length is known where each part's is; files are looked at, not opened.
    ///
    /// # Errors
    /// A name or a content type that cannot be sent, or a file that cannot be uploaded.
    pub(crate) fn render(&self, boundary: &str) -> Result<(Body, String)> {
        let mut pieces = Vec::with_capacity(2 * self.parts.len() + 1);
        let mut text = String::new();
        if let Some((field, json)) = &self.json {
            let field = name::field(field)?;
            text = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{json}\r\n");
        }
        for part in &self.parts {
            let (head, body) = part.render()?;
            pieces.push(Body::from(format!("{text}--{boundary}\r\n{head}\r\n")));
            pieces.push(body);
            text = String::from("\r\n");
        }
        pieces.push(Body::from(format!("{text}--{boundary}--\r\n")));
        Ok((Body::chain(pieces), format!("multipart/form-data; boundary={boundary}")))
    }
}

/// The boundary made of 128 random bits, which no content holds but by a chance of 2⁻¹²⁸.
pub(crate) fn boundary(random: [u8; 16]) -> String {
    format!("restwalk-{:032x}", u128::from_be_bytes(random))
}

#[cfg(test)]
mod foreign;

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, fs, io};

    use http_body_util::BodyExt;
    use proptest::prelude::*;

    use super::*;
    use crate::{body::Replay, error::ErrorKind};

    async fn text(form: &Form) -> String {
        let (body, content_type) = form.render("B").unwrap();
        assert_eq!(content_type, "multipart/form-data; boundary=B");
        let bytes = body.open().await.unwrap().collect().await.unwrap().to_bytes();
        assert_eq!(body.length().unwrap_or(bytes.len() as u64), bytes.len() as u64);
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn files(parts: impl IntoIterator<Item = Part>) -> Form {
        Form::new(None, parts.into_iter().collect())
    }

    fn refusal(part: Part) -> String {
        let error = files([part]).render("B").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request);
        error.to_string()
    }

    #[tokio::test]
    async fn m21_a_file_travels_under_its_base_name_in_the_field_file_or_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("avatar.png");
        fs::write(&path, "PNG").unwrap();
        let form = files([Part::file(&path), Part::file(&path).named("ID"), Part::reader(&b"abc"[..], None)]);
        assert_eq!(
            text(&form).await,
            "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"avatar.png\"\r\nContent-Type: image/png\r\n\r\nPNG\r\n\
             --B\r\nContent-Disposition: form-data; name=\"ID\"; filename=\"avatar.png\"\r\nContent-Type: image/png\r\n\r\nPNG\r\n\
             --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file\"\r\nContent-Type: application/octet-stream\r\n\r\nabc\r\n\
             --B--\r\n"
        );
    }

    #[tokio::test]
    async fn m22_the_json_part_comes_first_as_a_plain_field() {
        let json = || Some(("json_data".to_owned(), r#"{"a":"é"}"#.to_owned()));
        let form = Form::new(json(), vec![Part::bytes("x").file_name("a.md").content_type("text/x")]);
        assert_eq!(
            text(&form).await,
            "--B\r\nContent-Disposition: form-data; name=\"json_data\"\r\n\r\n{\"a\":\"é\"}\r\n\
             --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.md\"\r\nContent-Type: text/x\r\n\r\nx\r\n--B--\r\n"
        );
        let alone = text(&Form::new(json(), Vec::new())).await;
        assert!(alone.ends_with("{\"a\":\"é\"}\r\n--B--\r\n"), "{alone}");
        assert!(Form::new(Some(("a\\".into(), "{}".into())), Vec::new()).render("B").is_err());
    }

    #[test]
    fn the_length_and_the_replay_are_those_of_the_parts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "abc").unwrap();
        let stream = |length| Part::stream(futures_util::stream::empty::<io::Result<_>>(), length);
        for (part, known, replay) in [
            (Part::bytes("abc"), true, Replay::Always),
            (Part::file(&path), true, Replay::Reopen),
            (Part::open_file(fs::File::open(&path).unwrap()), true, Replay::Reopen),
            (Part::reader(&b""[..], None), false, Replay::Once),
            (Part::reader(&b""[..], Some(3)), true, Replay::Once),
            (stream(None), false, Replay::Once),
            (stream(Some(3)), true, Replay::Once),
        ] {
            let (body, _) = files([part.clone(), Part::bytes("more")]).render("B").unwrap();
            assert_eq!((body.length().is_some(), body.replay()), (known, replay), "{part:?}");
        }
    }

    #[test]
    fn a_part_is_printed_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        fs::write(&path, "secret").unwrap();
        for (part, content) in [
            (Part::file(&path), format!("{path:?}")),
            (Part::open_file(fs::File::open(&path).unwrap()), "an open file".to_owned()),
            (Part::bytes("secret"), format!("{:?}", Body::from("secret"))),
        ] {
            assert!(!content.contains("secret"), "{content}");
            let printed = format!("{:?}", part.named("up").file_name("b.txt").content_type("text/x"));
            let rest = r#", field: "up", file_name: Some("b.txt"), content_type: Some("text/x"), plain: false }"#;
            assert_eq!(printed, format!("Part {{ content: {content}{rest}"));
        }
    }

    #[test]
    fn b40_a_field_name_with_control_characters_is_refused() {
        assert!(refusal(Part::bytes("").named("a\0b")).contains("field name \"a\\u{0}b\""));
    }

    #[test]
    fn b43_a_content_type_that_breaks_its_line_is_refused() {
        assert!(refusal(Part::bytes("").content_type("a\r\nb")).contains(r#""a\r\nb""#));
    }

    #[tokio::test]
    async fn b45_no_part_an_empty_file_and_one_name_twice_are_forms() {
        assert_eq!(text(&files([])).await, "--B--\r\n");
        let twice = text(&files([Part::bytes("").file_name("a.txt"), Part::bytes("").file_name("a.txt")])).await;
        let part = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n\r\n";
        assert_eq!(twice, format!("{part}{part}--B--\r\n"));
    }

    #[test]
    fn b49_what_is_no_file_is_refused_when_the_form_is_rendered() {
        let folder = tempfile::tempdir().unwrap();
        let part = Part::file(folder.path());
        assert!(refusal(part).contains("is a directory"));
        assert!(refusal(Part::file(folder.path().join("none"))).contains("does not exist"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_name_that_is_not_utf8_needs_another() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(OsStr::from_bytes(b"\xff.txt"));
        fs::write(&path, "x").unwrap();
        assert!(refusal(Part::file(&path)).contains("file_name()"));
        assert!(files([Part::file(&path).file_name("x.txt")]).render("B").is_ok());
    }

    #[tokio::test]
    async fn b46_a_form_of_long_files_has_its_exact_length_and_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.bin");
        let content: Vec<u8> = (0..16 << 20).map(|n: u32| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        fs::write(&path, &content).unwrap();
        let form = files([Part::file(&path), Part::file(&path)]);
        let (body, _) = form.render("B").unwrap();
        let (mut length, mut hash) = (0, sha1_smol::Sha1::new());
        let mut wire = body.open().await.unwrap();
        while let Some(frame) = wire.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            length += data.len() as u64;
            hash.update(&data);
        }
        let head = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"long.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n";
        let whole = [head.as_bytes(), &content, b"\r\n", head.as_bytes(), &content, b"\r\n--B--\r\n"].concat();
        assert_eq!(body.length(), Some(length));
        assert_eq!((length, hash.digest()), (whole.len() as u64, sha1_smol::Sha1::from(whole).digest()));
    }

    #[test]
    fn b42_a_million_boundaries_are_unique_and_plain() {
        let boundary_of = |n: u128| boundary((n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).to_be_bytes());
        let made: HashSet<String> = (0..1_000_000).map(boundary_of).collect();
        assert_eq!(made.len(), 1_000_000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn b42_a_boundary_needs_no_quotes_and_holds_all_its_bits(one: [u8; 16], other: [u8; 16]) {
            let text = boundary(one);
            prop_assert!(text.len() <= 70 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
            prop_assert_eq!(u128::from_str_radix(&text["restwalk-".len()..], 16), Ok(u128::from_be_bytes(one)));
            prop_assert_eq!(one == other, text == boundary(other));
        }

        #[test]
        fn b40_b41_whatever_the_names_a_part_has_two_header_lines(
            field in "[a-c\"\\r\\n;=%é ]{1,8}",
            file in "[a-c\"\\\\/\\r\\n;=%é .]{0,12}",
        ) {
            let (head, _) = Part::bytes("content").named(field).file_name(file).render().unwrap();
            prop_assert_eq!(head.matches("\r\n").count(), 2);
            prop_assert_eq!(head.matches(['\r', '\n']).count(), 4);
            prop_assert_eq!(head.lines().next().unwrap_or_default().matches('"').count(), 4);
        }
    }

    #[test]
    fn m22_a_plain_field_is_no_file() {
        let rendered = |part: Part| part.render().unwrap().0;
        assert_eq!(rendered(Part::text("no\"te", "hello")), "Content-Disposition: form-data; name=\"no%22te\"\r\n");
        let file = rendered(Part::text("note", "a;b").file_name("t.csv"));
        assert_eq!(
            file,
            "Content-Disposition: form-data; name=\"note\"; filename=\"t.csv\"\r\nContent-Type: text/csv\r\n"
        );
        assert!(rendered(Part::text("note", "x").content_type("text/plain")).contains("filename=\"file\""));
    }
}
