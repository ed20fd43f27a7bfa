//! The catalogue is consistent, and a document looks as it always has.

use super::*;

#[test]
fn every_kind_has_a_slug_of_its_own_and_is_found_by_it() {
    for kind in ProblemKind::ALL.iter().copied() {
        let slug = kind.entry().slug;
        assert_eq!(ProblemKind::by_slug(slug), Some(kind), "{slug} is taken twice");
        assert!(slug.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{slug}");
    }
}

#[test]
fn every_kind_is_an_error_and_says_what_to_do() {
    for kind in ProblemKind::ALL.iter().copied() {
        let entry = kind.entry();
        assert!(entry.status.is_client_error() || entry.status.is_server_error(), "{}", entry.slug);
        assert!(entry.meaning.ends_with('.') && entry.advice.ends_with('.'), "{}", entry.slug);
    }
}

#[test]
fn only_what_had_no_effect_is_retryable() {
    for kind in ProblemKind::ALL.iter().copied().filter(|kind| kind.entry().retryable) {
        // A deadline that was over before anything was begun, and a key that is in work, are as harmless.
        let is_harmless = matches!(kind, ProblemKind::DeadlineExceeded | ProblemKind::KeyInProgress);
        assert!(is_harmless || matches!(kind.entry().status.as_u16(), 429 | 503), "{}", kind.entry().slug);
    }
}

#[test]
fn a_document_has_the_standard_members_and_ours() {
    let problem = Problem::new(ProblemKind::QueueFull, "32 orders in work and 16 waiting")
        .order(OrderId::new("o-1").expect("a valid id"));
    insta::assert_json_snapshot!(problem.document("/orders", "req-1"), @r#"
    {
      "type": "/problems/queue-full",
      "title": "The queue is full",
      "status": 429,
      "detail": "32 orders in work and 16 waiting",
      "instance": "/orders",
      "retryable": true,
      "request_id": "req-1",
      "order_id": "o-1"
    }
    "#);
}

#[test]
fn an_answer_carries_its_headers() {
    let problem = Problem::from(ProblemKind::RateLimit).retry_after_s(2);
    let response = problem.order(OrderId::new("o-1").expect("a valid id")).into_response();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()[header::CONTENT_TYPE], CONTENT_TYPE);
    assert_eq!(response.headers()[header::RETRY_AFTER], "2");
    assert_eq!(response.headers()[header::LOCATION], "/orders/o-1");
}

#[test]
fn a_received_document_is_recognised_and_garbage_is_none() {
    let seen = Received::read(br#"{"type":"/problems/queue-full","detail":"full","new":1}"#);
    assert!(seen.is(ProblemKind::QueueFull));
    assert_eq!(seen.detail, "full");
    assert!(!Received::read(b"<html>").is(ProblemKind::QueueFull));
}
