//! Flags as vegeta's users write them: `-rate` is `--rate` in the verbs of the load tool, and only there.

use std::ffi::OsString;

/// The verbs whose flags may have one dash.
const VERBS: [&str; 4] = ["attack", "report", "plot", "encode"];

/// Flags of vegeta's that mean something here that cannot be had, and why.
const UNKNOWN: [(&str, &str); 14] = [
    ("--h2c", "only HTTP/1.1 is spoken here"),
    ("--http2", "only HTTP/1.1 is spoken here; -http2=false says so too"),
    ("--cert", "client certificates are not supported"),
    ("--key", "client certificates are not supported"),
    ("--root-certs", "the system's root certificates are used; -insecure takes any certificate"),
    ("--chunked", "bodies are sent with their length"),
    ("--connect-to", "connections go to the host of the URL; a Host header may say another name"),
    ("--dns-ttl", "names are looked up by the system, for every new connection"),
    ("--laddr", "the system chooses the local address"),
    ("--prometheus-addr", "there is no exporter; the results can be read while they are written"),
    ("--proxy-header", "proxies are not supported"),
    ("--resolvers", "names are looked up by the system"),
    ("--session-tickets", "TLS sessions are always resumed where the server offers it"),
    ("--unix-socket", "only TCP is spoken here"),
];

/// The arguments with two dashes where there is one.
///
/// # Errors
/// When one is a flag of vegeta's that is not supported: which, and why.
pub fn arguments(given: impl IntoIterator<Item = OsString>) -> Result<Vec<OsString>, String> {
    let mut given: Vec<OsString> = given.into_iter().collect();
    if !given.get(1).is_some_and(|verb| VERBS.iter().any(|known| verb == known)) {
        return Ok(given);
    }
    let is_attack = given[1] == "attack";
    for argument in given.iter_mut().skip(2) {
        let Some(text) = argument.to_str() else { continue };
        if text == "--" {
            break;
        }
        let Some(flag) = text.strip_prefix('-') else { continue };
        let one_dash = flag.len() > 1 && flag.starts_with(|letter: char| letter.is_ascii_lowercase());
        let flag = if one_dash { format!("-{text}") } else { text.to_owned() };
        let name = flag.split('=').next().unwrap_or_default();
        let unknown =
            UNKNOWN.iter().find(|(known, _)| is_attack && *known == name && flag != "--http2=false");
        if let Some((name, why)) = unknown {
            return Err(format!("vegeta's {} is not supported: {why}", &name[1..]));
        }
        *argument = flag.into();
    }
    given.retain(|argument| !(is_attack && argument == "--http2=false"));
    Ok(given)
}

#[cfg(test)]
mod tests {
    use super::arguments;

    fn changed(line: &str) -> Result<String, String> {
        let words = arguments(line.split(' ').map(Into::into))?;
        Ok(words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn one_dash_is_two_in_the_verbs_of_the_load_tool() {
        for (line, expected) in [
            ("failfirst attack -rate=50/1s -duration 5s", "failfirst attack --rate=50/1s --duration 5s"),
            ("failfirst attack --rate 0 -max-workers 4 -h", "failfirst attack --rate 0 --max-workers 4 -h"),
            ("failfirst report -type hist[0,1ms] - a.json", "failfirst report --type hist[0,1ms] - a.json"),
            ("failfirst encode -to csv -- -a.json", "failfirst encode --to csv -- -a.json"),
            ("failfirst attack -http2=false -lazy", "failfirst attack --lazy"),
            ("failfirst ladder -seed 1", "failfirst ladder -seed 1"),
            ("failfirst", "failfirst"),
        ] {
            assert_eq!(changed(line), Ok(expected.to_owned()));
        }
    }

    #[test]
    fn a_flag_that_only_vegeta_has_is_refused_with_the_reason() {
        let error = changed("failfirst attack -h2c").expect_err("not supported");
        assert_eq!(error, "vegeta's -h2c is not supported: only HTTP/1.1 is spoken here");
        assert!(changed("failfirst attack --laddr=::1").is_err());
    }
}
