//! The drawing of the module, held against the function.

use proptest::prelude::*;

use super::*;

fn event(index: usize) -> OrderEvent {
    match index {
        0 => OrderEvent::PaymentStarted,
        1 => OrderEvent::PaymentSucceeded { charge_id: ChargeId::new("ch-1").expect("a valid id") },
        2 => OrderEvent::PaymentDeclined { reason: "no cover".to_owned() },
        3 => OrderEvent::Failed { reason: "gave up".to_owned() },
        _ => OrderEvent::CustomerNotified,
    }
}

fn events() -> impl Iterator<Item = OrderEvent> {
    (0..5).map(event)
}

#[test]
fn allows_exactly_what_is_drawn() {
    use OrderState::{Completed, Declined, Failed, Paying, Placed};
    let mut legal = Vec::new();
    for state in OrderState::ALL {
        for event in events() {
            match transition(state, &event) {
                Ok(next) => legal.push((state, event.name(), next)),
                Err(error) => assert_eq!(error, IllegalTransition { state, event: event.name() }),
            }
        }
    }
    let drawn = [
        (Placed, "payment_started", Paying),
        (Placed, "failed", Failed),
        (Paying, "payment_succeeded", Completed),
        (Paying, "payment_declined", Declined),
        (Paying, "failed", Failed),
        (Completed, "customer_notified", Completed),
        (Declined, "customer_notified", Declined),
        (Failed, "customer_notified", Failed),
    ];
    assert_eq!(legal, drawn);
}

#[test]
fn nothing_leaves_a_final_state() {
    for state in OrderState::ALL.into_iter().filter(|state| state.is_final()) {
        assert!(events().all(|event| transition(state, &event).unwrap_or(state) == state), "{state}");
    }
}

#[test]
fn an_illegal_transition_says_what_and_where() {
    let error = transition(OrderState::Completed, &event(0)).expect_err("it is final");
    assert_eq!(error.to_string(), "payment_started cannot happen to an order that is completed");
}

#[test]
fn the_names_on_the_wire_are_those_of_the_types() {
    for state in OrderState::ALL {
        assert_eq!(serde_json::to_value(state).expect("plain data"), state.as_str());
    }
    for event in events() {
        assert_eq!(serde_json::to_value(&event).expect("plain data")["event"], event.name());
    }
}

proptest! {
    #[test]
    fn no_sequence_of_events_breaks_the_rules(sequence in prop::collection::vec(0..5usize, 0..40)) {
        let mut state = OrderState::Placed;
        let mut path = vec![state];
        for index in sequence {
            let before = state;
            if let Ok(next) = transition(state, &event(index)) {
                if next == before {
                    prop_assert!(before.is_final(), "stood still on its way");
                    continue;
                }
                prop_assert!(!before.is_final(), "left a final state");
                prop_assert!(next > before, "went back");
                state = next;
                path.push(state);
            }
        }
        prop_assert!(path.len() <= 3, "a life has at most three stations");
        if matches!(state, OrderState::Completed | OrderState::Declined) {
            prop_assert!(path.contains(&OrderState::Paying), "ended without paying");
        }
    }
}
