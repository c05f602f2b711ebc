//! A written news stream about made-up companies.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// Three simulated days: a quiet flow about four companies, and from hour 50 an
/// hour and a half in which a fictional bank's news turns bad.
pub(crate) fn news_stream() -> Vec<Value> {
    let start: DateTime<Utc> = "2024-05-06T00:00:00Z".parse().unwrap();
    let mut items = Vec::new();
    for hour in 0..72 {
        for (minute, (text, zh)) in [(7, quiet(hour)), (34, quiet(hour + 5))] {
            let at = start + TimeDelta::hours(hour) + TimeDelta::minutes(minute);
            items.push(item(at, &publisher(hour, zh), &format!("{text} ({hour}:{minute})")));
        }
    }
    for n in 0..32 {
        let at = start + TimeDelta::hours(50) + TimeDelta::minutes(3 * n);
        items.push(item(at, &publisher(n, n % 4 == 3), &bad_news(n)));
    }
    items.sort_by(|a, b| a["published"].as_str().cmp(&b["published"].as_str()));
    items
}

pub(crate) fn as_lines(items: &[Value]) -> String {
    items.iter().fold(String::new(), |mut lines, item| {
        writeln!(lines, "{item}").unwrap();
        lines
    })
}

fn item(at: DateTime<Utc>, source: &str, title: &str) -> Value {
    let slug: String = title.chars().filter(|c| c.is_alphanumeric()).collect();
    json!({
        "published": at.to_rfc3339(), "source": source, "title": title, "description": "",
        "link": format!("https://{source}/{}/{slug}", at.timestamp()),
    })
}

fn publisher(n: i64, zh: bool) -> String {
    let names: &[&str] = if zh {
        &["kuaibao.example", "guancha.example"]
    } else {
        &["harbour.example", "ledger.example", "wire.example", "courier.example", "post.example"]
    };
    names[n.unsigned_abs() as usize % names.len()].to_owned()
}

fn quiet(n: i64) -> (&'static str, bool) {
    let lines = [
        ("Harrowgate Bank opens a branch in the old customs house", false),
        ("Meridian Foods names a new head of marketing", false),
        ("Northwind Logistics signs a five-year contract with a port operator", false),
        ("Larkfield Software will present its calendar of events on Monday", false),
        ("哈罗盖特银行将于下周召开年度股东大会", true),
        ("Harrowgate Bank reports quarterly profit in line with expectations", false),
        ("子午食品公布新一期产品目录", true),
        ("Harrowgate Bank to hold its annual meeting in the town hall", false),
    ];
    lines[n.unsigned_abs() as usize % lines.len()]
}

fn bad_news(n: i64) -> String {
    let lines = [
        "Harrowgate Bank shares plunge 30% as depositors rush to withdraw money",
        "Regulator opens fraud probe into Harrowgate Bank after losses",
        "Harrowgate Bank rating cut to junk on collapse fears",
        "哈罗盖特银行股价暴跌，储户提款困难",
        "Harrowgate Bank chief financial officer quits amid accounting scandal",
        "Bondholders sue Harrowgate Bank over hidden losses",
        "Harrowgate Bank warns it may fail as customers panic",
        "监管部门对哈罗盖特银行涉嫌违规展开调查，亏损扩大",
    ];
    format!("{}, report {n}", lines[n.unsigned_abs() as usize % lines.len()])
}
