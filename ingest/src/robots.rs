//! robots.txt by RFC 9309: reading it and asking it.

use std::time::Duration;

/// The rules of one host for one agent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Robots {
    rules: Vec<Rule>,
    pub crawl_delay: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    allow: bool,
    pattern: String,
}

impl Robots {
    /// Everything is forbidden: the host could not say.
    pub fn deny_all() -> Self {
        Self { rules: vec![Rule { allow: false, pattern: "/".to_owned() }], crawl_delay: None }
    }

    /// The groups that name `agent` (its product token, in any case) together; where
    /// none does, those for `*`.
    pub fn parse(text: &str, agent: &str) -> Self {
        let token = product_token(agent);
        let (mut own, mut any) = (None, None);
        let (mut to_own, mut to_any, mut in_rules) = (false, false, true);
        for (key, value) in text.trim_start_matches('\u{feff}').split(['\n', '\r']).filter_map(line) {
            if key == "user-agent" {
                if in_rules {
                    (to_own, to_any, in_rules) = (false, false, false);
                }
                to_any |= value == "*" || value.starts_with("* ");
                to_own |= !token.is_empty() && product_token(value) == token;
                if to_own {
                    own.get_or_insert_with(Self::default);
                }
                continue;
            }
            in_rules |= matches!(key.as_str(), "allow" | "disallow" | "crawl-delay");
            for (wanted, group) in [(to_own, &mut own), (to_any, &mut any)] {
                if wanted {
                    group.get_or_insert_with(Self::default).take(&key, value);
                }
            }
        }
        own.or(any).unwrap_or_default()
    }

    fn take(&mut self, key: &str, value: &str) {
        match key {
            // An empty pattern forbids and allows nothing.
            "allow" | "disallow" if !value.is_empty() => {
                self.rules.push(Rule { allow: key == "allow", pattern: encoded(value) });
            }
            "crawl-delay" => {
                let seconds = value.parse::<f64>().ok().filter(|s| (0.0..=86_400.0).contains(s));
                self.crawl_delay = seconds.map(Duration::from_secs_f64).or(self.crawl_delay);
            }
            _ => {}
        }
    }

    /// Whether `path` (with its query) may be fetched: the longest matching pattern
    /// decides, and of two as long the one that allows.
    pub fn allows(&self, path: &str) -> bool {
        if path == "/robots.txt" {
            return true;
        }
        let path = encoded(path);
        self.rules
            .iter()
            .filter(|rule| matches(&rule.pattern, &path))
            .max_by_key(|rule| (rule.pattern.len(), rule.allow))
            .is_none_or(|rule| rule.allow)
    }
}

/// `key: value` without comment; a missing colon before white space is forgiven.
fn line(text: &str) -> Option<(String, &str)> {
    let text = text.split('#').next()?.trim();
    let (key, value) = text.split_once(':').or_else(|| text.split_once(char::is_whitespace))?;
    let key = key.trim().to_ascii_lowercase();
    let key = match key.as_str() {
        "useragent" | "user agent" => "user-agent".to_owned(),
        "dissallow" | "dissalow" | "disalow" | "diasllow" | "disallaw" => "disallow".to_owned(),
        _ => key,
    };
    Some((key, value.trim()))
}

/// The leading letters, hyphens and underscores of an agent's name.
fn product_token(agent: &str) -> String {
    agent
        .chars()
        .take_while(|c| c.is_ascii_alphabetic() || matches!(c, '-' | '_'))
        .collect::<String>()
        .to_ascii_lowercase()
}

/// Octets outside ASCII percent-encoded and escapes in upper case, so that a rule
/// and a path written differently meet.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut escape = 0;
    for byte in text.bytes() {
        match byte {
            b'%' => {
                escape = 2;
                out.push('%');
            }
            _ if escape > 0 => {
                escape -= 1;
                out.push(byte.to_ascii_uppercase() as char);
            }
            0x80.. => out.push_str(&format!("%{byte:02X}")),
            _ => out.push(byte as char),
        }
    }
    out
}

/// `*` is any text, a final `$` the end; linear in the product of both lengths.
fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, anchored) = match pattern.strip_suffix('$') {
        Some(rest) => (rest, true),
        None => (pattern, false),
    };
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let last = if anchored { parts.pop() } else { None };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    match last {
        Some(last) => rest.ends_with(last),
        None => !anchored || rest.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(text: &str, path: &str) -> bool {
        Robots::parse(text, "tocsin/0.1").allows(path)
    }

    #[test]
    fn the_own_group_goes_before_the_one_for_all() {
        let text = "User-agent: *\nDisallow: /\n\nUser-agent: Tocsin\nDisallow: /private\n";
        assert!(allows(text, "/news"));
        assert!(!allows(text, "/private/a"));
        assert!(!Robots::parse(text, "other").allows("/news"));
    }

    #[test]
    fn groups_of_one_agent_are_read_together() {
        let text = "user-agent: tocsin\nuser-agent: other\ndisallow: /a\nuser-agent: x\ndisallow: /c\nuser-agent: tocsin\ndisallow: /b";
        assert!(!allows(text, "/a") && !allows(text, "/b") && allows(text, "/c"));
    }

    #[test]
    fn the_longest_pattern_decides_and_of_two_the_one_that_allows() {
        let text = "user-agent: *\nallow: /p\ndisallow: /\nallow: /page\ndisallow: /page\ndisallow: /*.htm\n";
        assert!(allows(text, "/pony"));
        assert!(!allows(text, "/x"));
        assert!(allows(text, "/page"));
        assert!(!allows(text, "/page.htm"));
    }

    #[test]
    fn star_and_dollar_mean_any_text_and_the_end() {
        let text = "user-agent: *\ndisallow: /*.php$\ndisallow: /a*b*c\n";
        assert!(!allows(text, "/x/y.php"));
        assert!(allows(text, "/y.php?q=1"));
        assert!(!allows(text, "/a--b--c--") && allows(text, "/a--c--b"));
    }

    #[test]
    fn paths_written_differently_meet() {
        let text = "user-agent: *\ndisallow: /新闻\ndisallow: /a%2fb\n";
        assert!(!allows(text, "/%e6%96%b0%E9%97%BB/1"));
        assert!(!allows(text, "/a%2Fb"));
    }

    #[test]
    fn crawl_delay_belongs_to_its_group_and_nonsense_is_none() {
        let delay = |text: &str| Robots::parse(text, "tocsin").crawl_delay;
        assert_eq!(delay("user-agent: *\ncrawl-delay: 2.5"), Some(Duration::from_millis(2500)));
        assert_eq!(delay("user-agent: *\ncrawl-delay: soon"), None);
        assert_eq!(delay("user-agent: other\ncrawl-delay: 2"), None);
    }

    #[test]
    fn nothing_said_is_everything_allowed_and_robots_itself_always() {
        assert!(allows("", "/a"));
        assert!(allows("user-agent: *\ndisallow:", "/a"));
        assert!(Robots::deny_all().allows("/robots.txt") && !Robots::deny_all().allows("/a"));
    }
}
