//! A robots.txt as lines, and the judgement of one URL by them. Reads like
//! Google's parser, which the RFC was written from: forgiving of typos, never failing.

use std::time::Duration;

use super::pattern;

/// Longest line that is read.
const MAX_LINE: usize = 2083 * 8;
/// RFC 9309: at least 500 KiB must be read.
const MAX_FILE: usize = 512 << 10;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Agent(String),
    Allow(Vec<u8>),
    Disallow(Vec<u8>),
    /// In milliseconds.
    CrawlDelay(u64),
}

/// The rules of one origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// With the number of each in the file, from 1.
    lines: Vec<(usize, Line)>,
}

/// What the rules say of one URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub allowed: bool,
    /// Number of the line that decided, from 1; `None`: no rule matched.
    pub line: Option<usize>,
}

/// A pattern that matched: how much of the path, and on which line it stands.
#[derive(Debug, Clone, Copy)]
struct Match {
    length: usize,
    line: usize,
}

/// The longest pattern that matched, of each kind; none: nothing did.
#[derive(Debug, Clone, Copy, Default)]
struct Longest {
    allow: Option<Match>,
    disallow: Option<Match>,
}

impl Longest {
    /// `None` where no rule of more than nothing matched.
    fn decision(self) -> Option<Decision> {
        let length = |found: Option<Match>| found.map(|found| found.length);
        let allowed = length(self.disallow) <= length(self.allow);
        let by = if allowed { self.allow } else { self.disallow };
        by.filter(|found| found.length > 0).map(|found| Decision { allowed, line: Some(found.line) })
    }
}

/// Keeps the longer match; the earlier one of two alike.
fn keep(longest: &mut Option<Match>, length: Option<usize>, line: usize) {
    if let Some(length) = length.filter(|length| longest.is_none_or(|before| *length > before.length)) {
        *longest = Some(Match { length, line });
    }
}

impl Rules {
    pub fn parse(bytes: &[u8]) -> Self {
        let bytes = bytes.get(..MAX_FILE).unwrap_or(bytes);
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let rows = bytes.split(|byte| *byte == b'\n').enumerate();
        let lines =
            rows.flat_map(|(at, row)| row.split(|byte| *byte == b'\r').map(move |line| (at + 1, line)));
        Self { lines: lines.filter_map(|(number, line)| Some((number, read_line(line)?))).collect() }
    }

    pub fn allow_all() -> Self {
        Self::default()
    }

    pub fn forbid_all() -> Self {
        Self { lines: vec![(1, Line::Agent("*".to_owned())), (2, Line::Disallow(b"/".to_vec()))] }
    }

    /// Whether `agent` (a product token) may fetch `url`.
    pub fn allows(&self, agent: &str, url: &str) -> bool {
        self.decide(agent, url).allowed
    }

    /// Whether `agent` may fetch `url`, and by which line. Its own groups count; the
    /// groups of `*` where it has none.
    pub fn decide(&self, agent: &str, url: &str) -> Decision {
        let path = pattern::path_of(url);
        let (mut own, mut global) = (Longest::default(), Longest::default());
        // A delay is no rule of the RFC, and must not part two agents from the rules they share (2.2.4).
        let is_rule = |line: &Line| !matches!(line, Line::CrawlDelay(_));
        let named = self.each_in_group(agent, is_rule, |number, line, is_own| {
            let longest = if is_own { &mut own } else { &mut global };
            match line {
                Line::Allow(pattern) => {
                    keep(&mut longest.allow, pattern::match_allow(&path, pattern), number);
                }
                Line::Disallow(pattern) => {
                    keep(&mut longest.disallow, pattern::match_length(&path, pattern), number);
                }
                Line::Agent(_) | Line::CrawlDelay(_) => {}
            }
        });
        let others = || global.decision().filter(|_| !named);
        own.decision().or_else(others).unwrap_or(Decision { allowed: true, line: None })
    }

    /// The pause that the groups of `agent` ask for.
    pub fn crawl_delay(&self, agent: &str) -> Option<Duration> {
        let (mut own, mut global) = (None, None);
        let named = self.each_in_group(
            agent,
            |_| true,
            |_, line, is_own| {
                if let Line::CrawlDelay(milliseconds) = line {
                    let place = if is_own { &mut own } else { &mut global };
                    *place = (*place).max(Some(*milliseconds));
                }
            },
        );
        let delay = if named { own } else { global };
        delay.map(Duration::from_millis)
    }

    /// Calls `visit` with each rule of the groups of `agent` (true) and of `*`
    /// (false), as if the lines that are not `read` were absent; says whether the agent is named anywhere.
    fn each_in_group(
        &self,
        agent: &str,
        read: impl Fn(&Line) -> bool,
        mut visit: impl FnMut(usize, &Line, bool),
    ) -> bool {
        let (mut own, mut global, mut ended, mut named) = (false, false, false, false);
        for (number, line) in self.lines.iter().filter(|(_, line)| read(line)) {
            if let Line::Agent(value) = line {
                if ended {
                    (own, global, ended) = (false, false, false);
                }
                if is_global(value) {
                    global = true;
                } else if product(value).eq_ignore_ascii_case(agent) {
                    (own, named) = (true, true);
                }
                continue;
            }
            if own || global {
                ended = true;
                visit(*number, line, own);
            }
        }
        named
    }
}

fn is_global(value: &str) -> bool {
    value
        .strip_prefix('*')
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_whitespace()))
}

/// The part of an agent's name that counts: letters, `-` and `_`.
fn product(value: &str) -> &str {
    value.split(|c: char| !(c.is_ascii_alphabetic() || c == '-' || c == '_')).next().unwrap_or_default()
}

fn read_line(line: &[u8]) -> Option<Line> {
    let line = line.get(..MAX_LINE).unwrap_or(line);
    let line = line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
    let (key, value) = split(line)?;
    let key = String::from_utf8_lossy(key).to_ascii_lowercase();
    let starts = |names: &[&str]| names.iter().any(|name| key.starts_with(name));
    if starts(&["user-agent", "useragent", "user agent"]) {
        return Some(Line::Agent(String::from_utf8_lossy(value).into_owned()));
    }
    if starts(&["allow"]) {
        return Some(Line::Allow(pattern::escaped(value)));
    }
    if starts(&["disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"]) {
        return Some(Line::Disallow(pattern::escaped(value)));
    }
    if starts(&["crawl-delay", "crawldelay"]) {
        let seconds: f64 = String::from_utf8_lossy(value).parse().ok()?;
        return (0.0..1e6).contains(&seconds).then_some(Line::CrawlDelay((seconds * 1000.0) as u64));
    }
    None
}

/// Key and value; a line of just two words stands for one without its colon.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let (key, value) = match line.iter().position(|byte| *byte == b':') {
        Some(at) => (line.get(..at)?, line.get(at + 1..)?),
        None => {
            let at = line.iter().position(is_space)?;
            let value = line.get(at..)?.trim_ascii();
            if value.iter().any(is_space) {
                return None;
            }
            (line.get(..at)?, value)
        }
    };
    let key = key.trim_ascii();
    (!key.is_empty()).then(|| (key, value.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::shared;

    #[derive(serde::Deserialize)]
    struct Case {
        test: String,
        robots: String,
        agent: String,
        url: String,
        allowed: bool,
    }

    /// Reads ../shared/fixtures/robots/google, and passes where it is absent.
    #[test]
    fn google_s_cases_are_judged_as_google_judges_them() {
        let Some(text) = shared("robots/google/cases.json") else { return };
        let cases: Vec<Case> = serde_json::from_slice(&text).unwrap();
        let wrong: Vec<String> = cases
            .iter()
            .filter(|case| {
                Rules::parse(case.robots.as_bytes()).allows(&case.agent, &case.url) != case.allowed
            })
            .map(|case| {
                format!(
                    "{}: {:?} {} {} should be {}",
                    case.test, case.robots, case.agent, case.url, case.allowed
                )
            })
            .collect();
        assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    }

    #[test]
    fn the_longest_rule_of_our_own_group_decides() {
        let rules = Rules::parse(
            b"User-agent: *\nDisallow: /\n\nUser-agent: TocsinBot\nAllow: /news\nDisallow: /news/staff\n",
        );
        assert!(rules.allows("tocsinbot", "https://example.com/news/a?b"));
        assert!(!rules.allows("TocsinBot", "https://example.com/news/staff/1"));
        assert!(rules.allows("TocsinBot", "https://example.com/other"));
        assert!(!rules.allows("OtherBot", "https://example.com/news"));
    }

    #[test]
    fn the_line_that_decided_is_named() {
        let rules = Rules::parse(b"User-agent: *\r\nDisallow: /a\r\nAllow: /a/b\r\nDisallow:\n");
        let decided = |url: &str| rules.decide("TocsinBot", url);
        assert_eq!(decided("https://example.com/a/c"), Decision { allowed: false, line: Some(2) });
        assert_eq!(decided("https://example.com/a/b"), Decision { allowed: true, line: Some(3) });
        assert_eq!(decided("https://example.com/c"), Decision { allowed: true, line: None });
    }

    #[test]
    fn a_delay_does_not_part_agents_from_the_rules_they_share() {
        let rules = Rules::parse(b"User-agent: a\nCrawl-delay: 5\nUser-agent: b\nDisallow: /x\n");
        assert!(!rules.allows("a", "https://e.com/x") && !rules.allows("b", "https://e.com/x"));
        assert_eq!((rules.crawl_delay("a"), rules.crawl_delay("b")), (Some(Duration::from_secs(5)), None));
    }

    #[test]
    fn a_crawl_delay_is_that_of_our_group() {
        let rules = Rules::parse(
            b"User-agent: *\nCrawl-delay: 30\n\nUser-agent: TocsinBot\nCrawl-delay: 2.5\nDisallow:\n",
        );
        assert_eq!(rules.crawl_delay("TocsinBot"), Some(Duration::from_millis(2500)));
        assert_eq!(rules.crawl_delay("OtherBot"), Some(Duration::from_secs(30)));
        assert_eq!(Rules::parse(b"user-agent: *\ncrawl-delay: soon").crawl_delay("x"), None);
    }

    #[test]
    fn what_cannot_be_had_forbids_and_what_is_not_there_allows() {
        assert!(!Rules::forbid_all().allows("TocsinBot", "https://example.com/"));
        assert!(Rules::allow_all().allows("TocsinBot", "https://example.com/"));
    }

    #[test]
    fn bytes_that_are_no_text_are_read_without_harm() {
        let mut noise: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        noise.extend_from_slice(b"\nUser-agent: *\nDisallow: /\xe9*$\n");
        assert!(Rules::parse(&noise).allows("TocsinBot", "https://example.com/a"));
    }
}
