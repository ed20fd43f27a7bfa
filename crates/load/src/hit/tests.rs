//! What is written is read back; what vegeta writes is read; what is broken is named with its line.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;

/// Lines that vegeta 12 wrote.
const VEGETA_JSON: &str = concat!(
    r#"{"attack":"hi","seq":1,"code":404,"timestamp":"2026-11-24T11:26:50.10389253Z","latency":7120765,"bytes_out":0,"bytes_in":3,"error":"404 File not found","body":"Zm9v","method":"GET","url":"http://127.0.0.1:1/nope","headers":{"Content-Length":["3"]}}"#,
    "\n",
    r#"{"attack":"","seq":0,"code":0,"timestamp":"2026-11-24T12:26:52+01:00","latency":1040121,"bytes_out":0,"bytes_in":0,"error":"Get \"http://127.0.0.1:1/\": refused","body":null,"method":"GET","url":"http://127.0.0.1:1/","headers":null}"#,
    "\n",
);
const VEGETA_CSV: &str = "1795519610103892530,404,7120765,0,3,404 File not found,Zm9v,hi,1,GET,http://127.0.0.1:1/nope,Q29udGVudC1MZW5ndGg6IDMNCg0K\n\
     1795519612000000000,0,1040121,0,0,\"Get \"\"http://127.0.0.1:1/\"\": refused\",,,0,GET,http://127.0.0.1:1/,\n";

fn read(text: &[u8]) -> Result<Vec<Hit>, String> {
    Hits::new("a.json", text)
        .map_err(|error| error.to_string())?
        .map(|hit| hit.map_err(|error| error.to_string()))
        .collect()
}

fn written(hits: &[Hit], format: HitFormat) -> Vec<u8> {
    let mut writer = HitWriter::new(Vec::new(), format);
    hits.iter().for_each(|hit| writer.write(hit).expect("memory takes it"));
    writer.into_inner()
}

#[test]
fn both_formats_of_vegeta_are_read_and_say_the_same() {
    let hits = read(VEGETA_JSON.as_bytes()).expect("readable");
    assert_eq!(hits, read(VEGETA_CSV.as_bytes()).expect("readable"));
    assert_eq!(hits[0].body.as_ref(), b"foo");
    assert_eq!(hits[1].timestamp_ns, 1_795_519_612_000_000_000);
    assert_eq!((hits[0].headers.is_some(), hits[1].headers.is_some()), (true, false));
}

#[test]
fn what_is_written_is_what_vegeta_writes() {
    let hits = read(VEGETA_JSON.as_bytes()).expect("readable");
    let json = String::from_utf8(written(&hits, HitFormat::Json)).expect("text");
    assert_eq!(json, VEGETA_JSON.replace("12:26:52+01:00", "11:26:52Z"));
    assert_eq!(String::from_utf8(written(&hits, HitFormat::Csv)).expect("text"), VEGETA_CSV);
}

#[test]
fn what_is_broken_is_named_with_its_line() {
    let good = VEGETA_JSON.lines().next().expect("a line");
    let csv = VEGETA_CSV.lines().next().expect("a line");
    for (text, said) in [
        (format!("{good}\n{}", &good[..40]), "a.json:2: the file ends in the middle of a result"),
        (format!("{good}\n{{\"code\":200}}\n"), "a.json:2: no result: missing field `timestamp`"),
        (format!("{good}\nnot json\n{good}\n"), "a.json:2: no result: expected ident"),
        (format!("{good}\n{}\n", good.replace("7120765", "-5")), "a.json:2: no result: invalid value"),
        (format!("{good}\n{}\n", good.replace("2026-11", "2026-31")), "a.json:2: `timestamp` cannot be"),
        (format!("{good}\n{}\n", good.replace("Zm9v", "%%%")), "a.json:2: `body` cannot be `no base64`"),
        (format!("{csv}\n{}", &csv[..40]), "a.json:2: the file ends in the middle of a result"),
        (format!("{csv}\n1,2,3\n{csv}\n"), "a.json:2: a result has 12 columns, not 3"),
        (format!("{csv}\n{}\n", csv.replace(",404,", ",ok,")), "a.json:2: `code` cannot be `ok`"),
        ("\u{1}gob".to_owned(), "a.json:1: neither JSON lines nor CSV"),
    ] {
        let error = read(text.as_bytes()).expect_err("broken");
        assert!(error.starts_with(said), "{error}\nshould begin with\n{said}");
    }
    let error = read(&[good.as_bytes(), b"\n{\"attack\":\"\xff\"}\n"].concat()).expect_err("broken");
    assert!(error.starts_with("a.json:2: no result:"), "{error}");
    assert_eq!(read(b""), Ok(vec![]));
    assert_eq!(read(b"\n\n"), Ok(vec![]));
}

#[test]
fn a_last_line_without_its_end_counts_where_it_is_sure_to_be_whole() {
    assert_eq!(read(VEGETA_JSON.trim_end().as_bytes()).map(|hits| hits.len()), Ok(2));
    let error = read(VEGETA_CSV.trim_end().as_bytes()).expect_err("its last column may be cut off");
    assert_eq!(error, "a.json:2: the file ends in the middle of a result");
}

/// `delay` is only in JSON.
fn hits(delay: bool) -> impl Strategy<Value = Hit> {
    let text = "\\PC{0,12}";
    let value = "[!-~]([ -~]{0,8}[!-~])?";
    let headers =
        proptest::option::of(btree_map("[A-Z][a-z]{0,6}(-[A-Z][a-z]{0,3})?", vec(value, 1..3), 0..3));
    let numbers = (any::<u64>(), 0..1000_u16, 0..=i64::MAX, any::<u64>(), any::<u64>(), any::<u64>());
    let delay = if delay { proptest::option::of(any::<u64>()).boxed() } else { Just(None).boxed() };
    let texts = (text, "[^\r]{0,12}", vec(any::<u8>(), 0..20), "[A-Z]{1,5}", text);
    (numbers, texts, headers, delay).prop_map(|(numbers, texts, headers, delay)| {
        let (seq, code, timestamp_ns, latency, bytes_out, bytes_in) = numbers;
        let (attack, error, body, method, url) = texts;
        let (body, latency) = (body.into(), Duration::from_nanos(latency));
        let delay = delay.map(Duration::from_nanos);
        Hit {
            attack,
            seq,
            code,
            timestamp_ns,
            latency,
            bytes_out,
            bytes_in,
            error,
            body,
            method,
            url,
            headers,
            delay,
        }
    })
}

proptest! {
    #[test]
    fn json_is_read_back(hits in vec(hits(true), 0..4)) {
        prop_assert_eq!(read(&written(&hits, HitFormat::Json)), Ok(hits));
    }

    #[test]
    fn csv_is_read_back(hits in vec(hits(false), 0..4)) {
        prop_assert_eq!(read(&written(&hits, HitFormat::Csv)), Ok(hits));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..200), begin in "(\\{|1,)?") {
        let _either = read(&[begin.as_bytes(), &bytes].concat());
    }

    #[test]
    fn no_cut_makes_the_reader_panic_or_forget(at in 0..400_usize) {
        for whole in [VEGETA_JSON, VEGETA_CSV] {
            let at = at.min(whole.len());
            if let Ok(hits) = read(&whole.as_bytes()[..at]) {
                let lines = whole[..at].trim_end().lines().count();
                prop_assert_eq!(hits.len(), lines);
            }
        }
    }
}
