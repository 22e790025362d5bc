//! Which way a person signs in.

use std::collections::BTreeMap;

use crate::args::Options;

/// A way to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Password,
    Browser,
    Device,
}

impl Way {
    /// What the options say, else the environment's `grant`, else a browser where one can be opened here.
    pub(super) fn choose(grant: &str, options: &Options, variables: &BTreeMap<String, String>) -> Self {
        match grant {
            _ if options.send.browser => Self::Browser,
            _ if options.send.device => Self::Device,
            "password" => Self::Password,
            "device" => Self::Device,
            _ if has_display(variables) => Self::Browser,
            _ => Self::Device,
        }
    }
}

/// Whether a person can see a browser that is opened on this machine.
fn has_display(variables: &BTreeMap<String, String>) -> bool {
    let is_set = |name: &&str| variables.get(*name).is_some_and(|value| !value.is_empty());
    let is_far = ["SSH_CONNECTION", "SSH_TTY"].iter().any(&is_set);
    let named = is_set(&"BROWSER");
    let screens = ["DISPLAY", "WAYLAND_DISPLAY"];
    named || !is_far && (cfg!(any(target_os = "macos", windows)) || screens.iter().any(is_set))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn o45_a_device_signs_in_where_no_browser_can_be_seen() {
        use Way::{Browser, Device, Password};
        for (grant, option, variables, expected) in [
            ("password", "-q", "DISPLAY", Password),
            ("password", "--device", "DISPLAY", Device),
            ("device", "-q", "DISPLAY", Device),
            ("device", "--browser", "", Browser),
            ("", "-q", "DISPLAY", Browser),
            ("", "-q", "WAYLAND_DISPLAY", Browser),
            ("", "-q", "BROWSER SSH_TTY", Browser),
            ("", "--device", "DISPLAY", Device),
            ("authorization_code", "-q", "DISPLAY", Browser),
            #[cfg(target_os = "linux")]
            ("", "-q", "", Device),
            ("", "-q", "DISPLAY SSH_CONNECTION", Device),
            ("authorization_code", "-q", "DISPLAY SSH_TTY", Device),
        ] {
            let options = Options::try_parse_from(["restwalk", "login", option]).unwrap();
            let variables = variables.split(' ').map(|name| (name.to_owned(), "x".to_owned())).collect();
            assert_eq!(Way::choose(grant, &options, &variables), expected, "{grant} {option} {variables:?}");
        }
    }
}
