//! Is a share unusual, or is it chance?
//!
//! Of `all` independent calls each is bad with the probability `usual`. That so many of them are bad has at most
//! the probability exp(−all · KL(share ‖ usual)) (Chernoff 1952; Hoeffding 1963, theorem 1), where KL is the
//! Kullback–Leibler divergence. When that bound lies below the chance of a false alarm that the design allows,
//! the share is unusual. So one threshold serves every load: of 20 calls it takes many to be sure, of 200 few.
//! The bound is safe: the true probability is smaller, usually by a factor of three and more.

/// Whether so many bad ones of all would be a coincidence of less than `false_alarm`.
pub(super) fn is_unusual(bad: u64, all: u64, usual: f64, false_alarm: f64) -> bool {
    if all == 0 {
        return false;
    }
    let share = bad as f64 / all as f64;
    share > usual && all as f64 * divergence(share, usual) >= -libm::log(false_alarm)
}

/// The share from which on it is unusual among so many; 1 when even all of them would not be.
pub(super) fn unusual_from(all: u64, usual: f64, false_alarm: f64) -> f64 {
    let (mut low, mut high) = (usual, 1.0);
    for _ in 0..30 {
        let middle = f64::midpoint(low, high);
        if all as f64 * divergence(middle, usual) >= -libm::log(false_alarm) {
            high = middle
        } else {
            low = middle
        }
    }
    high
}

/// The Kullback–Leibler divergence of two coins, in nats; infinite where the usual one never shows what was seen.
fn divergence(seen: f64, usual: f64) -> f64 {
    let part = |seen: f64, usual: f64| if seen > 0.0 { seen * libm::log(seen / usual) } else { 0.0 };
    part(seen, usual) + part(1.0 - seen, 1.0 - usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE_IN_A_BILLION: f64 = 1e-9;

    /// The true probability of at least `bad` of `all`, term by term.
    fn tail(bad: u64, all: u64, usual: f64) -> f64 {
        let log_choose = |k: u64| {
            libm::lgamma((all + 1) as f64) - libm::lgamma((k + 1) as f64) - libm::lgamma((all - k + 1) as f64)
        };
        (bad..=all)
            .map(|k| {
                libm::exp(
                    log_choose(k) + k as f64 * libm::log(usual) + (all - k) as f64 * libm::log(1.0 - usual),
                )
            })
            .sum()
    }

    #[test]
    fn what_is_called_unusual_is_rarer_than_promised() {
        for usual in [0.01, 0.05, 0.2] {
            for all in [10, 50, 100, 200] {
                let least = (0..=all).find(|bad| is_unusual(*bad, all, usual, ONE_IN_A_BILLION));
                let Some(least) = least else { continue };
                let chance = tail(least, all, usual);
                assert!(chance <= ONE_IN_A_BILLION, "{least} of {all} at {usual}: {chance}");
                assert!(
                    chance > 1e-12,
                    "and not needlessly much rarer: {least} of {all} at {usual}: {chance}"
                );
            }
        }
    }

    #[test]
    fn few_calls_never_are_and_none_say_nothing() {
        assert!(!is_unusual(0, 0, 0.05, ONE_IN_A_BILLION));
        assert!(
            !is_unusual(6, 6, 0.05, ONE_IN_A_BILLION),
            "six in a row have a chance of 1.6 in 100 million"
        );
        assert!(is_unusual(7, 7, 0.05, ONE_IN_A_BILLION));
        assert!(!is_unusual(5, 100, 0.05, ONE_IN_A_BILLION), "as usual");
        assert!(!is_unusual(0, 100, 0.05, ONE_IN_A_BILLION), "better than usual");
    }

    #[test]
    fn what_never_happens_is_unusual_at_once() {
        assert!(is_unusual(1, 1_000, 0.0, ONE_IN_A_BILLION));
        assert!(!is_unusual(1_000, 1_000, 0.5, 0.0), "without any false alarm there is no alarm");
    }

    #[test]
    fn the_threshold_is_where_it_begins() {
        let from = unusual_from(100, 0.05, ONE_IN_A_BILLION);
        let least =
            (0..=100).find(|bad| is_unusual(*bad, 100, 0.05, ONE_IN_A_BILLION)).expect("all would be");
        assert!(((least - 1) as f64) < from * 100.0 && from * 100.0 <= least as f64, "{from} and {least}");
        assert_eq!(unusual_from(3, 0.5, ONE_IN_A_BILLION), 1.0);
    }
}
