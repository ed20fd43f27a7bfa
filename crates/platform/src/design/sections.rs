//! Sections whose keys depend on their kind: which a kind needs, which it may state, which are foreign to it.
//!
//! People write one flat table; what belongs together is a matter of its kind. The values are checked by
//! their own types while they are read, the combination here, when the section is complete: the error
//! carries the section's line, says what is wrong and what the kind takes.

/// A section of a kind: how messages name it, and what belongs into it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind<'a> {
    /// Such as `admission of kind "rate"`.
    pub(super) named: &'a str,
    /// Keys that must be there.
    pub(super) needs: &'a [&'static str],
    /// Keys that may be there.
    pub(super) may: &'a [&'static str],
}

impl Kind<'_> {
    /// Holds what is stated against what belongs here.
    ///
    /// # Errors
    /// In words, when a key is missing or foreign.
    pub(super) fn check(&self, stated: &[(&'static str, bool)]) -> Result<(), String> {
        let is_stated = |key: &str| stated.iter().any(|(other, is_there)| *other == key && *is_there);
        if let Some(key) = self.needs.iter().find(|key| !is_stated(key)) {
            return Err(format!("{} takes {}: `{key}` is missing", self.named, self.takes()));
        }
        let belongs = |key: &str| self.needs.contains(&key) || self.may.contains(&key);
        let foreign = stated.iter().find(|(key, is_there)| *is_there && !belongs(key));
        match foreign {
            Some((key, _)) => Err(format!("{} takes {}: it has no `{key}`", self.named, self.takes())),
            None => Ok(()),
        }
    }

    fn takes(&self) -> String {
        let list = |keys: &[&str]| {
            let quoted: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
            match quoted.split_last() {
                None => "nothing more".to_owned(),
                Some((last, [])) => last.clone(),
                Some((last, others)) => format!("{} and {last}", others.join(", ")),
            }
        };
        if self.may.is_empty() {
            list(self.needs)
        } else {
            format!("{}, and if you like {}", list(self.needs), list(self.may))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_what_is_wrong_and_what_would_be_right() {
        let rate = Kind { named: "a rate", needs: &["rate_per_s", "burst"], may: &[] };
        assert_eq!(rate.check(&[("rate_per_s", true), ("burst", true), ("limit", false)]), Ok(()));
        let missing = "a rate takes `rate_per_s` and `burst`: `burst` is missing";
        assert_eq!(rate.check(&[("rate_per_s", true)]), Err(missing.to_owned()));
        let throttle = Kind { named: "a throttle", needs: &[], may: &["k", "window"] };
        let foreign = "a throttle takes nothing more, and if you like `k` and `window`: it has no `limit`";
        assert_eq!(throttle.check(&[("limit", true)]), Err(foreign.to_owned()));
    }
}
