//! What a terminal may be given, case by case and as a law.

use proptest::prelude::*;

use super::*;

const TERMINAL: Manner = Manner { terminal: true, colour: false };

fn shown(chunks: &[&[u8]], manner: Manner) -> Vec<u8> {
    let mut out = Vec::new();
    let mut clean = Clean::new(&mut out, manner);
    for chunk in chunks {
        clean.write_all(chunk).unwrap();
    }
    clean.finish().unwrap();
    out
}

/// Whether a terminal may be given `text`: what the law says, in words of its own.
fn harmless(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| {
        text.chars().all(|c| match u32::from(c) {
            0x09 | 0x0a => true,
            code => {
                let control = code < 0x20 || (0x7f..=0x9f).contains(&code);
                !control && !matches!(code, 0x200e | 0x200f | 0x061c | 0x202a..=0x202e | 0x2066..=0x2069)
            }
        })
    })
}

#[test]
fn x20_escapes_of_a_terminal_are_shown_and_not_obeyed() {
    for (given, expected) in [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x1b]8;;http://x\x1b\\link", "\\x1b]8;;http://x\\x1b\\link"),
        ("\x1b]52;c;cm0=\x07", "\\x1b]52;c;cm0=\\x07"),
        ("\x1bPq\x1b\\", "\\x1bPq\\x1b\\"),
        ("a\x08b\x7f\0", "a\\x08b\\x7f\\x00"),
        ("tab\tand\nline", "tab\tand\nline"),
    ] {
        assert_eq!(shown(&[given.as_bytes()], TERMINAL), expected.as_bytes());
        assert_eq!(shown(&[given.as_bytes()], Manner::default()), given.as_bytes(), "a pipe gets the bytes");
    }
}

#[test]
fn x21_c1_is_escaped_as_utf_8_and_as_bytes() {
    assert_eq!(shown(&["\u{9b}2J\u{85}".as_bytes()], TERMINAL), b"\\u{9b}2J\\u{85}");
    assert_eq!(shown(&[b"\x9b2J\xe9\xff"], TERMINAL), b"\\x9b2J\\xe9\\xff");
    assert_eq!(shown(&["caf\u{e9} \u{6f22}".as_bytes()], TERMINAL), "caf\u{e9} \u{6f22}".as_bytes());
}

#[test]
fn x22_marks_of_direction_and_what_has_no_width_are_shown() {
    assert_eq!(shown(&["a\u{202e}b\u{2066}".as_bytes()], TERMINAL), b"a\\u{202e}b\\u{2066}");
    assert_eq!(cell("a\u{200b}b\u{202e}\n"), "a\\u{200b}b\\u{202e}\\n");
    assert_eq!(line("a\u{200d}b"), "a\u{200d}b", "emoji need joiners outside of tables");
}

#[test]
fn x24_a_lone_cr_cannot_rewrite_the_line() {
    assert_eq!(shown(&[b"Password: \rOther: "], TERMINAL), b"Password: \\rOther: ");
    assert_eq!(shown(&[b"a\r\nb\r", b"\nc\r", b"d\r"], TERMINAL), b"a\nb\nc\\rd\\r");
    assert_eq!(shown(&[b"\r", b"\xff"], TERMINAL), b"\\r\\xff");
}

#[test]
fn x25_a_sequence_cut_between_chunks_is_escaped() {
    assert_eq!(shown(&[b"\x1b", b"[2J"], TERMINAL), b"\\x1b[2J");
    assert_eq!(shown(&[b"\xc2", b"\x9b"], TERMINAL), b"\\u{9b}");
    assert_eq!(shown(&[b"\xe2\x80", b"\xae."], TERMINAL), b"\\u{202e}.");
    assert_eq!(shown(&[b"\xe2", b"\x82", b"\xac"], TERMINAL), "€".as_bytes());
    assert_eq!(shown(&[b"\xe2\x80"], TERMINAL), b"\\xe2\\x80");
}

#[test]
fn x26_a_long_line_is_bounded_and_can_be_stopped() {
    let long = "\u{1f468}".repeat(1 << 20);
    let out = shown(&[long.as_bytes(), b"\nnext"], TERMINAL);
    assert!(out.len() < 70_000 && out.ends_with(b"gets them)\nnext"), "{}", out.len());

    struct Stops(Arc<AtomicBool>, usize);
    impl Write for Stops {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            assert!(bytes.len() <= PIECE + 64);
            self.1 += 1;
            self.0.store(self.1 == 3, Ordering::Relaxed);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut clean = Clean::new(Vec::new(), TERMINAL);
    clean.stopped_by(stop.clone());
    clean.write_all(long.as_bytes()).unwrap();
    stop.store(true, Ordering::Relaxed);
    assert!(is_stop(&clean.write_all(b"more of it").unwrap_err()), "what is not shown can be stopped too");

    for manner in [TERMINAL, Manner::default()] {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clean = Clean::new(Stops(stop.clone(), 0), manner);
        clean.stopped_by(stop);
        let error = clean.write_all("word\n".repeat(1 << 16).as_bytes()).unwrap_err();
        assert!(is_stop(&error) && clean.inner.1 == 3, "{error}");
    }
}

#[test]
fn only_our_own_styles_reach_a_terminal() {
    let mut out = Vec::new();
    let mut clean = Clean::new(&mut out, Manner { terminal: false, colour: true });
    clean.paint(anstyle::AnsiColor::Red.on_default(), b"a\x1b[0mb\r").unwrap();
    clean.finish().unwrap();
    assert_eq!(out, b"\x1b[31ma\\x1b[0mb\\r\x1b[0m");
}

proptest! {
    #[test]
    fn x20_nothing_harmful_passes_however_it_is_cut(
        pieces in proptest::collection::vec(
            prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..6),
                ".{0,4}".prop_map(String::into_bytes),
                proptest::sample::select(vec![0x9b_u32, 0x202e, 0x2066, 0x200f, 0x7f, 0x1b, 0xd, 0x61c])
                    .prop_map(|c| char::from_u32(c).unwrap_or(' ').to_string().into_bytes()),
            ],
            0..20,
        ),
        cut in 1_usize..5,
    ) {
        let whole = pieces.concat();
        let chunks: Vec<&[u8]> = whole.chunks(cut).collect();
        let out = shown(&chunks, TERMINAL);
        prop_assert!(harmless(&out), "{out:?}");
        prop_assert_eq!(out, shown(&[&whole], TERMINAL), "chunks change nothing");
        let text = String::from_utf8_lossy(&whole);
        prop_assert!(harmless(line(&text).as_bytes()) && !line(&text).contains(['\n', '\t']));
        prop_assert!(harmless(cell(&text).as_bytes()));
    }
}
