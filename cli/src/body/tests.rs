//! Tables of nesting, lists and clashes; the rows of other command lines where they mean the same.

use super::*;
use crate::item::{Item, Value, What};

fn raw(text: &str) -> Box<RawValue> {
    serde_json::from_str(text).unwrap()
}

/// Builds `items` over `base` and writes the tree, or says why not.
fn built(base: Option<&str>, items: &[&str], expand: Expand) -> Result<String, String> {
    let inherited = |names: &[String]| (names == ["tags"]).then(|| raw("[0]"));
    let mut body = Builder::new(expand, inherited);
    if let Some(base) = base {
        body.base(raw(base));
    }
    for (index, item) in items.iter().enumerate() {
        let source = Source::Item(index + 1);
        match Item::parse(index + 1, item).unwrap().what {
            What::Body { keys, value: Value::Text(text), .. } => {
                body.set(&keys, raw(&serde_json::Value::from(text).to_string()), source)?;
            }
            What::Body { keys, value: Value::Json(text), .. } => body.set(&keys, raw(&text), source)?,
            What::Unset { keys } => {
                body.unset(&keys, source)?;
            }
            other => unreachable!("{other:?}"),
        }
    }
    Ok(body.tree.raw().map_or_else(String::new, |raw| raw.get().to_owned()))
}

#[test]
fn items_nest_append_and_index() {
    for (items, expected) in [
        (&["a=1", "b:=2"][..], r#"{"a":"1","b":2}"#),
        (&["a.b=1", "a.c=2"], r#"{"a":{"b":"1","c":"2"}}"#),
        (&["a[b][c]=1", "a[b][d]:=true"], r#"{"a":{"b":{"c":"1","d":true}}}"#),
        (&["a[]=x", "a[]=y"], r#"{"a":["x","y"]}"#),
        (&["a[2]=z", "a[0]=x"], r#"{"a":["x",null,"z"]}"#),
        (&["a[0].b=1", "a[0].c=2", "a[].b=3"], r#"{"a":[{"b":"1","c":"2"},{"b":"3"}]}"#),
        (&["[]:=1", "[]:=2"], "[1,2]"),
        (&["[1]:=1"], "[null,1]"),
        (&["[0][a]=1"], r#"[{"a":"1"}]"#),
        (&[r"a\.b=1"], r#"{"a.b":"1"}"#),
        (&[r"a\[b\]=1"], r#"{"a[b]":"1"}"#),
        (&["a[1.5]=1"], r#"{"a":{"1.5":"1"}}"#),
        (&["a:={\"b\":1}", "a.c:=2"], r#"{"a":{"b":1,"c":2}}"#),
        (&["a:=[1]", "a[]:=2"], r#"{"a":[1,2]}"#),
        (&["a=1", "a=2"], r#"{"a":"2"}"#),
        (&["a.b=1", "a!", "a=2"], r#"{"a":"2"}"#),
        (&["tags[]:=1"], r#"{"tags":[0,1]}"#),
        (&["tags!", "tags[]:=1"], r#"{"tags":[1]}"#),
        (&["n:=100000000000000000000000.10"], r#"{"n":100000000000000000000000.10}"#),
        (&["a_b=1"], r#"{"a_b":"1"}"#),
    ] {
        assert_eq!(built(None, items, Expand::Dots).as_deref(), Ok(expected), "{items:?}");
    }
    assert_eq!(built(None, &["a_b=1", "a[c_d]=2"], Expand::Underscore).unwrap(), r#"{"a":{"b":"1","c_d":"2"}}"#);
}

#[test]
fn lists_grow_as_in_other_command_lines() {
    for (items, expected) in [
        (&["kids[1]=Thelma", "kids[0]:=\"Ashley\""][..], r#"{"kids":["Ashley","Thelma"]}"#),
        (&["pet[0][name]=a", "pet[1][name]=b"], r#"{"pet":[{"name":"a"},{"name":"b"}]}"#),
        (&["wow[such][3][much][!]=x"], r#"{"wow":{"such":[null,null,null,{"much":{"!":"x"}}]}}"#),
        (&["mix[]=s", "mix[2]=t", "mix[4]:=\"u\""], r#"{"mix":["s",null,"t",null,"u"]}"#),
        (&["key[]:=1", "key[][]:=2", "key[][][]:=3"], r#"{"key":[1,[2],[[3]]]}"#),
        (&["x[0]:=1", "x[]:=2", "x[][]:=4", "x[][]:=5"], r#"{"x":[1,2,[4],[5]]}"#),
        (
            &["f[bar][2][]:=5", "f[bar][]:=6", "f[baz]:=[1]", "f[baz][]:=4"],
            r#"{"f":{"bar":[null,null,[5],6],"baz":[1,4]}}"#,
        ),
        (&["foo[]:=1", "foo[][key]=v", "foo[1][key 2]=w"], r#"{"foo":[1,{"key":"v","key 2":"w"}]}"#),
        (&[r"\[\]:=1", r"e\[s\][c][\[ed\]][]:=1"], r#"{"[]":1,"e[s]":{"c":{"[ed]":[1]}}}"#),
        (&[r"foo[\1][t]=m"], r#"{"foo":{"1":{"t":"m"}}}"#),
        (&["[]:=0", "[3]:=5", "[]:=6"], "[0,null,null,5,6]"),
        (&["[][a][b][]:=1", "[0][a][b][]:=2", "[][]:=2"], r#"[{"a":{"b":[1,2]}},[2]]"#),
    ] {
        assert_eq!(built(None, items, Expand::Dots).as_deref(), Ok(expected), "{items:?}");
    }
}

#[test]
fn a_base_is_patched_and_its_names_are_literal() {
    for (base, items, expected) in [
        (r#"{"a":1,"c.d":2}"#, &["b:=2"][..], r#"{"a":1,"c.d":2,"b":2}"#),
        (r#"{"a":[1]}"#, &["a[]:=2"], r#"{"a":[1,2]}"#),
        (r#"{"a":{"b":1}}"#, &["a.c:=2"], r#"{"a":{"b":1,"c":2}}"#),
        ("[1]", &["[]:=2"], "[1,2]"),
        (r#""text""#, &[], r#""text""#),
    ] {
        assert_eq!(built(Some(base), items, Expand::Dots).as_deref(), Ok(expected), "{base} {items:?}");
    }
}

#[test]
fn a_clash_of_kinds_says_what_stands_there() {
    for (items, expected) in [
        (&["a=1", "a.b=2"][..], r#""b" is a name in an object, and a string stands there"#),
        (&["a:=1", "a[]=2"], "an index is a place in a list, and a number stands there"),
        (&["a.b=1", "a[0]=2"], "an index is a place in a list, and an object stands there"),
        (&["a[]=1", "a.b=2"], r#""b" is a name in an object, and a list stands there"#),
        (&["a.b=1", "a=2"], "an object stands there already"),
        (&["a[]=1", "a=2"], "a list stands there already"),
        (&["[]:=1", "a=2"], r#""a" is a name in an object, and a list stands there"#),
        (&["a[4000000000]=1"], "the index 4000000000 lies more than 1000 behind the end of the list"),
        (&["a[0]!"], "a place in a list cannot be dropped; only a name can"),
    ] {
        assert_eq!(built(None, items, Expand::Dots), Err(expected.into()), "{items:?}");
    }
}

#[test]
fn a_list_is_told_once_and_as_it_is_in_the_end() {
    let mut body = Builder::new(Expand::Dots, |_| None);
    for (index, text) in ["a[]", "b", "a[]"].iter().enumerate() {
        let item = Item::parse(1, &format!("{text}:={index}")).unwrap();
        let What::Body { keys, .. } = item.what else { unreachable!() };
        body.set(&keys, raw(&index.to_string()), Source::Item(index + 1)).unwrap();
    }
    let Body::Changes(changes) = body.finish() else { unreachable!() };
    let told: Vec<_> = changes.iter().map(|(change, source)| format!("{change:?} {source:?}")).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].contains("[0,2]") && told[1].contains("Item(3)"), "{told:?}");
}
