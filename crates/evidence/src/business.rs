//! What an overloaded sale costs: orders lost, and the revenue that they would have been.
//!
//! | | formula |
//! |---|---|
//! | orders lost | asked for − answered with success − declined; of orders that are accepted first: asked for − paid − declined |
//! | revenue lost in the sale | orders lost × average order value |
//! | revenue lost per hour | revenue lost in the sale ÷ its duration × 1 h |
//! | revenue lost per year | revenue lost in the sale × sales per year |
//!
//! A declined payment is no loss of the platform's: it would be declined on any. A *sale* is the load of the cell,
//! as long as it was measured; nothing is extrapolated but the hour. In a closed loop a customer who gave up comes
//! back, and the orders of those who would have come meanwhile are not counted: the loss is too low rather than too
//! high.

use crate::record::Cell;

/// What is known of the business.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// What an order is worth on average.
    pub order_value: f64,
    /// How many sales there are in a year.
    pub sales_per_year: u32,
}

/// What a sale cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Impact {
    /// Orders asked for.
    pub asked: f64,
    /// Of those, lost.
    pub lost: f64,
    /// Revenue lost in the sale.
    pub lost_in_sale: f64,
    /// Revenue lost per hour of such a sale.
    pub lost_per_hour: f64,
    /// Revenue lost in a year of such sales.
    pub lost_per_year: f64,
}

/// Orders that came to an end as their customers wanted, or were declined. Where an order is accepted first, its end is
/// what counts and not the promise.
fn served(run: &Cell) -> u64 {
    run.background
        .map_or(run.succeeded + run.declined, |background| background.completed + background.declined)
}

/// What a sale costs, as the mean over some runs of it; `None` without a run.
#[must_use]
pub fn impact(runs: &[&Cell], terms: Terms) -> Option<Impact> {
    let duration_s = runs.first()?.load.duration_s();
    let mean =
        |count: fn(&Cell) -> u64| runs.iter().map(|run| count(run) as f64).sum::<f64>() / runs.len() as f64;
    let asked = mean(|run| run.offered);
    let lost = mean(|run| run.offered.saturating_sub(served(run)));
    let lost_in_sale = lost * terms.order_value;
    Some(Impact {
        asked,
        lost,
        lost_in_sale,
        lost_per_hour: if duration_s > 0.0 { lost_in_sale / duration_s * 3_600.0 } else { 0.0 },
        lost_per_year: lost_in_sale * f64::from(terms.sales_per_year),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Answer, Asked, Facts};
    use crate::record::LoadRecord;
    use crate::{CellMeta, assess};

    const TERMS: Terms = Terms { order_value: 50.0, sales_per_year: 48 };

    fn cell(answers: &[Answer]) -> Cell {
        let asked = answers.iter().map(|&answer| Asked {
            order: "o".into(),
            intended_us: 0,
            sent_us: Some(0),
            done_us: 1,
            answer,
        });
        let load = LoadRecord::Constant { rate_per_s: 1.0, duration_s: 30.0, spacing: "even".into() };
        let meta = CellMeta {
            design: "d".into(),
            fault: "none".into(),
            seed: 1,
            load,
            load_name: None,
            slo: crate::SLO,
            capacity_per_s: 1.0,
            detail: None,
        };
        assess(meta, &Facts { asked: asked.collect(), ..Facts::default() })
    }

    #[test]
    fn what_was_neither_served_nor_declined_is_lost_and_has_a_price() {
        let lost = [Answer::TimedOut, Answer::Status(429), Answer::Status(500)];
        let run = cell(&[&[Answer::Status(200), Answer::Status(402)], &lost[..]].concat());
        let impact = impact(&[&run], TERMS).expect("a run");
        assert_eq!((impact.asked, impact.lost, impact.lost_in_sale), (5.0, 3.0, 150.0));
        assert_eq!((impact.lost_per_hour, impact.lost_per_year), (18_000.0, 7_200.0));
    }

    #[test]
    fn several_runs_are_a_mean_and_none_is_nothing() {
        let (good, bad) = (cell(&[Answer::Status(200)]), cell(&[Answer::TimedOut]));
        assert_eq!(impact(&[&good, &bad], TERMS).expect("runs").lost, 0.5);
        assert_eq!(impact(&[], TERMS), None);
    }
}
