//! What the door says of its limit, with every answer.

use http::header;

use crate::support::{SURE, sleep_ms, with_platform};

#[test]
fn a_rate_says_what_is_left_of_it_and_when_it_is_whole_again() {
    let design = format!("{SURE}[admission]\nkind = 'rate'\nrate_per_s = 2.0\nburst = 3\n");
    with_platform(&design, async |platform| {
        let told = async |order_id: &str| {
            let answer = platform.place(order_id).await;
            assert_eq!(answer.header("ratelimit-policy"), "\"rate\";q=3;w=2");
            (answer.status.as_u16(), answer.header("ratelimit").to_owned())
        };
        // Each takes 0.1 s, in which a fifth of a token drips in.
        assert_eq!(told("o-1").await, (200, "\"rate\";r=2;t=1".to_owned()));
        assert_eq!(told("o-2").await, (200, "\"rate\";r=1;t=1".to_owned()));
        assert_eq!(told("o-3").await, (200, "\"rate\";r=0;t=2".to_owned()));
        assert_eq!(told("o-4").await, (429, "\"rate\";r=0;t=2".to_owned()));
        assert_eq!(platform.place("o-5").await.header(header::RETRY_AFTER), "1", "the next one, not all");
        sleep_ms(5_000).await;
        assert_eq!(told("o-6").await, (200, "\"rate\";r=2;t=1".to_owned()));
        assert!(
            !platform.get("/stats").await.headers.contains_key("ratelimit"),
            "there is no door before it"
        );
    });
}

#[test]
fn a_concurrency_limit_says_how_many_places_are_free() {
    let design = format!("{SURE}[admission]\nkind = 'concurrency'\nlimit = 2\n");
    with_platform(&design, async |platform| {
        let (first, second) = (platform.place_in_background("o-1"), platform.place_in_background("o-2"));
        sleep_ms(20).await;
        let refused = platform.place("o-3").await;
        assert_eq!(refused.status, 429);
        let policy = "\"concurrency\";q=2;qu=\"concurrent-requests\"";
        assert_eq!(refused.header("ratelimit-policy"), policy);
        assert_eq!(refused.header("ratelimit"), "\"concurrency\";r=0");
        first.await.expect("an answer");
        let second = second.await.expect("an answer");
        assert_eq!((second.status.as_u16(), second.header("ratelimit-policy")), (200, policy));
        let third = platform.place("o-3").await;
        assert_eq!((third.status.as_u16(), third.header("ratelimit")), (200, "\"concurrency\";r=2"));
    });
}

#[test]
fn a_limit_that_is_shared_out_says_only_how_much_there_is() {
    let design = format!(
        "{SURE}[admission]\nkind = 'priority'\nlimit = 4\nreserve_high = 0.25\nreserve_normal = 0.25\n"
    );
    with_platform(&design, async |platform| {
        let answer = platform.place("o-1").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), "\"concurrency\";q=4;qu=\"concurrent-requests\"");
        assert!(!answer.headers.contains_key("ratelimit"), "what is left is not left for everyone");
    });
}
