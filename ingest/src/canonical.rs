//! One address for one document: the canonical form of a URL.

mod escapes;
mod redirectors;
mod sites;
mod tracking;

use url::{Host, Url};

/// Leading labels of hosts that serve a site to telephones.
const MOBILE: [&str; 5] = ["m", "mobile", "wap", "3g", "touch"];
/// How many redirectors may be wrapped around an address.
const WRAPPINGS: usize = 3;

/// The canonical form of an http(s) URL: redirectors of search engines and networks
/// unwrapped, accelerated (AMP) and mobile addresses turned into those of the page, host
/// in lower case, no default port, no credentials, no fragment, no session, no tracking
/// parameters, no trailing `?`, and one spelling of escapes. The order of the other parameters is kept, for some
/// servers mind it. `None`: not such a URL.
pub fn canonical_url(text: &str) -> Option<String> {
    let mut url = web(text)?;
    for _ in 0..WRAPPINGS {
        match redirectors::target(&url).or_else(|| accelerated(&url)).as_deref().and_then(web) {
            Some(target) => url = target,
            None => break,
        }
    }
    url.set_fragment(None);
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    leave_mobile_host(&mut url);
    clean_path(&mut url);
    clean_query(&mut url);
    Some(url.into())
}

/// Whether `host` is `domain` or one of its subdomains.
pub(crate) fn is_under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|front| front.is_empty() || front.ends_with('.'))
}

/// Canonical addresses at which a site shows the same page: with the other scheme, with
/// or without `www.`, with or without a slash at the end.
pub(crate) fn twins(canonical: &str) -> Vec<String> {
    let Ok(own) = Url::parse(canonical) else { return Vec::new() };
    let host = own.host_str().unwrap_or_default();
    let other_host = match host.strip_prefix("www.") {
        Some(bare) => bare.to_owned(),
        None => format!("www.{host}"),
    };
    let other_path = match own.path().strip_suffix('/') {
        Some(bare) => bare.to_owned(),
        None => format!("{}/", own.path()),
    };
    let other_scheme = if own.scheme() == "https" { "http" } else { "https" };
    let mut twins = Vec::new();
    for scheme in [own.scheme(), other_scheme] {
        for host in [host, other_host.as_str()] {
            for path in [own.path(), other_path.as_str()] {
                let mut twin = own.clone();
                twin.set_path(path);
                if twin.set_scheme(scheme).is_ok() && twin.set_host(Some(host)).is_ok() && twin != own {
                    twins.push(twin.into());
                }
            }
        }
    }
    twins
}

fn web(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    let is_web =
        matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty());
    is_web.then_some(url)
}

/// The page behind an address of an AMP cache.
fn accelerated(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    let path = url.path();
    let rest = if host.ends_with(".cdn.ampproject.org") || host == "cdn.ampproject.org" {
        ["/c/", "/v/", "/i/", "/wp/"].iter().find_map(|prefix| path.strip_prefix(prefix))?
    } else if redirectors::is_google(host) {
        path.strip_prefix("/amp/")?
    } else {
        return None;
    };
    let (scheme, rest) = rest.strip_prefix("s/").map_or(("http", rest), |rest| ("https", rest));
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{scheme}://{rest}{query}"))
}

/// `m.example.com` is `www.example.com`, `en.m.example.org` is `en.example.org`.
fn leave_mobile_host(url: &mut Url) -> Option<()> {
    let Some(Host::Domain(host)) = url.host() else { return None };
    let site = psl::domain_str(host)?;
    let front = host.strip_suffix(site)?.strip_suffix('.')?;
    let labels: Vec<&str> = front.split('.').collect();
    let kept: Vec<&str> =
        labels.iter().copied().filter(|label| !MOBILE.contains(label) && *label != "amp").collect();
    if kept.len() == labels.len() {
        return None;
    }
    let front = if kept.is_empty() { "www".to_owned() } else { kept.join(".") };
    let host = format!("{front}.{site}");
    url.set_host(Some(&host)).ok()
}

/// Without the session in it, and without the segments by which pages name their AMP twin.
fn clean_path(url: &mut Url) {
    let path = escapes::normal(url.path());
    let session = path.to_ascii_lowercase().find(";jsessionid=");
    let mut path = session.and_then(|at| path.get(..at)).unwrap_or(&path).to_owned();
    while let Some(shorter) = without_twin(&path) {
        path = shorter;
    }
    url.set_path(&path);
}

/// The path without `amp` as its first or last segment or as its ending. Behind what names no
/// article it is a name itself: `/asx/amp` is a page about AMP.
fn without_twin(path: &str) -> Option<String> {
    if let Some(front) = path.strip_suffix(".amp.html") {
        return Some(format!("{front}.html"));
    }
    let mut segments: Vec<&str> = path.split('/').collect();
    let full: Vec<usize> = (0..segments.len()).filter(|at| segments.get(*at) != Some(&"")).collect();
    let named = |at: usize| segments.get(at).is_some_and(|segment| matches!(*segment, "amp" | "amphtml"));
    let twin = match full.as_slice() {
        [first, _, ..] if named(*first) => Some(*first),
        [.., before, last] if named(*last) => {
            let article = segments.get(*before).is_some_and(|segment| names_article(segment));
            Some(*last).filter(|last| article || segments.get(*last) == Some(&"amphtml"))
        }
        _ => None,
    };
    match twin {
        Some(at) => {
            segments.remove(at);
            Some(segments.join("/"))
        }
        None => path.strip_suffix(".amp").filter(|front| !front.ends_with('/')).map(str::to_owned),
    }
}

/// Whether a segment names one article, and no list of them: by three words or more, a number
/// of four digits or more, letters that are escaped, or the ending of a file.
fn names_article(segment: &str) -> bool {
    let words = segment.split(['-', '_', '+']).filter(|word| !word.is_empty()).count();
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    words > 2 || digits > 3 || segment.contains(['%', '.'])
}

fn clean_query(url: &mut Url) {
    let query = escapes::normal(url.query().unwrap_or_default());
    let (host, path) = (url.host_str().unwrap_or_default(), url.path());
    // A `&` that was escaped once too often leaves `amp;` before the next name.
    let pairs = query.split('&').map(|pair| pair.strip_prefix("amp;").unwrap_or(pair));
    let kept: Vec<String> = pairs
        .filter(|pair| !pair.is_empty() && !tracking::is_tracking(host, path, pair))
        .map(str::to_owned)
        .collect();
    url.set_query((!kept.is_empty()).then(|| kept.join("&")).as_deref());
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
    fn what_publishers_append_does_not_make_another_document() {
        for (page, more) in [
            ("https://finance.yahoo.com/news/a-1.html", ".tsrc=rss"),
            ("https://www.economist.com/a", "fsrc=rss"),
            ("https://www.wsj.com/articles/a-1", "mod=hp_lead_pos1&reflink=desktopwebshare_permalink"),
            ("https://www.marketwatch.com/story/a-1", "siteid=yhoof2&yptr=yahoo"),
            ("https://www.cnbc.com/2024/05/06/a.html", "__source=iosappshare%7Ccom.apple"),
            ("https://news.google.com/rss/articles/CBMia", "oc=5"),
            ("https://mp.weixin.qq.com/s/AbC", "scene=27&chksm=84a"),
            ("https://finance.sina.com.cn/a.shtml", "cre=tianyi&mod=pcpager&loc=5&r=25&rfunc=100&tj=none"),
            ("https://e.com/a", "from=timeline&isappinstalled=0"),
            ("https://e.com/a", "output=amp"),
        ] {
            assert_eq!(canonical(&format!("{page}?{more}")), page, "{more}");
        }
        let article = "https://mp.weixin.qq.com/s?__biz=MzA3&mid=26&idx=1&sn=abc";
        assert_eq!(canonical(&format!("{article}&chksm=84a&scene=27#rd")), article);
        let temporary = "https://mp.weixin.qq.com/s?src=11&timestamp=1715000000&ver=5243&signature=a-b";
        assert_eq!(canonical(&format!("{temporary}&new=1")), temporary);
        for page in ["https://e.com/a?mod=2&s=1&st=x&f=3", "https://mp.weixin.qq.com/search?q=a&scene=1"] {
            assert_eq!(canonical(page), page);
        }
    }

    #[test]
    fn one_spelling_of_escapes_is_that_of_all() {
        let page = "https://e.com/%E9%93%B6/~a?q=%E9%93%B6";
        for other in [
            "https://e.com/%e9%93%b6/%7ea?q=%e9%93%b6",
            "https://e.com/银/~a?q=银",
            "https://e.com/%61mp/%e9%93%b6/~a?q=银",
        ] {
            assert_eq!(canonical(other), page);
        }
        assert_eq!(canonical("https://e.com/a?b=1&amp;utm%5Fsource=x&amp;c=2"), "https://e.com/a?b=1&c=2");
    }

    #[test]
    fn the_path_and_other_parameters_make_another_document() {
        assert_ne!(canonical("https://example.com/A"), canonical("https://example.com/a"));
        assert_ne!(canonical("https://example.com/?id=1"), canonical("https://example.com/?id=2"));
        assert_eq!(canonical("https://example.com/amp"), "https://example.com/amp", "a page about it");
    }

    #[test]
    fn the_accelerated_twin_of_a_page_is_the_page() {
        for twin in [
            "https://www.example.com/news/bank-falls-again/amp/",
            "https://www.example.com/news/bank-falls-again/amphtml/",
            "https://www.example.com/amp/news/bank-falls-again/",
            "https://amp.example.com/news/bank-falls-again/",
            "https://www-example-com.cdn.ampproject.org/c/s/www.example.com/news/bank-falls-again/?amp_js_v=0.1",
            "https://www.google.co.uk/amp/s/www.example.com/news/bank-falls-again/",
            "https://www.example.com/news/bank-falls-again/?outputType=amp",
            "https://www.example.com/news/bank-falls-again/?amp=1",
        ] {
            assert_eq!(canonical(twin), "https://www.example.com/news/bank-falls-again/", "{twin}");
        }
        assert_eq!(canonical("https://e.com/a.amp.html"), "https://e.com/a.html");
        for page in ["https://e.com/2024/5071", "https://e.com/news/story.html", "https://e.com/%E9%93%B6"] {
            assert_eq!(canonical(&format!("{page}/amp")), page);
        }
    }

    #[test]
    fn a_page_about_amp_is_no_twin_of_the_list_that_it_stands_in() {
        for page in
            ["https://e.com/asx/amp", "https://e.com/share-prices/amp/", "https://e.com/quote/asx/amp"]
        {
            assert_eq!(canonical(page), page);
        }
    }

    #[test]
    fn the_host_for_telephones_is_the_host() {
        assert_eq!(canonical("https://m.example.com/a"), "https://www.example.com/a");
        assert_eq!(canonical("https://wap.eastmoney.com/a"), "https://www.eastmoney.com/a");
        assert_eq!(canonical("https://en.m.wikipedia.org/wiki/Bank"), "https://en.wikipedia.org/wiki/Bank");
        assert_eq!(canonical("https://finance.example.com.cn/a"), "https://finance.example.com.cn/a");
        assert_eq!(canonical("https://m.com/a"), "https://m.com/a", "that is its name");
    }

    #[test]
    fn redirectors_are_unwrapped_also_one_in_another() {
        let page = "https://example.com/a?id=7";
        let wrapped =
            format!("https://www.google.com/url?sa=t&url={}&usg=x", "https%3A%2F%2Fexample.com%2Fa%3Fid%3D7");
        assert_eq!(canonical(&wrapped), page);
        let twice: String = url::form_urlencoded::byte_serialize(wrapped.as_bytes()).collect();
        assert_eq!(canonical(&format!("https://l.facebook.com/l.php?u={twice}&h=y")), page);
        for front in ["https://www.linkedin.com/redir/redirect?url=", "https://link.wtturl.cn/?target="] {
            assert_eq!(canonical(&format!("{front}https%3A%2F%2Fexample.com%2Fa%3Fid%3D7")), page);
        }
        let none = "https://www.google.com/search?q=https%3A%2F%2Fexample.com";
        assert_eq!(canonical(none), none, "a search is not a redirector");
        let script = "https://www.google.com/url?url=javascript%3Aalert(1)";
        assert_eq!(canonical(script), script, "what is wrapped must be an address of the web");
    }

    #[test]
    fn a_session_in_the_path_does_not_make_another_document() {
        assert_eq!(canonical("https://e.com/a;jsessionid=0A1B?x=1"), "https://e.com/a?x=1");
    }

    #[test]
    fn twins_differ_in_scheme_www_and_slash_only() {
        let twins = twins("https://e.com/a?x=1");
        assert_eq!(twins.len(), 7);
        for twin in ["http://e.com/a?x=1", "https://www.e.com/a?x=1", "http://www.e.com/a/?x=1"] {
            assert!(twins.iter().any(|known| known == twin), "{twin} is not in {twins:?}");
        }
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

    /// Reads ../shared/fixtures/urls, and passes where it is absent.
    #[test]
    fn every_address_of_the_web_platform_s_tests_has_one_canonical_form() {
        let Some(text) = crate::testing::shared_in("urls/urls.tar.xz", "urltestdata.json") else { return };
        let cases: Vec<serde_json::Value> = serde_json::from_slice(&text).unwrap();
        let (mut some, mut none) = (0, 0);
        for href in cases.iter().filter_map(|case| case["href"].as_str()) {
            match canonical_url(href) {
                Some(once) => {
                    assert_eq!(canonical_url(&once), Some(once.clone()), "{href}");
                    some += 1;
                }
                None => none += 1,
            }
        }
        assert!(some > 200 && none > 100, "{some} {none}");
    }

    /// As above. `ref`, `errors` and `strings` may say what is read.
    #[test]
    fn the_parameters_that_others_strip_are_stripped() {
        let Some(text) = crate::testing::shared_in("urls/urls.tar.xz", "miniflux-tracking-params.txt") else {
            return;
        };
        let text = String::from_utf8(text).unwrap();
        let kept: Vec<&str> = text
            .split_whitespace()
            .filter(|name| canonical(&format!("https://e.com/a?{name}=1")) != "https://e.com/a")
            .collect();
        assert_eq!(kept, ["errors", "ref", "strings"]);
    }
}
