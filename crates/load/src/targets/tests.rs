//! Target files, good and bad.

use std::io::Cursor;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn targets(format: TargetFormat, text: impl Into<Vec<u8>>) -> Result<Vec<Target>, String> {
    let all = read("t", Cursor::new(text.into()), format, Defaults::default());
    read_all("t", all).map_err(|error| error.to_string())
}

#[test]
fn http_targets_are_read_as_vegeta_reads_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let body = folder.path().join("body.json");
    std::fs::write(&body, "{}").expect("written");
    let text = format!(
        "# the shop\n\nPOST http://h:1/orders\nContent-Type: application/json\nX-A: 1\nX-A: 2\n# within\n@{}\n\
         GET http://h:1/a\nGET https://[::1]:8443/b?c#d\n\nDELETE http://:8080/c\nHost: other\n",
        body.display()
    );
    let all = targets(TargetFormat::Http, text).expect("good");
    let lines: Vec<_> = all.iter().map(|target| format!("{} {}", target.method, target.url)).collect();
    assert_eq!(
        lines,
        [
            "POST http://h:1/orders",
            "GET http://h:1/a",
            "GET https://[::1]:8443/b?c",
            "DELETE http://localhost:8080/c"
        ]
    );
    assert_eq!(all[0].body.as_ref(), b"{}");
    assert_eq!(all[0].headers.get_all("x-a").iter().count(), 2);
    assert_eq!(all[3].headers["host"], "other");
}

#[test]
fn every_target_gets_the_defaults() {
    let (name, value) = header("Authorization: Bearer x").expect("a header");
    let defaults =
        Defaults { headers: HeaderMap::from_iter([(name, value)]), body: Bytes::from_static(b"b") };
    for (format, text) in
        [(TargetFormat::Http, "GET http://h/"), (TargetFormat::Json, r#"{"method":"GET","url":"http://h/"}"#)]
    {
        let all = read("t", Cursor::new(text.as_bytes()), format, defaults.clone());
        let all = read_all("t", all).expect("good");
        assert_eq!(all[0].headers["authorization"], "Bearer x");
        assert_eq!(all[0].body.as_ref(), b"b");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let long = format!("GET http://h/\n\nGET http://h/{}\n", "a".repeat(LINE_BYTES_MAX));
    for (text, said) in [
        ("", "t:1: no targets"),
        ("\n# nothing\n", "t:1: no targets"),
        ("GET http://h/\n\nGET\n", "t:3: `GET` is no target"),
        ("\nGTE http://h/\n", "t:2: `GTE` is no HTTP method"),
        ("get http://h/\n", "t:1: `get` is no HTTP method"),
        ("GET /orders\n", "t:1: `/orders` is no URL: it has to begin with http://"),
        ("GET h:80/orders\n", "t:1: `h:80/orders` is no URL"),
        ("GET ftp://h/\n", "t:1: `ftp://h/` is no URL: only http and https"),
        ("GET http://h:99999/\n", "t:1: `http://h:99999/` is no URL"),
        ("GET http://a b/\n", "t:1: `http://a b/` is no URL"),
        ("GET http://u:p@h/\n", "t:1: `http://u:p@h/` is no URL: send user and password"),
        ("GET http://h/\nno header\n", "t:2: `no header` is no header"),
        ("GET http://h/\nA:\n", "t:2: `A:` is no header"),
        ("POST http://h/\nA: b\n@nowhere.json\n", "t:3: cannot read the body file nowhere.json"),
        (&long, "t:3: the line is longer than"),
    ] {
        let error = targets(TargetFormat::Http, text).expect_err("wrong");
        assert!(error.starts_with(said), "{error}\nshould begin with\n{said}");
    }
    let error = targets(TargetFormat::Http, b"GET http://h/\n\nGET http://h/\xff\n").expect_err("wrong");
    assert_eq!(error, "t:3: the line is no UTF-8");
}

#[test]
fn json_that_is_wrong_is_named_with_its_line() {
    for (text, said) in [
        ("\n", "t:1: no targets"),
        ("{}", "t:1: no target: `method` is missing"),
        (r#"{"method":"GET"}"#, "t:1: no target: `url` is missing"),
        ("\n{\"method\":", "t:2: no target: EOF"),
        (r#"{"method":"GET","url":"http://h/","headers":{}}"#, "t:1: no target: unknown field `headers`"),
        (r#"{"method":"GET","url":"http://h/","body":"%"}"#, "t:1: no target: `body` is no base64"),
        (r#"{"method":"GET","url":"http://h/","header":{"a b":["c"]}}"#, "t:1: `a b: c` is no header"),
        (r#"{"method":"GTE","url":"http://h/"}"#, "t:1: `GTE` is no HTTP method"),
    ] {
        let error = targets(TargetFormat::Json, text).expect_err("wrong");
        assert!(error.starts_with(said), "{error}\nshould begin with\n{said}");
    }
}

fn any_target() -> impl Strategy<Value = Target> {
    let headers = vec(("[a-z]{1,8}(-[a-z]{1,4})?", "[!-~]([ -~]{0,8}[!-~])?"), 0..4);
    let methods = prop_oneof![Just("GET"), Just("POST"), Just("PROPFIND")];
    (methods, "https?://[a-z]{1,8}(:[1-9][0-9]{0,3})?/[a-z0-9/?=&%]{0,12}", headers, vec(any::<u8>(), 0..16))
        .prop_filter_map("a URL", |(method, written, headers, body)| {
            let headers =
                headers.into_iter().filter_map(|(name, value)| named(&name, &value)).collect::<Vec<_>>();
            let mut map = HeaderMap::new();
            headers.into_iter().for_each(|(name, value)| {
                map.append(name, value);
            });
            let (method, url) = (super::method(method).ok()?, url(&written).ok()?);
            Some(Target { method, url, written, headers: map, body: body.into() })
        })
}

proptest! {
    #[test]
    fn json_targets_are_read_back(target in any_target()) {
        prop_assert_eq!(targets(TargetFormat::Json, json::line(&target)), Ok(vec![target]));
    }

    #[test]
    fn http_targets_are_read_back(all in vec(any_target(), 1..4)) {
        let mut text = String::new();
        for target in &all {
            text += &format!("{} {}\n", target.method, target.written);
            for (name, value) in &target.headers {
                text += &format!("{name}: {}\n", value.to_str().expect("ASCII"));
            }
            text += "\n";
        }
        let expected: Vec<_> = all.into_iter().map(|target| Target { body: Bytes::new(), ..target }).collect();
        prop_assert_eq!(targets(TargetFormat::Http, text), Ok(expected));
    }

    #[test]
    fn no_bytes_make_the_parsers_panic(bytes in vec(any::<u8>(), 0..120), begin in "(GET http://|\\{\"method\":\"GET\",)?") {
        for format in [TargetFormat::Http, TargetFormat::Json] {
            let _either = targets(format, [begin.as_bytes(), &bytes].concat());
        }
    }

    #[test]
    fn no_text_makes_the_parsers_panic(text in "(GET|POST|[A-Z]{0,4}) (https?://)?[\\PC]{0,20}\n[\\PC:]{0,20}\n\\PC{0,10}") {
        for format in [TargetFormat::Http, TargetFormat::Json] {
            let _either = targets(format, text.clone());
        }
    }
}
