//! `POST /orders`: from bytes that anyone may send to an order that cannot be wrong.
//!
//! Two kinds of refusal, because HTTP has two: what is not JSON at all is [`Rejection::Malformed`] (400)
//! with its place in the text; JSON that is no order is [`Rejection::Invalid`] (422) with the field. The
//! whole body is checked for syntax before its meaning is looked at, so a text with both mistakes is
//! always malformed. Unknown fields are ignored.
//!
//! Prices are read from the number's own text, not through a double: `9.999` is refused for its third
//! decimal, and so is `9.9999999999999999`, which a double would have rounded to a fine `10.00`.

use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::ids::{CustomerId, InvalidId, OrderId, ProductId};
use crate::money::{Money, MoneyError};
use crate::order::{Item, Order, Priority};

/// A checked request for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    order_id: Option<OrderId>,
    customer_id: CustomerId,
    items: Vec<Item>,
    total: Money,
    priority: Priority,
}

/// Why a body is no order.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    /// The body is not JSON (400).
    #[error("the body is not JSON: {reason} at line {line} column {column}")]
    Malformed {
        /// What is wrong with the text.
        reason: String,
        /// From 1.
        line: usize,
        /// From 1; 0 when the line has not begun.
        column: usize,
    },
    /// The body is JSON, but no order (422).
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

/// A field that does not hold what it should.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{field} {reason}")]
pub struct Invalid {
    /// The field's path, like `items[0].quantity`; `body` for the whole.
    pub field: String,
    /// What it must be, like `must be at least 1`.
    pub reason: String,
}

impl NewOrder {
    /// The most lines in one order.
    pub const ITEMS_MAX: usize = 100;
    /// The most of one thing in one line.
    pub const QUANTITY_MAX: u32 = 1000;

    /// Reads and checks the body of `POST /orders`. Never panics, whatever the bytes.
    ///
    /// # Errors
    /// The first thing that is wrong, syntax before meaning.
    pub fn parse(body: &[u8]) -> Result<Self, Rejection> {
        let body: &RawValue = serde_json::from_slice(body).map_err(|error| malformed(body, &error))?;
        Ok(Self::check(body)?)
    }

    fn check(body: &RawValue) -> Result<Self, Invalid> {
        let body: Body<'_> = object("body", body)?;
        let order_id = body.order_id.map(|raw| id("order_id", raw, OrderId::new)).transpose()?;
        let customer_id = customer("customer_id", required("customer_id", body.customer_id)?)?;
        let items = items(required("items", body.items)?)?;
        let priority = body.priority.map(priority).transpose()?.unwrap_or_default();
        let mut total = Money::ZERO;
        for (index, item) in items.iter().enumerate() {
            total = item.price.checked_mul(item.quantity).and_then(|line| total.checked_add(line)).map_err(
                |_| {
                    invalid(
                        format!("items[{index}]"),
                        format!("must not bring the total above {}", Money::MAX),
                    )
                },
            )?;
        }
        Ok(Self { order_id, customer_id, items, total, priority })
    }

    /// The id that the client chose, if it did.
    #[must_use]
    pub const fn order_id(&self) -> Option<&OrderId> {
        self.order_id.as_ref()
    }

    /// Who orders.
    #[must_use]
    pub const fn customer_id(&self) -> &CustomerId {
        &self.customer_id
    }

    /// What is ordered: 1 to [`NewOrder::ITEMS_MAX`] lines.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The sum over all lines.
    #[must_use]
    pub const fn total(&self) -> Money {
        self.total
    }

    /// How much the order matters under overload.
    #[must_use]
    pub const fn priority(&self) -> Priority {
        self.priority
    }

    /// Makes it an order, under the client's id or else under `fresh_id`.
    #[must_use]
    pub fn place(self, fresh_id: impl FnOnce() -> OrderId, at_us: u64) -> Order {
        let order_id = self.order_id.unwrap_or_else(fresh_id);
        Order::placed(order_id, self.customer_id, self.items, self.total, self.priority, at_us)
    }
}

/// The fields that we know, as text. `null` counts as absent.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    order_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    customer_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    items: Option<&'a RawValue>,
    #[serde(borrow, default)]
    priority: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, default)]
    product_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    quantity: Option<&'a RawValue>,
    #[serde(borrow, default)]
    price: Option<&'a RawValue>,
}

fn malformed(body: &[u8], error: &serde_json::Error) -> Rejection {
    let (line, column) = (error.line(), error.column());
    let reason = if body.iter().all(u8::is_ascii_whitespace) {
        "it is empty".to_owned()
    } else {
        let text = error.to_string();
        let place = format!(" at line {line} column {column}");
        text.strip_suffix(&place).unwrap_or(&text).to_owned()
    };
    Rejection::Malformed { reason, line, column }
}

fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Invalid {
    Invalid { field: field.into(), reason: reason.into() }
}

fn required<'a>(field: &str, raw: Option<&'a RawValue>) -> Result<&'a RawValue, Invalid> {
    raw.ok_or_else(|| invalid(field, "is required"))
}

/// The known fields of an object; a field that stands there twice has no one meaning and is refused.
fn object<'a, T: Deserialize<'a>>(field: &str, raw: &'a RawValue) -> Result<T, Invalid> {
    if !raw.get().starts_with('{') {
        return Err(invalid(field, "must be an object"));
    }
    serde_json::from_str(raw.get()).map_err(|error| {
        let text = error.to_string();
        let reason = text.split(" at line ").next().unwrap_or(&text);
        invalid(field, format!("must be an object with each field once: {reason}"))
    })
}

/// The text of a JSON string; `None` for everything else.
fn string(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

fn id<T>(field: &str, raw: &RawValue, new: fn(String) -> Result<T, InvalidId>) -> Result<T, Invalid> {
    let text = string(raw).ok_or_else(|| invalid(field, "must be a string"))?;
    new(text).map_err(|error| invalid(field, error.to_string()))
}

/// A customer may be a string or a whole number.
fn customer(field: &str, raw: &RawValue) -> Result<CustomerId, Invalid> {
    let digits = Some(raw.get()).filter(|text| text.bytes().all(|b| b.is_ascii_digit())).map(str::to_owned);
    let text = digits.or_else(|| string(raw));
    let text = text.ok_or_else(|| invalid(field, "must be a string or a whole number"))?;
    CustomerId::new(text).map_err(|error| invalid(field, error.to_string()))
}

fn items(raw: &RawValue) -> Result<Vec<Item>, Invalid> {
    let lines: Vec<&RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| invalid("items", "must be a list"))?;
    if lines.is_empty() {
        return Err(invalid("items", "must not be empty"));
    }
    if lines.len() > NewOrder::ITEMS_MAX {
        return Err(invalid("items", format!("must have at most {} entries", NewOrder::ITEMS_MAX)));
    }
    lines.into_iter().enumerate().map(|(index, raw)| item(&format!("items[{index}]"), raw)).collect()
}

fn item(field: &str, raw: &RawValue) -> Result<Item, Invalid> {
    let line: Line<'_> = object(field, raw)?;
    let product = format!("{field}.product_id");
    let product_id = id(&product, required(&product, line.product_id)?, ProductId::new)?;
    let counted = format!("{field}.quantity");
    let quantity = quantity(&counted, required(&counted, line.quantity)?)?;
    let priced = format!("{field}.price");
    let price = price(&priced, required(&priced, line.price)?)?;
    Ok(Item { product_id, quantity, price })
}

fn quantity(field: &str, raw: &RawValue) -> Result<u32, Invalid> {
    let text = raw.get();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(invalid(field, "must be a whole number"));
    }
    if text.starts_with('-') || text == "0" {
        return Err(invalid(field, "must be at least 1"));
    }
    // Digits that do not fit are certainly too many.
    let quantity = digits.parse().ok().filter(|quantity| *quantity <= NewOrder::QUANTITY_MAX);
    quantity.ok_or_else(|| invalid(field, format!("must be at most {}", NewOrder::QUANTITY_MAX)))
}

fn price(field: &str, raw: &RawValue) -> Result<Money, Invalid> {
    let text = raw.get();
    let amount = match text.as_bytes().first() {
        Some(b'"') => string(raw).ok_or(MoneyError::Syntax).and_then(|text| text.parse()),
        // `true` and `[…]` have no digits and fail as syntax.
        _ => text.parse::<Money>(),
    };
    amount.map_err(|error| invalid(field, error.to_string()))
}

fn priority(raw: &RawValue) -> Result<Priority, Invalid> {
    serde_json::from_str(raw.get())
        .map_err(|_| invalid("priority", "must be \"low\", \"normal\" or \"high\""))
}

#[cfg(test)]
mod tests;
