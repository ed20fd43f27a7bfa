//! The sections of a design with a broker: what goes together, and what follows from it.

use crate::design::{Design, Idempotency, PositiveDuration};

const EVENTS: &str = "name='x'\ntopology='events'\n[payment]\nprofile='ladder'\n";

fn read(text: &str) -> Design {
    toml::from_str(text).unwrap_or_else(|error| panic!("{error}"))
}

fn events(sections: &str) -> Design {
    read(&format!("{EVENTS}{sections}"))
}

#[test]
fn a_section_of_events_in_another_topology_is_refused_by_its_name() {
    let chain = read("name='x'\n[payment]\nprofile='ladder'\n[inbox]\n");
    let reason = chain.check().expect_err("a chain has no events");
    assert_eq!(reason, "[inbox] needs topology = \"events\": in a chain no event is ever published");
    assert_eq!(events("[inbox]\n").check(), Ok(()));
}

#[test]
fn what_cannot_work_together_is_refused_with_what_is_missing() {
    let retries = "[delayed_retries]\ndelay='1s'\ndelay_max='2s'\n";
    let letters = "[dead_letters]\nattempts_max=3\n";
    let ack = "[acknowledgement]\nlease='5s'\n";
    for (sections, reason) in [
        (retries.to_owned(), "[delayed_retries] needs [acknowledgement]"),
        (letters.to_owned(), "[dead_letters] needs [acknowledgement]"),
        (format!("{ack}{letters}"), "[dead_letters] needs [inbox] or [idempotency]"),
        (
            "[backpressure]\nstrategy='bounded-queue'\nworkers=1\nqueue=1\n".to_owned(),
            "[consumers] bounds its work",
        ),
        (
            "[timeouts]\nrequest='2s'\nattempt='1s'\n[idempotency]\n[composition]\nsettle_after='3s'\n"
                .to_owned(),
            "[dead_letters] closes its order",
        ),
    ] {
        let refused = events(&sections).check().expect_err(&sections);
        assert!(refused.contains(reason), "{sections}\n→ {refused}");
    }
    assert_eq!(events(&format!("{ack}{retries}{letters}[inbox]\n")).check(), Ok(()));
}

#[test]
fn workers_that_come_and_go_keep_to_their_bounds() {
    let scaled = |autoscale: &str| {
        events(&format!("[consumers]\nworkers=8\ncompletion_slo='30s'\nautoscale={{{autoscale}}}\n"))
    };
    let all = scaled("");
    assert_eq!(all.check(), Ok(()));
    assert_eq!(read(&toml::to_string(&all).expect("writable")), all);
    assert_eq!(all.backlog_max(), Some(1_140), "as with 8 workers that are always there");
    for (autoscale, reason) in [
        (
            "workers_min=9",
            "[consumers] autoscale: workers_min = 9 is above workers = 8, the most there may be",
        ),
        (
            "every='2s', cool_down='1s'",
            "[consumers] autoscale: within a cool_down of 1s nobody looks at the backlog, which happens every 2s",
        ),
    ] {
        assert_eq!(scaled(autoscale).check(), Err(reason.to_owned()));
    }
}

#[test]
fn an_error_in_a_section_carries_its_line() {
    for (section, reason) in [
        ("[acknowledgement]\nlease='50ms'\n", "100ms is the least"),
        ("[delayed_retries]\ndelay='3s'\ndelay_max='2s'\n", "above the longest"),
        ("[outbox]\nbatch=1\n", "unknown field"),
        ("[dead_letters]\nattempts_max=0\n", "nonzero"),
        ("[consumers]\nworkers=1\n", "completion_slo"),
        ("[consumers]\nworkers=1\ncompletion_slo='1s'\nautoscale={workers_min=0}\n", "nonzero"),
    ] {
        let error = toml::from_str::<Design>(&format!("{EVENTS}{section}")).expect_err(section).to_string();
        assert!(error.contains("line ") && error.contains(reason), "{section}\n→ {error}");
    }
}

#[test]
fn what_is_not_stated_has_a_default_and_survives_being_written() {
    let all = events(
        "[outbox]\n[acknowledgement]\nlease='5s'\n[inbox]\n[delayed_retries]\ndelay='1s'\ndelay_max='2s'\n\
         [dead_letters]\nattempts_max=3\n[consumers]\nworkers=4\ncompletion_slo='10s'\n",
    );
    let acknowledgement = all.acknowledgement.as_ref().expect("stated");
    assert_eq!(acknowledgement.work_max, acknowledgement.lease);
    assert_eq!(all.consumers.as_ref().expect("stated").in_hand_max.get(), 256);
    assert_eq!(read(&toml::to_string(&all).expect("writable")), all);
}

#[test]
fn an_inbox_switches_keys_on_and_a_section_of_their_own_wins() {
    assert_eq!(events("").keys(), None);
    let hour = PositiveDuration::from_secs(3_600);
    let inbox = Idempotency { expiry: hour, lease: PositiveDuration::from_secs(7) };
    assert_eq!(events("[inbox]\nlease='7s'\n").keys(), Some(inbox));
    let stated = events("[inbox]\nlease='7s'\n[idempotency]\nlease='9s'\n").keys().expect("stated");
    assert_eq!(stated.lease, PositiveDuration::from_secs(9));
}

#[test]
fn the_backlog_is_what_can_be_done_within_the_slo() {
    let bounded = |more: &str| events(&format!("[consumers]\ncompletion_slo='30s'\n{more}"));
    // 32 slots at 200 ms, of which 5 % fail: 152 per second.
    assert_eq!(bounded("workers=33\n").backlog_max(), Some(4_560));
    assert_eq!(bounded("workers=64\n").backlog_max(), Some(4_560), "more workers than slots change nothing");
    assert_eq!(bounded("workers=8\n").backlog_max(), Some(1_140), "a quarter of the slots is ever used");
    assert_eq!(bounded("workers=8\n[scale]\norder-processor=2\n").backlog_max(), Some(2_280));
    assert_eq!(bounded("workers=8\nbacklog_max=7\n").backlog_max(), Some(7));
    let slow = "name='x'\ntopology='events'\n[payment]\nprofile='flash-sale'\n[consumers]\nworkers=1\ncompletion_slo='1s'\n";
    assert_eq!(read(slow).backlog_max(), Some(1), "one at least, or nothing would ever be done");
    assert_eq!(events("").backlog_max(), None);
}
