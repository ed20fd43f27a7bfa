//! `failfirst dlq`: dead letters, for people: which messages were put aside and why, and what to do with them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use comfy_table::{ContentArrangement, Table};
use jiff::Timestamp;
use lab::dead_letters::{BrokerError, DeadLetter, DeadLetterFilter, DeadLetters, open, place};
use lab::serve::BrokerUrl;

use crate::cli::{ChosenArgs, DlqArgs, DlqCommand, DlqFilterArgs};
use crate::failure::Failure;
use crate::output::{self, Screen};

/// How many letters are asked for at a time.
const PAGE: usize = 100;

/// How much of a message is shown in a line of the list.
const SUMMARY_CHARS_MAX: usize = 48;

/// How long the broker may take over one question.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Looks at dead letters, gives them out again, or throws them away.
///
/// # Errors
///
/// When the broker cannot be reached, or there is no such letter.
pub(crate) fn dlq(args: &DlqArgs) -> Result<(), Failure> {
    let place = place(args.broker()?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .map_err(Failure::stopped)?;
    runtime.block_on(async {
        let letters = Letters { inner: open(&place), place };
        match &args.command {
            DlqCommand::List { filter, limit } => list(&letters, filter, *limit, args.json).await,
            DlqCommand::Show { id } => {
                let letter = letters.show(id).await?;
                output::print(&if args.json { json(&letter)? } else { page(&letter) })
            }
            DlqCommand::Replay(args) => {
                let ids = chosen(&letters, args).await?;
                for id in &ids {
                    letters.asked(letters.inner.replay(id)).await?;
                }
                output::print(&format!("{} given out again\n", counted(ids.len())))
            }
            DlqCommand::Purge(args) => {
                let ids = chosen(&letters, args).await?;
                for id in &ids {
                    letters.asked(letters.inner.purge(id)).await?;
                }
                output::print(&format!("{} thrown away\n", counted(ids.len())))
            }
        }
    })
}

/// The letters of a broker that may not answer.
#[derive(Debug)]
struct Letters {
    inner: Arc<dyn DeadLetters>,
    place: BrokerUrl,
}

impl Letters {
    /// What the broker answers in time.
    async fn asked<T>(&self, call: impl Future<Output = Result<T, BrokerError>>) -> Result<T, Failure> {
        let Ok(answer) = tokio::time::timeout(ANSWER_WITHIN, call).await else {
            let silence = anyhow!("{} did not answer within {} s", self.place, ANSWER_WITHIN.as_secs());
            return Err(Failure::stopped(silence).help(self.place.advice()));
        };
        answer.map_err(|error| match error {
            BrokerError::NoSuchLetter { .. } => Failure::stopped(anyhow::Error::new(error))
                .help("`failfirst dlq list` shows those that there are"),
            error => {
                let asked = format!("cannot ask {} for its dead letters", self.place);
                Failure::stopped(anyhow::Error::new(error).context(asked)).help(self.place.advice())
            }
        })
    }

    async fn page(
        &self,
        filter: &DeadLetterFilter,
        after: &str,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, Failure> {
        self.asked(self.inner.list(filter, after, limit)).await
    }

    async fn show(&self, id: &str) -> Result<DeadLetter, Failure> {
        self.asked(self.inner.show(id)).await
    }
}

/// Every letter that the filter takes, at most `limit`.
async fn all(letters: &Letters, filter: &DlqFilterArgs, limit: usize) -> Result<Vec<DeadLetter>, Failure> {
    let mut found = Vec::new();
    page_by_page(letters, filter, limit, |letter| found.push(letter)).await?;
    Ok(found)
}

/// Shows every letter that the filter takes, at most `limit`, with a page of them in memory at a time.
async fn page_by_page(
    letters: &Letters,
    filter: &DlqFilterArgs,
    limit: usize,
    mut show: impl FnMut(DeadLetter),
) -> Result<(), Failure> {
    let filter = filter.meant();
    let (mut seen, mut after) = (0, String::new());
    while seen < limit {
        let page = PAGE.min(limit - seen);
        let next = letters.page(&filter, &after, page).await?;
        let count = next.len();
        if let Some(last) = next.last() {
            after.clone_from(&last.id);
        }
        next.into_iter().for_each(&mut show);
        seen += count;
        if count < page {
            break;
        }
    }
    Ok(())
}

async fn chosen(letters: &Letters, args: &ChosenArgs) -> Result<Vec<String>, Failure> {
    let ChosenArgs { ids, all: every, filter } = args;
    if *every {
        let mut ids = Vec::new();
        page_by_page(letters, filter, usize::MAX, |letter| ids.push(letter.id)).await?;
        return Ok(ids);
    }
    // All of them are looked at before anything is done with one: a wrong id stops it all.
    for id in ids {
        letters.show(id).await?;
    }
    Ok(ids.clone())
}

async fn list(letters: &Letters, filter: &DlqFilterArgs, limit: usize, as_json: bool) -> Result<(), Failure> {
    let found = all(letters, filter, limit).await?;
    if as_json {
        return output::print(&json(&found)?);
    }
    let total = letters.asked(letters.inner.total(&filter.meant())).await?;
    if found.is_empty() {
        return output::print("no dead letters\n");
    }
    let mut table = Table::new();
    table.set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = Screen::of_stdout().width {
        table.set_width(width);
    }
    table.set_header(["id", "topic", "group", "key", "tried", "when", "reason", "message"]);
    for letter in &found {
        table.add_row(vec![
            letter.id.clone(),
            letter.message.topic.clone(),
            letter.group.clone(),
            letter.message.key.clone(),
            letter.attempts.to_string(),
            time(letter.at_us),
            shown(letter.reason.as_bytes()),
            summary(&letter.message.payload),
        ]);
    }
    let more = match total.saturating_sub(found.len() as u64) {
        0 => String::new(),
        more => format!("{more} more: --limit {total} shows all\n"),
    };
    output::print(&format!(
        "{table}\n{more}Next: `failfirst dlq show ID` for its history, `replay ID` when the cause is gone\n"
    ))
}

/// A letter in full.
fn page(letter: &DeadLetter) -> String {
    let DeadLetter { id, group, message, attempts, reason, at_us, history } = letter;
    let reason = shown(reason.as_bytes());
    let mut text = format!(
        "dead letter {id}\n\n  topic     {}\n  group     {group}\n  event     {}\n  key       {}\n  published {}\n  died      {}\n  tried     {attempts}\n  reason    {reason}\n",
        message.topic,
        message.event_id,
        message.key,
        time(message.at_us),
        time(*at_us),
    );
    text.push_str("\nhistory\n");
    if history.is_empty() {
        text.push_str("  nothing is remembered of attempts before the last\n");
    }
    for failed in history {
        text.push_str(&format!(
            "  {:>3}. {}  {}: {}\n",
            failed.attempt,
            time(failed.at_us),
            failed.consumer,
            shown(failed.reason.as_bytes())
        ));
    }
    text.push_str("\nmessage\n");
    text.push_str(&indented(&message.payload));
    text
}

/// An instant, in UTC.
fn time(at_us: u64) -> String {
    let at = i64::try_from(at_us).ok().and_then(|at_us| Timestamp::from_microsecond(at_us).ok());
    at.map_or_else(|| format!("{at_us} µs"), |at| format!("{at:.3}"))
}

/// A payload for people: JSON set out, text as it is, anything else in hexadecimal.
fn indented(payload: &[u8]) -> String {
    let pretty = serde_json::from_slice::<serde_json::Value>(payload)
        .ok()
        .and_then(|value| serde_json::to_string_pretty(&value).ok());
    let text = pretty.unwrap_or_else(|| shown(payload));
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// Text without anything that a terminal would take for a command; bytes that are none, in hexadecimal.
fn shown(payload: &[u8]) -> String {
    match std::str::from_utf8(payload) {
        Ok(text) => text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect(),
        Err(_binary) => payload.chunks(16).map(hex_line).collect::<Vec<_>>().join("\n"),
    }
}

fn hex_line(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

fn summary(payload: &[u8]) -> String {
    let text = shown(payload).replace('\n', " ");
    match text.char_indices().nth(SUMMARY_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn counted(letters: usize) -> String {
    match letters {
        1 => "1 letter".to_owned(),
        letters => format!("{letters} letters"),
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).context("cannot be written as JSON");
    text.map(|text| text + "\n").map_err(Failure::stopped)
}

#[cfg(test)]
mod tests {
    use lab::dead_letters::{FailedAttempt, Message};

    use super::*;

    fn letter(payload: &[u8]) -> DeadLetter {
        DeadLetter {
            id: "17".to_owned(),
            group: "order-processor".to_owned(),
            message: Message {
                event_id: "e-1".parse().expect("a valid id"),
                topic: "orders".to_owned(),
                key: "o-1".to_owned(),
                payload: payload.to_vec(),
                at_us: 1_799_999_000_000_000,
            },
            attempts: 3,
            reason: "no event: expected value".to_owned(),
            at_us: 1_800_000_000_000_000,
            history: vec![FailedAttempt {
                attempt: 1,
                at_us: 1_799_999_999_000_000,
                consumer: "order-processor-2".to_owned(),
                reason: "payment is away".to_owned(),
            }],
        }
    }

    #[test]
    fn a_page_says_why_how_often_and_what() {
        let text = page(&letter(br#"{"schema":1}"#));
        for wanted in [
            "dead letter 17",
            "tried     3",
            "no event",
            "order-processor-2: payment is away",
            "\"schema\": 1",
        ] {
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        }
        let nothing = page(&DeadLetter { history: vec![], ..letter(b"") });
        assert!(nothing.contains("nothing is remembered"), "{nothing}");
    }

    #[test]
    fn a_message_cannot_command_the_terminal() {
        assert!(!page(&letter(b"\x1b[2Jgone")).contains('\x1b'));
        assert!(!summary(b"\x1b[2Jgone").contains('\x1b'));
        assert_eq!(summary(&[0xff, 0x00]), "ff 00");
        assert_eq!(summary("ü".repeat(60).as_bytes()), format!("{}…", "ü".repeat(48)));
    }
}
