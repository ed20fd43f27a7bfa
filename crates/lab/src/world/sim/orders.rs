//! What the clients ask for: orders with ids that tell their turn, and a few items drawn at random.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{Request, header::CONTENT_TYPE};
use load::Ask;
use node::Rng;
use platform::ServiceKind;
use rand::RngExt as _;

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
pub(super) struct Orders {
    rng: Rng,
    uri: String,
}

impl Orders {
    pub(super) fn new(rng: Rng) -> Self {
        let api = ServiceKind::OrderApi;
        Self { rng, uri: format!("http://{}:{}/orders", api.name(), api.default_port()) }
    }

    /// The order of this turn: `o-0`, `o-1`, …
    pub(super) fn ask(&mut self, sequence: u64) -> Ask {
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
        body.push_str("]}");
        let request = Request::post(&self.uri)
            .header(CONTENT_TYPE, "application/json")
            .body(Bytes::from(body))
            .expect("a fixed address is a valid request");
        Ask { order, request }
    }
}
