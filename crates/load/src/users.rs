//! The closed loop: users who wait for their answer, think, and order again.
//!
//! A closed loop cannot overload for long: when answers get slow, so do the users. That is what a fixed number of
//! callers does (workers, other services), and why a load test with it flatters an open system: the orders that
//! would have come meanwhile are never counted (coordinated omission). What is sent is sent at once, so that the
//! intended time of an order is the actual one.
//!
//! Bounded by the number of users, each of whom has one order under way, and by [`ARRIVALS_MAX`] orders in all.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use node::http::Client;
use node::{Node, Rng};

use crate::arrivals::ARRIVALS_MAX;
use crate::drive::{Ask, DriveOptions, Driven};
use crate::log::Log;
use crate::pace::{self, Room};
use crate::plan::{Think, USERS_MAX};
use crate::stop::Stop;

/// Who orders, and for how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Users {
    /// How many; at most [`USERS_MAX`] join.
    pub users: u32,
    /// How many of them join per second.
    pub spawn_per_s: f64,
    /// How long each thinks between an answer and the next order.
    pub think: Think,
    /// How long they keep ordering.
    pub duration: Duration,
}

/// Lets users order until their time is over, and waits until each is answered or has given up.
///
/// `ask` is called once for each order, in the order in which they are sent, with 0, 1, 2, … Each user's
/// thinking has a random stream of the node of its own.
///
/// # Cancel safety
/// Dropping the future forgets what was seen; users who have joined order on until their time is over.
pub async fn drive_users(
    node: &Node,
    client: Client,
    users: &Users,
    ask: impl FnMut(u64) -> Ask + Send + 'static,
    options: &DriveOptions,
) -> Driven {
    let present = Room::new(users.users.min(USERS_MAX) as usize);
    // A duplicate finds a place as long as there are not more of them than users.
    let again = Room::new(users.users.min(USERS_MAX) as usize);
    let (log, repeated) = (Log::starting_now(node), Log::starting_now(node));
    let ask = Arc::new(Mutex::new(ask));
    pace::closed(node, &present, users.spawn_per_s, users.duration, &mut Stop::never(), |index| {
        let user = User {
            node: node.clone(),
            client: client.clone(),
            log: log.clone(),
            repeated: repeated.clone(),
            again: again.clone(),
            ask: Arc::clone(&ask),
            rng: node.rng(&format!("user-{index}")),
            users: *users,
            options: options.clone(),
        };
        user.order_until_the_end()
    })
    .await;
    // Ends: every call has a timeout, every thought an end, and nobody orders after the duration.
    again.everyone().await;
    Driven::of(&log, &repeated, options)
}

/// One user.
struct User<A> {
    node: Node,
    client: Client,
    log: Log,
    repeated: Log,
    again: Room,
    ask: Arc<Mutex<A>>,
    rng: Rng,
    users: Users,
    options: DriveOptions,
}

impl<A: FnMut(u64) -> Ask> User<A> {
    async fn order_until_the_end(mut self) {
        while self.log.now() < self.users.duration && self.log.len() < ARRIVALS_MAX {
            let (order, (request, flight), entry) = {
                let mut ask = self.ask.lock().expect("asking does not panic");
                let Ask { order, request } = ask(self.log.len() as u64);
                (order.clone(), self.options.targets.aim(request), self.log.sending(order, self.log.now()))
            };
            self.repeat(order, &request);
            entry.exchange(self.client.clone(), request, self.options.client_timeout, flight).await;
            let thought = self.users.think.draw(&mut self.rng);
            self.node.sleep(thought).await;
        }
    }

    /// Sends the request again, if it is one of those that are sent twice.
    fn repeat(&mut self, order: String, request: &Request<Bytes>) {
        let Some(delay) = self.options.duplicates.draw(&mut self.rng) else { return };
        let Some(place) = self.again.place() else { return };
        let entry = self.repeated.sending(order, self.log.now() + delay);
        let (clock, client, request) = (self.node.clone(), self.client.clone(), request.clone());
        let patience = self.options.client_timeout;
        self.node.spawn(async move {
            clock.sleep(delay).await;
            entry.exchange(client, request, patience, place).await;
        });
    }
}
