//! One address for one document: the canonical form of a URL.

use url::Url;

/// Query parameters that say how a reader came, not what is read.
const TRACKING: [&str; 14] = [
    "fbclid",
    "gclid",
    "dclid",
    "msclkid",
    "mc_cid",
    "mc_eid",
    "igshid",
    "spm",
    "cmpid",
    "ncid",
    "ocid",
    "guccounter",
    "_ga",
    "yclid",
];

/// The canonical form of an http(s) URL: host in lower case, no default port, no
/// credentials, no fragment, no tracking parameters, no trailing `?`. The order of
/// the other parameters is kept, for some servers mind it. `None`: not such a URL.
pub fn canonical_url(text: &str) -> Option<String> {
    let mut url = Url::parse(text.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return None;
    }
    url.set_fragment(None);
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    let kept: Vec<String> = url
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !is_tracking(pair))
        .map(str::to_owned)
        .collect();
    url.set_query((!kept.is_empty()).then(|| kept.join("&")).as_deref());
    Some(url.into())
}

fn is_tracking(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or_default().to_ascii_lowercase();
    name.starts_with("utm_") || TRACKING.contains(&name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        canonical_url(text).unwrap()
    }

    #[test]
    fn tracking_fragment_port_and_case_of_the_host_do_not_make_another_document() {
        let plain = "https://example.com/a?id=7&b=2";
        assert_eq!(canonical("HTTPS://Example.COM:443/a?utm_source=x&id=7&fbclid=y&b=2#top"), plain);
        assert_eq!(canonical("https://example.com/a?utm_medium=rss"), "https://example.com/a");
    }

    #[test]
    fn the_path_and_other_parameters_make_another_document() {
        assert_ne!(canonical("https://example.com/A"), canonical("https://example.com/a"));
        assert_ne!(canonical("https://example.com/?id=1"), canonical("https://example.com/?id=2"));
    }

    #[test]
    fn it_is_its_own_canonical_form() {
        let once = canonical("http://例子.测试/新闻?q=平安&utm_term=x");
        assert_eq!(canonical(&once), once);
    }

    #[test]
    fn what_is_no_web_address_has_none() {
        for text in ["", "mailto:a@example.com", "/relative", "ftp://example.com/x", "http://"] {
            assert_eq!(canonical_url(text), None, "{text}");
        }
    }
}
