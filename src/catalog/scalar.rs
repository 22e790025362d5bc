//! What an unquoted YAML scalar means, by the same rules as the YAML crate's.

/// The meaning of an unquoted scalar.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    /// A number, as JSON text; integers have all their digits.
    Number(String),
    /// Infinity or not a number, which JSON cannot hold.
    NotFinite,
    Text,
}

impl Scalar {
    /// Resolves `text` as YAML 1.2 does: `no`, `on`, `010` and `12:30` are texts.
    pub(super) fn of(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            "true" | "True" | "TRUE" => Self::Bool(true),
            "false" | "False" | "FALSE" => Self::Bool(false),
            _ if !matches!(text.as_bytes(), [b'0'..=b'9' | b'+' | b'-' | b'.', ..]) => Self::Text,
            _ => integer(text).map_or_else(|| float(text), Self::Number),
        }
    }
}

fn integer(text: &str) -> Option<String> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            return radix_integer(sign, digits, radix);
        }
    }
    let decimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match (decimal, digits) {
        (true, "0") => Some("0".to_owned()),
        (true, _) if !digits.starts_with('0') => Some(format!("{sign}{digits}")),
        _ => None,
    }
}

fn radix_integer(sign: &str, digits: &str, radix: u32) -> Option<String> {
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = u128::from_str_radix(digits, radix).ok()?;
    let fits = sign.is_empty() || value <= i128::MIN.unsigned_abs();
    fits.then(|| if value == 0 { "0".to_owned() } else { format!("{sign}{value}") })
}

fn float(text: &str) -> Scalar {
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    let infinite = |text: &str| matches!(text, ".inf" | ".Inf" | ".INF");
    if infinite(unsigned) || text.strip_prefix('-').is_some_and(infinite) || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Scalar::NotFinite;
    }
    if leading_zero(text) || unsigned.len() < text.len() && unsigned.starts_with(['+', '-']) {
        return Scalar::Text;
    }
    // Rust reads `inf` and `nan` too, and overflow as infinity: from_f64 has none of them.
    let number = unsigned.parse().ok().and_then(serde_json::Number::from_f64);
    number.map_or(Scalar::Text, |number| Scalar::Number(number.to_string()))
}

/// Whether this is more than one digit, the first of them 0: a text in YAML 1.2, octal in 1.1.
fn leading_zero(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Why readers may differ on an unquoted scalar, `None` where they do not.
pub(super) fn ambiguity(text: &str) -> Option<&'static str> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let numeric = digits.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    let plain = numeric && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain {
        None
    } else if ["y", "n", "yes", "no", "on", "off"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        Some("text here, true or false to a YAML 1.1 reader")
    } else if !numeric {
        None
    } else if leading_zero(text) {
        Some("text here, an octal number to a YAML 1.1 reader")
    } else if digits.contains('_') && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
        Some("text here, a number to a YAML 1.1 reader")
    } else if digits.contains(':') && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b':') {
        Some("text here, a number in base 60 to a YAML 1.1 reader")
    } else if digits.contains(['e', 'E']) && digits.parse::<f64>().is_ok() {
        Some("a number to some readers and text to others")
    } else if digits.contains('.') && digits.ends_with('0') && digits.parse::<f64>().is_ok() && !digits.ends_with(".0")
    {
        Some("as a number it loses its last zero")
    } else {
        None
    }
}
