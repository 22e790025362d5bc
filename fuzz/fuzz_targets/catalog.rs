//! Any text as catalog files: refused with a place, or loaded, written and loaded again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use restwalk::Catalog;

fuzz_target!(|text: &str| {
    let (resources, defaults) = text.split_once('\u{1}').unwrap_or((text, ""));
    match Catalog::from_yaml(resources, defaults) {
        Err(error) => assert!(error.to_string().contains(".yaml"), "{error}"),
        Ok(catalog) => {
            let _ = catalog.lint();
            if let Ok((resources, defaults)) = catalog.to_yaml() {
                let again = Catalog::from_yaml(&resources, &defaults).expect("what was written loads");
                assert_eq!(again.routes().count(), catalog.routes().count());
            }
        }
    }
});
