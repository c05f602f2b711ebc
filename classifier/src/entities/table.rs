//! The compact form of a large dictionary: an entity a line, six columns parted by
//! tabs, the values of a column by `|`: id, symbols, name, names, ambiguous names,
//! short names. `=` among the names stands for the name. Empty columns at the end
//! may be absent; lines that start with `#` are remarks. Every entity is a company,
//! unless its first symbol says otherwise (`fund:` in front of the id).

use tocsin_contract::EntityKind;

use super::dictionary::Known;

const COLUMNS: usize = 6;
const FUND: &str = "fund:";

/// The entities of a table, or what is wrong with it and where.
pub(super) fn parse(text: &str) -> Result<Vec<Known>, String> {
    let lines = text.lines().enumerate();
    let filled = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    filled.map(|(at, line)| entity(line).map_err(|reason| format!("line {}: {reason}", at + 1))).collect()
}

fn entity(line: &str) -> Result<Known, String> {
    if !line.contains('\t') {
        return Err("no tab: tabs part the columns".to_owned());
    }
    let mut columns = line.split('\t');
    let mut next = || columns.next().unwrap_or_default();
    let (id, symbols, name) = (next(), list(next()), next());
    let names = list(next()).into_iter().map(|n| if n == "=" { name.to_owned() } else { n }).collect();
    let (ambiguous, short) = (list(next()), list(next()));
    let (kind, id) = match id.strip_prefix(FUND) {
        Some(id) => (EntityKind::Fund, id),
        None => (EntityKind::Company, id),
    };
    if id.is_empty() {
        return Err("no id".to_owned());
    }
    if columns.next().is_some() {
        return Err(format!("more than {COLUMNS} columns"));
    }
    let name = if name.is_empty() { id } else { name }.to_owned();
    Ok(Known { id: id.to_owned(), name, kind, symbols, names, ambiguous, context: Vec::new(), short })
}

/// The values of a column.
pub(super) fn list(column: &str) -> Vec<String> {
    column.split('|').filter(|v| !v.is_empty()).map(str::to_owned).collect()
}

/// One line of a table, which [`parse`] reads back as `known`.
pub(super) fn render(known: &Known) -> String {
    let names = known.names.iter().map(|n| if *n == known.name { "=" } else { n.as_str() });
    let names: Vec<&str> = names.collect();
    let mark = if known.kind == EntityKind::Fund { FUND } else { "" };
    let mut line = format!("{mark}{}\t{}\t{}", known.id, known.symbols.join("|"), known.name);
    let rest = [names.join("|"), known.ambiguous.join("|"), known.short.join("|")];
    let filled = rest.iter().rposition(|column| !column.is_empty()).map_or(0, |last| last + 1);
    for column in rest.iter().take(filled) {
        line.push('\t');
        line.push_str(column);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_as_it_was_written() {
        for line in [
            "sse_600519\tSSE:600519\t贵州茅台\t=|Kweichow Moutai\t\t茅台",
            "fund:nyse_pfn\tNYSE:PFN\tPIMCO Income Strategy Fund II\t=",
            "nasdaq_here\tNASDAQ:HERE\tHere",
        ] {
            let read = parse(line).unwrap();
            assert_eq!(render(&read[0]), line);
        }
    }

    #[test]
    fn a_bad_line_is_named() {
        assert_eq!(parse("# remark\n\n\tNYSE:X").unwrap_err(), "line 3: no id");
        assert_eq!(parse("x,NYSE:X,X").unwrap_err(), "line 1: no tab: tabs part the columns");
        assert_eq!(parse("a\tb\tc\td\te\tf\tg").unwrap_err(), "line 1: more than 6 columns");
    }
}
