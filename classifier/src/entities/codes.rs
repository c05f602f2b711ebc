//! The ways in which a listing is written: `$AAPL`, `NASDAQ:AAPL`, `(AAPL)`,
//! `600519.SH`, `0700.HK`.

/// Every spelling of `symbol`. Brackets are part of a spelling but not of the name.
pub(super) fn spellings(symbol: &str) -> Vec<String> {
    let Some((market, code)) = symbol.split_once(':') else { return Vec::new() };
    match market {
        "NASDAQ" | "NYSE" | "AMEX" => american(market, code),
        "SSE" => mainland(code, &["SH", "SS"]),
        "SZSE" => mainland(code, &["SZ"]),
        "HKEX" => hong_kong(code),
        "index" => vec![format!("${code}"), format!("^{code}")],
        _ => Vec::new(),
    }
}

fn american(market: &str, code: &str) -> Vec<String> {
    let mut all = vec![format!("${code}"), format!("{market}:{code}"), format!("{market}: {code}")];
    all.extend([format!("{code}.US"), format!("{code}.O"), format!("{code}.N")]);
    all.extend(bracketed(code));
    all
}

fn mainland(code: &str, suffixes: &[&str]) -> Vec<String> {
    let mut all = bracketed(code);
    for suffix in suffixes {
        let lower = suffix.to_lowercase();
        all.extend([
            format!("{code}.{suffix}"),
            format!("{code}.{lower}"),
            format!("{suffix}{code}"),
            format!("{lower}{code}"),
        ]);
    }
    all.push(format!("${code}"));
    all
}

fn hong_kong(code: &str) -> Vec<String> {
    let short = code.trim_start_matches('0');
    let long = format!("{code:0>5}");
    let mut all =
        vec![format!("{code}.HK"), format!("{long}.HK"), format!("{short}.HK"), format!("HK{long}")];
    all.extend([format!("{code}.hk"), format!("{long}.hk"), format!("HKEX:{code}"), format!("HKG:{code}")]);
    all.extend(bracketed(&long));
    all.dedup();
    all
}

fn bracketed(code: &str) -> Vec<String> {
    vec![format!("({code})"), format!("（{code}）")]
}
