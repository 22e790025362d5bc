//! What a person is told who signs a device in.

use std::{fmt, time::Duration};

#[cfg(feature = "qr")]
mod qr;

/// What a person needs to sign a device in; it prints as what they are told.
///
/// Each text is fit to print: the code has its control characters escaped, and the addresses are `https`, or `http` on
/// this machine. With the feature `qr` it prints a QR code too, in light on dark, beside the text where 78 columns
/// hold both.
///
/// ```
/// use restwalk::{Client, OAuth2};
///
/// let auth = OAuth2::issuer("https://id.example.com").public_client("tool").device(|prompt| {
///     eprintln!("{prompt}");
///     Ok(())
/// });
/// let client = Client::builder("https://api.example.com").auth(auth).build()?;
/// # Ok::<(), restwalk::Error>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DevicePrompt {
    /// The code that the person enters.
    pub user_code: String,
    /// Where they enter it.
    pub verification_uri: String,
    /// Where the code is in the address already, if the server has such a place.
    pub verification_uri_complete: Option<String>,
    /// How long the code is good for.
    pub expires_in: Duration,
}

impl fmt::Display for DevicePrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "qr")]
        if let Some(code) = qr::lines(&self.complete()) {
            let lead = ["To sign in, scan the QR code,", "or open in any browser"];
            return qr::beside(f, &self.lines(&lead), &code);
        }
        f.write_str(&self.lines(&["To sign in, open in any browser"]).join("\n"))
    }
}

impl DevicePrompt {
    fn lines(&self, lead: &[&str]) -> Vec<String> {
        let rest = ["", &self.verification_uri, "", "and enter the code", "", &self.user_code];
        lead.iter().copied().chain(rest).map(str::to_owned).collect()
    }

    /// The address with the code in it, made up where the server gives none.
    #[cfg(feature = "qr")]
    fn complete(&self) -> String {
        self.verification_uri_complete.clone().unwrap_or_else(|| {
            let mark = if self.verification_uri.contains('?') { '&' } else { '?' };
            let code: String = url::form_urlencoded::byte_serialize(self.user_code.as_bytes()).collect();
            format!("{}{mark}user_code={code}", self.verification_uri)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(uri: &str, complete: Option<&str>) -> DevicePrompt {
        DevicePrompt {
            user_code: "WDJB-MJHT".to_owned(),
            verification_uri: uri.to_owned(),
            verification_uri_complete: complete.map(str::to_owned),
            expires_in: Duration::from_secs(600),
        }
    }

    #[test]
    fn w72_a_person_is_told_where_to_go_and_what_to_enter() {
        let text = prompt("https://id.test/device", None).to_string();
        for told in ["https://id.test/device", "and enter the code", "WDJB-MJHT"] {
            assert!(text.contains(told), "{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() < 78));
    }

    #[cfg(feature = "qr")]
    #[test]
    fn w72_the_qr_code_stands_beside_the_text_where_there_is_room() {
        let near = prompt("https://id.test/device", None).to_string();
        let beside = near.lines().find(|line| line.starts_with("https://id.test/device")).unwrap();
        assert!(beside.contains('█') && beside.chars().count() < 78, "{near}");
        let far = prompt(&format!("https://id.test/{}", "d".repeat(40)), None).to_string();
        let (text, code) = far.split_once("WDJB-MJHT\n\n").unwrap();
        assert!(!text.contains('█') && code.contains('█'), "{far}");
    }

    #[cfg(feature = "qr")]
    #[test]
    fn w72_the_code_is_in_the_address_that_is_scanned() {
        for (uri, complete, expected) in [
            ("https://id.test/d", None, "https://id.test/d?user_code=WDJB-MJHT"),
            ("https://id.test/d?a=1", None, "https://id.test/d?a=1&user_code=WDJB-MJHT"),
            ("https://id.test/d", Some("https://id.test/x/WDJB"), "https://id.test/x/WDJB"),
        ] {
            assert_eq!(prompt(uri, complete).complete(), expected);
        }
    }
}
