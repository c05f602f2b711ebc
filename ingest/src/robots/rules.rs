//! The judgement of one URL by the lines of a robots.txt.

use std::time::Duration;

use super::lines::{Line, lines, within_bounds};
use super::pattern::Path;

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
    /// Never fails: a line that says nothing known counts as none. What follows the first 512 KiB is dropped.
    pub fn parse(bytes: &[u8]) -> Self {
        let lines = (1..).zip(lines(within_bounds(bytes)));
        Self { lines: lines.filter_map(|(number, line)| Some((number, Line::read(line)?))).collect() }
    }

    /// Those of an origin without a robots.txt.
    pub(crate) fn allow_all() -> Self {
        Self::default()
    }

    /// Whether `agent` (a product token) may fetch `url`.
    pub fn allows(&self, agent: &str, url: &str) -> bool {
        self.decide(agent, url).allowed
    }

    /// Whether `agent` may fetch `url`, and by which line. Its own groups count; the
    /// groups of `*` where it has none. The robots.txt itself is always allowed.
    pub fn decide(&self, agent: &str, url: &str) -> Decision {
        let path = Path::of(url);
        let by_none = Decision { allowed: true, line: None };
        if path.is_of_rules() {
            return by_none;
        }
        let (mut own, mut global) = (Longest::default(), Longest::default());
        // A delay is no rule of the RFC, and must not part two agents from the rules they share (2.2.4).
        let is_rule = |line: &Line| !matches!(line, Line::CrawlDelay(_));
        let named = self.each_in_group(agent, is_rule, |number, line, is_own| {
            let longest = if is_own { &mut own } else { &mut global };
            match line {
                Line::Allow(patterns) => {
                    for pattern in patterns {
                        keep(&mut longest.allow, pattern.matches(&path), number);
                    }
                }
                Line::Disallow(pattern) => keep(&mut longest.disallow, pattern.forbids(&path), number),
                Line::Agent(_) | Line::CrawlDelay(_) => {}
            }
        });
        let others = || global.decision().filter(|_| !named);
        own.decision().or_else(others).unwrap_or(by_none)
    }

    /// The longest pause that the groups of `agent` ask for, or those of `*` where it has none.
    pub(crate) fn crawl_delay(&self, agent: &str) -> Option<Duration> {
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
                } else if names(value, agent) {
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

/// What a robots.txt calls a crawler by that names itself `agent`, as in `FooBot/2.1`. Empty: no file
/// can call it, and only the groups of `*` are for it.
pub fn product_token(agent: &str) -> &str {
    agent.split('/').next().unwrap_or_default().trim()
}

/// Whether a line calls `agent`: by the part of its name that counts, or by all of it, for some crawlers have
/// digits in theirs.
fn names(value: &str, agent: &str) -> bool {
    let whole = value.split(|c: char| c == '/' || c.is_ascii_whitespace()).next().unwrap_or_default();
    !agent.is_empty() && [product(value), whole].iter().any(|name| name.eq_ignore_ascii_case(agent))
}

/// The part of an agent's name that counts: letters, `-` and `_`.
fn product(value: &str) -> &str {
    value.split(|c: char| !(c.is_ascii_alphabetic() || c == '-' || c == '_')).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::lines::MAX_FILE;
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
    fn the_rules_themselves_are_allowed() {
        let rules = Rules::parse(b"User-agent: *\nDisallow: /\n");
        assert!(rules.allows("x", "https://e.com/robots.txt"));
        assert!(!rules.allows("x", "https://e.com/robots.txt.html"));
    }

    #[test]
    fn the_longest_rule_decides_however_rules_are_escaped() {
        let rules = Rules::parse(b"User-agent: *\nAllow: /%62%61\nDisallow: /%62%61%7A/\n");
        assert!(rules.allows("x", "https://e.com/%62%61b"));
        assert_eq!(rules.decide("x", "https://e.com/%62%61%7A/1").line, Some(3));
    }

    #[test]
    fn every_end_of_a_line_ends_one() {
        let file = b"\xef\xbb\xbf# a\rUser-agent: *\r\n\rDisallow: /a\n\nDisallow: /b\r";
        let rules = Rules::parse(file);
        for (url, number, line) in
            [("https://e.com/a", 4, "Disallow: /a"), ("https://e.com/b", 6, "Disallow: /b")]
        {
            assert_eq!(rules.decide("x", url), Decision { allowed: false, line: Some(number) });
            assert_eq!(lines(file).nth(number - 1), Some(line.as_bytes()));
        }
        assert_eq!(lines(file).next(), Some(b"# a".as_slice()));
    }

    #[test]
    fn a_line_that_a_file_is_too_long_for_is_no_rule() {
        let until = |length: usize| {
            let mut file = b"User-agent: *\nDisallow: /a\n#".to_vec();
            file.resize(length - 1, b'#');
            file.push(b'\n');
            file
        };
        let rules = |file: Vec<u8>| Rules::parse(&file);
        let cut = rules([until(MAX_FILE - 11), b"Disallow: /private\n".to_vec()].concat());
        assert!(cut.allows("x", "https://e.com/page") && !cut.allows("x", "https://e.com/a"));
        let whole = rules([until(MAX_FILE - 11), b"Disallow: /\nDisallow: /b".to_vec()].concat());
        assert!(!whole.allows("x", "https://e.com/page"), "it ends where the bytes do that are read");
        assert!(rules(vec![b'a'; MAX_FILE + 1]).lines.is_empty());
    }

    #[test]
    fn an_agent_is_called_by_what_stands_before_its_version() {
        for (agent, token) in [
            ("FooBot/2.1", "FooBot"),
            ("foo-bot", "foo-bot"),
            ("Foo Bar", "Foo Bar"),
            ("360Spider/1.0", "360Spider"),
            ("", ""),
            ("/2.1", ""),
        ] {
            assert_eq!(product_token(agent), token, "{agent}");
        }
        let rules = Rules::parse(b"User-agent: FooBot/2.1\nDisallow: /\n");
        assert!(!rules.allows(product_token("FooBot/2.1"), "https://e.com/a"));
        let rules =
            Rules::parse(b"User-agent:\nUser-agent: 008\nDisallow: /a\n\nUser-agent: *\nDisallow: /b\n");
        assert!(rules.allows("", "https://e.com/a") && !rules.allows("", "https://e.com/b"));
        let rules = Rules::parse(b"User-agent: bot1\nDisallow: /a\n\nUser-agent: bot2/1.0\nDisallow: /b\n");
        for (agent, closed, open) in [("bot1", "/a", "/b"), ("Bot2", "/b", "/a")] {
            let allows = |path: &str| rules.allows(agent, &format!("https://e.com{path}"));
            assert!(!allows(closed) && allows(open), "{agent}");
        }
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
    fn what_is_not_there_allows_all() {
        assert!(Rules::allow_all().allows("TocsinBot", "https://example.com/"));
    }

    #[test]
    fn bytes_that_are_no_text_are_read_without_harm() {
        let mut noise: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        noise.extend_from_slice(b"\nUser-agent: *\nDisallow: /\xe9*$\n");
        assert!(Rules::parse(&noise).allows("TocsinBot", "https://example.com/a"));
    }
}
