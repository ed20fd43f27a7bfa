//! What the clients ask for: orders with ids that tell their turn, and a few items drawn at random.

use std::{collections::BTreeSet, fmt::Write as _};

use bytes::Bytes;
use http::{Request, header::CONTENT_TYPE};
use load::{Ask, Driven};
use node::Rng;
use platform::ServiceKind;
use rand::RngExt as _;

use crate::experiment::Share;

/// What can be ordered, with its price.
const MENU: [(&str, &str); 5] = [
    ("PIZZA-1", "9.50"),
    ("PIZZA-2", "11.00"),
    ("PASTA-1", "8.75"),
    ("SALAD-1", "6.20"),
    ("WATER-1", "2.50"),
];
const ITEMS_MAX: u32 = 3;
const QUANTITY_MAX: u32 = 3;
const CUSTOMERS: u32 = 1_000;

/// Makes the orders of a load.
#[derive(Debug)]
pub(crate) struct Orders {
    rng: Rng,
    uri: String,
    high_priority_share: Option<Share>,
}

impl Orders {
    pub(crate) fn new(rng: Rng, high_priority_share: Option<Share>) -> Self {
        let api = ServiceKind::OrderApi;
        let uri = format!("http://{}:{}/orders", api.name(), api.default_port());
        Self { rng, uri, high_priority_share }
    }

    /// The order of this turn: `o-0`, `o-1`, …
    pub(crate) fn ask(&mut self, sequence: u64) -> Ask {
        let order = format!("o-{sequence}");
        let customer = self.rng.random_range(1..=CUSTOMERS);
        let mut body = format!(r#"{{"order_id":"{order}","customer_id":"c{customer}","items":["#);
        for item in 0..self.rng.random_range(1..=ITEMS_MAX) {
            let (product, price) = MENU[self.rng.random_range(0..MENU.len())];
            let quantity = self.rng.random_range(1..=QUANTITY_MAX);
            let comma = if item == 0 { "" } else { "," };
            let _infallible =
                write!(body, r#"{comma}{{"product_id":"{product}","quantity":{quantity},"price":{price}}}"#);
        }
        body.push(']');
        if is_high(sequence, self.high_priority_share) {
            body.push_str(r#","priority":"high""#);
        }
        body.push('}');
        let request = Request::post(&self.uri)
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(body))
            .expect("a fixed address is a valid request");
        Ask { order, request }
    }
}

/// Whether the order of this turn claims a high priority: evenly spread, so that the share is exact in any stretch
/// of the load.
fn is_high(sequence: u64, share: Option<Share>) -> bool {
    let before = |turn: u64| share.map_or(0, |share| (turn as f64 * share.get()) as u64);
    before(sequence + 1) > before(sequence)
}

/// The orders that claimed a high priority; orders stand in the log in the order of their turns.
pub(crate) fn high_priority(driven: &Driven, share: Option<Share>) -> BTreeSet<String> {
    let turns = (0..).zip(&driven.asked);
    turns.filter(|(turn, _)| is_high(*turn, share)).map(|(_, asked)| asked.order.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_high_priority_is_exact_and_evenly_spread() {
        let share = Share::try_from(0.05).ok();
        let high: Vec<_> = (0..60).filter(|turn| is_high(*turn, share)).collect();
        assert_eq!(high, [19, 39, 59]);
        assert!((0..1000).all(|turn| !is_high(turn, None)));
    }

    #[test]
    fn an_order_of_high_priority_says_so_and_changes_no_other() {
        let body = |share, turn: u64| {
            let mut orders = Orders::new(node::named_rng(1, "orders"), share);
            (0..=turn).map(|turn| orders.ask(turn)).last().expect("one").request.into_body()
        };
        let share = Share::try_from(0.05).ok();
        assert_eq!(body(None, 18), body(share, 18));
        let (plain, high) = (body(None, 19), body(share, 19));
        let plain =
            std::str::from_utf8(&plain).expect("text").strip_suffix('}').expect("an object").to_owned();
        assert_eq!(high, format!(r#"{plain},"priority":"high"}}"#));
    }
}
