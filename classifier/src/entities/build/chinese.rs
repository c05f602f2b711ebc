//! Chinese names of listings: without the marks of the exchange and without the
//! class of the share, and which of the forms can stand for the company.

use super::Words;
use super::english::Names;
use crate::entities::fold;

/// Marks that an exchange puts in front of a name.
const MARKS: [&str; 12] = ["*ST", "S*ST", "SST", "ST", "XD", "XR", "DR", "退市", "G", "PT", "N", "C"];
/// Endings that say only what kind of company it is.
const KINDS: [&str; 6] = ["股份", "集团", "控股", "（集团）", "企业", "国际"];

/// Without marks, share class and spaces: `*ST国华` is 国华, `万科A` is 万科.
pub(super) fn plain(listed: &str) -> String {
    let mut name = fold::name(listed).replace(' ', "");
    for mark in MARKS {
        let rest = name.strip_prefix(mark).filter(|rest| rest.chars().next().is_some_and(fold::is_han));
        if let Some(rest) = rest {
            name = rest.to_owned();
            break;
        }
    }
    if let Some((base, _)) = name.split_once('-') {
        name = base.to_owned();
    }
    let han = name.chars().any(fold::is_han);
    let base = name.trim_end_matches(['A', 'B']).trim_end_matches("退");
    if han && base.chars().count() > 1 { base.to_owned() } else { name }
}

/// The same for an A share and its listing in Hong Kong, `比亚迪` and `比亚迪股份`.
pub(super) fn key(listed: &str) -> String {
    let name = plain(listed);
    name.strip_suffix("股份").filter(|base| base.chars().count() > 2).unwrap_or(&name).to_owned()
}

/// The names of a listing by how much they prove.
pub(super) fn names(listed: &str, words: &Words) -> Names {
    let base = plain(listed);
    let mut names = Names { plain: base.clone(), ..Names::default() };
    let length = base.chars().count();
    let to = match length {
        0 | 1 => return names,
        2 => &mut names.short,
        _ if words.common(&base) => &mut names.ambiguous,
        _ => &mut names.certain,
    };
    to.push(base.clone());
    let listed = fold::name(listed).replace(' ', "");
    let classed = listed == format!("{base}A") || listed == format!("{base}B");
    if listed != base && (length > 2 || classed) && !listed.contains('-') {
        names.certain.push(listed);
    } else if length == 2 && listed.contains("ST") {
        // With the mark two characters are a share.
        names.certain.push(format!("ST{base}"));
    }
    let shorter = KINDS.iter().find_map(|kind| base.strip_suffix(kind)).unwrap_or(&base);
    match shorter.chars().count() {
        n if n > 2 && shorter != base && !words.common(shorter) => names.certain.push(shorter.to_owned()),
        n if n > 1 && shorter != base => names.short.push(shorter.to_owned()),
        _ => {}
    }
    // 博雅生物 is 博雅 once it was named in full.
    let head: String = base.chars().take(2).collect();
    if length == 4 && head.chars().all(fold::is_han) && !words.common(&head) && !names.short.contains(&head) {
        names.short.push(head);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_share_classes_are_dropped() {
        for (listed, want) in [
            ("*ST国华", "国华"),
            ("万科Ａ", "万科"),
            ("万 科A", "万科"),
            ("阿里巴巴-W", "阿里巴巴"),
            ("TCL科技", "TCL科技"),
            ("贵州茅台", "贵州茅台"),
            ("XD中国平", "中国平"),
            ("京东方A", "京东方"),
        ] {
            assert_eq!(plain(listed), want);
        }
    }

    #[test]
    fn a_common_word_needs_context_and_two_characters_another_mention() {
        let words = Words::new("机器人\n东方\n");
        assert_eq!(names("机器人", &words).ambiguous, ["机器人"]);
        assert_eq!(names("博雅生物", &words).certain, ["博雅生物"]);
        assert_eq!(names("博雅生物", &words).short, ["博雅"]);
        assert_eq!(names("东方财富", &words).short, [""; 0]);
        assert_eq!(names("洛阳钼业集团", &words).certain, ["洛阳钼业集团", "洛阳钼业"]);
        assert_eq!(names("和黄", &words).short, ["和黄"]);
        assert_eq!(names("南玻A", &words).certain, ["南玻A"]);
        assert_eq!(names("*ST国华", &words).certain, ["ST国华"]);
        assert_eq!(names("*ST国华", &words).short, ["国华"]);
    }
}
