//! Addresses that only lead to another one, which they carry in a parameter.

use url::Url;

use super::is_under;

/// Host (with its subdomains), how the path begins, and the parameters that may hold the target.
const REDIRECTORS: [(&str, &str, &[&str]); 34] = [
    ("facebook.com", "/l.php", &["u"]),
    ("messenger.com", "/l.php", &["u"]),
    ("l.instagram.com", "/", &["u"]),
    ("out.reddit.com", "/", &["url"]),
    ("click.redditmail.com", "/", &["url"]),
    ("youtube.com", "/redirect", &["q"]),
    ("t.umblr.com", "/redirect", &["z"]),
    ("linkedin.com", "/redir/redirect", &["url"]),
    ("linkedin.com", "/safety/go", &["url"]),
    ("vk.com", "/away.php", &["to"]),
    ("disq.us", "/", &["url"]),
    ("slack-redir.net", "/link", &["url"]),
    ("steamcommunity.com", "/linkfilter", &["url", "u"]),
    ("bing.com", "/news/apiclick.aspx", &["url"]),
    ("duckduckgo.com", "/l/", &["uddg"]),
    ("safelinks.protection.outlook.com", "/", &["url"]),
    ("gate.sc", "/", &["url"]),
    ("exit.sc", "/", &["url"]),
    ("linksynergy.com", "/", &["murl"]),
    ("awin1.com", "/", &["ued", "p"]),
    ("tradedoubler.com", "/", &["url"]),
    ("digidip.net", "/", &["url"]),
    ("skimresources.com", "/", &["url"]),
    ("viglink.com", "/", &["u"]),
    ("link.csdn.net", "/", &["target"]),
    ("link.juejin.cn", "/", &["target"]),
    ("jianshu.com", "/go-wild", &["url"]),
    ("link.jianshu.com", "/", &["t"]),
    ("links.jianshu.com", "/go", &["to"]),
    ("wtturl.cn", "/", &["target"]),
    ("c.pc.qq.com", "/", &["pfurl", "url"]),
    ("mail.qq.com", "/cgi-bin/readtemplate", &["gourl"]),
    ("weibo.cn", "/sinaurl", &["u"]),
    ("link.zhihu.com", "/", &["target"]),
];

/// Where a redirector leads, as it says itself.
pub(super) fn target(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    if is_google(host) && url.path() == "/url" {
        return parameter(url, &["url", "q"]);
    }
    let known = REDIRECTORS
        .iter()
        .find(|(domain, path, _)| is_under(host, domain) && url.path().starts_with(path))?;
    parameter(url, known.2)
}

fn parameter(url: &Url, names: &[&str]) -> Option<String> {
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(name, value)| names.contains(&name.as_ref()) && value.starts_with("http"))?;
    Some(found.1.into_owned())
}

/// `google.com`, `www.google.co.uk` ...
pub(super) fn is_google(host: &str) -> bool {
    psl::domain_str(host).is_some_and(|site| site.starts_with("google."))
}
