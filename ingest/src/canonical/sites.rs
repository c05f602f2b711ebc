//! Parameters that say how a reader came, but only on the pages of one publisher.

use super::is_under;

/// Of a publisher, with its subdomains.
const TRACKING: &[(&str, &[&str])] = &[
    ("barrons.com", &["mod"]),
    ("bloomberg.com", &["leadsource", "sref", "srnd"]),
    ("cnbc.com", &["par", "qsearchterm"]),
    ("forbes.com", &["sh", "ss"]),
    ("ft.com", &["segmentid", "sharetype"]),
    ("marketwatch.com", &["mod", "siteid", "yptr"]),
    ("news.google.com", &["ceid", "gl", "hl", "oc"]),
    ("nytimes.com", &["unlocked_article_code"]),
    ("reuters.com", &["rpc"]),
    ("wsj.com", &["mod", "st"]),
    ("x.com", &["s", "t"]),
    ("twitter.com", &["s", "t"]),
    ("youtube.com", &["ab_channel", "feature", "pp", "si"]),
    ("163.com", &["f", "spss"]),
    ("qq.com", &["adtag", "pgv_ref"]),
    ("sina.cn", &["cre", "from", "loc", "mod", "r", "rfunc", "tj", "tr", "vt", "wm"]),
    ("sina.com.cn", &["cre", "from", "loc", "mod", "r", "rfunc", "tj", "tr", "vt", "wm"]),
    ("sohu.com", &["_f"]),
    ("toutiao.com", &["log_from", "wid"]),
];

/// Host, how the path begins, and the only parameters that say what is read: of WeChat by the number of the
/// article, or by the signature of a link that was given for a time, as its search gives them.
const TELLING: &[(&str, &str, &[&str])] = &[(
    "mp.weixin.qq.com",
    "/s",
    &["__biz", "appmsgid", "idx", "itemidx", "mid", "signature", "sn", "src", "tempkey", "timestamp", "ver"],
)];

/// Of a parameter in small letters, of a page of such a host and path.
pub(super) fn is_tracking(host: &str, path: &str, name: &str) -> bool {
    let is_of = |(domain, names): &(&str, &[&str])| is_under(host, domain) && names.contains(&name);
    let tells = TELLING.iter().find(|(telling, front, _)| {
        host == *telling
            && path.strip_prefix(front).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    match tells {
        Some((_, _, names)) => !names.contains(&name),
        None => TRACKING.iter().any(is_of),
    }
}
