//! Environments out of files: whose are read, which are trusted, and what of them is printed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use restwalk::{Environments, Error, ErrorKind, Result, Trust};
use tempfile::TempDir;

use crate::support::{
    canary::{canary, find, printed},
    recorder::Recorder,
};

const PROJECT: &str = "environments: {local: {base_url: 'http://localhost:8081', catalog: r.yaml}}\n";
const CATALOG: &str = "resources: {p: {route: /people}}\n";

/// A home with a project in it.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(home.deep()).unwrap();
        home.put("work/restwalk.yaml", PROJECT);
        home.put("work/r.yaml", CATALOG);
        home
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn deep(&self) -> PathBuf {
        self.path().join("work/deep")
    }

    fn put(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// How the variables of a process in this home are looked up: `extra` and `HOME`.
    fn variables(&self, extra: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> + Send + Sync + use<> {
        let home = self.path().to_str().unwrap().to_owned();
        move |name| match extra.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => Some((*value).to_owned()),
            None => (name == "HOME").then(|| home.clone()),
        }
    }

    fn around(&self) -> Result<Environments> {
        Environments::around(self.deep(), self.variables(&[]))
    }

    fn project(&self) -> Environments {
        Environments::project(self.deep(), self.variables(&[])).unwrap().unwrap()
    }

    fn trust(&self) -> Trust {
        Trust::user_by(self.variables(&[])).unwrap()
    }

    fn store(&self) -> PathBuf {
        self.path().join(".local/state/restwalk/trusted")
    }
}

fn refused(environments: Result<Environments>) -> Error {
    environments.map(|found| found.names().map(str::to_owned).collect::<Vec<_>>()).unwrap_err()
}

#[test]
fn x14_nothing_of_a_folder_is_used_unless_it_is_trusted() {
    let home = Home::new();
    home.put("work/deep/.env", "API_TOKEN=CNRY\nRESTWALK_BASE_URL=http://evil\n");
    let error = refused(home.around());
    let file = home.path().join("work/restwalk.yaml").display().to_string();
    assert_eq!(
        error.to_string(),
        format!("{file} is not trusted, so nothing of it is used; read it, then run restwalk env trust")
    );
    assert_eq!((error.kind(), error.code()), (ErrorKind::Request, "config.untrusted"));
    assert!(!home.store().exists(), "asking changes nothing");

    home.put("work/restwalk.yaml", "environments: {local: {base_url: 'http://h', auth: {bearer: 'env:API_TOKEN'}}}");
    home.trust().add(&home.project()).unwrap();
    let error = home.around().unwrap().get("local").unwrap().client().map(|_| ()).unwrap_err();
    assert!(
        error.to_string().ends_with(":1: the variable API_TOKEN is not set or is empty; set it to the secret"),
        "{error}"
    );
}

#[test]
fn x14_a_byte_of_the_file_or_of_what_it_names_ends_the_trust() {
    let home = Home::new();
    home.put(
        "work/restwalk.yaml",
        "environments: {a: {base_url: 'http://h', catalog: r.yaml, defaults: d.yaml, ca_certificate: ca.pem}}\n",
    );
    home.put("work/d.yaml", "/people: {POST: {a: 1}}\n");
    home.trust().add(&home.project()).unwrap();
    for name in ["restwalk.yaml", "r.yaml", "d.yaml", "ca.pem"] {
        let path = home.path().join("work").join(name);
        assert_eq!(home.around().unwrap().names().collect::<Vec<_>>(), ["a"], "{name}");
        let before = fs::read(&path).ok();
        fs::write(&path, [before.as_deref().unwrap_or_default(), b" "].concat()).unwrap();
        let error = refused(home.around());
        assert!(
            error.to_string().contains("or a file that it names has changed since it was trusted, so nothing"),
            "{error}"
        );
        match before {
            Some(before) => fs::write(&path, before).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    }
    home.around().unwrap();
    fs::rename(home.path().join("work"), home.path().join("moved")).unwrap();
    let moved = Environments::around(home.path().join("moved"), home.variables(&[]));
    assert!(refused(moved).to_string().contains(" is not trusted, "), "where it is counts too");
}

#[test]
fn x14_what_changes_between_the_trust_and_its_use_is_not_used() {
    let home = Home::new();
    home.trust().add(&home.project()).unwrap();
    let environments = home.around().unwrap();
    let local = environments.get("local").unwrap();
    assert_eq!(local.catalog().unwrap().routes().count(), 1);
    home.put("work/r.yaml", "resources: {p: {route: /other}}\n");
    let error = local.catalog().unwrap_err();
    assert_eq!(error.code(), "config.untrusted");
    assert!(error.to_string().contains("r.yaml has changed since "), "{error}");
}

#[test]
#[cfg(unix)]
fn the_store_is_its_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    home.trust().add(&home.project()).unwrap();
    home.trust().add(&home.project()).unwrap();
    assert_eq!((mode(&home.store()), mode(home.store().parent().unwrap())), (0o600, 0o700));
    let text = fs::read_to_string(home.store()).unwrap();
    let (hash, file) = text.trim_end().split_once(' ').unwrap();
    assert_eq!((text.lines().count(), hash.len()), (1, 64), "a file has one record");
    assert!(file.ends_with("/work/restwalk.yaml"));
    assert_eq!(fs::read_dir(home.store().parent().unwrap()).unwrap().count(), 1, "no other file stays");

    fs::set_permissions(home.store(), fs::Permissions::from_mode(0o620)).unwrap();
    let error = refused(home.around());
    assert_eq!((error.kind(), error.code()), (ErrorKind::Store, "store.permission"));
    let said = error.to_string();
    assert!(
        said.starts_with("others can write ") && said.ends_with("it is not believed; remove it, and trust anew"),
        "{said}"
    );
}

#[test]
#[cfg(unix)]
fn a_named_file_that_is_a_pipe_is_not_waited_for() {
    let home = Home::new();
    fs::remove_file(home.path().join("work/r.yaml")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(home.path().join("work/r.yaml")).status().unwrap();
    assert!(made.success());
    let error = refused(home.around());
    assert!(error.to_string().ends_with("r.yaml: cannot be read"), "{error}");
}

#[test]
fn a_project_s_environment_takes_the_place_of_one_s_own_as_a_whole() {
    let home = Home::new();
    home.put(
        ".config/restwalk/restwalk.yaml",
        "default: own\nenvironments: {own: {base_url: 'http://own'}, local: {base_url: 'http://mine', auth: {bearer: 'env:T'}}}",
    );
    let error = refused(home.around());
    assert_eq!(error.code(), "config.untrusted");
    home.trust().add(&home.project()).unwrap();
    let both = home.around().unwrap();
    assert_eq!((both.names().collect::<Vec<_>>(), both.default()), (vec!["own", "local"], Some("own")));
    let local = both.get("local").unwrap();
    assert_eq!((local.base_url(), local.signs_in()), (Some("http://localhost:8081"), false));
    assert!(local.file().ends_with("work/restwalk.yaml"));
    assert_eq!(both.get("locla").unwrap_err().to_string(), "no environment \"locla\"; did you mean \"local\"?");
    let own = Environments::user_by(home.variables(&[])).unwrap();
    assert!(own.get("local").unwrap().signs_in());
    let none = Environments::user_by(|_| None).unwrap();
    assert_eq!(none.get("a").unwrap_err().to_string(), "no environment \"a\"; there are none");
    // In the folder of one's own file it is no project's.
    let inside = Environments::project(home.path().join(".config/restwalk"), home.variables(&[])).unwrap();
    assert!(inside.is_none());
}

#[test]
#[cfg(unix)]
fn s01_a_secret_is_in_no_message_wherever_it_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let [inline, filed, said] = ["inline", "filed", "said"].map(canary);
    home.put("work/secret", &format!("{filed}\n"));
    fs::set_permissions(home.path().join("work/secret"), fs::Permissions::from_mode(0o640)).unwrap();
    home.put(
        "work/restwalk.yaml",
        &format!(
            "environments:\n  a: {{base_url: 'http://h', auth: {{bearer: {inline}}}}}\n  \
             b: {{base_url: 'http://h', auth: {{bearer: 'file:secret'}}}}\n  \
             c: {{base_url: 'http://h', auth: {{bearer: 'cmd:echo {said}'}}}}\n  \
             d: {{base_url: 'http://h', auth: {{bearer: 'cmd:sh -c \"echo {said}; exit 1\"'}}}}\n"
        ),
    );
    let project = home.project();
    let mut text = format!("{project:?} {project:#?}");
    for name in ["a", "b", "c", "d"] {
        let one = project.get(name).unwrap();
        text += &one.warnings().join("\n");
        match one.client() {
            Ok(client) => {
                text += &format!("{client:?}");
                let client = client.build().unwrap();
                let call = client.res("x").get();
                text += &format!("{client:?} {call:?} {}", call.to_curl().unwrap());
            }
            Err(error) => text += &printed(&error),
        }
    }
    assert_eq!(find(&text, &[inline, filed, said]), None);
    let file = home.path().join("work/restwalk.yaml").display().to_string();
    let warnings = |name: &str| project.get(name).unwrap().warnings();
    assert_eq!(
        warnings("a"),
        [format!(
            "{file}:2: environments.a.auth.bearer is a secret in plain text; write env:NAME, file:PATH or cmd:PROGRAM"
        )]
    );
    assert_eq!(warnings("b"), [format!("{file}:3: others can read the secret in secret; run chmod 600 on it")]);
    fs::set_permissions(home.path().join("work/secret"), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(warnings("b").is_empty() && warnings("c").is_empty());
}

#[test]
#[cfg(unix)]
fn x13_a_program_gets_no_secret_of_ours() {
    let home = Home::new();
    // The variables are looked up here; what a program gets are the process's, of which it has two.
    home.put(
        "work/restwalk.yaml",
        "environments:\n  a: {base_url: 'http://h', auth: {bearer: 'env:CARGO_PKG_NAME'}}\n  \
         b: {base_url: 'http://h', auth: {bearer: 'cmd:sh -c \"echo seen-$CARGO_PKG_NAME-$CARGO_PKG_VERSION\"'}}\n",
    );
    let project = home.project();
    let recorder = Recorder::new(200, "{}");
    let client = project.get("b").unwrap().client().unwrap().transport(recorder.clone()).build().unwrap();
    client.res("x").get().send_blocking().unwrap();
    let sent = recorder.last();
    assert_eq!(sent.header("authorization"), Some(concat!("Bearer seen--", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn the_default_is_written_into_the_file_that_holds_it() {
    let home = Home::new();
    home.put(".config/restwalk/restwalk.yaml", "# mine\nenvironments:\n  own: {base_url: 'http://own'}\n");
    home.trust().add(&home.project()).unwrap();
    let both = home.around().unwrap();
    assert_eq!(both.set_default("own").unwrap().default(), Some("own"));
    let text = fs::read_to_string(home.path().join(".config/restwalk/restwalk.yaml")).unwrap();
    assert_eq!(text, "# mine\ndefault: own\nenvironments:\n  own: {base_url: 'http://own'}\n");
    assert_eq!(home.around().unwrap().default(), Some("own"));

    let changed = both.set_default("local").unwrap();
    assert!(refused(home.around()).to_string().contains("has changed since it was trusted"));
    home.trust().add(&changed).unwrap();
    let both = home.around().unwrap();
    assert_eq!((both.default(), changed.default()), (Some("local"), Some("local")));
    assert_eq!(both.set_default("own").unwrap().default(), Some("local"), "a project's default goes first");

    home.put("work/restwalk.yaml", "{environments: {local: {}}}");
    let error = home.project().set_default("local").unwrap_err().to_string();
    assert!(
        error.ends_with("restwalk.yaml: cannot be changed by a line of its own; write default: local there yourself"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(home.path().join("work/restwalk.yaml")).unwrap(), "{environments: {local: {}}}");
    assert_eq!(
        both.set_default("none").map(|_| ()).unwrap_err().to_string(),
        "no environment \"none\"; there is own, local"
    );
}

#[test]
#[cfg(unix)]
fn x14_a_program_that_comes_with_a_project_must_stay_as_it_was() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let program = |answer: &str| {
        home.put("work/bin/token", &format!("#!/bin/sh\necho {answer}\n"));
        fs::set_permissions(home.path().join("work/bin/token"), fs::Permissions::from_mode(0o755)).unwrap();
    };
    let whole = home.path().join("work/bin/token").display().to_string();
    for named in ["./bin/token -v none", "bin/token", &whole, "sh bin/token", "sh ./bin/token x"] {
        program("good");
        home.put(
            "work/restwalk.yaml",
            &format!(
                "environments: {{a: {{base_url: 'http://h', auth: {{basic: {{user: 'cmd:{named}', password: x}}}}}}}}\n"
            ),
        );
        home.trust().add(&home.project()).unwrap();
        let trusted = home.around().unwrap();
        assert!(trusted.get("a").unwrap().client().is_ok());
        let late = home.around().unwrap();
        program("other");
        assert_eq!(refused(home.around()).code(), "config.untrusted", "{named}");
        let error = late.get("a").unwrap().client().map(|_| ()).unwrap_err();
        assert!(
            error.code() == "config.untrusted" && error.to_string().contains("bin/token has changed since"),
            "{error}"
        );
        fs::remove_file(home.path().join("work/bin/token")).unwrap();
        assert_eq!(refused(home.around()).code(), "config.untrusted", "{named}");
    }
}

#[test]
fn who_is_to_trust_a_file_sees_every_program_and_every_header() {
    let home = Home::new();
    home.put(
        "work/restwalk.yaml",
        "environments:\n  a: {base_url: 'http://h', auth: {basic: {user: \"cmd:sh -c 'one|two'\", password: 'env:P'}}}\n  \
         b: {auth: {template: {headers: {X-Sign: 'Key {k}'}, values: {k: 'cmd:pass show \"a b\"'}}}}\n  \
         c: {headers: {X-Token: 'cmd:bin/t -v'}, proxy: 'cmd:p q', auth: {api_key: {query: key, value: CNRY}}}\n",
    );
    let project = home.project();
    let told = |name: &str| {
        let all = project.get(name).unwrap().particulars();
        all.into_iter().filter(|(key, _)| *key != "base_url").map(|(_, value)| value).collect::<Vec<_>>()
    };
    assert_eq!(told("a"), ["basic, user cmd:sh -c \"one|two\", password env:P"]);
    assert_eq!(told("b"), ["headers X-Sign: Key {k}, k: cmd:pass show \"a b\""]);
    assert_eq!(told("c"), ["X-Token: cmd:bin/t -v", "query key, in plain text", "cmd:p q"]);
    let short = project.get("a").unwrap().summary();
    assert_eq!(short[1], ("auth", "basic, user cmd:sh, password env:P".to_owned()));
}

#[test]
fn a_default_is_not_written_into_a_project_s_file_that_nobody_read() {
    let home = Home::new();
    home.trust().add(&home.project()).unwrap();
    let trusted = home.around().unwrap();
    let stranger = "environments: {local: {base_url: 'http://stranger', catalog: r.yaml}}\n";
    home.put("work/restwalk.yaml", stranger);
    let error = refused(trusted.set_default("local"));
    assert!(error.code() == "config.untrusted" && error.to_string().contains("has changed since"), "{error}");
    assert_eq!(fs::read_to_string(home.path().join("work/restwalk.yaml")).unwrap(), stranger);
    home.put("work/restwalk.yaml", PROJECT);
    let changed = trusted.set_default("local").unwrap();
    assert!(changed.set_default("local").is_ok(), "what it wrote itself it knows");
}

#[test]
fn a_catalog_that_must_stay_as_it_was_is_not_for_others_to_read() {
    let home = Home::new();
    home.put(".config/restwalk/restwalk.yaml", "environments: {own: {base_url: 'http://h', catalog: r.yaml}}\n");
    home.trust().add(&home.project()).unwrap();
    let both = home.around().unwrap();
    let files = |name: &str| both.get(name).unwrap().catalog_files().map(|(file, _)| file);
    assert_eq!(files("own"), Some(home.path().join(".config/restwalk/r.yaml")));
    assert_eq!(files("local"), None);
}
