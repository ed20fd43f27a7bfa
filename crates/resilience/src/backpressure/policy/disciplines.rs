//! The disciplines by themselves, each against a list that is searched from end to end.

use proptest::prelude::*;

use super::*;

const fn at(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const SERVICE: Duration = at(100);

fn waiter(ticket: u64, since_ms: u64, deadline_ms: Option<u64>, priority: Priority) -> Waiter {
    let terms = Terms { deadline: deadline_ms.map(at), priority };
    Waiter { ticket: Ticket(ticket), since: at(since_ms), terms }
}

fn plain(ticket: u64, since_ms: u64) -> Waiter {
    waiter(ticket, since_ms, None, Priority::Normal)
}

fn pop(queue: &mut impl Discipline, now_ms: u64) -> Option<u64> {
    queue.pop(at(now_ms)).map(|waiter| waiter.ticket.0)
}

fn shed(queue: &mut impl Discipline, now_ms: u64) -> Vec<(u64, Reason)> {
    let shed = std::iter::from_fn(|| queue.shed(at(now_ms)));
    shed.map(|(waiter, reason)| (waiter.ticket.0, reason)).collect()
}

#[test]
fn the_doomed_are_shed_at_the_last_moment_at_which_they_could_begin() {
    let mut queue = DeadlineAware::new(Precedence::Arrival, SERVICE);
    queue.push(waiter(0, 0, Some(500), Priority::Normal));
    queue.push(waiter(1, 0, None, Priority::Normal));
    queue.push(waiter(2, 0, Some(300), Priority::Normal));
    assert_eq!(shed(&mut queue, 200), []);
    assert_eq!(shed(&mut queue, 201), [(2, Reason::Doomed)]);
    assert_eq!(shed(&mut queue, 10_000), [(0, Reason::Doomed)], "who has no deadline is never doomed");
    assert_eq!((pop(&mut queue, 10_000), queue.len()), (Some(1), 0));
}

#[test]
fn the_earliest_deadline_goes_first_and_none_last() {
    let mut queue = DeadlineAware::new(Precedence::EarliestDeadline, SERVICE);
    queue.push(plain(0, 0));
    queue.push(waiter(1, 0, Some(900), Priority::Normal));
    queue.push(waiter(2, 0, Some(800), Priority::Normal));
    assert_eq!([0; 4].map(|now| pop(&mut queue, now)), [Some(2), Some(1), Some(0), None]);
}

#[test]
fn a_bounded_wait_is_bounded() {
    let mut queue = BoundedWait::new(at(20));
    queue.push(plain(0, 0));
    queue.push(plain(1, 10));
    assert_eq!(shed(&mut queue, 20), []);
    assert_eq!(shed(&mut queue, 21), [(0, Reason::QueueDelay)]);
    assert_eq!(pop(&mut queue, 21), Some(1));
}

#[test]
fn the_important_go_first_and_displace_the_last_of_the_least() {
    let mut queue = PriorityQueue::default();
    queue.push(waiter(0, 0, None, Priority::Low));
    queue.push(waiter(1, 0, None, Priority::Low));
    queue.push(waiter(2, 0, None, Priority::High));
    queue.push(waiter(3, 0, None, Priority::Normal));
    let mut displaced = |ticket, priority| {
        let displaced = queue.displace(at(1), &waiter(ticket, 1, None, priority));
        displaced.map(|(waiter, reason)| (waiter.ticket.0, reason))
    };
    assert_eq!(displaced(4, Priority::Low), None, "an equal displaces nobody");
    assert_eq!(displaced(5, Priority::Critical), Some((1, Reason::LowPriority)));
    assert_eq!(displaced(6, Priority::Normal), Some((0, Reason::LowPriority)));
    assert_eq!(displaced(7, Priority::Normal), None);
    assert_eq!([1; 3].map(|now| pop(&mut queue, now)), [Some(2), Some(3), None]);
}

#[test]
fn a_full_priority_pool_refuses_the_lowest_and_says_so() {
    let mut pool = Pool::new(PoolLimits { workers: 0, queue: 1 }, PriorityQueue::default());
    let terms = |priority| Terms { deadline: None, priority };
    let Arrival::Wait(low) = pool.arrive_with(at(0), terms(Priority::Low)) else { panic!("there is room") };
    assert_eq!(pool.arrive_with(at(5), terms(Priority::Low)), Arrival::Refuse);
    assert!(matches!(pool.arrive_with(at(7), terms(Priority::High)), Arrival::Wait(_)));
    let expected = Shed { ticket: low, waited: at(7), reason: Reason::LowPriority };
    assert_eq!((pool.next_shed(), pool.next_shed(), pool.waiting()), (Some(expected), None, 1));
    assert!(!pool.leave(low), "it waits no more");
}

#[test]
fn the_doomed_make_room_in_a_full_queue() {
    let queue = DeadlineAware::new(Precedence::Arrival, Duration::ZERO);
    let mut pool = Pool::new(PoolLimits { workers: 0, queue: 1 }, queue);
    let terms = |deadline_ms| Terms { deadline: Some(at(deadline_ms)), ..Terms::default() };
    assert!(matches!(pool.arrive_with(at(0), terms(10)), Arrival::Wait(_)));
    assert_eq!(pool.arrive_with(at(10), terms(20)), Arrival::Refuse);
    assert!(matches!(pool.arrive_with(at(11), terms(20)), Arrival::Wait(_)));
    assert_eq!(pool.next_shed().map(|shed| shed.reason), Some(Reason::Doomed));
}

/// A queue with one newcomer each 10 ms and one dequeue each 20 ms, from an instant on.
fn stand(queue: &mut AdaptiveLifo, from_ms: u64, to_ms: u64) -> Vec<u64> {
    let mut served = Vec::new();
    for now in (from_ms..to_ms).step_by(10) {
        queue.push(plain(now, now));
        if now % 20 == 0 {
            shed(queue, now);
            served.extend(pop(queue, now));
        }
    }
    served
}

#[test]
fn a_standing_queue_is_overloaded_and_serves_the_newest() {
    let mut queue = AdaptiveLifo::new(CodelSettings::default());
    queue.push(plain(1, 1));
    queue.push(plain(2, 2));
    assert_eq!((pop(&mut queue, 9), queue.is_overloaded(at(9))), (Some(1), false), "the oldest at first");
    stand(&mut queue, 10, 200);
    assert!(queue.is_overloaded(at(200)));
    queue.push(plain(1000, 200));
    queue.push(plain(1001, 205));
    let gone = shed(&mut queue, 211);
    assert!(gone.iter().all(|(_, reason)| *reason == Reason::QueueDelay));
    assert_eq!(gone.last(), Some(&(1000, Reason::QueueDelay)), "10 ms are allowed, not 11");
    queue.push(plain(1002, 212));
    assert_eq!((pop(&mut queue, 213), pop(&mut queue, 213)), (Some(1002), Some(1001)));
}

#[test]
fn a_queue_that_was_empty_once_in_an_interval_is_calm() {
    let mut queue = AdaptiveLifo::new(CodelSettings::default());
    stand(&mut queue, 0, 220);
    assert!(queue.is_overloaded(at(220)));
    while pop(&mut queue, 221).is_some() {}
    assert!(queue.is_overloaded(at(299)) && !queue.is_overloaded(at(300)), "nobody has to come for that");
    queue.push(plain(1000, 250));
    queue.push(plain(1001, 251));
    assert_eq!(
        (pop(&mut queue, 330), queue.is_overloaded(at(330))),
        (Some(1000), false),
        "and serves the oldest"
    );
    assert_eq!(shed(&mut queue, 330), [], "and sheds nobody");
}

#[test]
fn in_a_standing_queue_that_is_full_the_oldest_makes_room() {
    let mut queue = AdaptiveLifo::new(CodelSettings::default());
    assert!(queue.displace(at(0), &plain(9, 0)).is_none());
    stand(&mut queue, 0, 220);
    queue.push(plain(1000, 220));
    let oldest = queue.displace(at(221), &plain(1001, 221)).expect("somebody");
    assert!(oldest.0.ticket < Ticket(1000) && oldest.1 == Reason::QueueDelay);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Push(Option<u64>, Priority),
    Serve,
    Remove(usize),
    Displace(Priority),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let priority = || prop::sample::select(Priority::ALL.to_vec());
    let step = prop_oneof![
        6 => (prop::option::of(0..600_u64), priority()).prop_map(|(left, priority)| Step::Push(left, priority)),
        4 => Just(Step::Serve),
        1 => (0..10_usize).prop_map(Step::Remove),
        1 => priority().prop_map(Step::Displace),
        5 => (0..60_u64).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..200)
}

/// What a discipline promises, over a plain list in the order of coming.
trait Model {
    fn next(&self, line: &[Waiter]) -> usize;
    fn is_shed(&self, waiter: &Waiter, now: Duration) -> bool;
    fn displaced(&self, _line: &[Waiter], _newcomer: Priority) -> Option<usize> {
        None
    }
}

struct Doomed(Precedence);
struct Levels;
struct Waits(Duration);

impl Model for Doomed {
    fn next(&self, line: &[Waiter]) -> usize {
        let urgency = |waiter: &Waiter| match self.0 {
            Precedence::Arrival => Duration::ZERO,
            Precedence::EarliestDeadline => waiter.terms.deadline.unwrap_or(Duration::MAX),
        };
        (0..line.len()).min_by_key(|index| (urgency(&line[*index]), *index)).expect("somebody waits")
    }

    fn is_shed(&self, waiter: &Waiter, now: Duration) -> bool {
        waiter.terms.deadline.is_some_and(|deadline| now + SERVICE > deadline)
    }
}

impl Model for Levels {
    fn next(&self, line: &[Waiter]) -> usize {
        let key = |index: &usize| (std::cmp::Reverse(line[*index].terms.priority), *index);
        (0..line.len()).min_by_key(key).expect("somebody waits")
    }

    fn is_shed(&self, waiter: &Waiter, now: Duration) -> bool {
        waiter.terms.deadline.is_some_and(|deadline| now > deadline)
    }

    fn displaced(&self, line: &[Waiter], newcomer: Priority) -> Option<usize> {
        let below = (0..line.len()).filter(|index| line[*index].terms.priority < newcomer);
        below.min_by_key(|index| (line[*index].terms.priority, std::cmp::Reverse(*index)))
    }
}

impl Model for Waits {
    fn next(&self, _: &[Waiter]) -> usize {
        0
    }

    fn is_shed(&self, waiter: &Waiter, now: Duration) -> bool {
        now - waiter.since > self.0
    }
}

fn check(mut queue: Queue, model: &dyn Model, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (mut line, mut now, mut ticket) = (Vec::<Waiter>::new(), 0, 0);
    for step in steps {
        match step {
            Step::Push(left, priority) => {
                let newcomer = waiter(ticket, now, left.map(|left| now + left), priority);
                queue.push(newcomer);
                line.push(newcomer);
                ticket += 1;
            }
            Step::Serve => {
                let mut gone = shed(&mut queue, now);
                gone.sort_unstable();
                let expected = line.iter().filter(|waiter| model.is_shed(waiter, at(now)));
                let expected: Vec<_> = expected.map(|waiter| waiter.ticket.0).collect();
                prop_assert_eq!(gone.into_iter().map(|(ticket, _)| ticket).collect::<Vec<_>>(), expected);
                line.retain(|waiter| !model.is_shed(waiter, at(now)));
                let next = (!line.is_empty()).then(|| line.remove(model.next(&line)));
                prop_assert_eq!(queue.pop(at(now)), next);
            }
            Step::Remove(index) if index < line.len() => {
                prop_assert!(queue.remove(line[index].ticket) && !queue.remove(line[index].ticket));
                line.remove(index);
            }
            Step::Remove(_) => prop_assert!(!queue.remove(Ticket(u64::MAX))),
            Step::Displace(priority) => {
                let newcomer = waiter(ticket, now, None, priority);
                let displaced = queue.displace(at(now), &newcomer).map(|(waiter, _)| waiter);
                let expected = model.displaced(&line, priority).map(|index| line.remove(index));
                prop_assert_eq!(displaced, expected);
            }
            Step::Pass(by) => now += by,
        }
        prop_assert_eq!((queue.len(), queue.is_empty()), (line.len(), line.is_empty()));
    }
    Ok(())
}

proptest! {
    #[test]
    fn shedding_the_doomed_is_as_in_a_list(steps in steps(), earliest in any::<bool>()) {
        let precedence = if earliest { Precedence::EarliestDeadline } else { Precedence::Arrival };
        check(Queue::DeadlineAware(DeadlineAware::new(precedence, SERVICE)), &Doomed(precedence), steps)?;
    }

    #[test]
    fn priorities_are_as_in_a_list(steps in steps()) {
        check(Queue::priority(), &Levels, steps)?;
    }

    #[test]
    fn a_bounded_wait_is_as_in_a_list(steps in steps()) {
        check(Queue::bounded_wait(at(30)), &Waits(at(30)), steps)?;
        check(Queue::fifo(), &Waits(Duration::MAX), Vec::new())?;
    }

    /// Adaptive LIFO serves an end of the line, the one that its state says; sheds only who is doomed or,
    /// in overload, too old; and loses nobody.
    #[test]
    fn adaptive_lifo_serves_an_end_and_loses_nobody(steps in steps()) {
        let settings = CodelSettings { service_time: SERVICE, ..CodelSettings::default() };
        let mut queue = AdaptiveLifo::new(settings);
        let (mut line, mut now, mut ticket) = (Vec::<Waiter>::new(), 0, 0);
        for step in steps {
            match step {
                Step::Push(left, priority) => {
                    let newcomer = waiter(ticket, now, left.map(|left| now + left), priority);
                    queue.push(newcomer);
                    line.push(newcomer);
                    ticket += 1;
                }
                Step::Serve => {
                    let gone = shed(&mut queue, now);
                    let overloaded = queue.is_overloaded(at(now));
                    for (ticket, reason) in gone {
                        let index = line.iter().position(|waiter| waiter.ticket.0 == ticket).expect("it waited");
                        let waiter = line.remove(index);
                        let is_doomed = Doomed(Precedence::Arrival).is_shed(&waiter, at(now));
                        let is_old = overloaded && now > u64::try_from(waiter.since.as_millis()).unwrap() + 10;
                        let is_right = if reason == Reason::Doomed { is_doomed } else { is_old };
                        prop_assert!(is_right);
                    }
                    let next = if overloaded { line.pop() } else { (!line.is_empty()).then(|| line.remove(0)) };
                    prop_assert_eq!(queue.pop(at(now)), next);
                }
                Step::Remove(index) if index < line.len() => {
                    prop_assert!(queue.remove(line.remove(index).ticket));
                }
                Step::Remove(_) => {}
                Step::Displace(_) => {
                    let newcomer = plain(ticket, now);
                    let overloaded = queue.is_overloaded(at(now));
                    let displaced = queue.displace(at(now), &newcomer).map(|(waiter, _)| waiter);
                    let expected = (overloaded && !line.is_empty()).then(|| line.remove(0));
                    prop_assert_eq!(displaced, expected);
                }
                Step::Pass(by) => now += by,
            }
            prop_assert_eq!(queue.len(), line.len());
        }
    }

    /// Whatever the discipline: everybody who waited got a turn, was shed, left or still waits.
    #[test]
    fn a_pool_with_any_queue_loses_nobody(steps in steps(), kind in 0..5_u8) {
        let queue = match kind {
            0 => Queue::fifo(),
            1 => Queue::earliest_deadline(SERVICE),
            2 => Queue::adaptive_lifo(CodelSettings::default()),
            3 => Queue::priority(),
            _ => Queue::bounded_wait(at(20)),
        };
        let mut pool = Pool::new(PoolLimits { workers: 2, queue: 5 }, queue);
        let (mut waiting, mut running, mut now) = (std::collections::BTreeSet::new(), 0_usize, 0);
        for step in steps {
            match step {
                Step::Push(left, priority) => {
                    let terms = Terms { deadline: left.map(|left| at(now + left)), priority };
                    match pool.arrive_with(at(now), terms) {
                        Arrival::Run => running += 1,
                        Arrival::Wait(ticket) => prop_assert!(waiting.insert(ticket)),
                        Arrival::Refuse => prop_assert_eq!(waiting.len(), 5),
                    }
                }
                Step::Serve if running > 0 => {
                    pool.finish();
                    running -= 1;
                }
                Step::Remove(index) => {
                    if let Some(ticket) = waiting.iter().nth(index).copied() {
                        prop_assert!(pool.leave(ticket) && waiting.remove(&ticket));
                    }
                }
                Step::Serve | Step::Displace(_) => {}
                Step::Pass(by) => now += by,
            }
            while let Some(turn) = pool.next(at(now)) {
                prop_assert!(waiting.remove(&turn.ticket));
                running += 1;
            }
            while let Some(shed) = pool.next_shed() {
                prop_assert!(waiting.remove(&shed.ticket));
            }
            prop_assert_eq!((pool.running(), pool.waiting()), (running, waiting.len()));
            prop_assert!(running <= 2 && waiting.len() <= 5 && (waiting.is_empty() || running == 2));
        }
    }
}
