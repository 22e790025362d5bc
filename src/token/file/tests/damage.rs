//! Files that are damaged, and files of another version.

use super::*;

#[tokio::test]
async fn d12_a_damaged_file_is_set_aside_and_told_of_once() {
    let whole = {
        let home = Home::new();
        home.save("ada", 1).await.unwrap();
        home.text()
    };
    let bomb = format!("{{\"salt\":\"a\",\"tokens\":{}", "[".repeat(100_000));
    for damaged in ["", &whole[..whole.len() / 2], &"\0".repeat(4096), "[1]", "CNRY", &bomb] {
        for writes in [false, true] {
            let home = Home::new();
            home.put(damaged);
            mode(&home.file(), 0o644);
            if writes {
                home.save("ada", 7).await.unwrap();
            } else {
                let why = refused(home.generation("ada").await, "store.corrupt");
                assert!(why.contains("tokens.json.corrupt-") && why.ends_with("sign in again"), "{why}");
                assert_eq!(home.generation("ada").await.unwrap(), None);
            }
            let aside = { home.names() }.into_iter().find(|name| name.starts_with("tokens.json.corrupt-")).unwrap();
            let stamp = aside.rsplit('-').next().unwrap().parse::<u64>().unwrap();
            assert!(stamp > 1_700_000_000_000, "{stamp}");
            assert_eq!(fs::read_to_string(home.folder().join(&aside)).unwrap(), damaged);
            assert_eq!(mode_of(&home.folder().join(&aside)), 0o600);
            home.save("ada", 8).await.unwrap();
            assert_eq!(home.generation("ada").await.unwrap(), Some(8));
        }
    }
}

#[tokio::test]
async fn d12_a_gibibyte_is_not_read() {
    let home = Home::new();
    home.put("");
    fs::File::options().write(true).open(home.file()).unwrap().set_len(1 << 30).unwrap();
    assert!(refused(home.generation("ada").await, "store.corrupt").contains("longer than 1 MiB"));
    assert_eq!(home.generation("ada").await.unwrap(), None);
    assert_eq!(home.names().len(), 1);
}

/// It is whole, and of use to the program that wrote it.
#[tokio::test]
async fn d12_d16_a_file_of_a_later_version_stays_as_it_is() {
    let home = Home::new();
    for newer in [r#"{"version":2,"salt":"a","tokens":{}}"#, r#"{"version":99,"accounts":[1]}"#] {
        home.put(newer);
        for why in [
            refused(home.generation("ada").await, "store.corrupt"),
            refused(home.save("ada", 1).await, "store.corrupt"),
        ] {
            assert!(why.contains("update it"), "{why}");
        }
        assert_eq!((home.text().as_str(), home.names().len()), (newer, 1));
    }
}

#[tokio::test]
async fn d12_of_a_damaged_record_the_others_stay() {
    for writes in [false, true] {
        let home = Home::new();
        home.save("ada", 1).await.unwrap();
        home.save("bob", 2).await.unwrap();
        let damaged = home.text().replace("\"generation\":1", "\"generation\":\"CNRY\"");
        home.put(&damaged);
        if writes {
            home.save("ada", 1).await.unwrap();
        } else {
            let why = refused(home.generation("ada").await, "store.corrupt");
            assert!(why.contains("was copied to"), "{why}");
        }
        let expected = writes.then_some(1);
        assert_eq!(home.generation("ada").await.unwrap(), expected);
        assert_eq!(home.generation("bob").await.unwrap(), Some(2));
        let copies: Vec<_> = { home.names() }.into_iter().filter(|name| name.contains(".corrupt-")).collect();
        let [copy] = &copies[..] else { panic!("{copies:?}") };
        assert_eq!(fs::read_to_string(home.folder().join(copy)).unwrap(), damaged);
    }
}

/// Who waited for the lock looks again: it may be whole by then.
#[tokio::test]
async fn d12_what_another_has_put_right_is_not_set_aside() {
    let home = Home::new();
    home.save("ada", 3).await.unwrap();
    let place = Place::at(&home.file()).unwrap();
    assert_eq!(place.restore(&key("ada")).unwrap().unwrap().generation, 3);
    assert_eq!(home.names(), ["tokens.json"]);
}
