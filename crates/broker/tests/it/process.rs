//! On a real disk: files that cannot be opened, and what is told to who asks over HTTP.

use std::path::Path;

use broker::{Client, Embedded, OpenError, Options, ServeError};
use bytes::Bytes;
use domain::broker::{Broker, Layout, Subscription, Verdict};
use http::{Request, StatusCode};
use node::http::{Client as Http, ClientOptions};
use node::{Node, RealOptions};

use crate::support::{message, real, real_client, until};

fn node(directory: &Path) -> Node {
    let data = Some(directory.to_owned());
    Node::real(RealOptions { name: "broker".to_owned(), data, ..RealOptions::default() })
}

async fn refused(directory: &Path) -> OpenError {
    match Embedded::open(node(directory), Options { port: 0, ..Options::default() }).await {
        Err(ServeError::Open(error)) => error,
        other => panic!("it opened: {other:?}"),
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_told_with_what_to_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let broker = real(directory.path(), Options::default()).await;
    let error = refused(directory.path()).await;
    assert!(matches!(error, OpenError::InUse { .. }) && error.advice().contains("stop"), "{error}");
    drop(broker);

    let file = directory.path().join("other").join("broker.redb");
    std::fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
    std::fs::write(&file, vec![7; 10_000]).expect("written");
    let error = refused(file.parent().expect("a parent")).await;
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let broker = real(directory.path(), Options::default()).await;
    let other = tempfile::tempdir().expect("a directory");
    let opened =
        Embedded::open(node(other.path()), Options { port: broker.port, ..Options::default() }).await;
    let error = opened.expect_err("it is taken");
    assert!(matches!(error, ServeError::Listen { port, .. } if port == broker.port), "{error}");
}

#[tokio::test]
async fn people_can_ask_it_over_http() {
    let directory = tempfile::tempdir().expect("a directory");
    let broker = real(directory.path(), Options::default()).await;
    let http = Http::new(&real_client(), ClientOptions::default());
    let ask = async |method: &str, path: &str, body: &'static str| {
        let uri = format!("http://127.0.0.1:{}{path}", broker.port);
        let request = Request::builder().method(method).uri(uri).body(Bytes::from(body)).expect("a request");
        let answer = http.send(request).await.expect("an answer");
        (answer.status(), String::from_utf8(answer.body().to_vec()).expect("text"))
    };
    let layout = r#"[{"topic":"orders","groups":["order-processor"]}]"#;
    assert_eq!(ask("PUT", "/v1/layout", layout).await.0, StatusCode::NO_CONTENT);
    let client = Client::new(&real_client(), "127.0.0.1", broker.port);
    client.publish(vec![message("orders", "e-1", "o-1")]).await.expect("there");
    assert_eq!(
        ask("GET", "/v1/lag?topic=orders&group=order-processor", "").await,
        (StatusCode::OK, r#"{"waiting":1,"in_flight":0,"dead_letters":0}"#.to_owned())
    );
    let consumer =
        client.subscribe(Subscription::new("orders", "order-processor", "c")).await.expect("there");
    let came = consumer.fetch(1, std::time::Duration::from_secs(20)).await.expect("there");
    let verdict = Verdict::Dead { reason: "no such pizza".to_owned() };
    let settlement = domain::broker::Settlement { receipt: came[0].receipt, verdict };
    assert_eq!(consumer.settle(vec![settlement]).await, Ok(0));

    let (status, letters) = ask("GET", "/v1/dead-letters?topic=orders", "").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        letters.contains(r#""reason":"no such pizza""#) && letters.contains(r#""payload":"e-1""#),
        "{letters}"
    );
    let (status, missing) = ask("GET", "/v1/dead-letters/00000000000000000007", "").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{missing}");
    let (status, metrics) = ask("GET", "/metrics", "").await;
    assert_eq!(status, StatusCode::OK);
    let line = "dead_letters{topic=\"orders\",group=\"order-processor\"} 1\n";
    assert!(metrics.contains(line), "{metrics}");
    for path in ["/livez", "/readyz", "/health", "/v1/facts"] {
        assert_eq!(ask("GET", path, "").await.0, StatusCode::OK, "{path}");
    }
    let (status, problem) = ask("POST", "/v1/publish", "not of this protocol").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{problem}");
    assert_eq!(client.facts().await.expect("there").groups[0].dead_letters, 1);
}

#[tokio::test]
async fn whatever_is_asked_wrongly_is_answered_with_a_problem_document() {
    let directory = tempfile::tempdir().expect("a directory");
    let broker = real(directory.path(), Options::default()).await;
    let http = Http::new(&real_client(), ClientOptions::default());
    let cases = [
        ("GET", "/", 404, "there is nothing at this path"),
        ("GET", "/v1/no-such-path", 404, "there is nothing at this path"),
        ("DELETE", "/v1/lag", 405, "does not take this method"),
        ("POST", "/metrics", 405, "does not take this method"),
        ("GET", "/v1/dead-letters/1/replay", 405, "does not take this method"),
        ("GET", "/v1/lag", 400, "missing field `topic`"),
        ("GET", "/v1/lag?topic=orders", 400, "missing field `group`"),
        ("GET", "/v1/lag?topic=orders&group=g", 404, "there is no topic orders"),
        ("GET", "/v1/dead-letters?limit=many", 400, "limit"),
        ("GET", "/v1/dead-letters?limit=-1", 400, "limit"),
        ("GET", "/v1/dead-letters/seven", 404, "there is no dead letter seven"),
        ("GET", "/v1/dead-letters/%ff", 404, "there is no dead letter"),
        ("PUT", "/v1/layout", 400, "EOF"),
        ("POST", "/v1/settle", 400, "not of this protocol"),
    ];
    for (method, path, status, detail) in cases {
        let uri = format!("http://127.0.0.1:{}{path}", broker.port);
        let request = Request::builder().method(method).uri(uri).body(Bytes::new()).expect("a request");
        let answer = http.send(request).await.expect("an answer");
        let text = String::from_utf8_lossy(answer.body());
        assert_eq!(answer.status(), status, "{method} {path}: {text}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{method} {path}");
        assert_eq!(answer.headers().contains_key("allow"), status == 405, "{method} {path}");
        let problem: serde_json::Value = serde_json::from_str(&text).expect("a problem document");
        assert_eq!(problem["status"], status, "{method} {path}: {text}");
        assert!(
            problem["detail"].as_str().is_some_and(|told| told.contains(detail)),
            "{method} {path}: {text}"
        );
        assert!(!text.contains("unavailable"), "the broker is there: {text}");
    }
}

#[tokio::test]
async fn a_connection_too_many_is_answered_with_a_problem_document_too() {
    use tokio::io::AsyncReadExt as _;
    let directory = tempfile::tempdir().expect("a directory");
    let node = Node::real(RealOptions {
        name: "broker".to_owned(),
        data: Some(directory.path().to_owned()),
        connections_max: 1,
        ..RealOptions::default()
    });
    let embedded = Embedded::open(node.clone(), Options { port: 0, ..Options::default() }).await;
    let embedded = embedded.expect("a broker");
    let port = embedded.port().expect("it listens");
    drop(node.spawn(embedded.serve()));
    let client = real_client();
    let _first = client.connect("127.0.0.1", port).await.expect("it is there");
    let mut second = client.connect("127.0.0.1", port).await.expect("it is there");
    let mut text = String::new();
    second.read_to_string(&mut text).await.expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{head}");
    assert!(head.contains("content-type: application/problem+json\r\n"), "{head}");
    let problem: serde_json::Value = serde_json::from_str(body).expect("a problem document");
    assert!(problem["detail"].as_str().is_some_and(|told| told.contains("connections")), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_held_is_there_after_it_was_stopped() {
    let directory = tempfile::tempdir().expect("a directory");
    let broker = real(directory.path(), Options::default()).await;
    let client = Client::new(&real_client(), "127.0.0.1", broker.port);
    client.declare(&[Layout::new("orders", &["g"])]).await.expect("there");
    let messages = (0..1_000).map(|n| message("orders", &format!("e-{n}"), &format!("o-{n}"))).collect();
    client.publish(messages).await.expect("there");
    broker.node.stopping().begin();
    let mut opened = None;
    until("its file is free", async || {
        opened = Embedded::open(node(directory.path()), Options { port: 0, ..Options::default() }).await.ok();
        opened.is_some()
    })
    .await;
    let facts = opened.expect("it opened").watch().facts();
    assert_eq!((facts.messages, facts.groups[0].waiting), (1_000, 1_000));
}
